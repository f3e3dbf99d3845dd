"""The figures as a table and as a picture, each beside its goal and beside the bare relay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from xml.sax.saxutils import escape

from .works import Record


@dataclass(frozen=True)
class Goal:
    """One figure of a work, and what it should be; ``ratio_min`` is against the bare relay in the same run."""

    work: str
    figure: str
    unit: str
    least: float | None = None
    most: float | None = None
    ratio_min: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def on_postgresql(self) -> "Goal":
        """Half as much is enough there; a connection takes no more memory."""
        half = None if self.least is None else self.least / 2
        double = self.most if self.most is None or self.figure == "kib_a_connection" else 2 * self.most
        return replace(self, least=half, most=double, ratio_min=None)


GOALS = (
    Goal("pairs", "messages_s", "messages/s", least=9_000, ratio_min=0.65),
    Goal("pairs-receipts", "messages_s", "messages/s"),
    Goal("group", "deliveries_s", "deliveries/s", least=60_000, ratio_min=0.65),
    Goal("group-receipts", "deliveries_s", "deliveries/s"),
    Goal("latency", "p50_ms", "ms, half", most=1.5),
    Goal("latency", "p99_ms", "ms, 99 of 100", most=5.0),
    Goal("idle", "kib_a_connection", "KiB a connection", most=40.0),
    Goal("idle", "logins_s", "logins/s"),
    Goal("catch-up", "catch_up_s", "s for the backlog", most=0.3),
)
_HEAD = ("work", "server", "figure", "least", "median", "most", "goal", "of the relay", "server CPU", "generator CPU")


@dataclass(frozen=True)
class Line:
    """A figure of one server over all runs."""

    goal: Goal
    peer: str
    values: list[float]
    relay: float | None
    server_cpu: float
    generator_cpu: float
    others_cpu: float
    limited: bool

    @property
    def value(self) -> float:
        return median(self.values)

    @property
    def ratio(self) -> float | None:
        return self.value / self.relay if self.relay else None


def lines_of(records: Sequence[Record]) -> list[Line]:
    """Every figure that was measured, in the order of the goals."""
    found: list[Line] = []
    for goal in GOALS:
        by_peer: dict[str, list[Record]] = {}
        for one in records:
            if one["work"] == goal.work:
                by_peer.setdefault(str(one["peer"]), []).append(one)
        relay = [_number(one, goal.figure) for one in by_peer.get("relay", ())]
        for peer, some in by_peer.items():
            found.append(
                Line(
                    goal.on_postgresql() if peer == "postgresql" else goal,
                    peer,
                    [_number(one, goal.figure) for one in some],
                    median(relay) if relay and peer != "relay" else None,
                    median(_number(one, "server_cpu") for one in some),
                    median(_number(one, "generator_cpu") for one in some),
                    median(_number(one, "others_cpu") for one in some),
                    any(one["limit"] == "generator" for one in some),
                )
            )
    return found


def table(lines: Iterable[Line]) -> str:
    """Markdown; a figure that misses its goal is marked, and so is a run whose limit was the generator."""
    rows = [_HEAD, tuple("---" for _ in _HEAD)]
    for line in lines:
        goal = line.goal
        wanted = f"≥ {goal.least:,.0f}" if goal.least else f"≤ {goal.most:g}" if goal.most else ""
        if wanted and line.peer != "relay":
            wanted += " ✓" if goal.met(line.value) else " ✗"
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
        if ratio and goal.ratio_min:
            ratio += f" (≥ {goal.ratio_min:g} {'✓' if (line.ratio or 0) >= goal.ratio_min else '✗'})"
        values = (_shown(min(line.values)), f"**{_shown(line.value)}**", _shown(max(line.values)))
        generator = f"{line.generator_cpu:.2f}" + (" limit" if line.limited else "")
        figure = f"{goal.unit}"
        rows.append((goal.work, line.peer, figure, *values, wanted, ratio, f"{line.server_cpu:.2f}", generator))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def picture(lines: Sequence[Line]) -> str:
    """SVG: one bar a line, as a share of the longest bar of its figure; the goal is a mark on it."""
    width, left, bar, step = 760, 330, 320, 22
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{step * len(lines) + 20}" '
        'font-family="sans-serif" font-size="12">'
    ]
    for at, line in enumerate(lines):
        longest = max([one.value for one in lines if one.goal is line.goal] + [line.goal.least or line.goal.most or 0])
        scale, y = bar / (longest or 1), 10 + at * step
        colour = "#9aa5b1" if line.peer == "relay" else "#1f7a8c"
        label = escape(f"{line.goal.work}, {line.goal.unit}: {line.peer}")
        parts.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{label}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{line.value * scale:.1f}" height="16" fill="{colour}"/>')
        parts.append(f'<text x="{left + line.value * scale + 6:.1f}" y="{y + 13}">{_shown(line.value)}</text>')
        wanted = line.goal.least or line.goal.most
        if wanted:
            x = left + wanted * scale
            parts.append(f'<path d="M{x:.1f} {y - 2}v20" stroke="#c1121f" stroke-width="2"/>')
    return "\n".join([*parts, "</svg>", ""])


def _number(record: Record, figure: str) -> float:
    value = record[figure]
    assert isinstance(value, int | float)
    return float(value)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"
