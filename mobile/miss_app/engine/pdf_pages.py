"""The pages of a PDF as pictures, where this machine can draw them; nothing is written to disk.

A received PDF is hostile: pages and pixels are bounded, and what cannot be drawn is a plain refusal. PDFium is not safe
in several threads: everything here runs in one thread of its own.
"""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from miss_app.engine.problems import Problem

try:
    import pypdfium2
except ImportError:  # phones: there is no build of it
    PDF_READABLE = False
else:
    PDF_READABLE = True

PAGES_MAX = 1000
PAGE_PIXELS_MAX = 8_000_000
PAGE_WIDTH_MAX = 4000
_RATIO_MAX = 40.0  # of a page's sides: beyond, it is no page

drawer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="miss-pdf")


@dataclass(frozen=True)
class PageImage:
    """One page drawn: RGB rows from the top."""

    width: int
    height: int
    rgb: bytes


class PdfPages:
    """An open PDF; ``close`` it. Call it on ``drawer`` alone.

    Args:
        data: the whole file.

    Raises:
        Problem: ``pdf-unreadable-here``, ``pdf-locked`` behind a password, or ``document-broken``.
    """

    def __init__(self, data: bytes) -> None:
        if not PDF_READABLE:
            raise Problem("pdf-unreadable-here")
        try:
            self._document = pypdfium2.PdfDocument(data)
            self.count = min(len(self._document), PAGES_MAX)
        except pypdfium2.PdfiumError as error:
            raise Problem("pdf-locked" if "password" in str(error).lower() else "document-broken") from error
        if not self.count:
            self.close()
            raise Problem("document-broken")

    def ratios(self) -> list[float]:
        """Height over width of each page; that of a sheet of A4 where a page does not say."""
        return [self._ratio(number) for number in range(self.count)]

    def _ratio(self, number: int) -> float:
        try:
            width, height = self._document.get_page_size(number)
        except pypdfium2.PdfiumError:
            return 1.414
        if width <= 0 or height <= 0:
            return 1.414
        return float(min(max(height / width, 1 / _RATIO_MAX), _RATIO_MAX))

    def page(self, number: int, width: int) -> PageImage:
        """A page, as wide as asked or as its pixels allow.

        Raises:
            Problem: ``document-broken``.
        """
        page: Any = None
        try:
            page = self._document[number]
            across, down = page.get_size()
            if across <= 0 or down <= 0 or not 1 / _RATIO_MAX <= down / across <= _RATIO_MAX:
                raise Problem("document-broken")
            wanted = min(width, PAGE_WIDTH_MAX, (PAGE_PIXELS_MAX * across / down) ** 0.5)
            bitmap = page.render(scale=wanted / across, rev_byteorder=True, may_draw_forms=False)
            try:
                picture = bitmap.to_pil().convert("RGB")
                return PageImage(picture.width, picture.height, picture.tobytes())
            finally:
                bitmap.close()
        except (pypdfium2.PdfiumError, ValueError, MemoryError, OSError, IndexError) as error:
            raise Problem("document-broken") from error
        finally:
            if page is not None:
                page.close()

    def close(self) -> None:
        """Forget the document."""
        with contextlib.suppress(pypdfium2.PdfiumError):
            self._document.close()
