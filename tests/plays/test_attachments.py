"""Documents and retouched photos over real sockets: sent, opened, passed on, handed over, forgotten."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
import segno
import zxingcpp
from PIL import Image

from cast import Device, Post, Scene, play, until
from engine.test_documents import pdf
from miss_app.engine.attachments import Draft
from miss_app.engine.events import MessageView
from miss_app.engine.problems import Problem
from miss_app.engine.retouching import Blur, Turn
from miss_protocol import limits
from plays.test_acts import line
from plays.test_group import fetch, team
from plays.test_history import finished

REPORT = pdf(2, words="Compte rendu de Mme Canari")
SECRET = "Odette Canari, 7 mars 1941"


def document_lines(one: Device, chat: bytes) -> list[MessageView]:
    return [view for view in one.lines(chat) if view.kind == "document"]


def stored(one: Device, table: str) -> list[bytes]:
    account = one.client._account
    assert account is not None
    return [row.name for row in account.store.all_rows(table)]


def test_a_document_is_sent_opened_passed_on_handed_over_and_forgotten(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, _, chat = await team(scene)
        sent = await camille.client.attachments.send_document(
            chat, REPORT, file_name="../Compte rendu.pdf", caption="à lire"
        )
        await hugo.reads(chat, "à lire")
        seen = line(hugo, chat, sent)
        assert seen.document is not None
        assert (seen.document.name, seen.document.media_type) == ("Compte rendu.pdf", "application/pdf")
        assert (seen.document.size_bytes, seen.document.here) == (len(REPORT), False), "on demand only"
        assert await fetch(hugo, chat, sent) == REPORT
        assert line(hugo, chat, sent).document.here
        assert hugo.client.search("compte rendu").messages[0].message_id == sent
        # What is no document is refused before anything is said.
        for data, name, reason in ((b"MZ", "a.exe", "document-kind"), (b"MZ\0", "a.pdf", "document-mislabelled")):
            with pytest.raises(Problem, match=reason):
                await hugo.client.attachments.send_document(chat, data, file_name=name)
        # A copy leaves MiSS where one asks for it, and takes nothing's place.
        folder = tmp_path / "copies"
        folder.mkdir()
        for name in ("Compte rendu.pdf", "Compte rendu (2).pdf"):
            path = await hugo.client.attachments.save_copy(chat, sent, folder)
            assert (path.name, path.read_bytes()) == (name, REPORT)
        # Forwarded under a key of its own.
        (outsider,) = await scene.enter("ines")
        outside = await hugo.client.open_direct(await hugo.find(outsider))
        with pytest.raises(Problem, match="leaves-the-team"):
            await hugo.client.deeds.forward(chat, sent, outside)
        passed = await hugo.client.deeds.forward(chat, sent, outside, leaving_team=True)
        await outsider.reads(outside, "à lire")
        assert await fetch(outsider, outside, passed) == REPORT
        assert line(outsider, outside, passed).origin.author == camille.view.display_name
        assert set(stored(outsider, "blobs")).isdisjoint(stored(hugo, "blobs")[:1])
        # A newcomer is given it with what was said before, and so is a device of one's own.
        await camille.client.add_people(chat, [await camille.find(outsider)], days=7)
        await until(lambda: document_lines(outsider, chat), "the newcomer has the line")
        await finished(outsider, False)
        given = document_lines(outsider, chat)[0]
        assert given.handed_by is not None
        assert given.document is not None
        assert given.document.here
        assert await outsider.client.attachments.opened(chat, sent) == REPORT
        # Taken back: nothing of it is left on any device.
        await camille.client.deeds.delete(chat, sent)
        for one in (camille, hugo, outsider):
            await until(lambda one=one: line(one, chat, sent).deleted_ms, f"{one.name}: taken back")
        assert stored(camille, "blobs") == []
        with pytest.raises(Problem, match="photo-gone"):
            await camille.client.attachments.opened(chat, sent)

    play(post, tmp_path, acts)


def test_what_the_server_has_forgotten_is_gone_and_not_on_its_way(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        document = await camille.client.attachments.send_document(chat, b"Na 138, K 4,1", file_name="bilan.txt")
        picture = await camille.client.send_photo(chat, bracelet(), file_name="a.png", caption="poignet")
        await hugo.reads(chat, "", "poignet")
        await until(lambda: not stored(camille, "uploads"), "both are on the server")
        for blob in (post.folder / "blobs").rglob("*"):
            if blob.is_file():
                blob.unlink()
        account = hugo.client._account
        assert account is not None
        for sent, kind in ((document, "document"), (picture, "photo")):
            with pytest.raises(Problem, match=f"{kind}-not-there-yet"):
                await hugo.client.attachments.opened(chat, sent)
            message = account.messages.find(chat, sent)
            assert message is not None
            old = replace(message, at_ms=message.at_ms - (limits.SERVER_KEEPS_PHOTOS_DAYS + 1) * 86_400_000)
            with account.store.step() as step:
                account.messages.change(step, old)
            with pytest.raises(Problem, match=f"{kind}-gone"):
                await hugo.client.attachments.opened(chat, sent)
        # Retention forgets the sealed bytes with the line.
        assert len(stored(camille, "blobs")) == 2
        record = camille.client._account.conversations.get(chat)
        camille.client._account.keeping._now_ms = lambda: record.at_ms + 400 * 86_400_000
        camille.client._account.keeping.resume()
        assert stored(camille, "blobs") == []

    play(post, tmp_path, acts)


def bracelet() -> bytes:
    """A photo with a QR code in its middle, as a PNG: its source bytes could be found again."""
    image, drawn = Image.new("RGB", (1800, 1200), (206, 170, 150)), io.BytesIO()
    segno.make(SECRET, micro=False).save(drawn, kind="png", scale=9, border=4)
    code = Image.open(drawn).convert("RGB")
    image.paste(code, (900 - code.width // 2, 600 - code.height // 2))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def said_by(jpeg: bytes) -> list[str]:
    with Image.open(io.BytesIO(jpeg)) as image:
        big = image.convert("RGB").resize((image.width * 1600 // image.width, image.height * 1600 // image.width))
    return [one.text for one in zxingcpp.read_barcodes(big)]


def test_what_was_blurred_is_in_nothing_sent_and_in_nothing_kept(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, _, chat = await team(scene)
        source = bracelet()
        brush = Blur(((0.35, 0.5), (0.65, 0.5)), seed=7, radius=0.12)
        with pytest.raises(Problem, match="consent-missing"):
            await camille.client.attachments.send_photos(chat, [Draft(source, "a.png")])
        drafts = [Draft(source, "a.png"), Draft(b"GIF89a", "b.gif")]
        with pytest.raises(Problem, match="photo-format"):  # all or none
            await camille.client.attachments.send_photos(chat, drafts, consent=True)
        assert not [view for view in camille.lines(chat) if view.kind == "photo"]
        drafts = [Draft(source, "a.png", "poignet", (Turn(), brush)), Draft(source, "a.png", "témoin", full=True)]
        blurred, plain = await camille.client.attachments.send_photos(chat, drafts, consent=True)
        await hugo.reads(chat, "poignet", "témoin")
        assert [view.text for view in hugo.lines(chat) if view.kind == "photo"] == ["poignet", "témoin"], "in order"
        assert line(hugo, chat, blurred).consent, "and it says that the patient agrees"
        for one in (camille, hugo):
            assert said_by(await fetch(one, chat, plain)) == [SECRET], "where it is not blurred it can be read"
            assert said_by(line(one, chat, plain).photo.thumbnail) == [SECRET]
            assert said_by(await fetch(one, chat, blurred)) == []
            assert said_by(line(one, chat, blurred).photo.thumbnail) == []
        # On disk: the profile's files hold nothing of the source, and the opened store nothing beyond what was sent.
        account = camille.client._account
        piece = source[len(source) // 2 :][:64]
        for path in [*camille.folder.rglob("*"), *post.folder.rglob("*")]:
            if path.is_file():
                data = path.read_bytes()
                assert piece not in data
                assert SECRET.encode() not in data
        kept = b"".join(
            row.body for table in ("messages", "blobs", "uploads", "outbox") for row in account.store.all_rows(table)
        )
        assert piece not in kept

    play(post, tmp_path, acts)
