"""A few hundred requests that nobody would think of; the long form is ``make prove``'s ``http_fuzz``."""

import time

from server.http_fuzz import TAKES, Fuzzer, description


def test_every_route_that_takes_a_body_is_described(shared_office):
    paths = description(shared_office.app)["paths"]
    found = {(by, path) for path, methods in paths.items() for by in methods if by in ("post", "put", "patch")}
    assert found == set(TAKES)


def test_whatever_is_asked_there_is_an_answer_in_words(shared_office):
    begun = time.monotonic()
    findings = Fuzzer(shared_office, 1).run(examples=1, worse=200)
    print(findings, time.monotonic() - begun)
    assert not findings.wrong
    for status in ("200", "401", "404", "422"):
        assert findings.answers[status], status
