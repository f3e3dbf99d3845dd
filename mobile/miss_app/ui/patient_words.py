"""A patient and how long messages stay, as a person reads them."""

from collections.abc import Sequence
from datetime import datetime

from miss_app.engine.patients import looks_like_ins
from miss_app.ui import dates
from miss_app.ui.texts import words

DAYS = (1, 7, 30, 90, 180, 365)  # how long devices may be asked to keep messages
_MONTH_DAYS, _YEAR_DAYS = 30, 365
_INS_GROUPS = (1, 3, 5, 7, 10, 13, 15)


def born(birth_date: str) -> str:
    """ "1941-03-07" → "7 mars 1941"; a month or a year alone stays that; what is no date is shown as it is."""
    parts = birth_date.split("-")
    if not all(one.isdecimal() for one in parts) or len(parts) > 3:
        return birth_date
    year, month, day = (int(one) for one in [*parts, "1", "1"][:3])
    try:
        moment = datetime(year, month, day)  # noqa: DTZ001 (a day, in no zone)
    except ValueError:
        return birth_date
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        return str(words.say("patient.month", month=dates.month(moment), year=moment.year))
    return dates.date(moment)


def age(birth_date: str, now_ms: int) -> int | None:
    """In years, where the whole birth date is known."""
    parts = birth_date.split("-")
    if len(parts) != 3 or not all(one.isdecimal() for one in parts):
        return None
    year, month, day = (int(one) for one in parts)
    now = dates.local(now_ms)
    return now.year - year - ((now.month, now.day) < (month, day))


def known(name: str, birth_date: str) -> str:
    """ "Mme T. (7 mars 1941)"."""
    return str(words.say("patient.known", name=name, born=born(birth_date))) if birth_date else name


def numbered(identifier: str) -> str:
    """ "INS 2 69 05 49 588 157 80", "Dossier 4711"."""
    if not identifier:
        return ""
    if not looks_like_ins(identifier):
        return str(words.say("patient.record", number=identifier))
    groups = [identifier[begin:end] for begin, end in zip((0, *_INS_GROUPS), _INS_GROUPS, strict=False)]
    return str(words.say("patient.ins", number="\u00a0".join(groups)))


def kept(days: int) -> str:
    """ "1 jour", "30 jours", "3 mois", "1 an"."""
    if days == _YEAR_DAYS:
        return str(words.say("kept.year"))
    if days > _MONTH_DAYS and days % _MONTH_DAYS == 0:
        return str(words.say("kept.months", days // _MONTH_DAYS))
    return str(words.say("kept.days", days))


def told(notice: str, names: Sequence[str]) -> Sequence[str]:
    """The words that fill a notice, where they are dates and durations beside names."""
    if notice == "retention" and names[-1].isdecimal():
        return (*names[:-1], kept(int(names[-1])))
    if notice == "not-delivered" and names[-1].isdecimal():
        day = dates.date(dates.local(int(names[2])))
        return (str(words.say("expired.undelivered", int(names[1]), who=names[0], day=day)),)
    if notice == "expired" and names[0].isdecimal():
        return (str(words.say("expired.missed", int(names[0]), who=names[1])),)
    if notice.startswith("patient-"):
        pairs = zip(names[1::2], names[2::2], strict=False)
        return (names[0], *(known(name, birth_date) for name, birth_date in pairs))
    return names
