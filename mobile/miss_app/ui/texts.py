"""Every word a person reads: gettext catalogues in French and English, changed while the screens are open."""

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path

from kivy.event import EventDispatcher
from kivy.properties import ObjectProperty, StringProperty

LANGUAGES = ("fr", "en")
FOLDER = Path(__file__).parent / "locale"
# Roboto has no narrow no-break space; where it is asked to draw one, this is as narrow, and Kivy breaks no line at it.
DRAWN = str.maketrans("\u202f", "\u2009")


def read_catalogue(language: str) -> dict[str, tuple[str, ...]]:
    """The sentences of ``locale/LANGUAGE.po``: key → (singular,) or (singular, plural).

    Only the part of the format the catalogues use is read: msgid, msgid_plural, msgstr, msgstr[n], continued strings.
    """
    entries: dict[str, dict[str, str]] = {}
    entry: dict[str, str] = {}
    word = ""
    for line in (FOLDER / f"{language}.po").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith('"'):
            word, _, line = line.partition(" ")
            entry = {} if word == "msgid" else entry
            entry[word] = ""
        entry[word] += str(ast.literal_eval(line))
        if "msgid" in entry and word.startswith("msgstr"):
            entries[entry["msgid"]] = entry
    entries.pop("", None)
    return {
        key: (found["msgstr[0]"], found["msgstr[1]"]) if "msgid_plural" in found else (found["msgstr"],)
        for key, found in entries.items()
    }


# French sets these marks apart by a narrow space, the colon by a whole one.
_NARROW = re.compile("\u00a0(?=[;!?»])|(?<=«)\u00a0")


def _as_drawn(catalogue: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {
        key: tuple(_NARROW.sub("\u202f", form).translate(DRAWN) for form in forms) for key, forms in catalogue.items()
    }


class Texts(EventDispatcher):
    """The catalogue in force. ``say`` is a property, so that a screen's rule that calls it follows the language."""

    language = StringProperty("fr")
    say = ObjectProperty()

    def __init__(self) -> None:
        super().__init__()
        self._catalogues = {language: _as_drawn(read_catalogue(language)) for language in LANGUAGES}
        self.say = self._speaker()

    def speak(self, language: str) -> None:
        """Change the language of everything on the screen; an unknown one becomes French."""
        language = language if language in LANGUAGES else "fr"
        if language != self.language:  # else everything in sight would be written again as it is
            self.language = language
            self.say = self._speaker()

    def knows(self, key: str) -> bool:
        """Whether the catalogue in force has this sentence."""
        return key in self._catalogues[self.language]

    def problem(self, reason: str, sentence: str = "", seconds: float = 0.0) -> str:
        """The sentence for a machine-readable reason.

        A reason the catalogue does not know is said in the server's own ``sentence``, or named inside the general one.
        ``seconds`` is how long to wait, told in whole seconds or minutes.
        """
        key = f"problem.{reason}"
        if not self.knows(key):
            return sentence or str(self.say("problem", reason=reason))
        told = str(self.say(key))
        if seconds >= 90:
            return f"{told} {self.say('wait.minutes', math.ceil(seconds / 60))}"
        return f"{told} {self.say('wait.seconds', math.ceil(seconds))}" if seconds >= 1 else told

    def _speaker(self) -> Callable[..., str]:
        catalogue = self._catalogues[self.language]
        one_until = 1 if self.language == "en" else 2  # French says "0 membre" and "1,5 membre", English "0 members"

        def say(key: str, count: int | None = None, **names: object) -> str:
            forms = catalogue[key]
            if count is None or len(forms) == 1:
                return forms[0].format(count=count, **names)
            single = count == 1 if one_until == 1 else abs(count) < one_until
            return forms[0 if single else 1].format(count=count, **names)

        return say


words = Texts()
