"""What would go onto a telephone: python-for-android's own resolver, the import walk, and the client without the rest."""

import configparser
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import jinja2
import pytest
from packaging.requirements import Requirement
from tests.demo.window import PHONE, Window

from installing import import_walk
from installing.test_deb import load

ROOT = Path(__file__).resolve().parents[2]
ANDROID = "{http://schemas.android.com/apk/res/android}"


def spec() -> configparser.SectionProxy:
    found = configparser.ConfigParser(interpolation=None)
    found.read(ROOT / "mobile/buildozer.spec", "utf-8")
    return found["app"]


def wanted() -> dict[str, str]:
    """The spec's requirements with the versions they name."""
    pairs = (one.strip().partition("==") for one in spec()["requirements"].split(","))
    return {name: version for name, _, version in pairs}


def test_the_spec_is_careful() -> None:
    app = spec()
    assert app["android.api"] == "35"
    assert app["android.allow_backup"] == "False"
    asked = {one.strip().rpartition(".")[2] for one in app["android.permissions"].split(",")}
    assert asked == {"INTERNET", "POST_NOTIFICATIONS"}
    assert app["p4a.commit"] == "a608f593978c4a9df55626a89a43c7435a7ad08e"
    assert app["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for key in ("android.res_xml", "p4a.hook"):
        assert (ROOT / "mobile" / app[key]).is_file()
    assert app["source.dir"] == "../out/android"


def test_python_for_android_resolves_what_the_client_needs(tmp_path, monkeypatch) -> None:
    from pythonforandroid.bootstrap import Bootstrap
    from pythonforandroid.build import Context
    from pythonforandroid.graph import get_recipe_order_and_bootstrap

    context = Context()
    context.setup_dirs(str(tmp_path))
    bootstrap = Bootstrap.get_bootstrap(spec()["p4a.bootstrap"], context)
    recipes, pure, _ = get_recipe_order_and_bootstrap(context, list(wanted()), bootstrap)
    assert {"cryptography", "cffi", "openssl", "kivy", "pillow", "libwebp", "pyjnius", "sqlite3", "sdl2"} <= set(
        recipes
    )
    # What has no recipe is installed as it comes, so it must be pure.
    own = {one for one in pure if one in wanted()}
    assert {"websockets", "segno", "certifi", "anyio"} <= own
    for name in own:
        assert import_walk.is_pure(name) or name in import_walk.PURE_TOO, name
    # And nothing that the client needs, directly or not, is left to chance.
    needed = {name for row in import_walk.table() if row.module not in import_walk.WITHOUT for name in _closure(row)}
    assert needed - set(recipes) - set(pure) - KIVY_DESKTOP == set()


# Kivy's wheel wants these; python-for-android's recipe of it brings what the program itself loads.
KIVY_DESKTOP = {"docutils", "pygments", "kivy-garden", "requests", "filetype", "charset-normalizer", "urllib3"}


def _closure(row: import_walk.Row) -> set[str]:
    return {row.distribution} if row.module in import_walk.ANDROID_ONLY else import_walk.closure(row.distribution)


def test_the_recipes_are_new_enough() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["client"]]
    checked = 0
    for requirement in map(Requirement, lines):
        version = wanted().get(requirement.name) or import_walk.recipe(requirement.name)
        if version:
            assert requirement.specifier.contains(version), (requirement, version)
            checked += 1
    assert checked >= 4


def test_every_import_has_a_way_onto_each_platform() -> None:
    rows = import_walk.table()
    assert len(rows) > 12
    assert len(import_walk.reached()) > 250
    assert [row.module for row in rows if not (row.android and row.ios and row.desktop)] == []
    gaps = [row.module for row in rows if "MISSING" in row.ios]
    assert gaps == ["cryptography"], "the one gap of iOS, told in docs/phones.md"
    assert "recipe" in next(row.android for row in rows if row.module == "cryptography")


def test_an_import_without_a_way_would_be_seen(monkeypatch) -> None:
    """The control: numpy has a recipe, psutil neither recipe nor pure wheel, a module of nobody's has nothing."""
    monkeypatch.setattr(import_walk, "third_party", lambda: {"psutil": {"x"}, "no_such_module": {"x"}})
    assert [(row.module, row.android, row.ios) for row in import_walk.table()] == [
        ("no_such_module", "", ""),
        ("psutil", "", ""),
    ]
    assert import_walk.recipe("numpy")


def phone(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "tests.installing.phone", words[0], str(folder), *words[1:]]


def test_without_what_phones_have_not_got_every_module_loads(tmp_path) -> None:
    environment = os.environ | {"SDL_VIDEODRIVER": "offscreen", "KIVY_NO_ARGS": "1"}
    done = subprocess.run(
        phone(tmp_path, "load"), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line for line in done.stdout.splitlines() if line.startswith("cannot load")] == []
    assert done.stdout.splitlines()[-1] == f"loaded {len(import_walk.reached())}"


def test_the_client_starts_with_a_telephones_modules_alone(tmp_path) -> None:
    environment = {
        "ANDROID_ROOT": "/system",  # Device.here asks for it; Kivy does not, and stays on this machine's window
        "ANDROID_PRIVATE": str(tmp_path / "files"),
        "PYTHONPATH": str(ROOT),
    }
    window = Window("telephone", tmp_path, PHONE, command=phone(tmp_path, "start"), environment=environment)
    try:
        window.open()
        window.until_there("invitation-link", patience_s=60)
        window.type("invitation-link", f"miss://127.0.0.1:9#{'0a' * 32}")
        window.tap("invitation-go")
        window.until("ne répond pas", prefix="problem")
    finally:
        window.close()
    assert (tmp_path / "files/miss/default").is_dir()


def test_the_camera_has_its_provider_in_the_manifest() -> None:
    """On python-for-android's own template, with the values that decide its shape."""
    import pythonforandroid

    hook = load("p4a_hook")
    place = Path(pythonforandroid.__file__).parent / "bootstraps/_sdl_common/build/templates/AndroidManifest.tmpl.xml"
    arguments = dict.fromkeys(re.findall(r"args\.(\w+)", place.read_text()), "")
    arguments |= {"min_sdk_version": 26, "package": "org.miss.miss"}
    made = jinja2.Template(place.read_text()).render(args=arguments, service_data=[], native_services=[])
    changed = hook.with_provider(made)
    assert hook.with_provider(changed) == changed
    (application,) = ElementTree.fromstring(changed).findall("application")
    (provider,) = application.findall("provider")
    assert provider.get(f"{ANDROID}authorities") == "${applicationId}.camera"
    assert provider.get(f"{ANDROID}exported") == "false"
    folder = ElementTree.parse(ROOT / "mobile/packaging/camera_paths.xml").getroot().find("cache-path")
    assert folder is not None
    assert folder.get("path") == "camera/"
    with pytest.raises(ValueError, match="no application"):
        hook.with_provider("<manifest/>")


def test_what_is_laid_out_holds_the_client_whole(tmp_path) -> None:
    names = load("android_source").lay_out(tmp_path / "android")
    folder = tmp_path / "android"
    assert (folder / "main.py").is_file()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"main.py", "miss_app", "miss_protocol", f"miss-{metadata.version('miss')}.dist-info"}
    for package, source in import_walk.PACKAGES.items():
        wanted_files = {
            str(one.relative_to(source)) for one in source.rglob("*") if one.is_file() and one.suffix != ".pyc"
        }
        there = {str(one.relative_to(folder / package)) for one in (folder / package).rglob("*") if one.is_file()}
        assert wanted_files == there
    # Buildozer takes files by their endings: none that the program reads may be left behind.
    endings = set(spec()["source.include_exts"].split(","))
    left = {one for one in names if one.rpartition(".")[2] not in endings and ".dist-info/" not in one}
    assert {one for one in left if not re.search(r"\.md$|LICENSE|py\.typed$", one)} == set()
