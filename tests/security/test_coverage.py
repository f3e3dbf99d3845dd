"""Every test that COVERAGE.md names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.findall(
    r"`(tests/[a-z_/0-9]+\.py)(?:::(test_[a-z_0-9]+))?`", Path(__file__).with_name("COVERAGE.md").read_text()
)


def test_something_is_named():
    assert len(NAMED) > 50


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_it_is_there(path, name):
    text = (ROOT / path).read_text()
    assert f"def {name or 'test_'}" in text
