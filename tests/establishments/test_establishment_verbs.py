"""The operator's verbs on establishments, on a data folder without a server."""

import shutil
from pathlib import Path

import pytest

from establishments.files import LEMOINE, NOBODY_NEW, csv
from establishments.hospital import CH, CLINIC, UNLISTED_FINESS
from miss_server import config, data_folder, vouchers
from miss_server.__main__ import main
from miss_server.clock import now_ms


@pytest.fixture
def data(registered: Path, tmp_path: Path) -> Path:
    """A server's folder whose register names the hospitals."""
    folder = tmp_path / "data"
    folder.mkdir()
    data_folder.make(config.load(folder), now_ms())
    shutil.copy(registered, folder / "miss.db")
    return folder


def run(data: Path, *words: str, language: str = "en") -> int:
    shared = ("--data", str(data), "--language", language)
    return main(["establishment", words[0], *shared, *words[1:]])


def test_from_a_sheet_to_a_code(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "list") == 0
    assert run(data, "create", CH, "beds=412", "--professions", "Aide-soignant, secrétaire médicale") == 0
    assert run(data, "referent", CH, "Mme Jeanne Roy") == 0
    file = tmp_path / "staff.csv"
    bad = ("B-1", "=1+1", "Léa", "", "ASH", "", "", "")
    file.write_bytes(csv([*NOBODY_NEW, LEMOINE, bad]))
    assert run(data, "import", CH, str(file)) == 0
    dry = capsys.readouterr().out
    assert "No establishment." in dry
    assert "4 to add" in dry
    assert "! line 6 B-1 : field that would be taken for a formula: family_name" in dry
    assert run(data, "staff", CH) == 0
    assert capsys.readouterr().out.strip() == ""
    assert run(data, "import", CH, str(file), "--apply") == 0
    assert run(data, "vouch", CH, "S-001", "--referent", "mme jeanne roy") == 0
    said = capsys.readouterr().out
    code = next(line.strip() for line in said.splitlines() if line.count("-") == 3 and line.startswith("    "))
    assert vouchers.parse(code)
    assert run(data, "vouchers", CH) == 0
    assert "to be used" in capsys.readouterr().out
    assert run(data, "vouchers", CH, "--withdraw", "1") == 0
    assert run(data, "staff", CH, "--out", str(tmp_path / "out.xlsx")) == 0
    assert (tmp_path / "out.xlsx").read_bytes().startswith(b"PK")
    assert run(data, "show", CH) == 0
    sheet = capsys.readouterr().out
    assert "412" in sheet
    assert "Mme Jeanne Roy" in sheet
    assert "Aide-soignant, Secrétaire médical" in sheet
    assert run(data, "key", CH) == 0
    assert run(data, "close", CH) == 0


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "123"), "FINESS"),
        (("create", UNLISTED_FINESS, "name=EHPAD"), "--proof"),
        (("create", CH, "colour=red"), "colour"),
        (("create", CH, "--professions", "chirurgien"), "chirurgien"),
        (("show", CLINIC), CLINIC),
        (("vouch", CLINIC, "S-1", "--referent", "X"), CLINIC),
        (("import", CLINIC, "nowhere.csv"), "nowhere.csv"),
        (("staff", CLINIC), CLINIC),
    ],
)
def test_what_cannot_be_done_is_said(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str, language: str
) -> None:
    assert run(data, *words, language=language) == 1
    assert said in capsys.readouterr().err
