"""Times and sizes as a person reads them, in the language in force."""

from datetime import datetime, timedelta

from miss_app.ui.texts import words


def local(at_ms: int) -> datetime:
    """Milliseconds since 1970 UTC as a time of this machine's zone."""
    return datetime.fromtimestamp(at_ms / 1000).astimezone()


def hour(at_ms: int) -> str:
    """ "14:05"."""
    return local(at_ms).strftime("%H:%M")


def date(moment: datetime) -> str:
    """ "12 mai 2026", "12 May 2026"."""
    return str(words.say("date.full", day=_day(moment), month=month(moment), year=moment.year))


def day(at_ms: int, now_ms: int) -> str:
    """The line between two days of a chat: "Aujourd’hui", "Hier", "lundi 4 mai", with the year when it is another."""
    moment, now = local(at_ms), local(now_ms)
    if moment.date() == now.date():
        return str(words.say("day.today"))
    if moment.date() == (now - timedelta(days=1)).date():
        return str(words.say("day.yesterday"))
    if moment.year == now.year:
        return str(words.say("date.weekday", weekday=weekday(moment), day=_day(moment), month=month(moment)))
    return date(moment)


def brief(at_ms: int, now_ms: int) -> str:
    """The time beside a conversation: "14:05", "Hier", "lun.", "12 mai", "12/05/2024"."""
    moment, now = local(at_ms), local(now_ms)
    age = (now.date() - moment.date()).days
    if age <= 0:
        return hour(at_ms)
    if age == 1:
        return str(words.say("day.yesterday"))
    if age < 7:
        return str(words.say(f"weekday.short.{moment.weekday()}"))
    if moment.year == now.year:
        return str(words.say("date.brief", day=_day(moment), month=words.say(f"month.short.{moment.month}")))
    return moment.strftime("%d/%m/%Y")


def weekday(moment: datetime) -> str:
    """ "lundi"."""
    return str(words.say(f"weekday.{moment.weekday()}"))


def month(moment: datetime) -> str:
    """ "mai"."""
    return str(words.say(f"month.{moment.month}"))


def size(octets: int) -> str:
    """A size in bytes as "312 Ko" or "3,1 Mo" ("312 kB", "3.1 MB")."""
    if octets < 1_000_000:
        return str(words.say("size.kilo", number=max(1, round(octets / 1000))))
    number = f"{octets / 1_000_000:.1f}"
    return str(words.say("size.mega", number=number if words.language == "en" else number.replace(".", ",")))


def _day(moment: datetime) -> str:
    return "1er" if moment.day == 1 and words.language == "fr" else str(moment.day)
