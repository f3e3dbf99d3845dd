"""The numbers in frames that stand for words: what a row is, how loud, why it was refused, why a socket closed."""

import re
from enum import IntEnum


class Kind(IntEnum):
    """What a row of a stream is."""

    APPLICATION = 1  # a PrivateMessage
    COMMIT = 2  # a PublicMessage
    PROPOSAL = 3  # a PublicMessage
    CREATE = 4  # a GroupInfo of one leaf; always number 1
    WELCOME = 5  # delivered only: the Welcome of the commit at this number
    OWN = 6  # delivered only: this device's own row; the body is its message id
    NOTICE = 7  # delivered only: the server's word in a device's own stream
    RESET = 8  # a new group in the old one's place: ``rebirth.Rebirth``


class Class(IntEnum):
    """All that the server learns of a content."""

    SILENT = 0
    NORMAL = 1
    URGENT = 2


class Refusal(IntEnum):
    """Why a Submit was refused; a refusal claims nothing."""

    NOT_MEMBER = 1
    STALE = 2  # the epoch is not the current one
    FORBIDDEN = 3  # policy: this person may not do that
    INVALID = 4  # the server could not accept the bytes
    TOO_LARGE = 5
    EXISTS = 7  # these two people already have a direct conversation, named in ``other``
    COMMIT_FIRST = 8  # a leave or a removal is pending and must be committed first
    SLOW_DOWN = 9
    FULL = 10  # a limit of members or conversations is reached


RESTART_REASON = re.compile(r"restart ([0-9]{1,6})")  # milliseconds: come back at a moment chosen among them


class Close(IntEnum):
    """Why a side closed the websocket."""

    TOO_LARGE = 1009
    RESTART = 1012
    PROTOCOL = 4400
    LOGIN = 4401
    REVOKED = 4403
    VERSION = 4406
    SLOW = 4408
    ELSEWHERE = 4409
