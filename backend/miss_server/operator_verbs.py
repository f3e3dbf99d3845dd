"""The operator's verbs on a server's data folder: load the register; see, approve, refuse and telephone registrations.

They work beside the running server, on the same database; what they decide takes effect when the waiting device next
asks the server.
"""

import argparse
import getpass
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import IO

from miss_protocol.limits import CODE_MINUTES
from miss_server import acts, config, decisions, report_verbs, second_check
from miss_server.clock import now_ms
from miss_server.database import Database
from miss_server.decisions import Case, DecisionError
from miss_server.establishment_verbs import Verbs
from miss_server.extracts import ExtractError
from miss_server.identity_checks import MAILBOX, VOUCHER
from miss_server.operator_texts import TEXTS, say
from miss_server.postgresql import known, open_database
from miss_server.refusals import FRENCH
from miss_server.register import Entry
from miss_server.register_changes import Changes
from miss_server.register_load import Progress, load
from miss_server.registration_rows import APPROVED

_BAR_CHARACTERS = 30
_BAR_EVERY_SECONDS = 0.2
Verb = Callable[[argparse.Namespace, str], int]


def add_verbs(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    shared: Sequence[argparse.ArgumentParser],
    language: str = FRENCH,
) -> None:
    """Adds the verbs to ``miss-server``.

    Args:
        shared: parents of each verb: they define ``--data``.
        language: of the explanations.

    Each verb sets ``run``, a function of the parsed arguments and the language that returns the exit status.
    """

    def verb(
        among: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Verb
    ) -> argparse.ArgumentParser:
        parser = among.add_parser(name, parents=list(shared), help=say(f"help-{name}", language))
        parser.set_defaults(run=run)
        return parser

    register = verbs.add_parser("register", help=say("help-register", language))
    of_register = register.add_subparsers(required=True, metavar="load|sample")
    loading = verb(of_register, "load", _load)
    loading.add_argument("files", type=Path, nargs="+", metavar="FILE")
    loading.add_argument("--shrink", action="store_true", help=say("help-shrink", language))
    verb(of_register, "sample", _sample).add_argument("folder", type=Path, metavar="FOLDER")
    listing = verb(verbs, "registrations", _registrations)
    listing.add_argument("words", nargs="*", metavar="call ID")
    listing.add_argument("--all", action="store_true", help=say("help-all", language))
    approving = verb(verbs, "approve", _approve)
    approving.add_argument("--proof", default="", help=say("help-proof", language))
    refusing = verb(verbs, "refuse", _refuse)
    refusing.add_argument("--reason", required=True, help=say("help-reason", language))
    verb(verbs, "acts", _acts).add_argument("--head", default="", metavar="HASH", help=say("help-head", language))
    calling = verb(verbs, "call", _call)
    shortening = verb(verbs, "shorten", _shorten)
    for parser in (approving, refusing, calling, shortening):
        parser.add_argument("registration", metavar="ID")
    for parser in (approving, refusing, calling, shortening, listing):
        parser.add_argument("--operator", default="", help=say("help-operator", language))
    report_verbs.add_verb(verbs, shared, language, _on_database)
    Verbs(_on_database, _operator).add(verbs, shared, language)


def _load(arguments: argparse.Namespace, language: str) -> int:
    def act(database: Database) -> None:
        bar = _Bar(sys.stderr)
        try:
            # Sorted beside the database: the place for such files may itself be memory.
            state = load(
                database.transaction, arguments.files, bar.show, shrink=arguments.shrink, folder=arguments.data
            )
        except ExtractError:
            bar.end()
            print(say("register-unchanged", language), file=sys.stderr)
            raise
        bar.end()
        for file, encoding in state.encodings.items():
            print(say("encoding", language, file=file, encoding=encoding))
        counts = {"people": state.people, "mailboxes": state.mailboxes, "rows": state.rows, "left_out": state.left_out}
        print(say("loaded", language, broken=state.broken_lines, gone=state.gone, **counts))
        if state.changes != Changes():
            print(say("followed", language, **asdict(state.changes)))

    return _on_database(arguments, language, act)


def _sample(arguments: argparse.Namespace, language: str) -> int:
    """Copies the fictional extract that comes with the server."""
    arguments.folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in sorted(resources.files("miss_server").joinpath("sample").iterdir(), key=lambda f: f.name, reverse=True):
        if file.name.endswith(".txt"):
            written.append(arguments.folder / file.name)
            with resources.as_file(file) as source:
                shutil.copyfile(source, written[-1])
    print(say("sample-written", language, files=", ".join(map(str, written))))
    return 0


def _registrations(arguments: argparse.Namespace, language: str) -> int:
    if arguments.words:
        if len(arguments.words) != 2 or arguments.words[0] != "call":
            print("miss-server registrations [--all] | registrations call ID", file=sys.stderr)
            return 2
        arguments.registration = arguments.words[1]
        return _call(arguments, language)

    def act(database: Database) -> None:
        with database.snapshot() as connection:
            found = decisions.cases(connection, everything=arguments.all)
        for case in found:
            print(shown(case, language))
        if not found:
            print(say("nobody-waits", language))

    return _on_database(arguments, language, act)


def _approve(arguments: argparse.Namespace, language: str) -> int:
    def act(database: Database) -> None:
        with database.transaction() as connection:
            case = decisions.approve(
                connection,
                arguments.registration,
                operator=_operator(arguments),
                proof=arguments.proof,
                now_ms=now_ms(),
            )
        key = {MAILBOX: "approved-code", VOUCHER: "approved-voucher"}.get(case.row.via, "approved-proof")
        key = key if case.row.state == APPROVED else "approved-first"
        print(say(key, language, number=case.number[:8], mailbox=case.row.mailbox))

    return _on_database(arguments, language, act)


def _refuse(arguments: argparse.Namespace, language: str) -> int:
    def act(database: Database) -> None:
        with database.transaction() as connection:
            case = decisions.refuse(
                connection,
                arguments.registration,
                operator=_operator(arguments),
                reason=arguments.reason,
                now_ms=now_ms(),
            )
        print(say("refused", language, number=case.number[:8]))

    return _on_database(arguments, language, act)


def _shorten(arguments: argparse.Namespace, language: str) -> int:
    def act(database: Database) -> None:
        operator = _operator(arguments)
        with database.transaction() as connection:
            over = second_check.shorten(connection, arguments.registration, operator=operator, now_ms=now_ms())
        print(say("shortened" if over else "shortened-first", language, number=arguments.registration))

    return _on_database(arguments, language, act)


def _call(arguments: argparse.Namespace, language: str) -> int:
    def act(database: Database) -> None:
        pepper = (config.load(arguments.data).keys / "pepper").read_bytes()
        with database.transaction() as connection:
            case, code = decisions.call(
                connection,
                arguments.registration,
                operator=_operator(arguments),
                pepper=pepper,
                now_ms=now_ms(),
            )
        assert case.entry is not None
        telephones = ", ".join(case.entry.telephones())
        name = case.entry.display_name()
        print(say("call", language, telephones=telephones, name=name, minutes=CODE_MINUTES, code=code))

    return _on_database(arguments, language, act)


def _acts(arguments: argparse.Namespace, language: str) -> int:
    """Verifies the log of acts; 1 where something was altered."""
    found: list[acts.Chain] = []
    try:
        noted = bytes.fromhex(arguments.head) if arguments.head else None
    except ValueError:
        noted = b"not a hash"

    def act(database: Database) -> None:
        with database.snapshot() as connection:
            found.append(acts.verify(connection, noted))

    status = _on_database(arguments, language, act)
    for chain in found:
        if chain.broken_at is not None:
            print(say("acts-broken", language, act=chain.broken_at))
        if not chain.noted:
            print(say("acts-unnoted", language))
        if chain.broken_at is not None or not chain.noted:
            return 1
        print(say("acts-good", language, acts=chain.acts, head=chain.head.hex()))
    return status


def _on_database(arguments: argparse.Namespace, language: str, act: Callable[[Database], None]) -> int:
    """Runs a verb on the folder's database; 1, with a sentence, where it cannot be done."""
    settings = config.load(arguments.data)
    if not known(settings):
        print(say("no-data", language, folder=arguments.data), file=sys.stderr)
        return 1
    database = open_database(settings)
    try:
        act(database)
    except (ExtractError, DecisionError) as error:
        print(say(error.reason, language, **error.fields), file=sys.stderr)
        return 1
    finally:
        database.close()
    return 0


def shown(case: Case, language: str) -> str:
    """A case as operators read it: the claim, and the register's lines beside it."""
    row, entry = case.row, case.entry
    why = f" · {say(f'why-{row.why}', language)}" if f"why-{row.why}" in TEXTS else ""
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.opened_at_ms / 1000))
    lines = [f"{case.number[:8]}  RPPS {row.rpps}  {at}  {say(f'state-{row.state}', language)}{why}"]

    def line(key: str, text: str) -> None:
        lines.append(f"    {say(key, language):<12} {text}")

    line("claim", f"{row.given_name} {row.family_name}, {say('profession', language)} {row.profession}")
    if entry is not None:
        for text in _lines(entry, language):
            line("register", text)
        none = say("none", language)
        line("mailbox", ", ".join(_box(entry)) or none)
        line("telephone", ", ".join(entry.telephones()) or none)
    if case.attested:
        line("attested", case.attested)
    for other in case.homonyms:
        for text in _lines(other, language):
            line("homonym", f"{other.rpps} {text}")
    if row.first_operator and not row.operator:
        line("first", f"{row.first_operator} · {row.first_proof}")
    if row.operator:
        line("decided", " · ".join(part for part in (row.operator, row.proof, row.note) if part))
    return "\n".join(lines)


def _lines(entry: Entry, language: str) -> list[str]:
    gone = f" ({say('gone', language)})" if entry.gone_since_ms is not None else ""
    name = f"{entry.given_name} {entry.family_name}{gone}"
    return [f"{name}, {a.profession_code} {a.profession_text()}, {a.place_text()}" for a in entry.activities] or [name]


def _box(entry: Entry) -> list[str]:
    return [f"{box.address} ({box.given_name} {box.family_name})" for box in entry.mailboxes]


def _operator(arguments: argparse.Namespace) -> str:
    """Who decides: as given, else the account that runs the command."""
    if arguments.operator.strip():
        return " ".join(arguments.operator.split())
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


class _Bar:
    """A progress bar on a terminal; nothing anywhere else."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out if out.isatty() else None
        self._drawn_at = 0.0

    def show(self, state: Progress) -> None:
        """Draws how far the load has come, five times a second at most."""
        done = state.read_bytes >= state.total_bytes
        if self._out is None or (time.monotonic() - self._drawn_at < _BAR_EVERY_SECONDS and not done):
            return
        self._drawn_at = time.monotonic()
        share = min(1.0, state.read_bytes / max(1, state.total_bytes))
        filled = int(share * _BAR_CHARACTERS)
        bar = "█" * filled + "░" * (_BAR_CHARACTERS - filled)
        self._out.write(f"\r{bar} {share:4.0%}  {state.rows:,} · {state.file}\x1b[K")
        self._out.flush()

    def end(self) -> None:
        """Clears the line."""
        if self._out is not None:
            self._out.write("\r\x1b[K")
            self._out.flush()
