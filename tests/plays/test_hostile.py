"""What a hostile member, or a disk that lies, can do to the others: a placeholder with its reason, and no more."""

import sqlite3
from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from miss_app.engine import client as client_module
from miss_app.engine import inbox as inbox_module
from miss_protocol import content as contents
from miss_protocol.frames import Kind
from miss_protocol.mls.codec import Writer
from plays.test_group import persons, team


def unreadable(one: Device, chat: bytes) -> list[str]:
    return [line.problem for line in one.lines(chat) if line.kind == "unreadable"]


HOSTILE = {
    "garbage": b"\xff" * 40,
    "empty": b"",
    "an empty content": bytes(24),
    "text that is not UTF-8": Writer().fixed(bytes(24)).u16(contents.TEXT).opaque(b"\xff\xfe").bytes(),
    "a photo that is cut": Writer().fixed(bytes(24)).u16(contents.PHOTO).opaque(b"\0" * 10).bytes(),
    "a subject too long": Writer()
    .fixed(bytes(24))
    .u16(contents.SUBJECT)
    .opaque(Writer().text("x" * 5000).text("").bytes())
    .bytes(),
}


def test_contents_that_are_none_become_placeholders(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, _, chat = await team(scene)
        encode = contents.encode
        for name, plaintext in HOSTILE.items():
            monkeypatch.setattr(client_module.contents, "encode", lambda _, plaintext=plaintext: plaintext)
            before = len(unreadable(camille, chat))
            # The member's own engine cannot read it either: it is sent straight from the outbox.
            monkeypatch.setattr(inbox_module.Inbox, "_own", _forget_own)
            await hugo.client.send_text(chat, name)
            await until(lambda before=before: len(unreadable(camille, chat)) == before + 1, name)
        monkeypatch.setattr(client_module.contents, "encode", encode)
        assert set(unreadable(camille, chat)) <= {"malformed", "too-large"}
        await hugo.client.send_text(chat, "et maintenant")
        await camille.reads(chat, "et maintenant")
        authors = {
            line.author.display_name for line in camille.lines(chat) if line.kind == "unreadable" and line.author
        }
        assert authors == {hugo.view.display_name}

    play(post, tmp_path, acts)


def _forget_own(self: inbox_module.Inbox, step: object, record: object, row: object) -> None:
    item = self._outbox.find(row.body)  # a Deliver
    if item is not None:
        self._outbox.done(step, item)  # a Step


def test_an_unknown_critical_part_shows_its_fallback(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer client sends a kind of content that this one does not know."""

    async def acts(scene: Scene) -> None:
        camille, hugo, _, chat = await team(scene)
        encode = contents.encode

        def newer(content: contents.Content) -> bytes:
            return encode(content) + Writer().u16(contents.CRITICAL | 0x77).opaque(b"news").bytes()

        monkeypatch.setattr(client_module.contents, "encode", newer)
        await hugo.client.send_text(chat, "Sondage : mettez à jour MiSS pour répondre.")
        await camille.reads(chat, "Sondage : mettez à jour MiSS pour répondre.")

    play(post, tmp_path, acts)


def test_rows_altered_on_the_server_s_disk(tmp_path: Path) -> None:
    """An altered message is a placeholder and the stream goes on; after an altered commit the device comes back."""
    post = Post(tmp_path / "server", people=8)
    post.start()

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await camille.client.send_text(chat, "un")
        await nadia.reads(chat, "un")
        await hugo.reads(chat, "un")
        await nadia.client.stop()
        for text in ("deux", "trois"):
            await camille.client.send_text(chat, text)
        await hugo.reads(chat, "un", "deux", "trois")
        alter(post, chat, Kind.APPLICATION, second_last=True)
        await nadia.begin()
        await nadia.reads(chat, "un", "trois")
        assert len(unreadable(nadia, chat)) == 1
        await nadia.client.stop()
        tablet = scene.device("tablette", hugo.who)
        await tablet.link_from(hugo)
        await until(lambda: persons(tablet, chat), "the tablet is in")
        await camille.client.send_text(chat, "quatre")
        await tablet.reads(chat, "quatre")
        alter(post, chat, Kind.COMMIT)
        await nadia.begin()
        await until(lambda: nadia.notices(chat)[-1:] == ["rejoined"], "the chat says so")
        assert nadia.said(chat) == ["un", "trois"]
        assert unreadable(nadia, chat)[-1:] == ["thread-lost"], "where the fourth one is"
        for one in (camille, hugo, tablet):
            await until(lambda one=one: one.notices(chat)[-1:] == ["device-returned"], f"{one.name} sees her back")
        await camille.client.send_text(chat, "cinq")
        await nadia.reads(chat, "un", "trois", "cinq")
        await nadia.client.send_text(chat, "six")
        await tablet.reads(chat, "quatre", "cinq", "six")

    try:
        play(post, tmp_path, acts, threads_may_be_lost=True)
    finally:
        post.stop()


def alter(post: Post, chat: bytes, kind: Kind, *, second_last: bool = False) -> None:
    """Flip a bit in a stored row."""
    database = sqlite3.connect(post.folder / "miss.db", timeout=20)
    found = database.execute(
        "SELECT stream, number, body FROM rows JOIN streams USING (stream) WHERE stream_id = ? AND rows.kind = ?"
        " AND priority = ? ORDER BY number DESC",
        (chat, int(kind), 1 if kind is Kind.APPLICATION else 0),
    ).fetchall()
    stream, number, body = found[1 if second_last else 0]
    flipped = body[:-1] + bytes([body[-1] ^ 1])
    database.execute("UPDATE rows SET body = ? WHERE stream = ? AND number = ?", (flipped, stream, number))
    database.commit()
    database.close()
