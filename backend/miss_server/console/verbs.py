"""``miss-server operator``: who may use the console is decided on the machine itself, by one-time links."""

import argparse
import getpass
import sys
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from miss_server import config
from miss_server.clock import now_ms
from miss_server.config import Settings
from miss_server.console import operators
from miss_server.console.listening import origin_of
from miss_server.console.operators import LINK_HOURS, NAME_CHARACTERS_MAX, OPERATOR, ROLES, OperatorError
from miss_server.console.texts import say
from miss_server.operator_texts import say as say_of_operators
from miss_server.postgresql import known, open_database
from miss_server.refusals import FRENCH


def add_verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    shared: Sequence[argparse.ArgumentParser],
    language: str = FRENCH,
) -> None:
    """Adds ``operator add|recover|list|remove`` to ``miss-server``; each sets ``run``."""
    among = verbs.add_parser("operator", help=say("help-operator-verb", language)).add_subparsers(
        required=True, metavar="add|recover|list|remove"
    )
    for name, run in (("add", _add), ("recover", _recover), ("list", _list), ("remove", _remove)):
        parser = among.add_parser(name, parents=list(shared), help=say(f"help-operator-{name}", language))
        parser.set_defaults(run=run)
        if name != "list":
            parser.add_argument("name", metavar="NAME")
        if name == "add":
            parser.add_argument("--role", choices=ROLES, default=OPERATOR, help=say("help-role", language))
            establishment = say("help-establishment", language)
            parser.add_argument("--establishment", default="", metavar="FINESS", help=establishment)


def _add(arguments: argparse.Namespace, language: str) -> int:
    name, role, establishment = arguments.name, arguments.role, arguments.establishment

    def act(connection: Connection, settings: Settings) -> None:
        token = operators.add(connection, name, role, establishment, who=_account(), now_ms=now_ms())
        _give(settings, name, token, language)

    return _on_database(arguments, language, act)


def _recover(arguments: argparse.Namespace, language: str) -> int:
    def act(connection: Connection, settings: Settings) -> None:
        token = operators.recover(connection, arguments.name, who=_account(), now_ms=now_ms())
        _give(settings, arguments.name, token, language)

    return _on_database(arguments, language, act)


def _list(arguments: argparse.Namespace, language: str) -> int:
    def act(connection: Connection, _: Settings) -> None:
        found = operators.listed(connection)
        for one in found:
            fields = {"name": one.name, "role": one.role, "establishment": one.establishment, "passkeys": one.passkeys}
            print(say("operator-line", language, **fields))
        if not found:
            print(say("nobody", language))

    return _on_database(arguments, language, act)


def _remove(arguments: argparse.Namespace, language: str) -> int:
    def act(connection: Connection, _: Settings) -> None:
        operators.remove(connection, arguments.name, who=_account(), now_ms=now_ms())
        print(say("operator-removed", language, name=arguments.name))

    return _on_database(arguments, language, act)


def _give(settings: Settings, name: str, token: str, language: str) -> None:
    """Prints the link: its secret stands behind a #, which browsers send to nobody.

    Raises:
        OperatorError: ``console-unset``.
    """
    origin = origin_of(settings)
    if origin is None:
        raise OperatorError("console-unset")
    print(say("operator-added", language, name=name, hours=LINK_HOURS, link=f"{origin}/enrol#{token}"))


def _on_database(arguments: argparse.Namespace, language: str, act: Callable[[Connection, Settings], None]) -> int:
    """Runs a verb in one transaction; 1, with a sentence, where it cannot be done."""
    settings = config.load(arguments.data)
    if not known(settings):
        print(say_of_operators("no-data", language, folder=arguments.data), file=sys.stderr)
        return 1
    database = open_database(settings)
    try:
        with database.transaction() as connection:
            act(connection, settings)
    except OperatorError as error:
        print(say(error.reason, language, most=NAME_CHARACTERS_MAX, **error.fields), file=sys.stderr)
        return 1
    finally:
        database.close()
    return 0


def _account() -> str:
    """The account that runs the command, for the acts."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "administrator"
