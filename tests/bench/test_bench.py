"""A short run of every work against the real server, so that the figures can be trusted to be measured at all."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from tests.bench.report import lines_of, picture, table
from tests.bench.works import WORKS, Options, measure

SHORT = Options(seconds=0.5, warm_up=0.2, connections=30, backlog=300)


@pytest.fixture(scope="module")
def records():
    return [measure(name, "miss", SHORT) for name in WORKS] + [measure("pairs", "relay", SHORT)]


def test_every_work_is_measured_on_the_real_server(records):
    by_work = {(one["work"], one["peer"]): one for one in records}
    for name in ("pairs", "pairs-receipts"):
        one = by_work[name, "miss"]
        assert one["messages_s"] > 0
        assert 0 < one["p50_ms"] <= one["p99_ms"]
        assert one["frames_a_message"] >= 4, "Submit, Accepted, Deliver, and the sender's own row"
    for name in ("group", "group-receipts"):
        one = by_work[name, "miss"]
        assert one["deliveries_s"] > 10 * one["messages_s"] > 0, "one message, 49 deliveries"
    assert by_work["latency", "miss"]["messages_s"] > 0
    assert by_work["idle", "miss"]["connections"] == 30
    assert by_work["catch-up", "miss"]["messages"] == 300
    assert by_work["pairs", "relay"]["messages_s"] > 0


def test_figures_become_lines_a_table_and_a_picture(records):
    for one in records:
        assert json.loads(json.dumps(one)) == one
        assert one["limit"] in {"server", "generator"}
    lines = lines_of(records)
    pairs = next(line for line in lines if line.goal.work == "pairs" and line.peer == "miss")
    relay = next(line for line in lines if line.goal.work == "pairs" and line.peer == "relay")
    assert pairs.ratio == pairs.value / relay.value
    shown = table(lines)
    assert len(shown.splitlines()) == len(lines) + 2
    assert all(name in shown for name in WORKS)
    bars = ElementTree.fromstring(picture(lines)).findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == len(lines)
