"""Every word is in both languages, every word in the code exists, and every reason of the engine has its sentence."""

import itertools
import re
import string
from pathlib import Path

import pytest

from miss_app.engine.assistance import KINDS
from miss_app.engine.events import Verified
from miss_app.engine.notice_names import NOTICES
from miss_app.ui import texts
from miss_app.ui.screens.registration import PROFESSIONS
from miss_app.ui.texts import Texts, read_catalogue
from ui.staged_rooms import Rooms

APP = Path(texts.__file__).parents[1]
CATALOGUES = {language: read_catalogue(language) for language in texts.LANGUAGES}
SOURCES = [*(APP / "ui").rglob("*.py"), *(APP / "ui").rglob("*.kv")]
# Keys put together from a name: each family is covered by its own check below or by the enumeration it comes from.
FAMILIES = re.compile(
    r"^(weekday|weekday\.short|month|month\.short|profession|problem|notice|checked|charge|filter|menu|nothing|readers|report|verified)\."
)


def keys_said() -> set[str]:
    said = set()
    for source in SOURCES:
        text = source.read_text("utf-8")
        for call in re.findall(r"\bsay\(((?:[^()]|\([^()]*\))*)\)", text):
            said |= set(re.findall(r'"([a-z_]+(?:\.[a-z0-9_-]+)*)"', call.split(", ")[0]))
        said |= set(re.findall(r'\bsay\(\s*f?[\'"]([a-z_.]+)[\'"]', text))
        said |= set(re.findall(r'\bkey = "([a-z_.]+)"', text))
        # Tables of deeds: any literal of these families is a key.
        said |= set(re.findall(r'"((?:urgent|charge|request|answer|menu|document|editor|consent)\.[a-z_]+)"', text))
        for pair in re.findall(r'key = "([a-z_.]+)" if .* else "([a-z_.]+)"', text):
            said |= set(pair)
    return said


def reasons_raised() -> set[str]:
    reasons = set()
    for source in (APP / "engine").rglob("*.py"):
        reasons |= set(re.findall(r'Problem\(\s*f?"([a-z-]+)"', source.read_text("utf-8")))
    for source in SOURCES:
        text = source.read_text("utf-8")
        reasons |= set(re.findall(r'(?:complain|words\.problem|Problem)\("([a-z-]+)"', text))
        reasons |= set(re.findall(r'problem or "([a-z-]+)"', text))
    return reasons


def test_both_languages_have_the_same_keys_and_none_is_empty() -> None:
    assert CATALOGUES["fr"].keys() == CATALOGUES["en"].keys()
    for catalogue in CATALOGUES.values():
        assert not [key for key, forms in catalogue.items() if not all(forms)]


def test_both_languages_fill_the_same_names() -> None:
    def names(forms: tuple[str, ...]) -> set[str]:
        return {field for form in forms for _, field, _, _ in string.Formatter().parse(form) if field}

    differ = [key for key in CATALOGUES["fr"] if names(CATALOGUES["fr"][key]) != names(CATALOGUES["en"][key])]
    assert differ == []


def test_every_key_in_the_code_is_in_the_catalogues() -> None:
    said = {key for key in keys_said() if not FAMILIES.match(key)}
    assert len(said) > 100
    assert said - CATALOGUES["fr"].keys() == set()


def test_every_sentence_of_the_catalogues_is_said_somewhere() -> None:
    unused = {key for key in CATALOGUES["fr"] if not FAMILIES.match(key)} - keys_said()
    assert unused == set()


def test_every_profession_and_every_date_has_its_word() -> None:
    wanted = {f"profession.{code}" for code in PROFESSIONS}
    wanted |= {f"{family}.{number}" for family in ("weekday", "weekday.short") for number in range(7)}
    wanted |= {f"{family}.{number}" for family in ("month", "month.short") for number in range(1, 13)}
    assert wanted - CATALOGUES["fr"].keys() == set()


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_reason_the_engine_gives_has_a_sentence(language: str) -> None:
    missing = {reason for reason in reasons_raised() if f"problem.{reason}" not in CATALOGUES[language]}
    assert missing == set()


def test_every_notice_of_the_engine_has_a_sentence() -> None:
    assert {f"notice.{name}" for name in NOTICES} - CATALOGUES["fr"].keys() == set()


def test_every_worth_of_a_safety_number_has_its_words() -> None:
    for verified, form in itertools.product(Verified, ("", "_short")):
        assert f"verified.{verified}{form}" in CATALOGUES["fr"]


def test_an_unknown_reason_is_named() -> None:
    speaker = Texts()
    assert "never-heard-of" in speaker.problem("never-heard-of")
    assert speaker.problem("never-heard-of", "Le serveur dit non.") == "Le serveur dit non."
    speaker.speak("en")
    assert "never-heard-of" in speaker.problem("never-heard-of")
    assert speaker.problem("pin-too-soon", seconds=200.0).endswith("Wait 4 min before trying again.")


def test_french_counts_from_two_and_english_from_anything_but_one() -> None:
    speaker = Texts()
    assert speaker.say("info.members", count=1) == "1 membre"
    assert speaker.say("info.members", count=0) == "0 membre"
    assert speaker.say("info.members", count=2) == "2 membres"
    speaker.speak("en")
    assert speaker.say("info.members", count=0) == "0 members"


def test_french_keeps_its_punctuation_with_its_word() -> None:
    loose = [key for key, forms in CATALOGUES["fr"].items() if any(re.search(r" [?!:;»]|« ", form) for form in forms)]
    assert loose == []


def test_no_screen_has_words_of_its_own() -> None:
    for source in (APP / "ui").rglob("*.kv"):
        for line in source.read_text("utf-8").splitlines():
            found = re.match(r'\s+(?:text|title|subtitle|hint|hint_text|label): "([^"]+)"', line)
            if found:
                assert found[1] in ("miss://…", "MiSS", "Français", "English"), f"{source.name}: {line.strip()}"


def test_every_line_of_a_report_has_its_words() -> None:
    wanted = {f"report.{name}" for name, _ in Rooms().facts} | {f"report.kind.{kind}" for kind in KINDS}
    assert wanted - CATALOGUES["fr"].keys() == set()


def test_french_has_curved_apostrophes_and_no_space_that_breaks_inside_its_quotes() -> None:
    straight = [key for key, forms in CATALOGUES["fr"].items() if any(re.search(r"\w'\w", form) for form in forms)]
    wide = [key for key, forms in CATALOGUES["fr"].items() if any(re.search(r"« | »|\w[?!;]", form) for form in forms)]
    assert straight == []
    assert wide == []


def test_what_is_counted_has_both_forms_in_both_languages() -> None:
    plural = {
        language: {key for key, forms in found.items() if len(forms) == 2} for language, found in CATALOGUES.items()
    }
    assert plural["fr"] == plural["en"]
    counted = {key for key, forms in CATALOGUES["fr"].items() if any("{count}" in form for form in forms)}
    assert len(counted & plural["fr"]) > 10
