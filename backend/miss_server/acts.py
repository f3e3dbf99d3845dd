"""Who did what when, a line for each act of the registrar; never a code, never a message."""

from sqlalchemy import Connection, insert

from miss_server.register_tables import registrar_acts

WHO_CHARACTERS_MAX = 120
ABOUT_CHARACTERS_MAX = 1_000


def record(connection: Connection, *, who: str, what: str, about: str, now_ms: int) -> None:
    """Writes one act.

    Args:
        who: the operator's name, or "server" for what it decides alone.
        what: a short name: ``opened``, ``code-made``, ``certified``, ``approved``, ``refused``…
        about: the registration's id and what tells this act from others of its kind.
    """
    connection.execute(
        insert(registrar_acts).values(
            at_ms=now_ms, who=who[:WHO_CHARACTERS_MAX], what=what, about=about[:ABOUT_CHARACTERS_MAX]
        )
    )
