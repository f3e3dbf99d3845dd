"""Documents: which are taken, under which names they are shown and kept, and what a hostile PDF can do."""

import os
import zlib
from pathlib import Path

import pytest

from miss_app.engine import documents
from miss_app.engine.documents import clean_name, read, save_copy, text_of
from miss_app.engine.model import DocumentPart
from miss_app.engine.pdf_pages import PAGE_PIXELS_MAX, PAGES_MAX, PdfPages
from miss_app.engine.problems import Problem
from miss_protocol import limits


def pdf(
    pages: int = 1, *, width: float = 595, height: float = 842, words: str = "Compte rendu", extra: str = ""
) -> bytes:
    """A PDF made by hand: each page says ``words`` and its number."""
    kids = " ".join(f"{4 + 2 * one} 0 R" for one in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>",
    ]
    for number in range(pages):
        drawn = f"BT /F1 32 Tf 60 {height - 90:.0f} Td ({words} {number + 1}) Tj ET {extra}"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(out)
    tail = (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n"
    )
    return out + tail.encode() + f"startxref\n{start}\n%%EOF\n".encode()


def locked_pdf() -> bytes:
    """A PDF that says it is encrypted, with a password nobody has."""
    body = pdf().replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /P -64 /O <"
        + b"41" * 32
        + b"> /U <"
        + b"42" * 32
        + b"> >>"
        b" /ID [<00><00>]",
    )
    return body


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"MZ\x90", "virus.exe", "document-kind"),
        (b"x", "sans ending", "document-kind"),
        (b"x", "macro.docm", "document-kind"),
        (b"", "vide.pdf", "document-empty"),
        (b"MZ\x90\0" + bytes(500), "rapport.pdf", "document-mislabelled"),
        (b"MZ\x90 no zero", "rapport.txt", "document-mislabelled"),
        (b"%PDF-1.4 not a text", "notes.txt", "document-mislabelled"),
        (b"PK\x03\x04 a spreadsheet", "liste.csv", "document-mislabelled"),
        (b"a\0b", "binaire.txt", "document-mislabelled"),
        (b"%PDF-1.4" + bytes(limits.DOCUMENT_BYTES_MAX), "grand.pdf", "document-too-large"),
    ],
)
def test_what_is_no_document_is_refused(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        read(data, name)


def test_a_document_is_taken_as_it_is() -> None:
    data = pdf()
    found = read(data, "Compte rendu.PDF")
    assert (found.data, found.name, found.media_type) == (data, "Compte rendu.pdf", "application/pdf")
    assert read("é".encode("utf-16"), "a.txt").media_type == "text/plain"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../.ssh/authorized_keys.pdf", "authorized_keys.pdf"),
        ("C:\\Users\\x\\rapport.pdf", "rapport.pdf"),
        ("rapport\u202efdp.exe", "rapport fdp.exe.pdf"),  # written backwards, it would read "rapportexe.pdf"
        ("a\0b\nc.pdf", "a b c.pdf"),
        ("  ..  ", "document.pdf"),
        ("", "document.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("x" * 400 + ".pdf", "x" * (limits.DOCUMENT_NAME_CHARACTERS_MAX - 4) + ".pdf"),
        ('que"st<i>on?.pdf', "que st i on.pdf"),
        ("note.txt", "note.txt.pdf"),  # its ending tells what it is
    ],
)
def test_a_name_is_cleaned_before_it_is_used(name: str, shown: str) -> None:
    assert clean_name(name, "application/pdf") == shown
    assert clean_name(shown, "application/pdf") == shown


def test_what_others_say_of_a_document_is_checked() -> None:
    data = pdf()
    part = DocumentPart(b"b" * 32, b"k" * 32, 100, len(data), "application/pdf", "a.pdf")
    documents.check_received(data, part)
    hostile = documents.checked_part(DocumentPart(b"", b"", 1, 1, "application/x-msdownload", "../a.exe"))
    assert (hostile.media_type, hostile.name) == ("", "a.exe")
    for wrong in (DocumentPart(*vars(part).values()), part):
        with pytest.raises(Problem, match="document-broken"):
            documents.check_received(data + b" ", wrong)
    with pytest.raises(Problem, match="document-broken"):
        documents.check_received(b"MZ" + bytes(len(data) - 2), part)


def test_a_text_is_read_in_the_encodings_of_the_country() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert text_of("Été : 37,1 °C – œdème".encode(encoding)) == "Été : 37,1 °C – œdème", encoding


def test_a_copy_never_takes_the_place_of_anything(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"older")
    (tmp_path / "a (2).pdf").symlink_to(tmp_path / "nowhere")
    path = save_copy(tmp_path, "a.pdf", b"newer")
    assert path.name == "a (3).pdf"
    assert path.read_bytes() == b"newer"
    assert (tmp_path / "a.pdf").read_bytes() == b"older"
    assert not (tmp_path / "nowhere").exists()
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Problem, match="copy-refused"):
        save_copy(tmp_path / "absent", "a.pdf", b"x")


def test_pages_are_drawn_and_counted() -> None:
    pages = PdfPages(pdf(3))
    assert pages.count == 3
    assert [round(ratio, 2) for ratio in pages.ratios()] == [1.42] * 3
    drawn = pages.page(2, 600)
    assert (drawn.width, len(drawn.rgb)) == (600, 600 * drawn.height * 3)
    assert min(drawn.rgb) < 60 < 250 < max(drawn.rgb), "black words on white paper"
    assert pages.page(0, 600).rgb != drawn.rgb
    pages.close()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7\n" + os.urandom(3000), "document-broken"),
        (pdf()[:200], "document-broken"),
        (pdf(0), "document-broken"),
        (locked_pdf(), "pdf-locked"),
    ],
)
def test_a_pdf_that_cannot_be_opened_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        PdfPages(data)


def test_a_hostile_pdf_costs_little() -> None:
    huge = PdfPages(pdf(1, width=14400, height=14400))
    drawn = huge.page(0, 100_000)
    assert drawn.width * drawn.height <= PAGE_PIXELS_MAX + 2 * drawn.width
    ribbon = PdfPages(pdf(1, width=2, height=14400))
    with pytest.raises(Problem, match="document-broken"):
        ribbon.page(0, 800)
    many = PdfPages(pdf(PAGES_MAX + 5))
    assert many.count == PAGES_MAX
    # A stream that unpacks to 100 MB of nothing, and drawing that never ends well.
    bomb = pdf(1, extra="q " * 50_000 + zlib.compress(bytes(1000)).hex())
    odd = PdfPages(bomb)
    assert odd.page(0, 300).width == 300
    for one in (huge, ribbon, many, odd):
        one.close()
