"""What a long proof has done so far: one line a part, kept for one commit, so that what was stopped goes on."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "out/proofs"


def commit() -> str:
    """The commit under proof, with a plus sign where the tree differs from it; verdicts of before are no difference."""
    head = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    changed = subprocess.run(
        ["git", "status", "--porcelain", "-uno", "--", ".", ":!docs/proofs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def in_parts(
    name: str, seed: int, parts: int, play: Callable[[int], dict[str, object]], at: str = ""
) -> list[dict[str, object]]:
    """The verdicts of all parts; those that passed before at this commit are not played again.

    Args:
        play: plays one part, from its number, and says whether it ``passed``.
        at: the commit; the one that is checked out where it is empty.
    """
    path = FOLDER / f"{name}-{at or commit()}-{seed}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    kept = {one["part"]: one for one in map(json.loads, lines) if one["passed"]}
    verdicts = []
    for part in range(parts):
        if part not in kept:
            kept[part] = {"part": part, **play(part)}
            with path.open("a") as file:
                file.write(json.dumps(kept[part], ensure_ascii=False) + "\n")
        verdicts.append(kept[part])
    return verdicts
