"""Names as people type them: the same, near, or another's."""

import pytest

from miss_server.names import distance, fold, masked, near, same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lefèvre", "LEFEVRE"),
        ("Sacrécœur", "sacrecoeur"),
        ("O’Connor", "O'CONNOR"),
        ("Da Silva-Moreau", "DA-SILVA MOREAU"),
        ("Le Goff", "LEGOFF"),
        ("Lefe\u0300vre", "Lefèvre"),  # the accent as a character of its own
        ("N´Diaye", "N'DIAYE"),
        ("ÇELİK", "celik"),
        ("Łukasz", "LUKASZ"),
    ],
)
def test_accents_case_hyphens_and_ligatures_are_forgiven(one: str, other: str) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other", "is_near"),
    [
        ("Lefèvre", "Lefebvre", True),  # a letter more
        ("Lefèvre", "Lefvère", True),  # two neighbours swapped, and an accent elsewhere
        ("Moreau", "Moreau-Da Silva", True),  # a married name
        ("Jean", "Jean-Baptiste", True),
        ("Martin", "Bertrand", False),
        ("Roy", "Roux", False),  # too short to forgive
        ("Li", "Lo", False),
        ("", "Martin", False),
        ("Martin", "", False),
    ],
)
def test_a_slip_or_a_married_name_is_near(one: str, other: str, is_near: bool) -> None:
    assert near(one, other) is is_near
    assert near(other, one) is is_near


def test_distance_counts_letters_and_gives_up_early() -> None:
    assert distance("martin", "martin", 2) == 0
    assert distance("martin", "matrin", 2) == 1
    assert distance("martin", "marten", 2) == 1
    assert distance("martin", "mar", 2) == 3
    assert distance("martin", "dubois", 2) == 3


def test_folding_leaves_plain_words() -> None:
    assert fold("  L'Haÿ-les-Roses (94) ") == "l hay les roses 94"
    assert fold("’") == ""


def test_a_masked_mailbox_shows_one_letter() -> None:
    assert masked("camille.lefevre@medecin.mssante.example") == "c***@medecin.mssante.example"
