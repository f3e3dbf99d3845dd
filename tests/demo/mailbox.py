"""A real SMTP server in a process of its own: it keeps each mail as a file and prints its port."""

import asyncio
import sys
from contextlib import suppress
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.smtp import SMTP


class Keeper:
    """Writes what arrives into a folder, one file a mail, whole before it is visible."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.count += 1
        unfinished = self.folder / f".{self.count:04}"
        unfinished.write_bytes(envelope.original_content or envelope.content)
        unfinished.rename(self.folder / f"{self.count:04}.eml")
        return "250 kept"


def mails_to(folder: Path, address: str) -> list[str]:
    """The plain text of every mail kept for this address, oldest first."""
    found = []
    for path in sorted(folder.glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        if address in str(mail["To"]):
            body = mail.get_body(("plain",))
            found.append(body.get_content() if body is not None else "")
    return found


async def serve(folder: Path) -> None:
    """Listen on a free port of this machine until the process ends."""
    keeper = Keeper(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, hostname="mail.example", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(folder))


if __name__ == "__main__":
    main()
