"""``miss-server``: serve, and the operator's verbs on the same data folder."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import segno
from sqlalchemy.exc import OperationalError

from miss_protocol.invitation import Invitation
from miss_server import (
    authority,
    belonging,
    checkup,
    config,
    data_folder,
    devices,
    journal,
    operator_verbs,
    restoring,
    root_verbs,
)
from miss_server.authority import KeyFileError
from miss_server.belonging import ForeignDatabaseError
from miss_server.clock import now_ms
from miss_server.config import ConfigError, Settings
from miss_server.console import verbs as console_verbs
from miss_server.data_folder import FolderInUseError
from miss_server.migrations import DatabaseAwayError, NewerDatabaseError
from miss_server.postgresql import known, open_database
from miss_server.refusals import ENGLISH, FRENCH
from miss_server.server_texts import say

DEFAULT_DATA = Path("miss-data")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    os.umask(0o077)  # whatever is written is this account's alone
    language = _language(words)
    parsed = _parser(language).parse_args(words)
    try:
        status: int = parsed.run(parsed, language)
        sys.stdout.flush()  # here, where what comes of it is answered
    except ConfigError as error:
        print(say(error.reason, language, setting=error.setting, value=error.value), file=sys.stderr)
        return 2
    except KeyFileError as error:
        print(say(error.reason, language, file=error.file), file=sys.stderr)
        return 1
    except OperationalError as error:
        print(say("database-away", language, why=type(error.orig).__name__), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what is written here has enough: ``… | head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try again at its end
        return 0
    return status


def _language(words: Sequence[str]) -> str:
    """As asked on the command line, else as the terminal says, else French."""
    for at, word in enumerate(words):
        if word == "--language" and at + 1 < len(words):
            return words[at + 1]
        if word.startswith("--language="):
            return word.partition("=")[2]
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or FRENCH
    return ENGLISH if told.lower().startswith(ENGLISH) else FRENCH


def _parser(language: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="miss-server", description=say("program", language))
    shared = argparse.ArgumentParser(add_help=False)
    default = Path(os.environ.get("MISS_DATA", DEFAULT_DATA))
    shared.add_argument("--data", type=Path, default=default, metavar="DIR", help=say("help-data", language))
    shared.add_argument("--language", choices=(FRENCH, ENGLISH), default=language, help=say("help-language", language))
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    serving = verbs.add_parser("serve", parents=[shared], help=say("help-serve", language))
    serving.set_defaults(run=_serve)
    serving.add_argument("--listen", metavar="HOST:PORT", help=say("help-listen", language))
    serving.add_argument("--public-name", metavar="NAME", help=say("help-public-name", language))
    serving.add_argument("--database", metavar="URL", help=say("help-database", language))
    serving.add_argument("--hints", metavar="URL", help=say("help-hints", language))
    serving.add_argument("--node", default="", metavar="NAME", help=say("help-node", language))
    serving.add_argument("--tls-cert", type=Path, metavar="FILE", help=say("help-tls-cert", language))
    serving.add_argument("--tls-key", type=Path, metavar="FILE", help=say("help-tls-key", language))

    console = say("help-console", language)
    serving.add_argument("--console", metavar="HOST:PORT", nargs="?", const=config.DEFAULT_CONSOLE, help=console)

    inviting = verbs.add_parser("invitation", parents=[shared], help=say("help-invitation", language))
    inviting.set_defaults(run=_invitation)
    checking = verbs.add_parser("check", parents=[shared], help=say("help-check", language))
    checking.set_defaults(run=_check)
    checking.add_argument("--mail-to", default="", metavar="ADDRESS", help=say("help-mail-to", language))
    revoking = verbs.add_parser("revoke", parents=[shared], help=say("help-revoke", language))
    revoking.set_defaults(run=_revoke)
    revoking.add_argument("device", help=say("help-device", language))
    restored = verbs.add_parser("restored", parents=[shared], help=say("help-restored", language))
    restored.set_defaults(run=_restored)
    operator_verbs.add_verbs(verbs, [shared], language)
    root_verbs.add_verbs(verbs, [shared], language)
    console_verbs.add_verb(verbs, [shared], language)
    return parser


def _serve(arguments: argparse.Namespace, language: str) -> int:
    # The web server is half of what there is to load; no other verb needs it.
    from miss_server.console.listening import ConsoleAddressError
    from miss_server.meters import MetricsAddressError
    from miss_server.serving import serve

    settings = config.load(
        arguments.data,
        listen=arguments.listen,
        public_name=arguments.public_name,
        tls_cert=arguments.tls_cert,
        tls_key=arguments.tls_key,
        database=arguments.database,
        hints=arguments.hints,
        node=arguments.node,
        language=language,
        console=arguments.console,
    )
    settings = config.with_given(settings, *(["listen"] if arguments.listen else []))
    journal.start()
    try:
        if _belongs_to_others(settings):
            print(say("foreign-database", language, folder=settings.keys), file=sys.stderr)
            return 1
        keyring, first = data_folder.make(settings, now_ms())
    except DatabaseAwayError as error:
        print(say("database-away", language, why=error), file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        file = Path(str(error.filename)).name
        print(say("keys-missing", language, folder=settings.keys, file=file), file=sys.stderr)
        return 1

    def listening(host: str, port: int) -> None:
        if first:
            print(say("first-start", language, folder=settings.data))
            _show(settings, keyring.authority.server_id, port, language)
        if settings.console is not None:
            origin = settings.console_listening.read_text(encoding="ascii").strip()
            print(say("console-listening", language, origin=origin), flush=True)
        print(say("listening", language, host=host, port=port), flush=True)

    try:
        listened = serve(settings, listening)
    except FolderInUseError:
        print(say("in-use", language, folder=settings.data), file=sys.stderr)
        return 1
    except ForeignDatabaseError:
        print(say("foreign-database", language, folder=settings.keys), file=sys.stderr)
        return 1
    except DatabaseAwayError as error:
        print(say("database-away", language, why=error), file=sys.stderr)
        return 1
    except NewerDatabaseError as error:
        print(say("newer-database", language, revision=error), file=sys.stderr)
        return 1
    except ConsoleAddressError as error:
        print(say("console-cannot-listen", language, address=error), file=sys.stderr)
        return 1
    except MetricsAddressError as error:
        print(say("metrics-cannot-listen", language, address=error), file=sys.stderr)
        return 1
    except SystemExit:  # how uvicorn says that it cannot listen
        listened = False
    if not listened:
        print(say("cannot-listen", language, host=settings.host, port=settings.port), file=sys.stderr)
        return 1
    return 0


def _belongs_to_others(settings: Settings) -> bool:
    """Whether a folder without keys is set to a service's database: keys of its own would be useless there."""
    if not settings.database_url or settings.keys.exists():
        return False
    database = open_database(settings)
    try:
        # Another node on this very folder may have made the keys meanwhile: it does so before it takes the database.
        return belonging.is_taken(database) and not settings.keys.exists()
    finally:
        database.close()


def _show(settings: Settings, server_id: bytes, port: int, language: str) -> None:
    """The invitation as a link and, on a terminal or in a file, as a QR code made of letters."""
    link = Invitation(*settings.public(port), server_id).link()
    print(f"{say('invitation', language)}\n\n    {link}\n")
    segno.make(link, error="m", micro=False).terminal(out=sys.stdout, border=2, compact=True)
    sys.stdout.flush()


def _invitation(arguments: argparse.Namespace, language: str) -> int:
    settings = _known(arguments, language)
    if settings is None:
        return 1
    port = _port(settings)
    if port is None:
        print(say("port-unknown", language), file=sys.stderr)
        return 1
    _show(settings, authority.load(settings.keys).authority.server_id, port, language)
    return 0


def _port(settings: Settings) -> int | None:
    """The port of the running server, else the one it is set to; None where it takes any."""
    running = data_folder.address(settings.data)
    return int(running.rpartition(":")[2]) if running else settings.port or None


def _check(arguments: argparse.Namespace, language: str) -> int:
    settings = _known(arguments, language)
    if settings is None:
        return 1
    bad = 0
    for line in checkup.look(settings, language, now_ms(), arguments.mail_to):
        print(line.shown(language), flush=True)
        bad += line.state == checkup.BAD
    return 1 if bad else 0


def _revoke(arguments: argparse.Namespace, language: str) -> int:
    settings = _known(arguments, language)
    if settings is None:
        return 1
    try:
        device_id = bytes.fromhex(arguments.device)
    except ValueError:
        device_id = b""
    database = open_database(settings)
    try:
        with database.transaction() as connection:
            done = devices.revoke(connection, device_id, "operator", now_ms())
    finally:
        database.close()
    print(say("revoked" if done else "device-unknown", language, device=arguments.device))
    return 0 if done else 1


def _restored(arguments: argparse.Namespace, language: str) -> int:
    settings = _known(arguments, language)
    if settings is None:
        return 1
    if data_folder.in_use(settings.data):
        print(say("in-use", language, folder=settings.data), file=sys.stderr)
        return 1
    database = open_database(settings)
    try:
        with database.transaction() as connection:
            count = restoring.leave_room(connection, now_ms())
    finally:
        database.close()
    print(say("restored", language, count=count))
    return 0


def _known(arguments: argparse.Namespace, language: str) -> Settings | None:
    """The settings of a folder that a server was started on."""
    settings = config.load(arguments.data, language=language)
    if known(settings):
        return settings
    print(say("no-data", language, folder=arguments.data), file=sys.stderr)
    return None


if __name__ == "__main__":
    sys.exit(main())
