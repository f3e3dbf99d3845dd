"""The page that lists the screens' parts names all of them, and none that no screen has."""

import re
from pathlib import Path

from miss_app.ui import driver

UI = Path(driver.__file__).parent
PAGE = (UI / "TEST_IDS.md").read_text("utf-8")
# What an id made of a name and a number, a code or a message's id is called on the page.
ENDINGS = ("N", "X", "CODE")


def written() -> set[str]:
    """Every id in the code, those made from a value ending in "-"."""
    found: set[str] = set()
    for source in [*UI.rglob("*.py"), *UI.rglob("*.kv")]:
        text = source.read_text("utf-8")
        for rule in re.findall(r"(?:test_id|field_id|remove_id): (.+)", text):
            found |= set(re.findall(r'"([a-z][a-z-]*)"', re.sub(r"\b(if|else) [^\"]*", " ", rule)))
        found |= set(re.findall(r'(?:test_id|remove_id) ?= ?"([a-z][a-z-]*)"', text))
        found |= set(re.findall(r'(?:test_id|remove_id) ?= ?f"([a-z]+(?:-[a-z]+)*-)\{', text))
        found |= set(re.findall(r'(?:ListItem|_line|line)\(\s*f?"([a-z][a-z-]*)[{"]', text))
    return found


def listed() -> set[str]:
    names = set(re.findall(r"`([a-z][a-z-]*(?:-(?:N|X|CODE))?)`", PAGE)) - {"test_id", "list"}
    return {re.sub(rf"-(?:{'|'.join(ENDINGS)})$", "-", name) for name in names}


def test_every_part_is_on_the_page() -> None:
    assert len(written()) > 60
    assert written() - listed() == set()


def test_every_name_on_the_page_is_in_the_code() -> None:
    code = "\n".join(source.read_text("utf-8") for source in [*UI.rglob("*.py"), *UI.rglob("*.kv")])
    absent = {name for name in listed() if f'"{name}"' not in code and f'"{name}{{' not in code}
    # These four are made from a row's kind.
    assert absent - {"day-", "new-", "notice-", "warning-"} == set()
