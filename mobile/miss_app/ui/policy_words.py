"""What a window says of its machine's policy: that there is one, and what in it was not understood."""

from miss_app.policy import Policy
from miss_app.ui.texts import words


def policy_words(policy: Policy) -> str:
    """One sentence; "" where there is no policy."""
    if not policy.path:
        return ""
    if not policy.wrong:
        return str(words.say("policy.holds", path=policy.path))
    if policy.wrong == ("",):
        return str(words.say("policy.unreadable", path=policy.path))
    return str(words.say("policy.wrong", path=policy.path, keys=", ".join(policy.wrong)[:200]))
