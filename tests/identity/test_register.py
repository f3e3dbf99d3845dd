"""Loading the register: the published formats, all or nothing, tombstones."""

import subprocess
import sys
import threading
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from identity import people
from identity.extract import PEOPLE_HEADER, crowd, mailbox_lines, people_lines, write
from identity.people import EVERYBODY, GP, MARRIED, NURSE, PRACTISING, RETIRED, UNLISTED
from identity.post_office import PATIENCE_SECONDS, wait_for
from miss_server import migrations, register, register_load, register_tables
from miss_server.database import Database
from miss_server.extracts import ExtractError
from miss_server.metadata import metadata
from miss_server.register import Entry
from miss_server.register_load import Progress, load


@pytest.fixture
def database(tmp_path: Path):
    database = Database(tmp_path / "miss.db")
    migrations.apply(database)
    yield database
    database.close()


def entry(database: Database, number: str) -> Entry | None:
    with database.snapshot() as connection:
        return register.look_up(connection, number)


def counts(database: Database) -> dict[str, int]:
    """Rows of each of the register's tables."""
    with database.snapshot() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name.startswith("register_")
        }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
@pytest.mark.parametrize("trailing", ["", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_published_form_is_read(
    database: Database, tmp_path: Path, encoding: str, trailing: str, end: str
) -> None:
    lines = list(people_lines(EVERYBODY))
    if encoding == "latin-1":
        lines[1] = lines[1].replace("LILLE", "LILLE\x81")  # a byte that Windows-1252 leaves undefined
        lines = [line.replace("Œ", "OE") for line in lines]
    file = write(tmp_path / "extract.txt", lines, encoding, trailing, end)
    load(database.transaction, [file, write(tmp_path / "boxes.txt", mailbox_lines(EVERYBODY), "utf-8", trailing)])
    found = entry(database, MARRIED.rpps)
    assert found is not None
    assert (found.family_name, found.given_name, found.title) == ("MOREAU-DA SILVA", "Inès", "Dr")
    assert found.display_name() == "Dr Inès Moreau-Da Silva"
    assert found.mailboxes[0].address == MARRIED.mailbox
    assert found.activities[0].profession_text() == "Dermatologie et vénéréologie"
    assert found.activities[0].place_text() == "CENTRE HOSPITALIER, Lille"
    assert found.telephones() == ("01 99 00 01 02",)


def test_columns_are_found_by_name(database: Database, tmp_path: Path) -> None:
    shuffled = [list(reversed(line.split("|"))) for line in people_lines(EVERYBODY)]
    load(database.transaction, [write(tmp_path / "reversed.txt", ("|".join(line) for line in shuffled))])
    assert entry(database, GP.rpps) is not None
    old = write(tmp_path / "of-2019.txt", people_lines([*EVERYBODY, *crowd(3)], columns=48))
    state = load(database.transaction, [old])
    assert state.people == len(EVERYBODY) + 3
    with pytest.raises(ExtractError) as refused:
        load(database.transaction, [write(tmp_path / "short.txt", people_lines(EVERYBODY, columns=40))])
    assert refused.value.reason == "columns-missing"
    assert "Téléphone (coord. structure)" in str(refused.value.fields["columns"])


def test_the_shipped_sample_loads(database: Database) -> None:
    import miss_server

    sample = sorted((Path(miss_server.__file__).parent / "sample").glob("*.txt"))
    assert [len(file.read_text(encoding="utf-8").splitlines()[0].split("|")) for file in sample] == [31, 56]
    state = load(database.transaction, sample)
    assert (state.people, state.mailboxes, state.left_out, state.broken_lines) == (14, 12, 2, 0)
    with database.snapshot() as connection:
        numbers = list(connection.scalars(select(register_tables.register_people.c.rpps)))
    assert all(number.startswith("997") for number in numbers)


def test_a_student_is_said_to_be_one(database: Database, tmp_path: Path) -> None:
    load(database.transaction, [write(tmp_path / "extract.txt", people_lines([UNLISTED]))])
    found = entry(database, UNLISTED.rpps)
    assert found is not None
    assert found.activities[0].profession_text() == "Infirmier (étudiant)"
    assert found.telephones() == ()


def test_several_lines_are_one_person(database: Database, tmp_path: Path) -> None:
    from identity.extract import Job, Someone

    busy = Someone(
        7,
        "NOËL",
        "Zoé",
        (Job("10", "SM40", "CLINIQUE", "59000", "LILLE"), Job("10", "SM40", "PMI", "59100", "ROUBAIX")),
    )
    lines = list(people_lines([busy, *crowd(5), busy, busy]))  # again, further down
    state = load(database.transaction, [write(tmp_path / "extract.txt", lines)])
    assert state.people == 6
    found = entry(database, busy.rpps)
    assert found is not None
    assert [a.place for a in found.activities] == ["CLINIQUE", "PMI"]


def test_an_archive_is_read_without_unpacking(database: Database, tmp_path: Path) -> None:
    file = write(tmp_path / "people.txt", people_lines(EVERYBODY))
    other = write(tmp_path / "other.txt", ["Identifiant PP|Libellé type diplôme", "1|x"])
    archive = tmp_path / "PS_LibreAcces_202611220600.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(file, "PS_LibreAcces_Personne_activite_202611220600.txt")
        out.write(other, "PS_LibreAcces_Dipl_AutExerc_202611220600.txt")
    assert load(database.transaction, [archive]).people == len(EVERYBODY)


def test_who_is_gone_stays_as_a_tombstone(database: Database, tmp_path: Path) -> None:
    load(database.transaction, [write(tmp_path / "one.txt", people_lines(EVERYBODY))])
    before = entry(database, RETIRED.rpps)
    assert before is not None
    assert before.gone_since_ms is None
    assert load(database.transaction, [write(tmp_path / "two.txt", people_lines(PRACTISING))]).gone == 1
    gone = entry(database, RETIRED.rpps)
    assert gone is not None
    assert gone.gone_since_ms is not None
    assert gone.activities == ()
    # still gone, since the same moment, after a third load; and back after a fourth
    assert load(database.transaction, [write(tmp_path / "three.txt", people_lines(PRACTISING))]).gone == 1
    assert entry(database, RETIRED.rpps) == gone
    assert load(database.transaction, [write(tmp_path / "four.txt", people_lines(EVERYBODY))]).gone == 0
    back = entry(database, RETIRED.rpps)
    assert back is not None
    assert back.gone_since_ms is None


def test_people_and_mailboxes_are_replaced_separately(database: Database, tmp_path: Path) -> None:
    load(database.transaction, [write(tmp_path / "people.txt", people_lines(EVERYBODY))])
    load(database.transaction, [write(tmp_path / "boxes.txt", mailbox_lines(EVERYBODY))])
    load(database.transaction, [write(tmp_path / "people.txt", people_lines(EVERYBODY))])
    found = entry(database, GP.rpps)
    assert found is not None
    assert [box.address for box in found.mailboxes] == [GP.mailbox]
    load(database.transaction, [write(tmp_path / "boxes.txt", mailbox_lines([NURSE, MARRIED]))])
    found = entry(database, GP.rpps)
    assert found is not None
    assert found.mailboxes == ()


def test_a_shared_mailbox_is_nobodys_proof(database: Database, tmp_path: Path) -> None:
    """A department's mailbox names who answers for it, and many people read it."""
    shared = [line.replace("PER|", "ORG|", 1) for line in mailbox_lines([GP])]
    files = [write(tmp_path / "people.txt", people_lines([GP, MARRIED])), write(tmp_path / "boxes.txt", shared)]
    assert load(database.transaction, files).mailboxes == 0
    found = entry(database, GP.rpps)
    assert found is not None
    assert found.mailboxes == ()


def test_a_replaced_load_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    files = [write(tmp_path / "p.txt", people_lines(EVERYBODY)), write(tmp_path / "b.txt", mailbox_lines(EVERYBODY))]
    load(database.transaction, files)
    once = counts(database)
    load(database.transaction, files)
    assert counts(database) == once
    assert once["register_people"] == len(EVERYBODY)
    assert once["register_loads"] == 2


BAD = {
    "nothing": ("", "extract-unknown"),
    "another table": ("Nom|Prénom\nX|Y\n", "extract-unknown"),
    "a last line cut off": ("\n".join(people_lines(EVERYBODY))[:-30], "extract-cut-off"),
    "lines of other widths": (
        "\n".join(line if i % 2 == 0 else line + "|more|more" for i, line in enumerate([*people_lines(EVERYBODY), *list(people_lines(EVERYBODY))[-1:]])) + "\n",
        "extract-lines-broken",
    ),
    "nobody": ("|".join(PEOPLE_HEADER) + "\n", "nobody-in-extract"),
    "an endless line": ("|".join(PEOPLE_HEADER) + "\n" + "x" * 70_000, "line-too-long"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
def test_a_bad_file_changes_nothing(database: Database, tmp_path: Path, text: str, reason: str) -> None:
    load(database.transaction, [write(tmp_path / "good.txt", people_lines(EVERYBODY))])
    before = counts(database)
    (tmp_path / "bad.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ExtractError) as refused:
        load(database.transaction, [tmp_path / "bad.txt"])
    assert refused.value.reason == reason
    assert counts(database) == before
    assert entry(database, GP.rpps) is not None


def test_a_missing_file_is_said(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ExtractError) as refused:
        load(database.transaction, [tmp_path / "nowhere.txt"])
    assert refused.value.reason == "extract-unreadable"


def test_half_a_download_does_not_retire_the_country(database: Database, tmp_path: Path) -> None:
    everybody = list(crowd(300))
    load(database.transaction, [write(tmp_path / "all.txt", people_lines(everybody))])
    half = write(tmp_path / "half.txt", people_lines(everybody[:150]))
    with pytest.raises(ExtractError) as refused:
        load(database.transaction, [half])
    assert refused.value.reason == "register-shrinks"
    assert refused.value.fields == {"gone": 150, "before": 300}
    last = entry(database, everybody[-1].rpps)
    assert last is not None
    assert last.gone_since_ms is None
    assert load(database.transaction, [half], shrink=True).gone == 150


def test_a_load_killed_halfway_changes_nothing(database: Database, tmp_path: Path) -> None:
    load(database.transaction, [write(tmp_path / "good.txt", people_lines(EVERYBODY))])
    big = write(tmp_path / "big.txt", people_lines([*EVERYBODY, *crowd(6_000)]))
    script = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from miss_server.database import Database\n"
        "from miss_server.register_load import load\n"
        "def stop(state):\n"
        "    if state.rows >= 4000: os.kill(os.getpid(), signal.SIGKILL)\n"
        "load(Database(Path(sys.argv[1])).transaction, [Path(sys.argv[2])], stop)\n"
    )
    died = subprocess.run([sys.executable, "-c", script, str(database.file), str(big)], timeout=120, check=False)
    assert died.returncode == -9
    with database.snapshot() as connection:
        states = list(connection.scalars(select(register_tables.register_loads.c.state)))
    assert sorted(states) == ["current", "loading"]
    assert entry(database, next(iter(crowd(1))).rpps) is None
    assert entry(database, GP.rpps) is not None
    # an hour later the next load clears what the dead one left
    with database.transaction() as connection:
        loads = register_tables.register_loads
        connection.execute(loads.update().where(loads.c.state == "loading").values(touched_at_ms=1))
    load(database.transaction, [write(tmp_path / "good.txt", people_lines(EVERYBODY))])
    assert counts(database)["register_people"] == len(EVERYBODY)


def test_the_server_reads_and_writes_while_a_load_runs(database: Database, tmp_path: Path) -> None:
    load(database.transaction, [write(tmp_path / "good.txt", people_lines(EVERYBODY))])
    big = write(tmp_path / "big.txt", people_lines([*EVERYBODY, *crowd(6_000)]))
    seen: list[bool] = []
    halfway, go_on = threading.Event(), threading.Event()

    def pause(state: Progress) -> None:
        if state.rows >= 4_000:
            halfway.set()
            assert go_on.wait(PATIENCE_SECONDS)

    loading = threading.Thread(target=load, args=(database.transaction, [big], pause))
    loading.start()
    assert halfway.wait(PATIENCE_SECONDS)
    try:
        newcomer = next(iter(crowd(1))).rpps
        seen.append(entry(database, newcomer) is None and entry(database, GP.rpps) is not None)
        with database.transaction() as connection:
            connection.execute(register_tables.registrar_acts.insert().values(at_ms=1, who="x", what="y", about=""))
    finally:
        go_on.set()
        loading.join(PATIENCE_SECONDS)
    assert seen == [True]
    wait_for("the new register", lambda: entry(database, newcomer))


def test_memory_does_not_grow_with_the_file(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peak of a file four times as large is about the same: a batch is what is held."""
    monkeypatch.setattr(register_load, "_BATCH_ROWS", 100)
    peaks = []
    for size in (200, 200, 800):  # the first fills the caches of the libraries
        file = write(tmp_path / f"{size}.txt", people_lines(crowd(size)))
        tracemalloc.start()
        load(database.transaction, [file], shrink=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] * 1.3


def test_progress_is_told(database: Database, tmp_path: Path) -> None:
    told: list[float] = []
    file = write(tmp_path / "file.txt", people_lines(crowd(5_000)))
    load(database.transaction, [file], lambda state: told.append(state.read_bytes / state.total_bytes))
    assert len(told) >= 3
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_cast_is_fictional() -> None:
    assert all(someone.rpps.startswith("997") for someone in people.EVERYBODY)
    assert all(someone.mailbox.endswith(".mssante.example") for someone in people.EVERYBODY if someone.mailbox)
