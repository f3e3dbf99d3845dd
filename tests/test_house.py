"""The rules of the house: who imports whom, where each tool may be used, how large a module is, how it opens."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "miss_protocol": ROOT / "shared/miss_protocol",
    "miss_server": ROOT / "backend/miss_server",
    "miss_app": ROOT / "mobile/miss_app",
}
MODULES = sorted(p for folder in PACKAGES.values() for p in folder.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LINES_MAX = 500
FUNCTION_LINES_MAX = 80

# What the protocol must not touch: sockets, files, clocks, threads, logging.
IMPURE = {"socket", "asyncio", "threading", "logging", "time", "pathlib", "os", "io", "sqlite3", "subprocess", "random"}

# tool -> the modules (as paths under the root, prefixes) that may import it
ALLOWED = {
    "fastapi": ("backend/miss_server/",),
    "sqlalchemy": ("backend/miss_server/",),
    "alembic": ("backend/miss_server/",),
    "kivy": ("mobile/miss_app/ui/",),
    "sqlite3": ("mobile/miss_app/engine/store", "backend/miss_server/"),
    "PIL": ("mobile/miss_app/engine/photos", "mobile/miss_app/engine/retouching", "mobile/miss_app/ui/"),
    "pypdfium2": ("mobile/miss_app/engine/pdf_pages",),
    "pillow_heif": ("mobile/miss_app/engine/photos",),
    "keyring": ("mobile/miss_app/ports/keyring_store",),
    "desktop_notifier": ("mobile/miss_app/ports/",),
    "jnius": ("mobile/miss_app/ports/android/",),
    "android": ("mobile/miss_app/ports/android/",),
    "dbus_fast": ("mobile/miss_app/ports/desktop_notices",),
    "zxingcpp": ("mobile/miss_app/qr_reader",),
    "httpx": ("mobile/miss_app/engine/http", "backend/miss_server/pro_sante_connect", "backend/miss_server/web_push"),
    "authlib": ("backend/miss_server/pro_sante_connect",),
    "joserfc": ("backend/miss_server/psc_claims", "backend/miss_server/vapid"),
    "truststore": ("mobile/miss_app/engine/",),
    "websockets": ("mobile/miss_app/engine/session", "backend/miss_server/"),
    "uvicorn": ("backend/miss_server/",),
    "python_calamine": ("backend/miss_server/sheet_reader",),
    "xlsxwriter": ("backend/miss_server/staff_exports", "backend/miss_server/console/"),
    "ldap3": ("backend/miss_server/staff_ldap",),
    "webauthn": ("backend/miss_server/console/passkeys",),
    "nats": ("backend/miss_server/nats_line",),
    "obstore": ("backend/miss_server/object_store",),
    "jinja2": ("backend/miss_server/console/pages",),
}
# Other words for the same thing; a module is named by the field's own.
BANNED_NAMES = re.compile(r"^(utils?|helpers?|managers?|services?|base|common|misc)$")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    """Every module imported anywhere in the file, by its full dotted name."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def roots(path: Path) -> set[str]:
    return {one.split(".")[0] for one in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_dependencies_point_one_way(path):
    used = roots(path)
    here = next(package for package, folder in PACKAGES.items() if path.is_relative_to(folder))
    if here == "miss_protocol":
        assert not used & {"miss_server", "miss_app"}
        assert not used & IMPURE, "the protocol is bytes in, events out"
    if here == "miss_server":
        assert "miss_app" not in used
    if here == "miss_app":
        assert "miss_server" not in used
        if path.is_relative_to(PACKAGES["miss_app"] / "engine"):
            assert not any(one.startswith("miss_app.ui") for one in imports(path)), "the engine has no screen"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_each_tool_has_its_rooms(path):
    for tool, rooms in ALLOWED.items():
        if tool in roots(path):
            assert name(path).startswith(rooms), f"{tool} is not used here"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_one_noun_of_a_readable_size(path):
    assert not BANNED_NAMES.match(path.stem)
    text = path.read_text()
    assert len(text.splitlines()) <= LINES_MAX
    docstring = ast.get_docstring(tree(path))
    assert docstring, "a module opens with one true sentence"
    assert "." in docstring.split("\n\n")[0][-2:], "which ends with a full stop"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_fit_a_screen(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_LINES_MAX, node.name


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_left_over(path):
    text = path.read_text()
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text)
    assert not re.search(r"except Exception:\s*pass", text)
    for line in text.splitlines():
        if "# type: ignore" in line:
            assert re.search(r"# type: ignore\[[\w, -]+\]\s+# ?\S", line), f"a silenced check says why: {line.strip()}"


def test_no_import_circles():
    names = {}
    for package, folder in PACKAGES.items():
        for path in folder.rglob("*.py"):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path

    @cache
    def top_level(module: str) -> frozenset[str]:
        found: set[str] = set()
        for node in tree(names[module]).body:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                deeper = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= {d if d in names else node.module for d in deeper}
        return frozenset(found & names.keys() - {module})

    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module in done:
            return
        for following in sorted(top_level(module)):
            visit(following, (*path, module))
        done.add(module)

    for module in sorted(names):
        visit(module, ())


def test_migrations_are_one_chain():
    """Each follows the one numbered before it: two that were written side by side are seen here."""
    files = sorted((PACKAGES["miss_server"] / "migrations/versions").glob("[0-9]*.py"))
    found = [re.findall(r'^(?:down_)?revision = "?(\w+)"?$', path.read_text(), re.MULTILINE) for path in files]
    numbers = [path.name[:4] for path in files]
    assert found == [list(pair) for pair in zip(numbers, ["None", *numbers], strict=False)]


def test_the_demo_sees_only_screens_and_commands():
    for path in (ROOT / "tests/demo").rglob("*.py"):
        assert not any(one.startswith(("miss_app.engine", "miss_server")) for one in imports(path)), name(path)


# Where a phone keeps things in the clear, or where every other app sees them.
INSECURE_PLACES = {
    r"\bplyer\b": "plyer.keystore stores in the clear",
    r"SharedPreferences|NSUserDefaults": "they store in the clear",
    r"DIRECTORY_(PICTURES|DCIM|DOWNLOADS)|getExternal|EXTERNAL_CONTENT_URI|insertImage": "the public gallery",
    r"WRITE_EXTERNAL_STORAGE|UIImageWriteToSavedPhotosAlbum|PHAssetCreationRequest": "the public gallery",
    r"keyrings\.alt|PlaintextKeyring": "a keyring in a plain file",
}


def insecure_places(text: str) -> list[str]:
    return [why for pattern, why in INSECURE_PLACES.items() if re.search(pattern, text)]


def test_insecure_places_are_not_used():
    for path in MODULES:
        assert insecure_places(path.read_text()) == [], name(path)


@pytest.mark.parametrize(
    "line",
    [
        "from plyer import keystore",
        "prefs = activity.getSharedPreferences('miss', 0)",
        "folder = Environment.getExternalStoragePublicDirectory(Environment.DIRECTORY_PICTURES)",
        "resolver.insert(Images.Media.EXTERNAL_CONTENT_URI, values)",
        "MediaStore.Images.Media.insertImage(resolver, bitmap, title, '')",
        "from keyrings.alt.file import PlaintextKeyring",
    ],
)
def test_insecure_places_would_be_found(line):
    assert insecure_places(f"import os\n\n{line}\n") != []


def test_the_project_speaks_of_the_project_alone():
    for path in (*MODULES, *TESTS, ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml"):
        text = path.read_text()
        assert "/work/" + "main" not in text, name(path)
        assert "file://" + "/opt" not in text, name(path)


def test_locks_hold_hashes_and_no_address():
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text, lock.name


def test_the_top_level_is_what_was_agreed():
    conventions = {"LICENSE", "Makefile", "CHANGELOG.md", "SECURITY.md", "requirements", "docs", ".ci", ".gitignore"}
    fixed = {"backend", "mobile", "shared", "tests", "docker-compose.yml", "pyproject.toml", "README.md"}
    made_here = {".venv", "out", "var", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    assert {p.name for p in ROOT.iterdir()} - conventions - fixed - made_here == set()
