"""The Debian package in small: real dpkg installs it into an empty root and removes it. The whole: ``make prove``."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "mobile/packaging"


def load(name: str) -> ModuleType:
    """A module of mobile/packaging, which is no package: PyInstaller and make run what is in it."""
    spec = importlib.util.spec_from_file_location(name, PACKAGING / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_bundle(folder: Path) -> Path:
    """What PyInstaller leaves, with a small program of the system's in the place of the large one."""
    bundle = folder / "bundle"
    (bundle / "_internal/miss_app").mkdir(parents=True)
    shutil.copy(shutil.which("true") or "/bin/true", bundle / "miss")
    (bundle / "_internal/miss_app/chat.kv").write_text("<ChatScreen>:\n")
    return bundle


def dpkg(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """dpkg on a root of its own; what the package needs is not in there, and not looked for."""
    for name in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg/status").touch()
    options = [f"--root={root}", "--force-depends", "--force-not-root", f"--log={root}/dpkg.log"]
    return subprocess.run(["dpkg", *options, *words], capture_output=True, text=True, check=False)


def test_the_package_is_installed_and_leaves_nothing_when_it_goes(tmp_path):
    package = load("deb").build(small_bundle(tmp_path), tmp_path / "out", "Service informatique <si@ch.example>")
    root = tmp_path / "root"
    done = dpkg(root, "--install", str(package))
    assert done.returncode == 0, done.stderr
    program = root / "usr/bin/miss"
    assert program.is_symlink()
    assert program.resolve() == root / "usr/lib/miss/miss"
    assert subprocess.run([str(program)], check=False).returncode == 0
    assert (root / "usr/lib/miss/_internal/miss_app/chat.kv").read_text() == "<ChatScreen>:\n"
    entry = (root / "usr/share/applications/miss.desktop").read_text()
    assert "Exec=/usr/bin/miss\n" in entry
    assert "Icon=miss\n" in entry
    icon = root / "usr/share/icons/hicolor/256x256/apps/miss.png"
    assert icon.read_bytes() == (ROOT / "mobile/miss_app/assets/icon.png").read_bytes()
    writable = [one for one in root.glob("usr/**/*") if not one.is_symlink() and one.stat().st_mode & 0o022]
    assert writable == [], "nobody but root writes into the program"
    assert dpkg(root, "--verify", "miss").stdout == ""
    done = dpkg(root, "--purge", "miss")
    assert done.returncode == 0, done.stderr
    assert [one for one in root.glob("usr/**/*") if not one.is_dir()] == []


def test_the_package_says_what_it_is_and_needs(tmp_path):
    package = load("deb").build(small_bundle(tmp_path), tmp_path, "Service informatique <si@ch.example>")
    fields = subprocess.run(["dpkg-deb", "-f", str(package)], capture_output=True, text=True, check=True).stdout
    found = dict(line.split(": ", 1) for line in fields.splitlines() if not line.startswith(" "))
    version = load("bundle_parts").version()
    assert (found["Package"], found["Version"]) == ("miss", version)
    assert package.name == f"miss_{version}_{found['Architecture']}.deb"
    assert found["Maintainer"] == "Service informatique <si@ch.example>"
    assert f"libc6 (>= {os.confstr('CS_GNU_LIBC_VERSION').split()[1]})" in found["Depends"]
    assert not any("python" in one for one in found["Depends"].split(", "))


def test_the_same_bundle_gives_the_same_package(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    bundle, deb = small_bundle(tmp_path), load("deb")
    mask = os.umask(0o077)  # whoever builds the other one keeps things to themselves
    first = deb.build(bundle, tmp_path / "one", "A <a@b>").read_bytes()
    os.umask(mask)
    time.sleep(1.1)  # a file made now would have another second
    assert deb.build(bundle, tmp_path / "two", "A <a@b>").read_bytes() == first


def test_a_bundle_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="make bundle"):
        load("deb").build(tmp_path / "nothing", tmp_path, "A <a@b>")


def test_everything_that_is_no_module_goes_into_the_bundle():
    """Rules, words, fonts, pictures: PyInstaller finds modules by itself, and nothing else."""
    taken = {Path(source).resolve() for source, _place in load("bundle_parts").data_files()}
    wanted = {
        one.resolve()
        for one in (ROOT / "mobile/miss_app").rglob("*")
        if one.is_file() and one.suffix not in (".py", ".pyc", ".md")
    }
    assert len(wanted) > 60
    assert wanted - taken == set()


def test_the_licences_page_finds_its_libraries_in_the_bundle():
    from miss_app.ui.licences import needed

    places = {place for _source, place in load("bundle_parts").data_files()}
    there = {place.split("/")[0].lower().replace("_", "-").replace(".", "-") for place in places}
    for name in ("miss", *needed()):
        assert any(place.startswith(f"{name}-") and place.endswith("-dist-info") for place in there), name


@pytest.mark.parametrize("name", ["linux", "windows", "macos"])
def test_each_spec_is_python_and_names_files_that_are_there(name):
    text = (PACKAGING / f"{name}.spec").read_text()
    compile(text, name, "exec")
    parts = load("bundle_parts")
    for used in ("START", "EXCLUDES", "data_files", "hidden_imports"):
        assert f"parts.{used}" in text
        assert hasattr(parts, used)
    assert Path(parts.START).is_file()
    assert parts.ICON.is_file()


def test_a_bundle_starts_its_processes_itself(monkeypatch):
    from miss_app import starter
    from miss_app.device import Device

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/usr/lib/miss/miss")
    monkeypatch.setattr(sys, "argv", ["miss"])  # found through PATH: called by its bare name
    assert starter.command(["--language", "en"]) == ["/usr/lib/miss/miss", "--seat", "--language", "en"]
    assert Device("linux").invitation_file() == Path("/usr/lib/miss/invitation.miss")
