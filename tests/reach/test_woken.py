"""A closed app is woken through a real push service, takes what waits behind its lock, and shows it once unlocked."""

import json
import os
import signal
import sys
from pathlib import Path

import canaries
from cast import KEYSTORE, PIN, free_port, play, until
from miss_app.engine.problems import Problem
from reach.near_post import NearPost
from reach.push_service import Running

CANARY = "Zéphyrine Canari, lit 12"


def test_a_closed_app_is_woken(tmp_path, monkeypatch):
    said = tmp_path / "woken.jsonl"
    program = [sys.executable, str(Path(__file__).with_name("woken.py")), str(tmp_path / "hugo"), str(said)]
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv(KEYSTORE, str(tmp_path / "keystore"))
    (tmp_path / "keystore").mkdir()
    service = Running(tmp_path, free_port(), program)
    service.start()
    post = NearPost(tmp_path / "server", 8, settings="[reach]\nprivate_push = true\n")
    post.start()

    def told():
        return [json.loads(line) for line in said.read_text().splitlines()] if said.exists() else []

    async def acts(scene):
        camille, hugo = await scene.enter("camille", "hugo")
        talk = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(talk, "Bonjour")
        await hugo.reads(talk, "Bonjour")
        key = (await hugo.client.reach.standing()).key
        endpoint = service.subscribe(key)
        try:
            await hugo.client.reach.use_endpoint("ftp://127.0.0.1/x")
        except Problem as problem:
            assert problem.reason == "endpoint-refused"  # noqa: PT017
        await hugo.client.reach.use_endpoint(endpoint)
        assert (await hugo.client.reach.standing()).registered_at_ms
        await hugo.close()
        assert told() == []

        await camille.client.send_text(talk, CANARY)
        await until(lambda: service.seen(endpoint), "the push service was asked", 60)
        await until(lambda: len(told()) >= 2, "the app is up, and says that something waits", 60)
        began, waits = told()
        assert began == {"stage": "locked"}
        assert waits == {"count": 1, "urgent": 0, "alert": "Alert(urgent=False, conversation_id=b'')"}
        (push,) = service.seen(endpoint)
        assert (push["why"], push["bytes"]) == ("", 0)
        # Nothing of it has left: neither with the push, nor into what shows behind the lock.
        sought = {"text": canaries.forms(CANARY), "name": canaries.forms(camille.who.family)}
        sought["conversation"] = canaries.raw(talk)
        assert canaries.search([service.file, said], sought) == []

        said.with_suffix(".pin").write_text(PIN)
        await until(lambda: len(told()) >= 3, "it shows the message after unlock", 60)
        assert told()[2] == {"unread": 2, "texts": ["Bonjour", CANARY]}
        assert canaries.search([said], {"text": canaries.forms(CANARY)}), "the search can find it"
        # He has been here: the next message wakes him again. The server forgets an endpoint; he registers it anew.
        await until(lambda: not running(program), "the woken app has ended", 60)
        await hugo.begin()
        await hugo.online()
        account = hugo.client._account
        await account.http.json("DELETE", "/v1/push", ticket=True)
        await hugo.close()
        await hugo.begin()
        await hugo.online()
        await until(lambda: hugo.client._profile.endpoint() == endpoint, "it is still known here")
        for _ in range(200):
            if (await hugo.client.reach.standing()).registered_at_ms:
                break
        assert (await hugo.client.reach.standing()).registered_at_ms

    try:
        play(post, tmp_path, acts)
    finally:
        service.stop()
        post.stop()
        for number in running(program):
            os.kill(number, signal.SIGKILL)


def running(program):
    """The processes of this very command."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = one.read_bytes().decode().rstrip("\0").split("\0")
        except OSError:
            continue
        if words == program:
            state = one.with_name("stat").read_text().rpartition(")")[2].split()[0]
            found += [int(one.parent.name)] if state != "Z" else []
    return found
