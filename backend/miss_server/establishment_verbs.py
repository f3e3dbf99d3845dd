"""The operator's verbs on establishments: sheets, referents, staff, vouchers and import keys."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from miss_server import charter, config, establishments, outside_professions, staff, vouchers
from miss_server.clock import now_ms
from miss_server.database import Database
from miss_server.import_verbs import ImportVerbs
from miss_server.operator_texts import say
from miss_server.refusals import DecisionError

Verb = Callable[[argparse.Namespace, str], int]
OnDatabase = Callable[[argparse.Namespace, str, Callable[[Database], None]], int]
_FIELDS = ", ".join(establishments.FIELDS)


class Verbs:
    """The verbs, given the ways that all operator's verbs share.

    Args:
        on_database: runs a function on the folder's database and says why it failed.
        operator: who types the command.
    """

    def __init__(self, on_database: OnDatabase, operator: Callable[[argparse.Namespace], str]) -> None:
        self._on_database = on_database
        self._operator = operator

    def add(
        self,
        verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
        shared: Sequence[argparse.ArgumentParser],
        language: str,
    ) -> None:
        """Adds ``establishment VERB`` to ``miss-server``."""
        parser = verbs.add_parser("establishment", help=say("help-establishment", language))
        of_establishment = parser.add_subparsers(required=True, metavar="VERB")

        def verb(name: str, run: Verb, *, finess: bool = True) -> argparse.ArgumentParser:
            one = of_establishment.add_parser(name, parents=list(shared), help=say(f"help-{name}", language))
            one.add_argument("--operator", default="", help=say("help-operator", language))
            if finess:
                one.add_argument("finess", metavar="FINESS", help=say("help-finess", language))
            one.set_defaults(run=run)
            return one

        verb("list", self._list, finess=False)
        verb("show", self._show)
        for name, run in (("create", self._create), ("change", self._change)):
            one = verb(name, run)
            fields = say("help-fields", language, fields=_FIELDS)
            one.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help=fields)
            one.add_argument("--professions", metavar="CODES", help=say("help-professions", language))
            if name == "create":
                one.add_argument("--proof", default="", help=say("help-proof", language))
        verb("close", self._close)
        naming = verb("referent", self._referent)
        naming.add_argument("name", metavar="NAME")
        naming.add_argument("--remove", action="store_true")
        vouching = verb("vouch", self._vouch)
        vouching.add_argument("key", metavar="KEY")
        vouching.add_argument("--referent", required=True, metavar="NAME")
        verb("vouchers", self._vouchers).add_argument("--withdraw", type=int, metavar="NUMBER")
        verb("key", self._key)
        verb("charter", self._charter).add_argument("--head", required=True, metavar="NAME")
        ImportVerbs(self._on_database, self._operator).add(verb, language)

    def _act(
        self, arguments: argparse.Namespace, language: str, act: Callable[[Connection, str, str], list[str]]
    ) -> int:
        """One transaction: ``act`` is given the FINESS number and the operator, and says what it did."""

        def on(database: Database) -> None:
            finess = establishments.number(arguments.finess) if "finess" in arguments else ""
            with database.transaction() as connection:
                said = act(connection, finess, self._operator(arguments))
            print("\n".join(said))

        return self._on_database(arguments, language, on)

    def _charter(self, arguments: argparse.Namespace, language: str) -> int:
        """The head of an establishment accepts the charter in force for its staff."""

        def act(connection: Connection, finess: str, who: str) -> list[str]:
            head = " ".join(arguments.head.split())
            if not head or not head.isprintable() or len(head) > establishments.NAME_CHARACTERS_MAX:
                raise DecisionError("field-empty", field="head")
            row, version = establishments.find(connection, finess), charter.load(arguments.data).version
            news = charter.accept_as_head(connection, finess, head, version, who, now_ms())
            key = "charter-for-staff" if news else "charter-for-staff-known"
            return [say(key, language, version=version, name=row.name, head=head)]

        return self._act(arguments, language, act)

    def _list(self, arguments: argparse.Namespace, language: str) -> int:
        def act(connection: Connection, _finess: str, _who: str) -> list[str]:
            lines = []
            for row in establishments.everyone(connection):
                closed = f"  ({say('closed', language)})" if row.closed_at_ms is not None else ""
                people = f"{staff.count(connection, row.finess)} {say('people', language)}"
                lines.append(f"{row.finess}  {establishments.place(row)}  {people}{closed}")
            return lines or [say("no-establishments", language)]

        return self._act(arguments, language, act)

    def _show(self, arguments: argparse.Namespace, language: str) -> int:
        def act(connection: Connection, finess: str, _who: str) -> list[str]:
            return shown(connection, establishments.find(connection, finess, closed=True), language)

        return self._act(arguments, language, act)

    def _create(self, arguments: argparse.Namespace, language: str) -> int:
        def act(connection: Connection, _finess: str, who: str) -> list[str]:
            fields, codes = _fields(arguments.fields), _codes(arguments.professions)
            now, proof = now_ms(), arguments.proof
            row = establishments.create(connection, arguments.finess, fields, who=who, now_ms=now, proof=proof)
            if codes is not None:
                establishments.allow(connection, row.finess, codes, who=who, now_ms=now)
            return [say("establishment-made", language, finess=row.finess, name=row.name)]

        return self._act(arguments, language, act)

    def _change(self, arguments: argparse.Namespace, language: str) -> int:
        def act(connection: Connection, finess: str, who: str) -> list[str]:
            codes = _codes(arguments.professions)
            establishments.change(connection, finess, _fields(arguments.fields), who=who, now_ms=now_ms())
            if codes is not None:
                establishments.allow(connection, finess, codes, who=who, now_ms=now_ms())
            return [say("establishment-changed", language, finess=finess)]

        return self._act(arguments, language, act)

    def _close(self, arguments: argparse.Namespace, language: str) -> int:
        def act(connection: Connection, finess: str, who: str) -> list[str]:
            staff.dissolve(connection, finess, who=who, now_ms=now_ms())
            return [say("establishment-ended", language, finess=finess)]

        return self._act(arguments, language, act)

    def _referent(self, arguments: argparse.Namespace, language: str) -> int:
        def act(connection: Connection, finess: str, who: str) -> list[str]:
            if arguments.remove:
                row = establishments.referent_named(connection, finess, arguments.name)
                establishments.remove_referent(connection, finess, row.referent_id, who=who, now_ms=now_ms())
                return [say("referent-removed", language, name=row.name, finess=finess)]
            establishments.add_referent(connection, finess, arguments.name, who=who, now_ms=now_ms())
            return [say("referent-added", language, name=arguments.name, finess=finess)]

        return self._act(arguments, language, act)

    def _vouch(self, arguments: argparse.Namespace, language: str) -> int:
        pepper = (config.load(arguments.data).keys / "pepper").read_bytes

        def act(connection: Connection, finess: str, who: str) -> list[str]:
            referent = establishments.referent_named(connection, finess, arguments.referent)
            row = staff.keyed(connection, finess, arguments.key)
            code = vouchers.make(
                connection, finess, row.staff_id, referent.referent_id, pepper(), who=who, now_ms=now_ms()
            )
            record = staff.record_of(row)
            name, days = record.display_name(), vouchers.DAYS
            return [say("voucher-made", language, name=name, profession=record.profession, days=days, code=code)]

        return self._act(arguments, language, act)

    def _vouchers(self, arguments: argparse.Namespace, language: str) -> int:
        def act(connection: Connection, finess: str, who: str) -> list[str]:
            if arguments.withdraw is not None:
                vouchers.withdraw(connection, finess, arguments.withdraw, who=who, now_ms=now_ms())
                return [say("voucher-ended", language)]
            lines = [
                f"{row.voucher_id:>6}  {row.staff_key}  {row.given_name} {row.family_name}  {row.referent}  "
                f"{say(f'voucher-{state}', language)}"
                for row, state in vouchers.listing(connection, finess, now_ms())
            ]
            return lines or [say("vouchers-none", language)]

        return self._act(arguments, language, act)

    def _key(self, arguments: argparse.Namespace, language: str) -> int:
        pepper = (config.load(arguments.data).keys / "pepper").read_bytes

        def act(connection: Connection, finess: str, who: str) -> list[str]:
            key = establishments.make_key(connection, finess, pepper(), who=who, now_ms=now_ms())
            return [say("key-made", language, finess=finess, secret=key)]

        return self._act(arguments, language, act)


def shown(connection: Connection, row: Row[Any], language: str) -> list[str]:
    """A sheet as operators read it."""
    closed = f"  ({say('closed', language)})" if row.closed_at_ms is not None else ""
    lines = [f"{row.finess}  {establishments.place(row)}{closed}"]

    def line(key: str, text: object) -> None:
        if text not in ("", None):
            lines.append(f"    {say(key, language):<28} {text}")

    for field in establishments.FIELDS:
        line(f"field-{field}", getattr(row, field))
    line("proof", row.proof)
    line("referents", ", ".join(one.name for one in establishments.referents(connection, row.finess)))
    allowed = (outside_professions.OUTSIDE[code] for code in establishments.professions(row))
    line("professions", ", ".join(allowed))
    line("people", staff.count(connection, row.finess))
    return lines


def _fields(words: Sequence[str]) -> dict[str, str]:
    """``name=value`` words as fields."""
    fields = {}
    for word in words:
        field, _, value = word.partition("=")
        fields[field] = value
    return fields


def _codes(text: str | None) -> list[str] | None:
    """Professions by code or by name, separated by commas."""
    if text is None:
        return None
    codes = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        code = outside_professions.code_of(part)
        if code is None:
            raise DecisionError("profession-unknown", profession=part)
        codes.append(code)
    return codes
