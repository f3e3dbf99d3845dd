"""The menu of the console: each room's page, and for whom it is."""

from dataclasses import dataclass

from miss_server.console.operators import AUDITOR, MANAGER, OPERATOR
from miss_server.console.sessions import Visitor


@dataclass(frozen=True)
class Entry:
    """One line of the menu; ``text`` is a key of ``texts``."""

    path: str
    text: str
    roles: tuple[str, ...]


ENTRIES = (
    Entry("/", "menu-home", (OPERATOR, MANAGER, AUDITOR)),
    Entry("/registrations", "menu-queue", (OPERATOR, AUDITOR)),
    Entry("/people", "menu-people", (OPERATOR, MANAGER, AUDITOR)),
    Entry("/establishments", "menu-establishments", (OPERATOR, MANAGER, AUDITOR)),
    Entry("/acts", "menu-acts", (OPERATOR, AUDITOR)),
    Entry("/operators", "menu-operators", (OPERATOR, AUDITOR)),
)


def entries(visitor: Visitor | None) -> list[Entry]:
    """What this visitor's menu lists."""
    return [one for one in ENTRIES if visitor is not None and visitor.role in one.roles]
