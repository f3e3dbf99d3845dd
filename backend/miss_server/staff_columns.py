"""The columns of a directory's file: which of our fields each is, by the words of its heading."""

from collections.abc import Iterable, Iterator, Sequence

from miss_server.names import fold
from miss_server.refusals import DecisionError
from miss_server.staff_records import FIELDS, REQUIRED, Line

LINES_MAX = 50_000
COLUMNS_MAX = 200
CELL_CHARACTERS_MAX = 10_000
# What is written first on export, and all that is understood on import.
HEADINGS = {
    "key": ("Matricule", "identifiant", "id", "numero", "cle", "key", "employeenumber", "uid"),
    "title": ("Civilité", "titre", "title"),
    "family_name": ("Nom", "nom d exercice", "nom de famille", "family name", "last name", "sn"),
    "given_name": ("Prénom", "prenom d exercice", "given name", "first name", "givenname"),
    "rpps": ("RPPS", "numero rpps", "identifiant rpps", "rpps number"),
    "profession": ("Profession", "metier", "fonction", "job"),
    "service": ("Service", "unite", "departement", "department", "ou"),
    "telephone": ("Téléphone", "tel", "poste", "telephone number", "phone"),
    "mailbox": ("Messagerie", "mail", "email", "e mail", "courriel", "adresse mail", "adresse e mail"),
}
_FIELD_OF = {fold(heading): field for field, headings in HEADINGS.items() for heading in headings}


class DirectoryError(DecisionError):
    """A directory that is refused whole."""


def lines_of(rows: Iterable[Sequence[str]]) -> list[Line]:
    """The lines under a first row of headings; empty ones are left out.

    Raises:
        DirectoryError: ``columns-many``, ``columns-missing``, ``column-twice``, ``lines-many``, ``directory-empty`` or
            ``cell-long``.
    """
    numbered = _filled(rows)
    columns = _columns(next(numbered, (1, ()))[1])
    found: list[Line] = []
    for number, row in numbered:
        if len(found) >= LINES_MAX:
            raise DirectoryError("lines-many", most=LINES_MAX)
        fields = {field: row[at] for field, at in columns.items() if at < len(row)}
        found.append(Line(str(number), fields))
    if not found:
        raise DirectoryError("directory-empty")
    return found


def _filled(rows: Iterable[Sequence[str]]) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows that say something, with their numbers."""
    for number, row in enumerate(rows, 1):
        if len(row) > COLUMNS_MAX and any(cell for cell in row[COLUMNS_MAX:]):
            raise DirectoryError("columns-many", line=number, most=COLUMNS_MAX)
        if any(len(cell) > CELL_CHARACTERS_MAX for cell in row):
            raise DirectoryError("cell-long", line=number, most=CELL_CHARACTERS_MAX)
        if any(cell.strip() for cell in row):
            yield number, row


def _columns(headings: Sequence[str]) -> dict[str, int]:
    """Where each of our fields stands; headings that are none of ours are left out."""
    columns: dict[str, int] = {}
    for at, heading in enumerate(headings):
        field = _FIELD_OF.get(fold(heading))
        if field in columns:
            raise DirectoryError("column-twice", column=heading.strip()[:60])
        if field is not None:
            columns[field] = at
    missing = [HEADINGS[field][0] for field in REQUIRED if field not in columns]
    if not {"rpps", "profession"} & columns.keys():
        missing.append("RPPS / Profession")
    if missing:
        raise DirectoryError("columns-missing-here", columns=", ".join(missing))
    return columns


assert set(HEADINGS) == set(FIELDS)
