"""The colours, type sizes and distances every screen is drawn with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """One set of colours, each "#RRGGBB" or "#RRGGBBAA"; what is written in one has a contrast of 4.5 or more."""

    ground: str  # behind the bubbles
    surface: str  # bars, lists, cards
    field: str  # where one types
    text: str
    meta: str  # times, captions, hints
    accent: str  # icons and words that act
    brand: str  # filled buttons and badges
    brand_ink: str
    line: str
    mine: str  # one's own bubble, and the chosen row
    theirs: str
    read: str  # the two ticks of a read message
    danger: str
    danger_soft: str
    caution: str
    caution_soft: str
    soft: str  # notices and day separators
    quote: str  # inside a bubble: a quoted message, a quiet button
    rail: str
    rail_ink: str
    scrim: str
    online: str


LIGHT = Palette(
    ground="#EEF3F2",
    surface="#FFFFFF",
    field="#EEF3F2",
    text="#12302E",
    meta="#4A625F",
    accent="#006A5E",
    brand="#00796B",
    brand_ink="#FFFFFF",
    line="#DDE6E4",
    mine="#CFEDE6",
    theirs="#FFFFFF",
    read="#0277BD",
    danger="#B3261E",
    danger_soft="#FBE9E7",
    caution="#8A5300",
    caution_soft="#FFF3DC",
    soft="#DFE8E6",
    quote="#12302E12",
    rail="#00574D",
    rail_ink="#FFFFFF",
    scrim="#0B1F1D80",
    online="#2EAD5B",
)

DARK = Palette(
    ground="#0E1514",
    surface="#1C2524",
    field="#26312F",
    text="#E3EDEB",
    meta="#A9BDBA",
    accent="#74DDCD",
    brand="#00796B",
    brand_ink="#FFFFFF",
    line="#2A3534",
    mine="#0B5048",
    theirs="#1C2524",
    read="#4FC3F7",
    danger="#FFB4AB",
    danger_soft="#4A1F1B",
    caution="#FFCF8A",
    caution_soft="#43320F",
    soft="#22302E",
    quote="#FFFFFF14",
    rail="#0A100F",
    rail_ink="#FFFFFF",
    scrim="#000000A0",
    online="#3CC471",
)

# A person keeps one colour everywhere. White initials stand on the first of each pair; the name is written in the first
# on a light bubble and in the second on a dark one, where the first would be too weak to read.
PERSON_COLOURS = (
    ("#00796B", "#4DB6AC"),
    ("#5E35B1", "#B39DDB"),
    ("#1565C0", "#90CAF9"),
    ("#2E7D32", "#A5D6A7"),
    ("#C2185B", "#F48FB1"),
    ("#BF5600", "#FFB74D"),
    ("#6D4C41", "#BCAAA4"),
    ("#AD1457", "#F8A0C4"),
    ("#455A64", "#B0BEC5"),
    ("#7B1FA2", "#CE93D8"),
    ("#0277BD", "#81D4FA"),
)

FADED = "#5E7673"  # behind the initials of who cannot be reached

WIDE_DP = 720  # from this width on, list and conversation stand side by side
RAIL_DP = 72
LIST_DP = 364
GATE_DP = 440  # the widest a column of questions becomes
BUBBLE_DP = 520
PHOTO_DP = 320
TOUCH_DP = 48  # the smallest thing a finger is asked to hit

# Sizes in sp, which follow the reader's own text size.
NAME_SP = 15.5
BODY_SP = 15.5
SMALL_SP = 13
TINY_SP = 11.5
LEADING = 1.12  # line height of running text

SPACES_DP = (4, 8, 12, 16, 20, 32)  # between things and around them
SMALL_RADIUS_DP, FIELD_RADIUS_DP, CARD_RADIUS_DP, SHEET_RADIUS_DP = 8, 14, 18, 24
APPEAR_S, LEAVE_S, TOAST_S = 0.12, 0.3, 5.0  # motion: a panel comes, a sentence goes, and how long it stays
