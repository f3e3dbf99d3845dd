"""Photos and documents on their way into a chat, clicked through as a person does."""

import io
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kivy.core.clipboard import Clipboard
from kivy.core.window import Window
from PIL import Image

from engine.test_documents import pdf
from miss_app.device import Device
from miss_app.engine.attachments import Draft
from miss_app.engine.retouching import Arrow, Blur, Crop, Label, Turn
from miss_app.ports.interfaces import Camera, PhotoPicker
from miss_app.ui import driver
from miss_app.ui.picking import files_in, pasted, taken_name
from miss_app.ui.screens.photo_editor import PhotoEditor
from miss_app.ui.texts import words
from ports.java import Telephone
from ui.attachment_scenes import bracelet, photo_files, put_on, weighed
from ui.cast import fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene

Rehearse = Callable[..., Rehearsal]
PHONE = (410, 850)


def chat(rehearse: Rehearse) -> Rehearsal:
    play = rehearse(opened(fill(Scene())), PHONE)
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    return play


def editor(play: Rehearsal) -> PhotoEditor:
    def there() -> bool:
        page = play.app.shell.stack[-1]
        return isinstance(page, PhotoEditor) and bool(page.negatives) and all(one.texture for one in page.negatives)

    play.until(there, "the editor")
    page: PhotoEditor = play.app.shell.stack[-1]
    return page


def test_a_photo_is_cropped_turned_pointed_at_written_on_blurred_and_sent(rehearse: Rehearse, tmp_path: Path) -> None:
    play = chat(rehearse)
    (path,) = photo_files(tmp_path)
    play.tap("attach")
    play.type("photo-path", str(path))
    play.tap("photo-next")
    page = editor(play)
    play.tap("photo-crop")
    driver.stroke("photo-easel", [(0.075, 0.32), (0.2, 0.36)])  # the upper left corner of the frame, inwards
    play.tap("photo-keep")
    play.tap("photo-rotate")
    play.tap("photo-arrow")
    driver.stroke("photo-easel", [(0.5, 0.3), (0.5, 0.4), (0.55, 0.5)])
    play.tap("photo-arrow")
    play.tap("photo-text")
    driver.stroke("photo-easel", [(0.5, 0.7)])
    play.type("photo-words", "Été")
    play.tap("photo-write")
    play.tap("photo-blur")
    driver.stroke("photo-easel", [(0.45, 0.5), (0.5, 0.52), (0.55, 0.5)])
    driver.stroke("photo-easel", [(0.5, 0.6)])
    assert [type(edit) for edit in page.negatives[0].edits] == [Crop, Turn, Arrow, Label, Blur, Blur]
    play.tap("photo-undo")
    play.tap("photo-blur")  # the tool is put down
    weighed(play, page)
    before = page.reduced_size, page.full_size
    assert "…" not in "".join(before)
    play.tap("photo-full")
    play.tap("photo-reduced")
    play.type("photo-caption", "Talon droit")
    play.tap("photo-send")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("consent-missing")
    play.tap("photo-consent")
    play.tap("photo-send")
    _, _, drafts, consent = play.did("send_photos")
    assert consent
    (draft,) = drafts
    assert isinstance(draft, Draft)
    crop, _, arrow, label, blur = draft.edits
    assert crop.left > 0.1
    assert crop.right == pytest.approx(0.92)
    assert arrow.start[0] < 0.6 < 1
    assert label.text == "Été"
    assert len(blur.points) >= 2
    assert (draft.caption, draft.full, draft.data) == ("Talon droit", False, path.read_bytes())
    assert draft.picture is not None
    assert draft.picture is not page.negatives
    play.until(lambda: not play.sees("photo-send"))
    assert play.sees("composer")


def test_several_photos_have_each_their_caption_and_definition(rehearse: Rehearse, tmp_path: Path) -> None:
    play = chat(rehearse)
    photo_files(tmp_path, 3)
    put_on(play, tmp_path)
    play.tap("attach")
    play.until(lambda: play.sees("photo-file-2"))
    for number in (2, 0, 1, 1):  # the last one is left out again
        play.tap(f"photo-file-{number}")
    play.tap("photo-next")
    page = editor(play)
    assert [one.name for one in page.negatives] == [path.name for path in (_newest(tmp_path)[2], _newest(tmp_path)[0])]
    play.type("photo-caption", "la première")
    play.tap("photo-frame-1")
    play.type("photo-caption", "la seconde")
    play.tap("photo-rotate")
    weighed(play, page)
    play.tap("photo-full")
    play.tap("photo-frame-0")
    assert play.read("photo-caption") == "la première"
    play.tap("photo-consent")
    play.tap("photo-send")
    drafts = play.did("send_photos")[2]
    assert [(one.caption, one.full, one.edits) for one in drafts] == [
        ("la première", False, ()),
        ("la seconde", True, (Turn(),)),
    ]


def test_one_of_several_is_left_out_and_nothing_is_kept_when_leaving(rehearse: Rehearse, tmp_path: Path) -> None:
    play = chat(rehearse)
    play.app.shell.stack[-1].attaching.edit(photo_files(tmp_path, 2))
    page = editor(play)
    play.tap("photo-drop")
    assert len(page.negatives) == 1
    play.tap("photo-blur")
    play.tap("back")  # first the tool, then the page
    assert play.sees("photo-send")
    play.tap("back")
    play.until(lambda: play.sees("composer"))
    assert page.negatives == []
    assert not any(asked[0] == "send_photos" for asked in play.scene.asked)


def test_what_is_no_photo_says_so(rehearse: Rehearse, tmp_path: Path) -> None:
    play = chat(rehearse)
    broken = tmp_path / "casse.jpg"
    broken.write_bytes(b"\xff\xd8\xff" + bytes(300))
    for path, reason in ((tmp_path / "absente.jpg", "photo-file-missing"), (broken, "photo-broken")):
        play.tap("attach")
        play.type("photo-path", str(path))
        play.tap("photo-next")
        play.until(lambda: play.sees("problem"))
        assert play.read("problem") == words.problem(reason)
        play.tap("back")
        play.until(lambda: play.sees("attach"))


def test_files_dropped_together_come_together(rehearse: Rehearse, tmp_path: Path) -> None:
    play = chat(rehearse)

    def drop(*paths: Path) -> None:
        for path in paths:
            Window.dispatch("on_drop_file", str(path).encode(), 200, 400)

    one, two = photo_files(tmp_path, 2)
    document, other = tmp_path / "Compte rendu.pdf", tmp_path / "macro.docm"
    document.write_bytes(pdf())
    drop(one, other)
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("file-kind")
    drop(document, one)
    play.until(lambda: play.read("problem") == words.problem("files-mixed"))
    drop(one, two)
    page = editor(play)
    assert [negative.name for negative in page.negatives] == [one.name, two.name]
    drop(one)  # one more, while the editor is open
    play.until(lambda: len(page.negatives) == 3)
    play.tap("back")
    drop(document)
    play.until(lambda: play.sees("document-send"))
    play.type("document-caption", "à lire")
    play.tap("document-send")
    assert play.did("send_document")[2:] == (document.read_bytes(), "Compte rendu.pdf", "à lire")
    play.until(lambda: not play.sees("document-send"))


def test_a_document_is_chosen_from_its_folder(rehearse: Rehearse, tmp_path: Path) -> None:
    play = chat(rehearse)
    (tmp_path / "photo.jpg").write_bytes(b"x")
    (tmp_path / "Dossier").mkdir()
    path = tmp_path / "Dossier" / "notes.txt"
    path.write_bytes("Été".encode())
    put_on(play, tmp_path)
    play.tap("more")
    play.tap("more-document")
    play.until(lambda: any(row.title == "Dossier" for row in play.app.shell.children[0]._list.rows))
    assert not play.sees("document-file-0"), "a photo is no document"
    play.app.shell.children[0].tapped(tmp_path / "Dossier", folder=True)
    play.tap("document-file-0")
    play.tap("document-send")
    assert play.did("send_document")[2:] == (path.read_bytes(), "notes.txt", "")


def test_a_picture_in_the_clipboard_is_pasted(rehearse: Rehearse, tmp_path: Path, x_display: str) -> None:
    Clipboard.put(b"", "text/plain")  # in which another test may have left words: those would be pasted first
    play = chat(rehearse)
    play.tap("composer")
    play.app.shell.stack[-1].attaching.paste()
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("clipboard-empty")
    copied = tmp_path / "copied.png"
    bracelet().save(copied)
    holder = subprocess.Popen(
        ["xclip", "-quiet", "-selection", "clipboard", "-t", "image/png", "-i", str(copied)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_clipboard()
        play.tap("composer")  # where the keys go, whatever came meanwhile
        play.until(lambda: driver.find("composer").focus, "the cursor")
        driver.key("v", ["ctrl"])
        page = editor(play)
        assert page.negatives[0].name.endswith(".png")
        play.tap("back")
        play.tap("attach")
        play.tap("photo-paste")
        editor(play)
    finally:
        holder.terminate()
        holder.wait(30)


def _wait_for_clipboard() -> None:
    end = time.monotonic() + 60
    while True:
        try:
            assert pasted()
            return
        except Exception:
            assert time.monotonic() < end, "xclip does not hold the picture"
            time.sleep(0.05)


def test_folders_are_listed_without_what_is_hidden_or_forbidden(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / "Images").mkdir()
    for name in (".secret.jpg", "a.JPG", "b.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert files_in(tmp_path) == ([tmp_path / "Images"], [tmp_path / "a.JPG"])
    assert files_in(tmp_path, documents=True) == ([tmp_path / "Images"], [tmp_path / "b.txt"])
    assert files_in(tmp_path / "absent") == ([], [])


def _newest(folder: Path) -> list[Path]:
    return files_in(folder)[1]


@pytest.fixture
def telephone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    """Java's classes as recorded, for adapters that are really called."""
    one = Telephone(tmp_path)
    one.plug_in(monkeypatch)
    monkeypatch.setenv("ANDROID_PRIVATE", str(tmp_path / "files"))
    return one


class Pocket(Device):
    """A telephone's photos and camera on this machine's screen."""

    def __init__(self) -> None:
        super().__init__("linux")

    def photo_picker(self) -> PhotoPicker | None:
        return Device("android").photo_picker()

    def camera(self) -> Camera | None:
        return Device("android").camera()


def on_the_telephone(rehearse: Rehearse) -> Rehearsal:
    play = rehearse(opened(fill(Scene())), PHONE, device=Pocket())
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    return play


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), (206, 170, 150)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "photo.jpg"), ("PNG", "photo.png"), ("WEBP", "photo.webp")])
def test_a_picked_photo_comes_to_the_editor(
    rehearse: Rehearse, telephone: Telephone, tmp_path: Path, kind: str, name: str
) -> None:
    play = on_the_telephone(rehearse)
    (tmp_path / "picked").write_bytes(picture(kind))
    telephone.offered["content://picker/1"] = tmp_path / "picked"
    play.tap("attach")
    assert telephone.said[-1][1] == "android.provider.action.PICK_IMAGES"
    # Android answers on its own thread, never on the screen's.
    answering = threading.Thread(target=telephone.answer, args=(telephone.code, -1, "content://picker/1"))
    answering.start()
    answering.join()
    assert len(editor(play).negatives) == 1
    play.tap("photo-consent")
    play.tap("photo-send")
    draft = play.did("send_photos")[2][0]
    assert (draft.data, draft.file_name) == (picture(kind), name)


def test_a_photo_is_taken_and_given_up(rehearse: Rehearse, telephone: Telephone, tmp_path: Path) -> None:
    play = on_the_telephone(rehearse)
    before = len(play.app.shell.stack)
    for result, written, arrives in ((0, b"", False), (-1, picture("JPEG"), True)):
        play.tap("more")
        play.tap("more-camera")
        play.until(lambda: telephone.listeners, "the camera was asked")
        assert telephone.said[-1][1] == "android.media.action.IMAGE_CAPTURE"
        file = tmp_path / "cache/camera/photo.jpg"
        file.write_bytes(written)
        telephone.answer(telephone.code, result)
        assert not file.exists(), "no photo is left beside the conversation"
        play.pump(6)
        assert (len(play.app.shell.stack) > before) is arrives
    assert len(editor(play).negatives) == 1


def test_what_a_photo_is_called_says_what_it_is() -> None:
    named = {taken_name(data) for data in (b"", b"\xff\xd8\xff", picture("JPEG"))}
    assert named == {"photo.jpg"}
    assert taken_name(b"\0\0\0\x18ftypheic") == "photo.heic"
