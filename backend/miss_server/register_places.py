"""The establishments that the activities of an extract name, written as they are first met."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from miss_server import bulk, finess
from miss_server.establishment_tables import register_establishments

_COLUMNS = ("load_id", "finess", "legal_finess", "name", "postcode", "town")


class Establishments:
    """Those of one load; of each, only the number is remembered, for a country has a hundred thousand.

    Args:
        load_id: of the load they belong to.
    """

    def __init__(self, load_id: int) -> None:
        self._load_id = load_id
        self._known: set[str] = set()

    def write(
        self, transaction: Callable[[], AbstractContextManager[Connection]], rows: Iterable[Mapping[str, str]]
    ) -> None:
        """Writes the establishments that these rows name and none before did."""
        found = []
        for row in rows:
            if not row["finess"] or row["finess"] in self._known:
                continue
            self._known.add(row["finess"])
            number = finess.parse(row["finess"])
            if number is None or (number != row["finess"] and number in self._known):
                continue
            self._known.add(number)
            name, town = row["place"] or row["sign"], row["town"] or row["cedex"]
            values = (self._load_id, number, row["legal_finess"][:9], name, row["postcode"], town)
            found.append(dict(zip(_COLUMNS, values, strict=True)))
        if found:
            with transaction() as connection:  # another file of the same load may have written one of them
                bulk.insert_missing(connection, register_establishments, found)
