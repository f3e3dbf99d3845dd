"""Every route asked some hundred times by schemathesis, by its links too, and thousands of times with worse texts."""

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from server.http_fuzz import Fuzzer
from server.office import Office


def run(seed: int, examples: int = 100, worse: int = 10_000, steps: int = 300) -> dict[str, object]:
    """The proof; its verdict."""
    with tempfile.TemporaryDirectory(prefix="miss-http-fuzz-") as made:
        office = Office(Path(made) / "data")
        office.start()
        try:
            findings = Fuzzer(office, seed).run(examples, worse, steps)
        finally:
            office.stop()
    return {
        "passed": not findings.wrong,
        "requests": findings.answers.total(),
        "answers": dict(sorted(findings.answers.items())),
        "wrong": findings.wrong[:5],
    }
