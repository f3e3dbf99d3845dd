"""Somebody without an RPPS number registers with her establishment's code, finds a colleague and writes to her."""

import subprocess
import sys
from pathlib import Path

import pytest

from cast import PIN, Post, Scene, play
from miss_app.engine.events import Stage
from miss_app.engine.problems import Problem
from miss_server.finess import with_check_digit

FINESS = with_check_digit("59000001")
STAFF = "Matricule;Nom;Prénom;Profession;Service\r\nS-1;DIALLO;Aïssatou;Secrétaire médicale;Cardiologie\r\n"


def operate(post: Post, *words: str) -> str:
    """An operator's verb on establishments; what it said."""
    command = [sys.executable, "-m", "miss_server", "establishment", words[0], "--data", str(post.folder)]
    done = subprocess.run([*command, *words[1:]], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_by_the_code_of_her_establishment(tmp_path: Path) -> None:
    post = Post(tmp_path / "server")

    async def acts(scene: Scene) -> None:
        secretary = scene.device("aissatou", post.someone())
        client = secretary.client
        await client.start()
        await client.use_invitation(secretary.invitation)
        assert "voucher" not in await client.proof.ways()
        operate(post, "create", FINESS, "name=CENTRE HOSPITALIER DU PARC", "town=LILLE", "--proof", "arrêté vu")
        operate(post, "referent", FINESS, "Mme Jeanne Roy")
        file = tmp_path / "staff.csv"
        file.write_text(STAFF, encoding="cp1252", newline="")
        operate(post, "import", FINESS, str(file), "--apply")
        said = operate(post, "vouch", FINESS, "S-1", "--referent", "Mme Jeanne Roy")
        code = next(line.strip() for line in said.splitlines() if line.startswith("    ") and line.count("-") == 3)
        assert "voucher" in await client.proof.ways()
        version = (await client.presence.charter()).version
        claim = client.proof.claim_vouched
        for wrong, family, reason in (
            ("ABCD", "Diallo", "voucher-malformed"),
            (code, "Morel", "voucher-of-another"),
        ):
            with pytest.raises(Problem, match=reason):
                await claim(wrong, family, "Aïssatou", charter_version=version)
            assert client.stage() is Stage.IDENTITY
        with pytest.raises(Problem, match="charter"):
            await claim(code, "Diallo", "Aïssatou")
        await claim(code.lower().replace("-", " "), "Diallo", "Aïssatou", charter_version=version)
        assert client.stage() is Stage.PIN
        await client.choose_pin(PIN)
        await secretary.online()
        me = client.me()
        assert me is not None
        assert (me.display_name, me.profession) == ("Aïssatou Diallo", "Secrétaire médical")
        assert (me.checked_how, me.place) == ("voucher", "CENTRE HOSPITALIER DU PARC, Lille")
        thief = scene.device("thief", post.someone()).client
        await thief.start()
        await thief.use_invitation(secretary.invitation)
        with pytest.raises(Problem, match="voucher-used"):
            await thief.proof.claim_vouched(code, "Diallo", "Aïssatou", charter_version=version)

    try:
        post.start()
        play(post, tmp_path, acts)
    finally:
        post.stop()
