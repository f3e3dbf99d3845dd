"""Text as it is compared: without case, accents, ligatures or hyphens."""

import unicodedata


def fold(text: str) -> str:
    """ "Œdème d’Élise-Anne" → "oedeme d elise anne"."""
    text = text.casefold().replace("œ", "oe").replace("æ", "ae")
    bare = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in bare).split())
