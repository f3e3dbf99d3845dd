"""A few hundred damaged frames; the long form is ``make prove``'s ``frame_fuzz``."""

import asyncio
import logging

from miss_server import journal
from server.frame_fuzz import Fuzzer


def test_damaged_frames_are_answered_or_closed_with_a_reason(office, caplog):
    before = journal.FAILURES.copy()
    findings = asyncio.run(Fuzzer(office, office.port, seed=1).run(300))
    print(findings)
    assert not findings.wrong
    assert before == journal.FAILURES, "nothing unforeseen happened inside"
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR], "nobody fills the log from outside"
    assert findings.witnessed >= 10
    assert set(findings.inputs) == {"open", "login", "framing", "request"}
    for end in ("4400 malformed", "1009 too-large", "4401 bad-signature", "http 400"):
        assert findings.ends[end], end
