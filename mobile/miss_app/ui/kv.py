"""Loading the rules that stand beside a module."""

from pathlib import Path

from kivy.lang import Builder


def load_rules(module_file: str) -> None:
    """Load the ``.kv`` of the same name as ``module_file``, once."""
    rules = str(Path(module_file).with_suffix(".kv"))
    if rules not in Builder.files:
        Builder.load_file(rules, encoding="utf-8")
