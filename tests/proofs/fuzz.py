"""Ten minutes of damaged and random bytes for every decoder: no other error than a refusal, no pause, no hunger."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from fuzz import MEMORY_BYTES_MAX, MEMORY_TIMES_MAX, SECONDS_MAX, WEIGHED_EVERY, Fuzzer

SECONDS = 600.0


def run(seed: int, seconds: float = SECONDS) -> dict[str, object]:
    """The proof; ``found`` names the decoder, what came of it and the input, in hexadecimal."""
    fuzzer = Fuzzer(seed)
    targets = list(fuzzer.targets)
    fuzzer.run(seconds)
    return {
        "passed": not fuzzer.findings,
        "decoders": len(targets),
        "inputs": sum(one.runs for one in targets),
        "inputs_of_the_least": min(one.runs for one in targets),
        "weighed": sum(one.runs // WEIGHED_EVERY for one in targets),
        "memory_bound": f"{MEMORY_BYTES_MAX:,} B and {MEMORY_TIMES_MAX} times the input",
        "seconds_an_input_max": SECONDS_MAX,
        "lines_reached": len(fuzzer.lines),
        "corpus": sum(len(one.corpus) for one in targets),
        "found": [f"{one.target}: {one.what}: {one.data.hex()}"[:300] for one in fuzzer.findings[:10]],
    }
