"""What can go wrong for a person, as a reason that the screen turns into a sentence with a way on."""


class Problem(Exception):
    """A verb that could not be done.

    Args:
        reason: machine-readable, lower case with hyphens: ``pin-wrong``, ``server-away``…; ``texts`` has its sentence.
        sentence: what the server said, in the person's language, where it said something.
        seconds: how long to wait before trying again; 0 where waiting does not help.
        tries_left: how often one may still try; None where that is not limited.
    """

    def __init__(self, reason: str, sentence: str = "", *, seconds: float = 0.0, tries_left: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence
        self.seconds = seconds
        self.tries_left = tries_left
