"""QR codes found in a picture: a screenshot, or a photo of another screen."""

from miss_app.engine import photos
from miss_app.engine.problems import Problem

try:
    import zxingcpp
except ImportError:  # phones: their camera reads QR codes by itself
    zxingcpp = None

READABLE = zxingcpp is not None


def read(data: bytes, file_name: str = "") -> str:
    """What the QR code in a picture says.

    Raises:
        Problem: ``qr-none``, ``qr-several``, ``qr-not-here`` (this machine reads none), or what ails the picture.
    """
    if zxingcpp is None:
        raise Problem("qr-not-here")
    picture = photos.grey(data, file_name)
    found = {one.text for one in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode) if one.text}
    if not found:
        raise Problem("qr-none")
    if len(found) > 1:
        raise Problem("qr-several")
    return str(found.pop())
