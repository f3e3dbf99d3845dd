"""The official test vectors of RFC 9420: where they lie, and which case is which."""

import functools
import json
import os
from pathlib import Path

import pytest

TOTAL = 785
_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "mls-vectors"
FOLDER = Path(os.environ.get("MLS_VECTORS", _BESIDE))
PRESENT = FOLDER.is_dir()
ABSENT = f"official vectors: NOT RUN (set MLS_VECTORS to a folder with the {TOTAL} cases of mlswg/mls-implementations)"


def require():
    """At the head of a module of vectors: say one line and pass where the vectors are absent."""
    if not PRESENT:
        pytest.skip(ABSENT, allow_module_level=True)


@functools.cache
def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def official(name):
    """Run the test once for each case of a file, as argument ``case``; a case that passes is counted."""

    def decorate(function):
        cases = [pytest.param(case, id=f"{name}-{number}") for number, case in enumerate(load(name))]
        return pytest.mark.official_vectors(pytest.mark.parametrize("case", cases)(function))

    return decorate


def raw(text):
    """The bytes of a hexadecimal string; None stays None."""
    return None if text is None else bytes.fromhex(text)
