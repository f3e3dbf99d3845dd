"""What the screen's side forgets at the lock: drawn texts, measured words, photos, and Kivy's own caches."""

from kivy.cache import Cache

from miss_app.ui.clipping import forget_clipboard
from miss_app.ui.glyphs import forget_textures
from miss_app.ui.inputs import forget_inputs
from miss_app.ui.measure import forget_words
from miss_app.ui.pictures import forget_pictures
from miss_app.ui.preview import forget_previews
from miss_app.ui.rich_text import forget_rich_texts


def forget_everything() -> None:
    """Drop every text and picture kept to draw faster, and what was copied from here."""
    forget_textures()
    forget_rich_texts()
    forget_words()
    forget_pictures()
    forget_previews()
    forget_inputs()
    forget_clipboard()
    for category in ("kv.image", "kv.texture", "kv.loader"):
        Cache.remove(category)
