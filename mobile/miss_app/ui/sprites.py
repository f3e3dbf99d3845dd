"""Canvas pieces that are made once and then only moved: tinted rounded boxes and textures, for rows that are reused."""

from collections.abc import Sequence

from kivy.graphics import BorderImage, Color, InstructionGroup, Rectangle, RoundedRectangle
from kivy.graphics.texture import Texture

_boxes: dict[tuple[int, ...], Texture] = {}


def rounded_box(*radii: int) -> Texture:
    """A white box for a 9-patch, its corners rounded by ``radii`` pixels, clockwise from the top left.

    Drawn by hand with soft edges: Kivy's smooth shapes, when translucent, leak out of a scrolled list's clip.
    """
    found = _boxes.get(radii)
    if found is None:
        found = _boxes[radii] = _draw_box(radii)
    return found


def _draw_box(radii: tuple[int, ...]) -> Texture:
    side = 2 * max(radii) + 2
    pixels = bytearray(b"\xff\xff\xff\xff" * (side * side))
    # Texture rows go upward: bottom left, bottom right, top right, top left.
    corners = ((0, 0, radii[3]), (1, 0, radii[2]), (1, 1, radii[1]), (0, 1, radii[0]))
    for right, top, radius in corners:
        for row in range(radius):
            for column in range(radius):
                distance = ((radius - column - 0.5) ** 2 + (radius - row - 0.5) ** 2) ** 0.5
                cover = min(1.0, max(0.0, radius - distance + 0.5))
                x = side - 1 - column if right else column
                y = side - 1 - row if top else row
                pixels[(y * side + x) * 4 + 3] = round(cover * 255)
    texture = Texture.create(size=(side, side), colorfmt="rgba")
    texture.blit_buffer(bytes(pixels), colorfmt="rgba", bufferfmt="ubyte")
    return texture


class Box:
    """A tinted rounded box; size (0, 0) while it is not used."""

    def __init__(self, canvas: InstructionGroup) -> None:
        self._color = Color(1, 1, 1, 0)
        self._image = BorderImage(size=(0, 0))
        canvas.add(self._color)
        canvas.add(self._image)

    def put(self, color: Sequence[float], x: float, y: float, width: float, height: float, *radii: float) -> None:
        """Show the box; one radius for all corners or four, clockwise from top left, in pixels."""
        limit = max(1, min(round(width), round(height)) // 2)
        whole = [min(round(radius), limit) for radius in (radii if len(radii) == 4 else radii * 4)]
        border = max(whole)
        self._color.rgba = color
        self._image.texture = rounded_box(*whole)
        self._image.border = (border, border, border, border)
        self._image.display_border = (border, border, border, border)
        self._image.pos = (round(x), round(y))
        self._image.size = (round(width), round(height))

    def hide(self) -> None:
        """Draw nothing until the next ``put``."""
        self._color.a = 0  # a 9-patch draws its corners even at no size
        self._image.size = (0, 0)


class Mark:
    """A texture of text or of an icon."""

    def __init__(self, canvas: InstructionGroup) -> None:
        self._color = Color(1, 1, 1, 1)
        self._rectangle = Rectangle(size=(0, 0))
        canvas.add(self._color)
        canvas.add(self._rectangle)

    def put(self, texture: Texture, x: float, y: float) -> None:
        """Show the texture at its own size, its lower left corner at whole pixels."""
        self._rectangle.texture = texture
        self._rectangle.pos = (round(x), round(y))
        self._rectangle.size = texture.size

    def hide(self) -> None:
        """Draw nothing, and let the texture go."""
        self._rectangle.size = (0, 0)
        self._rectangle.texture = None


class Picture:
    """A photo with rounded corners."""

    def __init__(self, canvas: InstructionGroup) -> None:
        self._color = Color(1, 1, 1, 1)
        self._rectangle = RoundedRectangle(size=(0, 0))
        canvas.add(self._color)
        canvas.add(self._rectangle)

    def put(self, texture: Texture, x: float, y: float, width: float, height: float, *radii: float) -> None:
        """Show the photo filling the box; four radii in pixels, clockwise from top left."""
        self._color.a = 1
        self._rectangle.texture = texture
        self._rectangle.pos = (round(x), round(y))
        self._rectangle.size = (round(width), round(height))
        self._rectangle.radius = list(radii)

    def hide(self) -> None:
        """Draw nothing, and let the texture go."""
        self._color.a = 0  # at no size Kivy keeps the shape it had, and without a texture draws it white
        self._rectangle.size = (0, 0)
        self._rectangle.texture = None
