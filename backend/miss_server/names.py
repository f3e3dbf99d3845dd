"""Names and words as people type them, brought to one form so that they can be compared and searched."""

import re
import unicodedata

# Letters that Unicode decomposition leaves whole.
_LIGATURES = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i"}
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
# How far two names may be apart, in letters, for a person to look at them: at most one in short names, two in longer.
_SHORT_NAME_LETTERS = 6


def fold(text: str) -> str:
    """The text without accents, case, hyphens, apostrophes and ligatures: lower-case words one space apart."""
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_LIGATURES)
    plain = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", plain.translate(_LIGATURES)).strip()


def same(one: str, other: str) -> bool:
    """Whether two names are the same once folded; "Le Goff" and "LEGOFF" are, two empty names are not."""
    left, right = fold(one).replace(" ", ""), fold(other).replace(" ", "")
    return bool(left) and left == right


def near(one: str, other: str) -> bool:
    """Whether an operator should look: a slip of the pen, or all words of one in the other (a married name)."""
    left, right = fold(one), fold(other)
    if not left or not right:
        return False
    words, others = set(left.split()), set(right.split())
    if words <= others or others <= words:
        return True
    left, right = left.replace(" ", ""), right.replace(" ", "")
    allowed = 1 if min(len(left), len(right)) < _SHORT_NAME_LETTERS else 2
    return min(len(left), len(right)) > allowed + 1 and distance(left, right, allowed) <= allowed


def distance(one: str, other: str, enough: int) -> int:
    """How many letters were added, dropped, changed or swapped with a neighbour; ``enough`` + 1 where it is more."""
    if abs(len(one) - len(other)) > enough:
        return enough + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, counterpart in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != counterpart))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == counterpart:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > enough:
            return enough + 1
    return row[-1]


def masked(address: str) -> str:
    """A mailbox that its owner recognises and nobody else learns: "c***@medecin.mssante.example"."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"
