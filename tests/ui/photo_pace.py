"""How long a photo takes from its edits to the sealed bytes that are sent, and from a stroke to its picture."""

import time

from demo.photo import wound
from miss_app.engine import photos
from miss_app.engine.retouching import AnyEdit, Arrow, Blur, Crop, Label, Turn, develop, retouch
from miss_protocol.sealing import seal_blob

EDITS: list[AnyEdit] = [
    Crop(0.05, 0.1, 0.95, 0.9),
    Turn(),
    Arrow((0.2, 0.3), (0.45, 0.5)),
    Label((0.5, 0.1), "Bord supérieur"),
    Blur(tuple((0.2 + step / 100, 0.8) for step in range(60)), seed=1),
]


def photo_edit_to_sent(runs: int = 3, *, full: bool = False) -> float:
    """Seconds from "send" to sealed bytes for a 12-megapixel photo with five edits, the best of some runs."""
    data = wound()
    best = float("inf")
    for _ in range(runs):
        began = time.perf_counter()
        seal_blob(develop(data, "IMG_0001.jpg", EDITS, full=full).jpeg)
        best = min(best, time.perf_counter() - began)
    return best


def stroke_to_picture(runs: int = 5) -> float:
    """Seconds from the end of a stroke of the brush to the pixels that show it, the best of some runs."""
    small = photos.decoded(wound(), full=False)
    small.thumbnail((1280, 1280))
    best = float("inf")
    for _ in range(runs):
        began = time.perf_counter()
        retouch(small, EDITS[-1:]).tobytes()
        best = min(best, time.perf_counter() - began)
    return best


if __name__ == "__main__":
    print(f"photo edit to sent: {photo_edit_to_sent():.2f} s reduced, {photo_edit_to_sent(full=True):.2f} s full")
    print(f"stroke to picture: {stroke_to_picture() * 1000:.0f} ms")
