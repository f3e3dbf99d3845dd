"""The operator's verbs that move an establishment's staff: import from a file or a directory, list, export."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection

from miss_server import (
    config,
    establishments,
    ldap_settings,
    staff,
    staff_exports,
    staff_files,
    staff_imports,
    staff_records,
)
from miss_server.clock import now_ms
from miss_server.database import Database
from miss_server.operator_texts import say
from miss_server.refusals import DecisionError
from miss_server.staff_imports import APPLIED, LDAP, Import
from miss_server.staff_records import Line

_SHOWN_MAX = 1_000
OnDatabase = Callable[[argparse.Namespace, str, Callable[[Database], None]], int]
Verb = Callable[[argparse.Namespace, str], int]


class ImportVerbs:
    """``establishment import`` and ``establishment staff``.

    Args:
        on_database: runs a function on the folder's database and says why it failed.
        operator: who types the command.
    """

    def __init__(self, on_database: OnDatabase, operator: Callable[[argparse.Namespace], str]) -> None:
        self._on_database = on_database
        self._operator = operator

    def add(self, verb: Callable[[str, Verb], argparse.ArgumentParser], language: str) -> None:
        """Adds both, each made by ``verb``."""
        importing = verb("import", self._import)
        importing.add_argument("file", type=Path, nargs="?", metavar="FILE")
        importing.add_argument("--ldap", action="store_true", help=say("help-ldap", language))
        importing.add_argument("--only", metavar="KEY", help=say("help-only", language))
        importing.add_argument("--apply", action="store_true", help=say("help-apply", language))
        importing.add_argument("--yes", action="store_true", help=say("help-yes", language))
        listing = verb("staff", self._staff)
        listing.add_argument("--out", type=Path, metavar="FILE", help=say("help-out", language))

    def _import(self, arguments: argparse.Namespace, language: str) -> int:
        def act(database: Database) -> None:
            finess = establishments.number(arguments.finess)
            source, lines = _lines(arguments)
            with database.snapshot() as connection:
                establishments.find(connection, finess)
                found_lines = staff_records.sort(connection, lines)
            who = self._operator(arguments)
            with database.transaction() as connection:
                found = staff_imports.stage(connection, finess, source, found_lines, who=who, now_ms=now_ms())
            print("\n".join(shown(found, language)))
            if not arguments.apply or arguments.only:  # one person alone is looked at, never all there is
                print(say("import-dry", language))
                return
            with database.transaction() as connection:
                done = staff_imports.apply(
                    connection, finess, found.import_id, who=who, now_ms=now_ms(), yes=arguments.yes
                )
            assert done.state == APPLIED
            print(say("import-applied", language, number=done.import_id))

        return self._on_database(arguments, language, act)

    def _staff(self, arguments: argparse.Namespace, language: str) -> int:
        def act(database: Database) -> None:
            finess = establishments.number(arguments.finess)
            with database.snapshot() as connection:
                establishments.find(connection, finess, closed=True)
                if arguments.out is None:
                    print("\n".join(_listed(connection, finess)))
                    return
                people, data = staff.count(connection, finess), _exported(connection, finess, arguments.out)
            try:
                arguments.out.write_bytes(data)
            except OSError as error:
                raise DecisionError("file-unreadable", file=arguments.out, why=error.strerror or error) from error
            print(say("exported", language, people=people, file=arguments.out))

        return self._on_database(arguments, language, act)


def shown(found: Import, language: str) -> Sequence[str]:
    """An import as operators read it: what it would do, and what is in quarantine."""
    kinds = {what: found.count(what) for what in ("added", "changed", "removed", "back")}
    counts = {"unchanged": found.unchanged, "bad": len(found.quarantine)}
    lines = [say("import-counts", language, number=found.import_id, **kinds, **counts)]
    for change in found.changes[:_SHOWN_MAX]:
        name, fields = f"{change.key} {change.name}", ", ".join(change.fields)
        lines.append(f"    {say(f'change-{change.what}', language, name=name, fields=fields)}")
    for bad in found.quarantine[:_SHOWN_MAX]:
        where = f"{say('import-line', language, where=bad.where)} " if bad.where else ""
        reason = say(f"quarantine-{bad.reason}", language, about=bad.about)
        lines.append(f"    ! {where}{bad.key} : {reason}" if bad.key else f"    ! {where}: {reason}")
    return lines


def _lines(arguments: argparse.Namespace) -> tuple[str, list[Line]]:
    """The lines of a file, or of the establishment's LDAP directory."""
    if (arguments.file is None) is not arguments.ldap:
        raise DecisionError("ldap-or-file")
    if arguments.ldap:
        directories = ldap_settings.of(config.load(arguments.data))
        ldap = next((one for one in directories if one.finess == establishments.number(arguments.finess)), None)
        if ldap is None:
            raise DecisionError("ldap-unset", finess=arguments.finess)
        from miss_server import staff_ldap  # a third of a second to load, for this verb alone

        return LDAP, staff_ldap.read(ldap, arguments.only)
    try:
        data = arguments.file.read_bytes()
    except OSError as error:
        raise DecisionError("file-unreadable", file=arguments.file, why=error.strerror or error) from error
    return staff_files.read(data)


def _exported(connection: Connection, finess: str, file: Path) -> bytes:
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise DecisionError("file-kind", file=file)
    write = staff_exports.to_csv if file.suffix.lower() == ".csv" else staff_exports.to_xlsx
    return write(connection, finess)


def _listed(connection: Connection, finess: str) -> list[str]:
    lines = []
    for row in staff.everyone(connection, finess).values():
        record = staff.record_of(row)
        parts = filter(None, (record.display_name(), record.profession, record.service, record.rpps))
        lines.append(f"{record.key}  {', '.join(parts)}")
    return lines
