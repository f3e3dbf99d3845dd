"""Twenty thousand damaged websocket frames against a server process: nothing unforeseen, no memory kept, others served."""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

import httpx

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import free_port
from miss_server import authority
from server.frame_fuzz import Fuzzer
from server.office import Office, Process

RSS_GROWTH_MIB_MAX = 64


def run(seed: int, inputs: int = 20_000) -> dict[str, object]:
    """The proof; its verdict."""
    with tempfile.TemporaryDirectory(prefix="miss-frame-fuzz-") as made:
        folder = Path(made) / "data"
        folder.mkdir()
        metrics = f"127.0.0.1:{free_port()}"
        # Who sends as much as this is read more slowly; here it is the reading that is tried.
        quotas = "[quotas]\nmessages_a_second = 1000000\nmessages_at_once = 1000000\n"
        (folder / "miss.toml").write_text(f'metrics = "{metrics}"\n{quotas}')
        process = Process(folder)
        office = Office(folder)
        office.port = process.start()
        office.keyring = authority.load(office.settings.keys)
        asyncio.run(Fuzzer(office, office.port, seed + 1).run(500))  # what it takes once, it takes now
        before = _resident_mib(process)
        findings = asyncio.run(Fuzzer(office, office.port, seed).run(inputs))
        after = _resident_mib(process)
        text = httpx.get(f"http://{metrics}/metrics").text
        failures = re.findall(r'^miss_failures_total\{event="([^"]+)"\} ([1-9].*)', text, re.MULTILINE)
        process.stop()
        log = process.log.read_text()
    passed = (
        not findings.wrong and not failures and '"level": "error"' not in log and after - before < RSS_GROWTH_MIB_MAX
    )
    return {
        "passed": passed,
        "inputs": dict(findings.inputs),
        "ends": dict(findings.ends.most_common(20)),
        "witnessed": findings.witnessed,
        "wrong": findings.wrong[:3],
        "failures": dict(failures),
        "mib_before": before,
        "mib_after": after,
    }


def _resident_mib(process: Process) -> int:
    assert process.process is not None
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024
