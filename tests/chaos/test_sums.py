"""The sums of many sieges."""

from chaos.sums import GOALS, enough, next_seed, sums_of, table, wanted


def siege(seed, *, passed=True, on="sqlite", **found):
    return {"seed": seed, "passed": passed, "on": on, "faults_in_flight": 0, "faults": {}, **found}


def test_runs_are_summed_by_kind():
    faults = {"node-kill": 30, "nats-kill": 2, "cut": 7}
    lines = [
        siege(1, deliveries=600, faults_in_flight=39, faults=faults, lost=0),
        siege(2, on="nodes", opened_by_mls=50, faults_in_flight=4, faults={"client-kill": 4}),
    ]
    sums = sums_of(lines)
    assert (sums["opaque"], sums["opened_by_mls"], sums["faults_in_flight"]) == (600, 50, 43)
    assert (sums["kills"], sums["node-kill"], sums["client-kill"], sums["cut"]) == (36, 30, 4, 7)
    assert next_seed(lines) == 3
    assert not enough(sums)
    assert "node-kill" in table(sums)


def test_a_run_that_found_something_begins_the_sums_anew():
    whole = {name: goal for name, goal in GOALS.items() if name.endswith("-kill")}
    full = siege(
        1, deliveries=1_000_000, opened_by_mls=200_000, faults_in_flight=10_000, faults={**whole, "node-kill": 200}
    )
    assert enough(sums_of([full]))
    assert not enough(sums_of([full, siege(2, passed=False, lost=1)]))
    assert enough(sums_of([siege(1, passed=False, lost=1), full]))
    assert not enough(sums_of([{**full, "doubled": 1}]))
    stopped = {"seed": 3, "passed": False, "on": "nodes", "stopped": "something is never answered"}
    assert enough(sums_of([full, stopped]))
    assert sums_of([full, stopped])["runs without an end"] == 1


def test_what_is_missing_most_is_run_next():
    lines = [siege(1, deliveries=1_000_000, faults_in_flight=10_000, faults={"node-kill": 300})]
    assert wanted(sums_of(lines), lines)[1] > 0
    lines[0]["opened_by_mls"] = 200_000
    lines[0]["faults"]["client-kill"] = 50
    on, engines, _ = wanted(sums_of(lines), lines)
    assert (on, engines) == ("nodes", 0)
