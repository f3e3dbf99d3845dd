"""How large everything is written, in per cent of what the system says."""

from collections.abc import Mapping

from kivy.metrics import Metrics

SIZES = (100, 125, 150, 200)
SETTING = "text-size"
_system: list[float] = []  # the system's own, as it was before anything was asked for


def text_size_of(settings: Mapping[str, str]) -> int:
    """The size that is set; 100 where none is, or none that exists."""
    found = settings.get(SETTING, "")
    return int(found) if found.isdecimal() and int(found) in SIZES else SIZES[0]


def apply(percent: int) -> None:
    """From now on what is measured in sp is that large; what stands there already is to be made anew."""
    if not _system:
        _system.append(Metrics.fontscale)
    Metrics.fontscale = _system[0] * percent / 100
