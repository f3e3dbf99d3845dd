"""What every scene is drawn as: on which device, in which theme and language, and how its picture is called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A window in pixels, how dense its screen is, and how large its reader wants the text."""

    size: tuple[int, int]
    density: float = 1.0
    fontscale: float = 1.0
    key_only: bool = False  # only the key scenes are drawn on it, in French

    @property
    def finger(self) -> bool:
        """Whether it is touched rather than clicked."""
        return self.density > 1


DEVICES = {
    "phone": Device((820, 1700), 2),
    "desktop": Device((1280, 840)),
    "tablet": Device((800, 1180), key_only=True),
    "tablet-wide": Device((1180, 800), key_only=True),
    "large": Device((820, 1700), 2, 1.5, key_only=True),
    "page": Device((1240, 1500), key_only=True),  # a sheet of paper, for the design system
}
THEMES = ("light", "dark")
LANGUAGES = ("fr", "en")


def picture_name(device: str, scene: str, theme: str, language: str) -> str:
    """ "phone-chat-dark-en.png"; light and French are not said."""
    return f"{device}-{scene}{'-dark' if theme == 'dark' else ''}{'-en' if language == 'en' else ''}.png"
