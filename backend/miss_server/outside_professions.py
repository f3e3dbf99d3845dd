"""Professions outside the national register that an establishment may vouch for.

Codes of digits are the national nomenclature's (TRE_G15); it has none for the others, whose codes are this server's.
"""

from miss_server.names import fold

OUTSIDE = {
    "35": "Aide-soignant",
    "36": "Ambulancier",
    "31": "Assistant dentaire",
    "E1": "Secrétaire médical",
    "E2": "Auxiliaire de puériculture",
    "E3": "Assistant de régulation médicale",
    "E4": "Assistant de service social",
    "E5": "Brancardier",
    "E6": "Agent de service hospitalier",
    "E7": "Coordinateur de parcours",
    "E8": "Technicien d’information médicale",
    "E9": "Cadre administratif",
}
DEFAULT = tuple(OUTSIDE)
# The feminine forms, and what people write for short.
_ALSO = {
    "aide soignante": "35",
    "as": "35",
    "ambulanciere": "36",
    "assistante dentaire": "31",
    "secretaire medicale": "E1",
    "secretaire": "E1",
    "arm": "E3",
    "assistante de regulation medicale": "E3",
    "assistante de service sociale": "E4",
    "assistante de service social": "E4",
    "assistante sociale": "E4",
    "assistant social": "E4",
    "brancardiere": "E5",
    "ash": "E6",
    "agente de service hospitalier": "E6",
    "coordinatrice de parcours": "E7",
    "technicienne d information medicale": "E8",
    "tim": "E8",
    "cadre administrative": "E9",
}
_BY_WORDS = {fold(label): code for code, label in OUTSIDE.items()} | _ALSO


def code_of(text: str) -> str | None:
    """The code of a profession given by code or by name ("Aide-soignante"), or None where it is none of these."""
    text = text.strip()
    if text.upper() in OUTSIDE:
        return text.upper()
    return _BY_WORDS.get(fold(text))
