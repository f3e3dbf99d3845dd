"""Photos for the screen: looked at before they are decoded, decoded off the main thread, kept in a bounded store."""

import io
import struct
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from kivy.clock import Clock
from kivy.core.image import ImageData, ImageLoader
from kivy.graphics.texture import Texture

THUMBNAIL_PIXELS_MAX = 640 * 640
PHOTO_PIXELS_MAX = 6000 * 6000
_ROOM = 48

decoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="miss-picture")
_shown: OrderedDict[bytes, Texture] = OrderedDict()
_waiting: dict[bytes, list[Callable[[Texture], None]]] = {}


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height a JPEG announces in its frame header, or None when it is not one; nothing is decoded."""
    stream = io.BytesIO(data)
    if stream.read(2) != b"\xff\xd8":
        return None
    while (head := stream.read(2)) and len(head) == 2 and head[0] == 0xFF:
        length = stream.read(2)
        if len(length) < 2:
            return None
        size = struct.unpack(">H", length)[0]
        # Start Of Frame markers are C0…CF without DHT (C4), JPG (C8) and DAC (CC).
        if 0xC0 <= head[1] <= 0xCF and head[1] not in (0xC4, 0xC8, 0xCC):
            frame = stream.read(5)
            if len(frame) < 5:
                return None
            height, width = struct.unpack(">HH", frame[1:])
            return width, height
        stream.seek(size - 2, io.SEEK_CUR)
    return None


def decode(data: bytes, pixels_max: int) -> ImageData | None:
    """The pixels of a JPEG, or None when it is not one, announces too many pixels or cannot be read."""
    size = jpeg_size(data)
    if size is None or size[0] < 1 or size[1] < 1 or size[0] * size[1] > pixels_max:
        return None
    for loader in ImageLoader.loaders:
        if "jpg" in loader.extensions() and loader.can_load_memory():
            try:
                found = loader("photo.jpg", ext="jpg", rawdata=io.BytesIO(data), inline=True, keep_data=True)
            except Exception:  # Kivy's loaders raise a bare Exception for a picture they cannot read
                return None
            return found._data[0] if found._data else None
    return None


def show(key: bytes, data: bytes, ready: Callable[[Texture], None], *, pixels_max: int = THUMBNAIL_PIXELS_MAX) -> None:
    """Call ``ready`` with the photo's texture: at once when it is kept, else on the main thread once decoded.

    ``key`` names the photo in the store. Nothing is called for a photo that cannot be decoded.
    """
    kept = _shown.get(key)
    if kept is not None:
        _shown.move_to_end(key)
        ready(kept)
        return
    waiting = _waiting.setdefault(key, [])
    waiting.append(ready)
    if len(waiting) == 1:
        decoding = decoder.submit(decode, data, pixels_max)
        decoding.add_done_callback(lambda done: Clock.schedule_once(lambda _dt: _land(key, done)))


def _land(key: bytes, done: "Future[ImageData | None]") -> None:
    readers = _waiting.pop(key, [])
    data = done.result()
    if data is None:
        return
    texture = _shown[key] = Texture.create_from_data(data)
    texture.flip_vertical()  # decoded rows go down, OpenGL's go up
    while len(_shown) > _ROOM:
        _shown.popitem(last=False)
    for ready in readers:
        ready(texture)


def forget_pictures() -> None:
    """Drop every photo on the screen's side: what was seen must not outlive the lock."""
    _shown.clear()
    _waiting.clear()
