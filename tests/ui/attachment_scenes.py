"""The scenes of photos and documents: choosing, retouching, consent, looking at them, and what cannot be shown."""

import io
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from miss_app.device import Device
from miss_app.engine.events import DocumentView, MessageView, PhotoView, Tick
from miss_app.engine.problems import Problem
from miss_app.engine.retouching import FONT
from miss_app.ui import driver
from miss_app.ui.screens.photo_editor import PhotoEditor
from ui.cast import CAMILLE, ME, NADIA, wound
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene
from ui.talk_scenes import chat


def bracelet(tint: tuple[int, int, int] = (238, 190, 164)) -> Image.Image:
    """An invented wound with a label whose name must not travel."""
    image = wound(1600, 1200)
    image = Image.blend(image, Image.new("RGB", image.size, tint), 0.15)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((480, 760, 1120, 940), 20, fill=(250, 250, 246))
    pen.text((520, 800), "Mme T. FICTIVE", fill=(40, 40, 60), font_size=64)
    pen.text((520, 880), "07/03/1941", fill=(40, 40, 60), font_size=44)
    return image


def photo_files(folder: Path, count: int = 1) -> list[Path]:
    """Photos as a phone names them."""
    tints = ((238, 190, 164), (200, 160, 140), (240, 214, 190), (170, 190, 200), (210, 170, 190), (190, 200, 170))
    found = []
    for number in range(count):
        path = folder / f"IMG_{2041 + number}.jpg"
        bracelet(tints[number % len(tints)]).save(path, quality=88)
        found.append(path)
    return found


def opened_editor(rehearsal: Rehearsal, count: int = 1) -> PhotoEditor:
    """The editor on photos, weighed."""
    chat(rehearsal)
    with tempfile.TemporaryDirectory() as folder:
        rehearsal.app.shell.stack[-1].attaching.edit(photo_files(Path(folder), count))
        editor = rehearsal.app.shell.stack[-1]
        assert isinstance(editor, PhotoEditor)
        rehearsal.until(lambda: editor.negatives and all(one.texture for one in editor.negatives), "the photos")
    weighed(rehearsal, editor)
    return editor


def weighed(rehearsal: Rehearsal, editor: PhotoEditor) -> None:
    def done() -> bool:
        now = editor.negative
        return now is not None and now.weighed is not None and editor.ids.easel.state_name == str(len(now.edits))

    rehearsal.until(done, "the sizes")


def draw_on(page: PhotoEditor, points: list[tuple[float, float]]) -> None:
    """A stroke, in shares of the photo."""
    easel = page.ids.easel
    left, bottom, width, height = easel.box()
    above = easel.top - bottom - height
    places = [((left - easel.x + x * width) / easel.width, (above + y * height) / easel.height) for x, y in points]
    driver.stroke("photo-easel", places)


@scene("attach")
def attach(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    folder = Path(tempfile.mkdtemp(prefix="miss-photos-"))
    for name in ("Bureau", "Pansements"):
        (folder / name).mkdir()
    photo_files(folder, 6)
    put_on(rehearsal, folder)
    rehearsal.tap("attach")
    rehearsal.until(lambda: rehearsal.sees("photo-file-0"), "the photos")
    for number in (1, 3):
        rehearsal.tap(f"photo-file-{number}")
    rehearsal.pump(30)


def put_on(rehearsal: Rehearsal, folder: Path) -> None:
    """The folder as this machine's own for pictures and documents; what stands in it is nobody's translation."""
    rehearsal.app.device = _Fixed(folder)
    rehearsal.scene.written += [folder.name, *(path.name for path in folder.iterdir())]


class _Fixed(Device):
    """This machine, with a folder of its own for pictures and documents."""

    def __init__(self, folder: Path) -> None:
        super().__init__("linux")
        object.__setattr__(self, "folder", folder)

    def pictures_folder(self) -> Path:
        return self.folder  # type: ignore[attr-defined,no-any-return]  # set above, on a frozen one

    documents_folder = pictures_folder


@scene("editor", key=True)
def editor(rehearsal: Rehearsal) -> None:
    opened_editor(rehearsal)
    rehearsal.tap("photo-consent")
    rehearsal.type("photo-caption", "Talon droit, J12")


@scene("editor-several")
def editor_several(rehearsal: Rehearsal) -> None:
    opened_editor(rehearsal, 4)
    rehearsal.tap("photo-frame-1")
    rehearsal.tap("photo-full")
    weighed(rehearsal, rehearsal.app.shell.stack[-1])


@scene("editor-crop")
def editor_crop(rehearsal: Rehearsal) -> None:
    opened_editor(rehearsal)
    rehearsal.tap("photo-crop")


@scene("editor-arrow")
def editor_arrow(rehearsal: Rehearsal) -> None:
    page = opened_editor(rehearsal)
    rehearsal.tap("photo-arrow")
    draw_on(page, [(0.2, 0.15), (0.42, 0.4)])
    weighed(rehearsal, page)


@scene("editor-text")
def editor_text(rehearsal: Rehearsal) -> None:
    opened_editor(rehearsal)
    rehearsal.tap("photo-text")
    driver.stroke("photo-easel", [(0.5, 0.4)])
    rehearsal.type("photo-words", "Bord supérieur")


@scene("editor-blur")
def editor_blur(rehearsal: Rehearsal) -> None:
    page = opened_editor(rehearsal)
    rehearsal.tap("photo-blur")
    for height in (0.675, 0.715):
        draw_on(page, [(0.31, height), (0.5, height), (0.66, height)])
    weighed(rehearsal, page)


@scene("editor-consent")
def editor_consent(rehearsal: Rehearsal) -> None:
    opened_editor(rehearsal)
    rehearsal.tap("photo-send")
    rehearsal.until(lambda: rehearsal.sees("problem"), "what is missing")


def photo_lines(rehearsal: Rehearsal) -> list[MessageView]:
    lines = rehearsal.scene.lines[rehearsal.scene.talks[0].conversation_id]
    return [each for each in lines if isinstance(each.photo, PhotoView)]


@scene("photo")
def photo(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    line = photo_lines(rehearsal)[0]
    rehearsal.app.go_photo(line.conversation_id, line.message_id)
    rehearsal.until(lambda: rehearsal.app.shell.stack[-1].whole, "the whole photo")


def _documents(stage: Scene) -> None:
    talk = stage.talks[0].conversation_id
    report = DocumentView(
        "Compte rendu d’hospitalisation, service de médecine vasculaire.pdf", "application/pdf", 1_240_000, True
    )
    table = DocumentView("bilan.txt", "text/plain", 3_100, True)
    moving = DocumentView("Ordonnance de sortie.pdf", "application/pdf", 420_000, True, 0.42)

    def say(who, document, minutes, text="", **fields):  # type: ignore[no-untyped-def]  # a line of the scene
        line = stage.new_message(
            talk,
            "document",
            author=who,
            mine=who is ME,
            at_ms=NOW_MS - minutes * 60_000,
            text=text,
            document=document,
            **fields,
        )
        stage.lines[talk].append(line)
        return line

    stage.lines[talk] = stage.lines[talk][-3:]
    first = say(CAMILLE, report, 9, "Le compte rendu, à lire avant vendredi.")
    second = say(NADIA, table, 8)
    say(ME, moving, 1, tick=Tick.QUEUED)
    stage.pictures[first.message_id] = report_pdf()
    said = "Na 138\nK 4,1\nCréatinine 82 µmol/L\nCRP 12 mg/L\n\nPrélevé le 20 mai à 7 h 40."
    stage.pictures[second.message_id] = said.encode()
    stage.written += said.splitlines()


def _letters(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)


def report_pdf() -> bytes:
    """Three drawn pages of an invented report, as a PDF."""
    pages = []
    for number in range(3):
        page = Image.new("RGB", (1240, 1754), "white")
        pen = ImageDraw.Draw(page)
        pen.text((120, 120), "CH Fictif – Médecine vasculaire", fill=(0, 90, 80), font=_letters(40))
        pen.text((120, 220), f"Compte rendu, page {number + 1}", fill=(20, 20, 20), font=_letters(52))
        for line in range(28):
            pen.rounded_rectangle(
                (120, 340 + line * 46, 1120 - (line * 97) % 340, 356 + line * 46), 6, fill=(205, 210, 212)
            )
        pages.append(page)
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return out.getvalue()


@scene("documents", before=_documents)
def documents(rehearsal: Rehearsal) -> None:
    chat(rehearsal)


@scene("document-send")
def document_send(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    folder = Path(tempfile.mkdtemp(prefix="miss-documents-"))
    path = folder / "Compte rendu.pdf"
    path.write_bytes(report_pdf())
    rehearsal.scene.written.append(path.name)
    rehearsal.app.shell.stack[-1].attaching.take([path])
    rehearsal.until(lambda: rehearsal.sees("document-send"), "the panel")


@scene("document-pick")
def document_pick(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    folder = Path(tempfile.mkdtemp(prefix="miss-documents-"))
    (folder / "Comptes rendus").mkdir()
    for name, size in (("Compte rendu.pdf", 1_240_000), ("bilan.csv", 3_100), ("consignes.txt", 900)):
        (folder / name).write_bytes(bytes(size))
    put_on(rehearsal, folder)
    rehearsal.tap("more")
    rehearsal.tap("more-document")
    rehearsal.until(lambda: rehearsal.sees("document-file-0"), "the documents")


def open_line(rehearsal: Rehearsal, number: int) -> None:
    """Open one of the documents of the chat."""
    lines = [one for one in rehearsal.scene.lines[rehearsal.scene.talks[0].conversation_id] if one.document is not None]
    rehearsal.app.go_document(lines[number])
    rehearsal.until(lambda: not rehearsal.app.shell.stack[-1].busy, "the document")


@scene("document-pdf", before=_documents)
def document_pdf(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    open_line(rehearsal, 0)
    rehearsal.until(lambda: dict(driver.in_sight())["document-page-0"].state_name == "drawn", "the page")


@scene("document-near", before=_documents)
def document_near(rehearsal: Rehearsal) -> None:
    document_pdf(rehearsal)
    rehearsal.app.shell.stack[-1].look_at(0)
    rehearsal.until(lambda: rehearsal.app.shell.stack[-1].picture is not None, "the page alone")


@scene("document-text", before=_documents)
def document_text(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    open_line(rehearsal, 1)


@scene("document-copy", before=_documents)
def document_copy(rehearsal: Rehearsal) -> None:
    document_text(rehearsal)
    rehearsal.tap("document-copy")


@scene("document-folder", before=_documents)
def document_folder(rehearsal: Rehearsal) -> None:
    folder = Path(tempfile.mkdtemp(prefix="miss-folder-"))
    for name in ("Courriers", "Patients"):
        (folder / name).mkdir()
    put_on(rehearsal, folder)
    document_copy(rehearsal)
    rehearsal.tap("document-copy-yes")


def _locked(stage: Scene) -> None:
    _documents(stage)
    stage.refuse["opened"] = Problem("pdf-locked")


@scene("document-locked", before=_locked)
def document_locked(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    open_line(rehearsal, 0)


def _gone(stage: Scene) -> None:
    stage.refuse["opened"] = Problem("photo-gone")


@scene("photo-gone", before=_gone)
def photo_gone(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    line = photo_lines(rehearsal)[0]
    rehearsal.app.go_photo(line.conversation_id, line.message_id)
    rehearsal.until(lambda: rehearsal.sees("problem"), "whom to ask")


@scene("editor-unable")
def editor_unable(rehearsal: Rehearsal) -> None:
    opened_editor(rehearsal)
    rehearsal.tap("photo-unable")
    rehearsal.until(lambda: rehearsal.sees("consent-2"))
