"""The establishment's rules for a machine: each key holds, a mistake never loosens anything, nobody switches them off."""

import asyncio
import os
import re
import sys
import tomllib
import types
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import pytest
from tests.demo.window import PHONE, Window, plain

from miss_app import policy as policies
from miss_app.device import Device
from miss_app.engine.client import Client
from miss_app.engine.problems import Problem
from miss_app.policy import CAUTIOUS, KEYS, NONE, Policy, read
from miss_app.workstation import OWN_IDLE_SECONDS, SHARED_IDLE_SECONDS, Workstation
from miss_protocol import limits

LINK = "miss://messagerie.ch-exemple.fr#" + "0a" * 32
OTHER = "miss://ailleurs.example#" + "0b" * 32

# key -> what the file says, the field, what it reads as
GOOD = {
    "invitation": (f'"{LINK}"', "invitation", LINK),
    "shared": ("true", "shared", True),
    "idle_seconds": ("90", "idle_seconds", 90),
    "pin_digits": ("8", "pin_digits", 8),
    "messages_days": ("30", "messages_days", 30),
    "data_folder": ('"/srv/miss"', "data_folder", Path("/srv/miss")),
    "proxy": ('"http://nom:secret@proxy.ch-exemple.fr:3128"', "proxy", "http://nom:secret@proxy.ch-exemple.fr:3128"),
    "features_off": ('["copies", "photos"]', "off", frozenset({"copies", "photos"})),
}
BAD = {
    "invitation": ('"https://ailleurs"', '"miss://sans-empreinte"', "1", '""'),
    "shared": ('"yes"', "1"),
    "idle_seconds": ("0", "29", "3601", '"90"', "true", "90.5"),
    "pin_digits": ("5", "13", '"8"'),
    "messages_days": ("0", "366", '"30"'),
    "data_folder": ('"relative"', '"/srv/../etc"', "3"),
    "proxy": ('"proxy:3128"', '"socks5://proxy:1080"', '"http://proxy"', '"http://proxy:3128/path"', "3128"),
    "features_off": ('"copies"', '["copiess"]', "[1]", '[["copies"]]'),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_every_key_is_tried_here():
    assert set(GOOD) == set(BAD) == KEYS


def test_without_a_file_nothing_holds(tmp_path):
    assert read(None) == read(tmp_path / "policy.toml") == NONE
    assert read(tmp_path / "no/such/folder/policy.toml") == NONE


@pytest.mark.parametrize("key", sorted(GOOD))
def test_each_key_is_read(tmp_path, key):
    text, name, value = GOOD[key]
    path = written(tmp_path, f"{key} = {text}\n")
    assert read(path) == replace(Policy(path=str(path)), **{name: value})


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, several in BAD.items() for text in several])
def test_a_wrong_value_holds_in_its_cautious_form(tmp_path, key, text):
    other = "shared" if key != "shared" else "pin_digits"
    path = written(tmp_path, f"{key} = {text}\n{other} = {GOOD[other][0]}\n")
    name = GOOD[key][1]
    expected = {name: getattr(CAUTIOUS, name), GOOD[other][1]: GOOD[other][2]}
    assert read(path) == replace(Policy(path=str(path), wrong=(key,)), **expected)


def test_an_unknown_key_is_named_and_the_others_hold(tmp_path):
    found = read(written(tmp_path, "idle_second = 60\npin_digits = 8\n"))
    assert (found.wrong, found.pin_digits, found.idle_seconds) == (("idle_second",), 8, 0)


@pytest.mark.parametrize("content", [b"pin_digits = \n", b"\xff\xfe", b"[", b"#" * 70_000])
def test_a_file_that_cannot_be_read_is_the_most_cautious(tmp_path, content):
    path = written(tmp_path, "")
    path.write_bytes(content)
    assert read(path) == replace(CAUTIOUS, path=str(path), wrong=("",))


def test_windows_editors_put_a_mark_first(tmp_path):
    path = written(tmp_path, "")
    path.write_bytes(b"\xef\xbb\xbfpin_digits = 9\r\n")
    assert read(path).pin_digits == 9


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_a_file_that_others_may_write_is_not_believed(tmp_path, mode):
    path = written(tmp_path, "pin_digits = 6\n")
    path.chmod(mode)
    assert read(path) == replace(CAUTIOUS, path=str(path), wrong=("",))


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_a_file_of_somebody_else_is_not_believed(tmp_path):
    path = written(tmp_path, "pin_digits = 6\n")
    os.chown(path, 65534, 65534)
    assert read(path).wrong == ("",)


def test_the_example_is_read_with_every_line_of_it_switched_on(tmp_path):
    example = (Path(__file__).resolve().parents[2] / "mobile/packaging/policy.toml").read_text()
    on = "\n".join(line.removeprefix("# ") for line in example.splitlines() if " = " in line)
    assert set(tomllib.loads(on)) == KEYS
    on = on.replace("0123456789abcdef…64 digits…", "0a" * 32)
    found = read(written(tmp_path, on))
    assert found.wrong == ()
    assert read(written(tmp_path, example)) == Policy(path=str(tmp_path / "policy.toml")), (
        "as it stands it says nothing"
    )


# What each of them does.


def test_another_server_is_refused_before_it_is_asked(tmp_path):
    def client(policy: Policy) -> Client:
        return Client(tmp_path, on_event=lambda _event: None, policy=policy)

    for policy, link in ((Policy(invitation=LINK), OTHER), (Policy(invitation=""), LINK)):
        with pytest.raises(Problem, match="policy-invitation"):
            asyncio.run(client(policy).use_invitation(link))
    with pytest.raises(Problem, match="invitation-malformed"):
        asyncio.run(client(Policy(invitation=LINK)).use_invitation("miss://"))
    Policy(invitation=LINK).check_invitation(policies.Invitation.parse(LINK.upper().replace("MISS", "miss")))


def test_a_shorter_pin_is_refused_by_the_engine(tmp_path):
    client = Client(tmp_path, on_event=lambda _event: None, policy=Policy(pin_digits=8))
    with pytest.raises(Problem, match="policy-pin"):
        asyncio.run(client.choose_pin("4289176"))
    with pytest.raises(Problem, match="registration-unknown"):  # long enough: the next question is who registers
        asyncio.run(client.choose_pin("42891765"))


def test_the_wait_is_the_shorter_one_and_nobody_lengthens_it(tmp_path):
    machine = Workstation(tmp_path, Policy(idle_seconds=90))
    assert [machine.idle_seconds(one) for one in ("", "0", "60", "1800")] == [90, 90, 60, 90]
    machine.set_shared(True)
    assert machine.rule().idle_seconds == 90
    assert Workstation(tmp_path, Policy(idle_seconds=300)).rule().idle_seconds == SHARED_IDLE_SECONDS
    alone = Workstation(tmp_path / "alone", Policy(shared=True))
    alone.set_shared(False)
    assert alone.rule().shared
    assert alone.idle_seconds("0") == SHARED_IDLE_SECONDS
    assert Workstation(tmp_path / "free").idle_seconds("") == OWN_IDLE_SECONDS


def test_messages_stay_for_the_shorter_time():
    from miss_app.engine.server_sheet import ServerSheet

    class Nothing:
        def get(self, *_names: str) -> None:
            return None

    sheet = ServerSheet(Nothing(), None)  # type: ignore[arg-type]  # nothing is asked of either
    assert sheet.keeps_days() == limits.RETENTION_DAYS_MAX
    sheet.days_max = 30
    assert sheet.keeps_days() == sheet.view().devices_days == 30


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("system", {"HTTPS_PROXY": "http://own:1", "no_proxy": "all"}),
        ("none", {"no_proxy": "*"}),
        ("http://p:3128", {"http_proxy": "http://p:3128", "https_proxy": "http://p:3128"}),
    ],
)
def test_a_proxy_of_ones_own_has_no_effect(proxy, expected):
    environment = {"HTTPS_PROXY": "http://own:1", "no_proxy": "all"}
    Policy(proxy=proxy).set_proxy(environment)
    assert environment == expected


def test_the_folder_is_each_accounts_own(tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "camille")
    assert read(written(tmp_path, 'data_folder = "/srv/{user}/miss"\n')).data_folder == Path("/srv/camille/miss")


# The program as it is, but that it finds its rules where the test wrote them.
PROGRAM = """
import sys
from pathlib import Path
from miss_app.device import Device
Device.policy_file = lambda _self: Path(sys.argv[1])
from miss_app.__main__ import main
sys.exit(main(sys.argv[2:]))
"""


def test_the_command_line_and_the_settings_change_nothing(tmp_path):
    """``--data``, ``--invitation`` and the account's own folder say one thing, the file another: the file holds."""
    here = f"miss://127.0.0.1:9#{'0a' * 32}"
    path = written(tmp_path, f'data_folder = "{tmp_path}/set"\ninvitation = "{here}"\nshared = true\nunknown = 1\n')
    given = ["--one-process", "--data", str(tmp_path / "own"), "--invitation", OTHER]
    environment = {"XDG_DATA_HOME": str(tmp_path / "share")}
    command = [sys.executable, "-c", PROGRAM, str(path), *given]
    window = Window("poste", tmp_path, PHONE, command=command, environment=environment)
    try:
        window.open()
        assert "unknown" in plain(window.until_there("toast", patience_s=60))
        window.until_there("invitation-fixed")
        window.until("ne répond pas", prefix="problem")  # it was asked by itself, and is not there
        window.tap("invitation-go")
        for part in ("link", "paste", "scan"):
            assert not window.ask("tap", id=f"invitation-{part}")["ok"]
    finally:
        window.close()
    assert (tmp_path / "set/default").is_dir()
    assert not (tmp_path / "own").exists()
    assert not (tmp_path / "share").exists()


def test_each_system_has_its_place_that_no_variable_moves(monkeypatch):
    monkeypatch.setenv("ProgramData", "D:\\mine")
    assert Device("linux").policy_file() == Path("/etc/miss/policy.toml")
    assert Device("macos").policy_file() == Path("/Library/Application Support/MiSS/policy.toml")
    assert Device("android").policy_file() is Device("ios").policy_file() is None
    monkeypatch.setitem(sys.modules, "winreg", None)
    assert PureWindowsPath(str(Device("windows").policy_file())) == PureWindowsPath(r"C:\ProgramData\MiSS\policy.toml")

    class Key:
        def __enter__(self):
            return self

        def __exit__(self, *_said):
            return None

    registry = types.ModuleType("winreg")
    registry.HKEY_LOCAL_MACHINE = 1
    registry.OpenKey = lambda hive, place: Key() if (hive, place.split("\\")[-1]) == (1, "ProfileList") else None
    registry.QueryValueEx = lambda key, name: (r"%SystemDrive%\ProgramData", 2) if name == "ProgramData" else None
    monkeypatch.setitem(sys.modules, "winreg", registry)
    assert PureWindowsPath(str(Device("windows").policy_file())) == PureWindowsPath(r"C:\ProgramData\MiSS\policy.toml")


@pytest.mark.parametrize("page", ["workstation.md", "poste-de-travail.md"])
def test_the_page_for_it_managers_has_every_key_with_its_bounds(page):
    text = (Path(__file__).resolve().parents[2] / "docs" / page).read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert set(rows) == KEYS
    for key, least, most in (
        ("idle_seconds", policies.IDLE_SECONDS_MIN, policies.IDLE_SECONDS_MAX),
        ("pin_digits", limits.PIN_DIGITS_MIN, policies.PIN_DIGITS_MAX),
        ("messages_days", 1, limits.RETENTION_DAYS_MAX),
    ):
        assert [int(one) for one in re.findall(r"\d+", rows[key])] == [least, most]
    assert all(f'`"{one}"`' in text for one in policies.FEATURES)
    for path in (
        "/etc/miss/policy.toml",
        "%ProgramData%\\MiSS\\policy.toml",
        "/Library/Application Support/MiSS/policy.toml",
    ):
        assert path in text
