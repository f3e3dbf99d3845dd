"""``miss-server reports``: what people's devices reported of problems, for the operator to read."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from miss_server import problem_reports
from miss_server.database import Database
from miss_server.operator_texts import say

OnDatabase = Callable[[argparse.Namespace, str, Callable[[Database], None]], int]


def add_verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    shared: Sequence[argparse.ArgumentParser],
    language: str,
    on_database: OnDatabase,
) -> None:
    """Adds the verb; ``on_database`` runs a function on the folder's database."""
    parser = verbs.add_parser("reports", parents=list(shared), help=say("help-reports", language))
    parser.add_argument("number", nargs="?", default="", metavar="NUMBER", help=say("help-report-number", language))

    def run(arguments: argparse.Namespace, language: str) -> int:
        found: list[problem_reports.ProblemReport] = []

        def act(database: Database) -> None:
            with database.snapshot() as connection:
                found.extend(problem_reports.newest(connection, arguments.number))

        status = on_database(arguments, language, act)
        for one in found:
            at = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.received_at_ms / 1000))
            print(f"{one.number[:4]}-{one.number[4:]}  {at}")
            print("\n".join(f"    {line}" for line in one.text.split("\n")))
        if not found and not status:
            print(say("no-reports", language), file=sys.stderr)
            return 1 if arguments.number else 0
        return status

    parser.set_defaults(run=run)
