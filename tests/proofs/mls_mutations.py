"""Seven thousand changes of one bit or one field of all that travels in MLS: all refused, nothing changed by any."""

import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from mls.mutations import KINDS, Mutations, Scene

EACH = 1000


def run(seed: int, each: int = EACH) -> dict[str, object]:
    """The proof; ``failed`` names the kinds of message of which a change was taken, or raised another error."""
    made: Counter[str] = Counter()
    failed = []
    for kind in KINDS:
        try:
            made.update(Mutations(Scene(), kind, seed).run(each))
        except Exception as error:  # any other error than RemoteError is a finding
            failed.append(f"{kind}: {type(error).__name__}: {error}"[:200])
        except BaseException as error:  # pytest.raises fails with an error of its own kind
            if type(error).__name__ != "Failed":
                raise
            failed.append(f"{kind}: a change was taken")
    return {"passed": not failed, "mutations": made.total(), "of each sort": dict(made), "failed": failed}
