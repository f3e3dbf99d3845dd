"""The operator's verbs as commands, beside the running server, on the same data folder."""

import base64
import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from identity.extract import Someone, mailbox_lines, people_lines, write
from identity.people import EVERYBODY, GP, MARRIED, NURSE, OTHER_TWIN, PRACTISING, RETIRED, TWIN, UNLISTED
from identity.post_office import device_request, wait_for
from miss_server.__main__ import main
from miss_server.database import Database
from miss_server.operator_texts import TEXTS, say
from miss_server.register_tables import registrar_acts

VERB_SECONDS_MAX = 60


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Server:
    """``miss-server serve`` on a folder of its own, and the commands an operator types."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        command = [sys.executable, "-m", "miss_server", "serve", "--data", str(self.data), "--listen", "127.0.0.1:0"]
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

        def listening() -> str:
            assert self.process.poll() is None, (folder / "log").read_text()
            file = self.data / "listening"
            return file.read_text().strip() if file.exists() else ""

        self.http = httpx.Client(base_url=f"http://{wait_for('the server', listening)}", timeout=20)

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def type(self, *words: str, language: str = "fr") -> "Done":
        """One command, in this process, which is not the server's; its exit status and output."""
        out, error = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(error):
            try:
                status = main([*words, "--data", str(self.data), "--language", language])
            except SystemExit as ended:
                status = int(str(ended.code))
        return Done(status, out.getvalue(), error.getvalue())

    def claim(self, someone: Someone, **typed: str) -> dict[str, str]:
        body = {
            "rpps": someone.rpps,
            "family_name": someone.family,
            "given_name": someone.given,
            "profession": someone.jobs[0].profession,
            "request": base64.b64encode(device_request()[1]).decode(),
            "charter": self.http.get("/v1/charter").json()["version"],
        }
        answer = self.http.post("/v1/registrations", json={**body, **typed})
        assert answer.status_code == 201, answer.text
        opened: dict[str, str] = answer.json()
        return opened

    def standing(self, opened: dict[str, str], code: str = "") -> dict[str, str]:
        headers = {"authorization": f"Bearer {opened['secret']}"}
        path = f"/v1/registrations/{opened['registration']}"
        if code:
            answer = self.http.post(f"{path}/code", headers=headers, json={"code": code})
        else:
            answer = self.http.get(path, headers=headers)
        told: dict[str, str] = answer.json()
        return told

    def outbox(self) -> list[Path]:
        return sorted((self.data / "outbox").glob("*.eml"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("operator")
    server = Server(folder)
    try:
        people = write(folder / "Personne_activite.txt", people_lines(EVERYBODY), "cp1252", trailing="|")
        boxes = write(folder / "mssante.txt", mailbox_lines(EVERYBODY))
        loaded = server.type("register", "load", str(people), str(boxes))
        assert loaded.returncode == 0, loaded.stderr
        assert f"{len(EVERYBODY)} personnes, 9 boîtes aux lettres" in loaded.stdout
        assert "Personne_activite.txt : cp1252." in loaded.stdout
        yield server
    finally:
        server.stop()


def row_of(listed: str, opened: dict[str, str]) -> str:
    """The lines of one registration in a listing."""
    short = opened["registration"][:8]
    cases = re.split(r"\n(?=\S)", listed)
    return next(case for case in cases if case.startswith(short))


def test_the_whole_way_with_a_telephone(server: Server) -> None:
    opened = server.claim(NURSE, family_name="Ndiaye")
    listed = row_of(server.type("registrations").stdout, opened)
    assert f"RPPS {NURSE.rpps}" in listed
    assert "aucune boîte aux lettres au répertoire" in listed
    assert "demande      Awa Ndiaye, profession 60" in listed
    assert "répertoire   Awa N'DIAYE, 60 Infirmier, CABINET DES HALLES, Lille" in listed
    assert "téléphone    01 99 00 01 03" in listed
    called = server.type("registrations", "call", opened["registration"][:8], "--operator", "Une opératrice")
    assert "Appelez 01 99 00 01 03" in called.stdout
    code = re.findall(r"^ {4}([0-9A-Z]{4}-[0-9A-Z]{4})$", called.stdout, re.MULTILINE)[0]
    assert server.standing(opened)["state"] == "code"
    assert server.standing(opened, code)["state"] == "certified"
    assert server.type("approve", opened["registration"], "--proof", "vue").returncode == 1


def test_the_whole_way_with_a_proof(server: Server) -> None:
    opened = server.claim(UNLISTED)
    short = opened["registration"][:8]
    without = server.type("approve", short)
    assert (without.returncode, without.stdout) == (1, "")
    assert without.stderr.strip() == say("proof-needed", "fr", number=short)
    call = server.type("call", short, language="en")
    assert call.stderr.strip() == say("no-telephone", "en", number=short)
    proof = ("--proof", "carte CPS vue en visio")
    first = server.type("approve", short, "--operator", "Une opératrice", *proof)
    assert first.stdout.strip() == say("approved-first", "fr", number=short)
    assert server.standing(opened)["state"] == "waiting"
    assert "Une opératrice · carte CPS vue en visio" in row_of(server.type("registrations").stdout, opened)
    again = server.type("approve", short, "--operator", "une OPERATRICE", *proof)
    assert again.stderr.strip() == say("second-operator", "fr", number=short, operator="Une opératrice")
    approved = server.type("approve", short, "--operator", "Un autre", *proof)
    assert approved.stdout.strip() == say("approved-proof", "fr", number=short)
    assert server.standing(opened)["state"] == "certified"
    decided = "Une opératrice, Un autre · carte CPS vue en visio"
    assert decided in row_of(server.type("registrations", "--all").stdout, opened)


def test_the_whole_way_with_a_code_after_approval(server: Server) -> None:
    opened = server.claim(MARRIED, family_name="Da Silva")
    mails = len(server.outbox())
    approved = server.type("approve", opened["registration"][:8])
    assert MARRIED.mailbox in approved.stdout
    assert server.standing(opened)["state"] == "code"
    mail = wait_for("the mail", lambda: server.outbox()[mails:])[0].read_bytes().decode("utf-8", "replace")
    assert f"To: {MARRIED.mailbox}" in mail
    code = re.findall(r"([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4})", mail)[0]
    assert server.standing(opened, code)["state"] == "certified"


def test_a_refusal_is_read_by_the_person(server: Server) -> None:
    opened = server.claim(TWIN)
    listed = row_of(server.type("registrations", language="en").stdout, opened)
    assert "homonym" in listed
    assert f"{OTHER_TWIN.rpps} SOPHIE MARTIN, 60 Infirmier, CLINIQUE SAINTE-ANNE, Rennes" in listed
    assert server.type("refuse", opened["registration"][:8]).returncode == 2  # argparse: a reason is required
    assert server.type("refuse", opened["registration"][:8], "--reason", "Mauvais numéro.").returncode == 0
    told = server.standing(opened)
    assert (told["state"], told["note"]) == ("refused", "Mauvais numéro.")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("approve", "zz"), "id-malformed"),
        (("approve", "abc"), "id-malformed"),
        (("refuse", "%%%%", "--reason", "x"), "id-malformed"),
        (("call", "0" * 32), "id-unknown"),
        (("approve", "é" * 8), "id-malformed"),
    ],
)
def test_a_wrong_id_is_said(server: Server, words: tuple[str, ...], reason: str) -> None:
    for language in ("fr", "en"):
        done = server.type(*words, language=language)
        assert done.returncode == 1
        assert done.stderr.strip() == say(reason, language, number=words[1])


def test_a_bad_extract_is_said_and_changes_nothing(server: Server) -> None:
    cut = server.folder / "cut.txt"
    cut.write_text("\n".join(people_lines(PRACTISING))[:-20], encoding="utf-8")
    done = server.type("register", "load", str(cut))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        say("register-unchanged", "fr"),
        say("extract-cut-off", "fr", file="cut.txt", line=len(PRACTISING) + 1),
    ]
    assert server.type("register", "load", str(server.folder / "nowhere.txt")).returncode == 1
    assert server.claim(RETIRED)["state"] == "code"


def test_the_sample_is_written_and_loads(server: Server, tmp_path: Path) -> None:
    done = server.type("register", "sample", str(tmp_path / "sample"))
    files = sorted((tmp_path / "sample").iterdir())
    assert [file.name for file in files] == ["correspondance-mssante.txt", "personne-activite.txt"]
    assert all(str(file) in done.stdout for file in files)


def test_a_terminal_shows_how_far_the_load_is(server: Server) -> None:
    people = write(server.folder / "again.txt", people_lines(EVERYBODY))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "miss_server", "register", "load", str(people), "--data", str(server.data)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=VERB_SECONDS_MAX, check=False)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "100%" in shown
    assert "again.txt" in shown


def test_where_no_server_was_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registrations", "--data", str(tmp_path / "none"), "--language", "en"]) == 1
    assert capsys.readouterr().err.strip() == say("no-data", "en", folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_every_act_has_its_line(server: Server) -> None:
    opened = server.claim(GP, given_name="Camile")
    server.type("approve", opened["registration"][:8], "--operator", "Une\nopératrice")
    server.type("refuse", opened["registration"][:8], "--operator", "Un autre", "--reason", "En double.")
    database = Database(server.data / "miss.db")
    with database.snapshot() as connection:
        acts = [(a.who, a.what, a.about) for a in connection.execute(registrar_acts.select()).all()]
    database.close()
    number = opened["registration"]
    assert [(who, what, about) for who, what, about in acts if number in about] == [
        ("server", "opened", f"{number} waiting near-match"),
        ("Une opératrice", "approved", f"{number} code to the listed mailbox"),
        ("Un autre", "refused", f"{number} En double."),
    ]


def test_every_text_is_in_both_languages() -> None:
    fields = re.compile(r"\{(\w+)\}")
    for key, (french, english) in TEXTS.items():
        assert french, key
        assert english, key
        assert sorted(set(fields.findall(french))) == sorted(set(fields.findall(english))), key
