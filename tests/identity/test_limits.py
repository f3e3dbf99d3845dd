"""How often anybody may ask: counted in the database for every node, by the true address, and closed where it fails."""

import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text

from identity.extract import Job, Someone
from identity.people import GP
from identity.post_office import PostOffice
from miss_protocol.limits import CODE_TRIES_MAX
from miss_server import buckets, config
from miss_server.buckets import RETRY_SECONDS, Buckets
from miss_server.config import ConfigError
from miss_server.database import Database
from miss_server.register_tables import buckets as bucket_table
from miss_server.register_tables import registrations
from miss_server.registrar import CODES_MAILED_PER_PERSON_DAY_MAX

CAMILLE = Someone(1, "EXEMPLE", "Camille", (Job(),), "Docteur", "camille@medecin.mssante.example")


class Clock:
    now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


def take(database: Database, of: Buckets, who: str) -> bool:
    with database.transaction() as connection:
        return of.take(connection, who)


def test_tokens_come_back_one_by_one_and_each_kind_counts_by_itself(engine: Database) -> None:
    clock = Clock()
    some, other = Buckets("claim", 3, 1_000, clock), Buckets("link", 1, 1_000, clock)
    assert [take(engine, some, "192.0.2.1") for _ in range(5)] == [True, True, True, False, False]
    assert take(engine, some, "192.0.2.2")
    assert take(engine, other, "192.0.2.1")
    clock.now += 1_000
    assert [take(engine, some, "192.0.2.1") for _ in range(2)] == [True, False]
    again = Buckets("claim", 3, 1_000, clock)  # as after a restart, or on another node
    assert not take(engine, again, "192.0.2.1")
    with engine.transaction() as connection:
        clock.now += 60_000
        buckets.forget(connection, clock.now)
        assert connection.execute(select(bucket_table)).all() == []
    assert take(engine, some, "192.0.2.1")


def test_one_household_has_one_bucket_however_it_is_written(engine: Database) -> None:
    some = Buckets("house", 1, 1_000, Clock())
    assert take(engine, some, "2001:db8:1:2::1")
    assert not take(engine, some, "2001:DB8:1:2:ffff::9")
    assert take(engine, some, "2001:db8:1:3::1")
    assert take(engine, some, "192.0.2.7")
    assert not take(engine, some, "::ffff:192.0.2.7")


def test_many_at_once_take_no_more_than_there_is(engine: Database) -> None:
    some, granted = Buckets("race", 5, 3_600_000, Clock()), []

    def one() -> None:
        granted.append(take(engine, some, "192.0.2.9"))

    racers = [threading.Thread(target=one) for _ in range(12)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(granted) == [False] * 7 + [True] * 5


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    one = PostOffice(tmp_path)
    one.claims_at_once = 3
    one.load([CAMILLE])
    with one.open():
        yield one


def claim(office: PostOffice, **headers: str) -> httpx.Response:
    body = {"rpps": "99700000019", "family_name": "X", "given_name": "Y", "profession": "10", "request": "AAAA"}
    return office.http.post(f"{office.url}/v1/registrations", json=body | {"charter": "1"}, headers=headers)


def test_who_asks_too_often_is_told_when_to_come_back(office: PostOffice) -> None:
    statuses = [claim(office).status_code for _ in range(4)]
    assert 429 not in statuses[:3]
    assert statuses[3] == 429
    refused = claim(office)
    assert refused.json()["reason"] == "too-many-claims"
    assert refused.headers["retry-after"] == str(RETRY_SECONDS)


def test_an_address_that_anybody_may_write_is_not_believed(office: PostOffice) -> None:
    found = [claim(office, **{"X-Forwarded-For": f"192.0.2.{at}"}).status_code for at in range(4)]
    assert found[3] == 429


def test_a_trusted_proxy_says_where_a_request_comes_from(office: PostOffice) -> None:
    assert office.serving is not None
    office.serving.state.trusted_proxies = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))
    for at in range(5):  # each a client of its own, whatever it claims to have come through
        forged = f"198.51.100.{at}, 192.0.2.{at}, 10.0.0.1"
        assert claim(office, **{"X-Forwarded-For": forged}).status_code != 429
    same = [claim(office, **{"X-Forwarded-For": f"198.51.100.{at}, 192.0.2.99"}).status_code for at in range(4)]
    assert same[3] == 429
    nonsense = [claim(office, **{"X-Forwarded-For": "198.51.100.1, not an address"}).status_code for _ in range(4)]
    assert nonsense[3] == 429


def test_where_the_count_cannot_be_kept_nothing_is_granted(office: PostOffice) -> None:
    with office.database.transaction() as connection:
        connection.execute(text("DROP TABLE buckets"))
    answer = claim(office)
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal")
    assert "buckets" not in answer.text
    with office.database.snapshot() as connection:
        assert connection.execute(select(registrations)).all() == []


@pytest.mark.parametrize("line", ['"10.0.0.0/8"', '["10.0.0.1/8"]', '["proxy"]', "[1]", "true"])
def test_a_proxy_that_is_no_network_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "miss.toml").write_text(f"trusted_proxies = {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        config.load(tmp_path)
    assert (refused.value.reason, refused.value.setting) == ("setting-malformed", "trusted_proxies")


def test_proxies_are_read(tmp_path: Path) -> None:
    (tmp_path / "miss.toml").write_text('trusted_proxies = ["127.0.0.1", "fd00::/8"]\n', encoding="utf-8")
    assert config.load(tmp_path).trusted_proxies == (ip_network("127.0.0.1"), ip_network("fd00::/8"))


def test_codes_are_not_guessed_from_many_addresses(post_office: PostOffice) -> None:
    """Each address may try, and each registration; all together they try one person's codes a few dozen times a day."""
    assert post_office.serving is not None
    post_office.serving.state.trusted_proxies = (ip_network("127.0.0.0/8"),)
    tried, states = 0, []
    for at in range(16):
        post_office.http.headers["X-Forwarded-For"] = f"192.0.2.{at}"
        answer = post_office.claim(GP)
        states.append(answer.json().get("state", answer.json().get("reason")))
        while states[-1] == "code":
            reason = post_office.step(answer.json(), "code", code="0000-0000").json().get("reason", "")
            if reason == "code-exhausted":
                again = post_office.step(answer.json(), "resend")
                tried += 1
                if again.status_code != 200:
                    break
            else:
                assert reason == "code-wrong"
                tried += 1
    assert states[0] == "code"
    assert set(states[12:]) <= {"waiting", "too-many-claims"}, "an operator looks at it"
    assert 0 < tried <= CODES_MAILED_PER_PERSON_DAY_MAX * CODE_TRIES_MAX
    assert len(post_office.smtp.to(GP.mailbox)) <= CODES_MAILED_PER_PERSON_DAY_MAX


@pytest.mark.parametrize(
    "name", ["X\r\nBcc: tous@ailleurs.example", "X\nSubject: x", "X\0", "X\u2028Y", "\u202eX", "=\x0bX"]
)
@pytest.mark.parametrize("field", ["rpps", "family_name", "given_name", "profession", "language"])
def test_a_name_that_would_end_a_header_is_refused(judging: PostOffice, field: str, name: str) -> None:
    before = len(judging.smtp.to(GP.mailbox))
    answer = judging.claim(GP, **{field: name})
    assert (answer.status_code, answer.json()["reason"]) == (422, "malformed")
    assert name not in answer.text
    assert len(judging.smtp.to(GP.mailbox)) == before
    with judging.database.snapshot() as connection:
        assert connection.execute(select(registrations)).all() == []
