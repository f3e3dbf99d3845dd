"""The fuzzer and the bench of this library work: a planted crash is found, and figures come out."""

import bench_mls
import fuzz


def test_the_fuzzer_finds_nothing_in_a_moment():
    fuzzer = fuzz.Fuzzer(20261122)
    everything = list(fuzzer.targets)
    fuzzer.run(1.5)
    assert fuzzer.findings == []
    assert all(one.runs > 1 for one in everything)


def test_the_fuzzer_finds_what_is_planted():
    fuzzer = fuzz.Fuzzer(1)
    wasted = []

    def crash(data):
        if data[:1] == b"!":
            raise IndexError("planted")

    fuzzer.targets = [
        fuzz.Target("crash", crash, [b"#ab"]),
        fuzz.Target("memory", lambda data: wasted.append(bytes(9 << 20)) or wasted.clear(), [b"abc"]),
    ]
    fuzzer.run(20)
    assert {one.target for one in fuzzer.findings} == {"crash", "memory"}
    assert "planted" in next(one.what for one in fuzzer.findings if one.target == "crash")


def test_the_bench_tells_its_figures():
    floor, messages = bench_mls.Floor.measure(), bench_mls.messages(40)
    paces = [bench_mls.pace_of(5, kind) for kind in ("basic", "x509")]
    lines = bench_mls.told(floor, messages, paces)
    assert sum(line.split()[:1] == ["5"] for line in lines) == 2
    assert paces[0].commit_bytes < paces[1].commit_bytes
    assert messages.seal > floor.sign / 4
