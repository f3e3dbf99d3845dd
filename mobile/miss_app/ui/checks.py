"""How a person's identity was checked, in words."""

from miss_app.ui.texts import words


def checked_words(how: str, place: str = "") -> str:
    """The way of the check; of an establishment's voucher, with the establishment where it is known."""
    if how == "voucher" and place:
        return str(words.say("checked.voucher_by", place=place))
    key = f"checked.{how or 'unknown'}"
    return str(words.say(key if words.knows(key) else "checked.unknown"))
