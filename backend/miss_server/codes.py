"""One-time codes that a person reads in a mail, or hears on the telephone, and types."""

import hashlib
import hmac
import secrets

# Crockford's base 32: no I, L, O, U, so that nothing read can be taken for something else.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LETTERS = 8  # 40 bits, with five tries in ten minutes
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_code() -> str:
    """A code of 8 letters and digits, equally likely each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LETTERS))


def shown(code: str) -> str:
    """The code as people read it: two groups of four."""
    return f"{code[:4]}-{code[4:]}"


def read(typed: str) -> str:
    """What was typed, with case, spaces, dashes and look-alike letters forgiven."""
    return "".join(typed.split()).upper().translate(_READ_AS)


def digest(pepper: bytes, registration_id: bytes, code: str) -> bytes:
    """What is stored in the code's place; without the pepper, which is elsewhere, no code can be tried on it."""
    return hmac.digest(pepper, registration_id + code.encode(), hashlib.sha256)


def matches(pepper: bytes, registration_id: bytes, typed: str, stored: bytes) -> bool:
    """Whether ``typed`` is the code behind ``stored``; takes the same time whatever was typed."""
    return hmac.compare_digest(digest(pepper, registration_id, read(typed)), stored)
