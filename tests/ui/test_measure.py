"""What is measured is what is drawn."""

import pytest

from miss_app.ui.glyphs import marked, texture, visible
from miss_app.ui.measure import elide, word_size, wrap

TEXTS = [
    "Bonjour",
    "Bonjour à tous. Pansement refait ce matin, la plaie du talon a nettement bourgeonné.",
    "Belle évolution 👏 Pas de signe 🩺 👩‍⚕️ 🇫🇷 sur la photo",
    "une ligne\n\nune autre",
    "mot" * 80,
    "  deux espaces   puis d’autres\n   au début",
    "l’«\u00a0œdème\u00a0» s’est-il résorbé\u00a0?",
    "[b]pas de gras[/b] [font=/etc/passwd]rien[/font] &amp; [ref=x]",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [15.5, 23.25, 31])
def test_a_wrapped_text_is_as_wide_as_measured_and_never_wider_than_its_room(text: str, size: float) -> None:
    measured = wrap(text, size, 300)
    drawn = texture(measured.text, size, (0, 0, 0, 1))
    assert abs(drawn.width - measured.width) <= 4  # words are measured apart: kerning across a space is not known
    assert measured.width <= 300
    assert measured.height - measured.lines * size * 0.2 <= drawn.height <= measured.height


def test_nothing_a_person_wrote_is_lost_by_wrapping() -> None:
    text = "Un très long compte rendu " * 12 + "x" * 200
    kept = "".join(wrap(text, 15.5, 220).text.split())
    assert kept == "".join(text.split())


def test_no_break_spaces_hold_their_words_together() -> None:
    width = word_size("résorbé\u00a0?", 15.5)[0] + 4
    assert wrap("il est résorbé\u00a0?", 15.5, width).text.split("\n")[-1] == "résorbé\u00a0?"


def test_an_elided_line_fits_and_says_so() -> None:
    line = elide("Équipe plaies de la maison de santé du port", 15.5, 120)
    assert line.endswith("…")
    assert sum(word_size(token, 15.5)[0] for token in line.replace(" ", "\0 \0").split("\0")) <= 121
    assert elide("court", 15.5, 120) == "court"


def test_markup_a_person_wrote_stays_text() -> None:
    assert marked("[b]x[/b]") == "&bl;b&br;x&bl;/b&br;"


def test_direction_overrides_and_controls_are_not_drawn() -> None:
    assert visible("Dr\u202eelêdoM\u0007\r\nfin") == "DrelêdoM\nfin"


def test_a_number_is_not_parted_from_its_unit() -> None:
    for text in ("Paracétamol 1 g", "au débit de 0,5 mg/h", "boire 250 ml"):
        width = max(word_size(word, 20)[0] for word in text.split(" ")) + 60
        lines = wrap(text, 20, width).text.split("\n")
        assert not any(line[-1:].isdigit() for line in lines[:-1]), lines
    assert wrap("1 grand verre", 20, 5_000).text == "1 grand verre"
