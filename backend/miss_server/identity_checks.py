"""How a claimed identity is judged against the national register: pure decisions, no storage.

The register is public, so what it says of a claim is said plainly. Who already uses MiSS is not public: nothing here
looks at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from miss_server import names
from miss_server.refusals import Refusal
from miss_server.register import Entry

MAILBOX, TELEPHONE, OPERATOR, PSC, VOUCHER = "mailbox", "telephone", "operator", "psc", "voucher"

NEAR_MATCH, HOMONYM, NO_MAILBOX, APPROVAL_ALWAYS, MANY_CLAIMS = (
    "near-match",
    "homonym",
    "no-mailbox",
    "approval-always",
    "many-claims",
)


@dataclass(frozen=True)
class Claim:
    """Who somebody says to be: number as eleven digits, names as typed, profession as a code of TRE_G15."""

    rpps: str
    family_name: str
    given_name: str
    profession: str


@dataclass(frozen=True)
class VoucherClaim:
    """Who somebody says to be, and the code of the voucher by which an establishment attests it; all as typed."""

    code: str
    family_name: str
    given_name: str


@dataclass(frozen=True)
class ByCode:
    """The claim is the register's: a code to that mailbox, which the register lists for that number, decides."""

    mailbox: str


@dataclass(frozen=True)
class ByOperator:
    """An operator decides, and ``why``."""

    why: str


def judge(
    claim: Claim, entry: Entry | None, homonyms: Sequence[str], *, always: bool, many: bool
) -> ByCode | ByOperator | Refusal:
    """What follows from a claim.

    Args:
        entry: what the register holds under the claimed number.
        homonyms: other numbers with the same name and profession.
        always: the server's policy is that an operator decides every time.
        many: there were many claims of this number lately.
    """
    if entry is None:
        return Refusal("unknown-number")
    exact = name_matches(claim, entry)
    if not exact and not name_is_near(claim, entry):
        return Refusal("name-differs")
    if entry.gone_since_ms is not None or not entry.activities:
        return Refusal("no-longer-practising")
    if entry.activity_as(claim.profession) is None:
        return Refusal("profession-differs")
    if not exact:
        return ByOperator(NEAR_MATCH)
    if homonyms:
        return ByOperator(HOMONYM)
    if not entry.mailboxes:
        return ByOperator(NO_MAILBOX)
    if always:
        return ByOperator(APPROVAL_ALWAYS)
    return ByOperator(MANY_CLAIMS) if many else ByCode(entry.mailboxes[0].address)


def name_matches(claim: Claim, entry: Entry) -> bool:
    """Whether both names are those of the register, or both those of one of the person's mailboxes."""
    return any(
        names.same(claim.family_name, family) and names.same(claim.given_name, given) for family, given in _known(entry)
    )


def name_is_near(claim: Claim, entry: Entry) -> bool:
    """Whether the names look like a slip of the pen, a married or second name, or the two fields swapped."""
    one, other = claim.family_name, claim.given_name
    return any(
        _near((one, family), (other, given)) or _near((other, family), (one, given)) for family, given in _known(entry)
    )


def _near(*pairs: tuple[str, str]) -> bool:
    return all(names.same(*pair) or names.near(*pair) for pair in pairs)


def _known(entry: Entry) -> list[tuple[str, str]]:
    return [
        (entry.family_name, entry.given_name),
        *((box.family_name, box.given_name) for box in entry.mailboxes),
    ]
