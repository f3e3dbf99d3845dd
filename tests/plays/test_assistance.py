"""Help: a report that names nobody and quotes nothing, what the service says of itself, room made on a device."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import canaries
from cast import Post, Scene, play, until
from miss_app.engine.events import Trouble
from miss_app.engine.patients import Patient
from miss_app.engine.problems import Problem
from plays.test_history import picture

PATIENT = Patient("Mme Bergamote Canari", "1941-03-07", "269054958815780")
WORDS = ("Bergamote", "1941-03-07", "269054958815780", "Turquoise", "Saxifrage", "Citronnelle")


def test_a_report_says_what_is_wrong_and_of_nobody(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.create_group("Turquoise", PATIENT, [await camille.find(hugo)])
        await camille.client.send_text(chat, "Saxifrage")
        await camille.client.send_photo(
            chat, picture(3), file_name="citronnelle.jpg", caption="Citronnelle", consent=True
        )
        await until(lambda: len(hugo.said(chat)) == 2, "both have arrived")
        await camille.client.preferences.set_draft(chat, "Saxifrage")
        help_ = camille.client.assistance
        for problem in ("server-away", "Saxifrage est malade", "tls-unknown-authority"):
            help_.hear(Trouble(problem))
        facts = dict(help_.facts())
        assert facts["problems"].endswith("server-away, unnamed, tls-unknown-authority")
        assert facts["conversations"] == "1 / 1"
        assert facts["link"] == "online"
        text = "\n".join(f"{name}: {value}" for name, value in facts.items())
        people = [
            word for one in (camille, hugo) for word in (one.who.given, one.who.family, one.who.rpps, one.who.mailbox)
        ]
        ids = [one.view.person_id.hex() for one in (camille, hugo)] + [chat.hex()]
        secret = [*WORDS, *people, *ids, camille.post.server_id.hex(), str(camille.folder), "127.0.0.1"]
        written = tmp_path / "report.txt"
        written.write_text(text)
        assert canaries.search([written], {word: canaries.forms(word) for word in secret}) == []
        (tmp_path / "control.txt").write_text(text + "\nSaxifrage")
        assert canaries.search([tmp_path / "control.txt"], {"Saxifrage": canaries.forms("Saxifrage")})
        number = await help_.report(text)
        assert re.fullmatch("[0-9A-Z]{4}-[0-9A-Z]{4}", number)
        shown = reports(post, number)
        assert shown.splitlines()[0].startswith(number)
        assert [line.strip() for line in shown.splitlines()[1:]] == text.splitlines()
        assert number in reports(post)
        for _ in range(4):
            await help_.report(text)
        with pytest.raises(Problem, match="slow-down"):
            await help_.report(text)

    play(post, tmp_path, acts)
    # What the server keeps of it does not say who sent it: no column could.
    import sqlite3

    with sqlite3.connect(post.folder / "miss.db") as database:
        assert [row[1] for row in database.execute("PRAGMA table_info(problem_reports)")] == [
            "number",
            "received_at_ms",
            "text",
        ]


def reports(post: Post, *number: str) -> str:
    command = [sys.executable, "-m", "miss_server", "reports", *number, "--data", str(post.folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_an_establishment_says_when_it_helps_and_shortens_what_devices_keep(tmp_path: Path) -> None:
    post = Post(tmp_path / "server")
    post.start()
    post.stop()
    with (post.folder / "miss.toml").open("a", encoding="utf-8") as settings:
        settings.write(
            '\n[assistance]\nhours_fr = "du lundi au vendredi"\nhours_en = "Monday to Friday"\n'
            'telephone = "03 20 00 00 00"\n[retention]\ndevices_days = 30\n'
        )
    post.start()
    try:

        async def acts(scene: Scene) -> None:
            camille, hugo = await scene.enter("camille", "hugo")
            await until(lambda: camille.client.assistance.service().hours, "the service has said it")
            service = camille.client.assistance.service()
            assert (service.hours, service.telephone, service.mail) == ("du lundi au vendredi", "03 20 00 00 00", "")
            assert service.devices_days == 30
            chat = await camille.client.create_group("Garde", "", [await camille.find(hugo)], days=365)
            await camille.client.send_text(chat, "Bonjour")
            await hugo.reads(chat, "Bonjour")
            account = hugo.client._account
            record = account.conversations.get(chat)
            ahead = account.clock.offset_ms + 31 * 86_400_000
            account.clock.offset_ms, before = ahead, account.clock.offset_ms
            assert account.keeping.sweep(record) > 0
            account.clock.offset_ms = before
            assert hugo.said(chat) == []
            # It holds while the server is away.
            await camille.client.stop()
            post.stop()
            await camille.begin()
            assert camille.client.assistance.service().devices_days == 30

        play(post, tmp_path, acts)
    finally:
        post.stop()


def test_room_is_made_photo_by_photo_and_nothing_is_lost(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.create_group("Plaie", PATIENT, [await camille.find(hugo)])
        other = await camille.client.create_group("Autre", "", [await camille.find(hugo)])
        sent = [
            await camille.client.send_photo(where, picture(seed), file_name="a.jpg", consent=True)
            for seed, where in enumerate((chat, chat, other))
        ]
        await until(lambda: len(hugo.said(chat)) == 2 and len(hugo.said(other)) == 1, "three photos")
        account = camille.client._account
        await until(lambda: not account.store.all_rows("uploads"), "all are at the server")
        used = await camille.client.storage.used()
        assert [(one.conversation.title, one.files) for one in used] == [("Plaie", 2), ("Autre", 1)]
        freed = await camille.client.storage.free(chat)
        assert freed == used[0].file_bytes > 0
        assert [one.conversation.title for one in await camille.client.storage.used()] == ["Autre"]
        lines = [one for one in camille.lines(chat) if one.kind == "photo"]
        assert [one.photo.here for one in lines] == [False, False]
        assert all(one.photo.thumbnail for one in lines)
        assert await camille.client.photo(chat, sent[0])  # fetched again
        assert await camille.client.storage.free(chat) < freed
        # What waits to be sent stays.
        camille.cable.pull()
        await camille.offline()
        await camille.client.send_photo(chat, picture(9), file_name="a.jpg", consent=True)
        assert await camille.client.storage.free(chat) == 0

    play(post, tmp_path, acts)
