"""Whose fault a failure is: ours (LocalError) or the other side's (RemoteError)."""


class MissError(Exception):
    """A refusal with a machine-readable reason.

    Args:
        reason: a short name in lower case with hyphens, e.g. ``malformed`` or ``bad-signature``.
        detail: a sentence for a developer; never a name, a text or a key.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class LocalError(MissError):
    """This side called the protocol in a way that it forbids: a bug or a wrong argument here."""


class RemoteError(MissError):
    """The other side sent what the protocol forbids: malformed, forged, stale or out of turn."""
