"""A short run of the works against the real server and the relay, so that a figure is known to have been measured."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from tests.bench.report import lines_of, picture, table
from tests.bench.works import Options, measure

PLAYED = ("group-receipts", "idle", "catch-up")
SHORT = Options(seconds=0.5, warm_up=0.1, connections=30, backlog=300)


@pytest.fixture(scope="module")
def records():
    return [measure(name, "miss", SHORT) for name in PLAYED] + [measure("group-receipts", "relay", SHORT)]


def test_the_works_are_measured_on_the_real_server(records):
    by_work = {(one["work"], one["peer"]): one for one in records}
    group = by_work["group-receipts", "miss"]
    assert group["deliveries_s"] > 10 * group["messages_s"] > 0, "one message, 49 deliveries"
    assert 0 < group["p50_ms"] <= group["p99_ms"]
    assert group["frames_a_message"] > 45, "Submit, Accepted, 49 Delivers, and the sender's own row"
    assert by_work["idle", "miss"]["connections"] == SHORT.connections
    assert by_work["catch-up", "miss"]["messages"] == SHORT.backlog
    assert by_work["group-receipts", "relay"]["messages_s"] > 0


def test_figures_become_lines_a_table_and_a_picture(records):
    for one in records:
        assert json.loads(json.dumps(one)) == one
        assert one["limit"] in {"server", "generator"}
    lines = lines_of(records)
    group = next(line for line in lines if line.goal.work == "group-receipts" and line.peer == "miss")
    relay = next(line for line in lines if line.goal.work == "group-receipts" and line.peer == "relay")
    assert group.ratio == group.value / relay.value
    shown = table(lines)
    assert len(shown.splitlines()) == len(lines) + 2
    assert all(name in shown for name in PLAYED)
    bars = ElementTree.fromstring(picture(lines)).findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == len(lines)
