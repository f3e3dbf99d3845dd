"""Looking at photos and documents as a person does: nearer, the next one, a page, and a copy on purpose."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from kivy.core.window import Window

from engine.test_documents import locked_pdf, pdf
from miss_app.engine import pdf_pages
from miss_app.engine.events import DocumentView, MessageView
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from miss_app.ui.screens.document_viewer import DocumentViewer
from miss_app.ui.screens.photo_viewer import LEFT, RIGHT, PhotoViewer
from miss_app.ui.texts import words
from ui.attachment_scenes import put_on
from ui.cast import CAMILLE, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene

Rehearse = Callable[..., Rehearsal]
PHONE = (410, 850)


def with_photos(count: int = 4) -> tuple[Scene, list[MessageView]]:
    """A team's chat in which ``count`` photos were said, oldest first."""
    scene = opened(fill(Scene()))
    talk = scene.talks[0].conversation_id
    first = next(line for line in scene.lines[talk] if line.photo is not None)
    whole = scene.pictures[first.message_id]
    found = [first]
    for number in range(1, count):
        line = scene.new_message(
            talk, "photo", author=CAMILLE, at_ms=NOW_MS + number, text=f"la {number}", photo=first.photo
        )
        scene.lines[talk].append(line)
        scene.pictures[line.message_id] = whole
        found.append(line)
    return scene, found


def look(rehearse: Rehearse, scene: Scene, line: MessageView, size: tuple[int, int] = PHONE) -> Rehearsal:
    play = rehearse(scene, size)
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    play.app.go_photo(line.conversation_id, line.message_id)
    play.until(lambda: page_of(play).whole, "the whole photo")
    return play


def page_of(play: Rehearsal) -> PhotoViewer:
    page = play.app.shell.stack[-1]
    assert isinstance(page, PhotoViewer)
    return page


def test_a_swipe_leads_to_the_next_photo_and_back(rehearse: Rehearse) -> None:
    scene, lines = with_photos()
    play = look(rehearse, scene, lines[1])
    assert play.read("photo-viewer") == "la 1"
    for by, wanted in ((-200, 2), (-200, 3), (-200, 3), (200, 2), (-30, 2)):
        driver.stroke("photo-viewer", [(0.5, 0.5), (0.5 + by / 820, 0.5), (0.5 + by / 410, 0.5)])
        play.until(lambda: page_of(play).whole)
        assert page_of(play).message_id == lines[wanted].message_id
    for key, wanted in ((LEFT, 1), (LEFT, 0), (LEFT, 0), (RIGHT, 1)):
        Window.dispatch("on_key_down", key, 0, None, [])
        play.until(lambda: page_of(play).whole)
        assert page_of(play).message_id == lines[wanted].message_id
    assert CAMILLE.display_name in page_of(play).title


def test_two_taps_and_the_wheel_bring_it_nearer_and_it_never_leaves_its_place(rehearse: Rehearse) -> None:
    scene, lines = with_photos()
    play = look(rehearse, scene, lines[1])
    stage = page_of(play).ids.stage
    for _ in range(2):
        driver.stroke("photo-viewer", [(0.4, 0.5)])
    assert stage.scatter.scale == pytest.approx(2.5)
    driver.stroke("photo-viewer", [(0.3, 0.5), (0.6, 0.5), (0.9, 0.6)])  # all the way: the edge stops
    assert page_of(play).message_id == lines[1].message_id, "near, a swipe moves the photo"
    assert stage.scatter.x <= stage.x + 1
    assert stage.scatter.x + stage.width * stage.scatter.scale >= stage.right - 1
    for _ in range(2):
        driver.stroke("photo-viewer", [(0.4, 0.5)])
    assert stage.scatter.scale == pytest.approx(1)
    stage.bring(100, stage.center)
    assert stage.scatter.scale == pytest.approx(6)
    stage.bring(0.0001, stage.center)
    assert (stage.scatter.scale, tuple(stage.scatter.pos)) == (1, tuple(stage.pos))


def test_a_large_photo_is_fetched_when_asked_for_and_one_that_is_gone_says_whom_to_ask(rehearse: Rehearse) -> None:
    scene, lines = with_photos(3)
    talk = scene.talks[0].conversation_id
    assert lines[0].photo is not None
    large = replace(lines[1], photo=replace(lines[0].photo, here=False, size_bytes=6_400_000), consent=True)
    gone = replace(lines[2], photo=replace(lines[0].photo, here=False))
    scene.lines[talk][-2:] = [large, gone]
    play = look(rehearse, scene, lines[0])
    driver.stroke("photo-viewer", [(0.8, 0.5), (0.5, 0.5), (0.2, 0.5)])
    play.until(lambda: play.sees("photo-fetch"))
    assert not page_of(play).whole
    assert page_of(play).agreed == words.say("consent.seen_agreed")
    play.tap("photo-fetch")
    play.until(lambda: page_of(play).whole)
    scene.refuse["opened"] = Problem("photo-gone")
    driver.stroke("photo-viewer", [(0.8, 0.5), (0.5, 0.5), (0.2, 0.5)])
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.say("photo.gone_ask", who=CAMILLE.display_name)
    scene.refuse["opened"] = Problem("photo-not-there-yet")
    driver.stroke("photo-viewer", [(0.2, 0.5), (0.5, 0.5), (0.8, 0.5)])
    driver.stroke("photo-viewer", [(0.8, 0.5), (0.5, 0.5), (0.2, 0.5)])
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("photo-not-there-yet")
    play.tap("photo-stays")
    play.until(lambda: play.sees("toast"))


def with_document(data: bytes, name: str, media_type: str) -> tuple[Scene, MessageView]:
    scene = opened(fill(Scene()))
    talk = scene.talks[0].conversation_id
    view = DocumentView(name, media_type, len(data), False)
    line = scene.new_message(talk, "document", author=CAMILLE, at_ms=NOW_MS + 1, document=view)
    scene.lines[talk].append(line)
    scene.pictures[line.message_id] = data
    return scene, line


def open_document(rehearse: Rehearse, data: bytes, name: str, media_type: str) -> tuple[Rehearsal, DocumentViewer]:
    scene, line = with_document(data, name, media_type)
    play = rehearse(scene, PHONE)
    play.tap("conversation-0")
    bubble = f"message-{line.message_id.hex()[:8]}"
    play.until(lambda: play.sees(bubble))
    play.pump(4)
    assert not any(asked[0] == "opened" for asked in scene.asked), "on demand only"
    driver.tap(bubble, "document")
    play.until(lambda: isinstance(play.app.shell.stack[-1], DocumentViewer))
    page: DocumentViewer = play.app.shell.stack[-1]
    play.until(lambda: not page.busy)
    return play, page


def test_a_pdf_is_read_page_by_page_and_a_copy_is_saved_on_purpose(rehearse: Rehearse, tmp_path: Path) -> None:
    data = pdf(12)
    play, page = open_document(rehearse, data, "Compte rendu.pdf", "application/pdf")
    play.until(lambda: dict(driver.in_sight())["document-page-0"].state_name == "drawn", "the first page")
    assert len(page.list.rows) == 12
    driver.scroll("document-page-0", 100_000)
    play.until(lambda: play.sees("document-page-11"))
    play.until(lambda: dict(driver.in_sight())["document-page-11"].state_name == "drawn", "the last page")
    play.tap("document-page-11")
    play.until(lambda: play.sees("document-near") and page.picture is not None, "the page alone")
    driver.stroke("document-near", [(0.2, 0.5), (0.5, 0.5), (0.8, 0.5)])
    assert page.near == 10
    play.tap("back")
    assert page.near == -1
    (tmp_path / "Compte rendu.pdf").write_bytes(b"older")
    (tmp_path / "Dossier").mkdir()
    put_on(play, tmp_path)
    play.tap("document-copy")
    play.tap("sheet-close")
    play.tap("document-copy")
    play.tap("document-copy-yes")
    play.until(lambda: play.sees("folder-go"))
    assert sorted(os.listdir(tmp_path)) == ["Compte rendu.pdf", "Dossier"], "nothing is written before it is chosen"
    play.tap("folder-go")
    play.until(lambda: (tmp_path / "Compte rendu (2).pdf").exists())
    assert (tmp_path / "Compte rendu (2).pdf").read_bytes() == data
    assert (tmp_path / "Compte rendu.pdf").read_bytes() == b"older"
    play.tap("back")
    play.until(lambda: play.sees("composer"))
    assert page._drawn == {}


def test_a_text_is_read(rehearse: Rehearse) -> None:
    said = "\n".join(f"Ligne {number} : été" for number in range(5000))
    play, page = open_document(rehearse, said.encode("utf-8"), "notes.txt", "text/plain")
    assert len(page.list.rows) == 5000
    assert play.read("document-text-0") == "Ligne 0 : été"
    driver.scroll("document-text-0", 10_000_000)
    play.until(lambda: play.sees("document-text-4999"))


@pytest.mark.parametrize(
    ("data", "media_type", "reason"),
    [
        (b"%PDF-1.7 broken" + bytes(900), "application/pdf", "document-broken"),
        (locked_pdf(), "application/pdf", "pdf-locked"),
        (b"MZ", "", "document-unknown"),
    ],
)
def test_what_cannot_be_shown_says_so(rehearse: Rehearse, data: bytes, media_type: str, reason: str) -> None:
    play, _page = open_document(rehearse, data, "a.pdf", media_type)
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem(reason)
    assert play.sees("document-copy-instead") == (reason != "document-broken")


def test_where_pdfs_cannot_be_drawn_a_copy_is_offered(rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_pages, "PDF_READABLE", False)  # as on a phone
    play, _page = open_document(rehearse, pdf(), "a.pdf", "application/pdf")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("pdf-unreadable-here")
    play.tap("document-copy-instead")
    play.until(lambda: play.sees("document-copy-yes"))
