"""Makes the Debian package from the Linux bundle: ``python mobile/packaging/deb.py BUNDLE FOLDER``.

Nothing but ``dpkg-deb`` is needed. The same bundle gives the same package, byte for byte, where SOURCE_DATE_EPOCH is
set.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ICON = HERE.parent / "miss_app/assets/icon.png"
PLACE = "usr/lib/miss"
# What the bundle leaves to the system (bundle_parts.OF_THE_SYSTEM), and what SDL and Mesa load by name.
DEPENDS = (
    "libc6 (>= {glibc})",
    "libstdc++6 (>= 12)",
    "libgcc-s1",
    "zlib1g",
    "libuuid1",
    "libx11-6",
    "libxcb1",
    "libxrender1",
    "libxext6",
    "libxcursor1",
    "libxi6",
    "libxrandr2",
    "libegl1",
    "libgl1",
    "libgl1-mesa-dri",
    "ca-certificates",
)
CONTROL = """\
Package: miss
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kibibytes}
Section: net
Priority: optional
Depends: {depends}
Recommends: gnome-keyring | kwalletmanager, xdg-utils
Description: secure messaging for health professionals
 Text messages and photos between health professionals whose identity was
 checked, sealed from end to end, on the phone and on the workstation.
"""
DESKTOP = """\
[Desktop Entry]
Type=Application
Name=MiSS
GenericName=Secure messaging
GenericName[fr]=Messagerie sécurisée
Comment=Messages between health professionals, sealed from end to end
Comment[fr]=Messages entre professionnels de santé, chiffrés de bout en bout
Exec=/usr/bin/miss
Icon=miss
Categories=Network;InstantMessaging;
Terminal=false
StartupWMClass=miss
"""


def glibc() -> str:
    """The version of the C library where it was built: an older one would not load the bundle."""
    return os.confstr("CS_GNU_LIBC_VERSION").split()[-1]  # type: ignore[union-attr]  # Linux has it


def lay_out(bundle: Path, root: Path) -> None:
    """The package's files under ``root``, as they will be installed."""
    shutil.copytree(bundle, root / PLACE, symlinks=True)
    for folder in ("usr/bin", "usr/share/applications", "usr/share/icons/hicolor/256x256/apps", "usr/share/doc/miss"):
        (root / folder).mkdir(parents=True)
    (root / "usr/bin/miss").symlink_to("../lib/miss/miss")
    (root / "usr/share/applications/miss.desktop").write_text(DESKTOP, "utf-8")
    shutil.copy(ICON, root / "usr/share/icons/hicolor/256x256/apps/miss.png")
    shutil.copy(HERE.parents[1] / "LICENSE", root / "usr/share/doc/miss/copyright")
    example = HERE / "policy.toml"
    if example.exists():
        shutil.copy(example, root / "usr/share/doc/miss/policy.toml")
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path == root / PLACE / "miss" else 0o644)


def describe(root: Path, maintainer: str) -> None:
    """DEBIAN/control and the sums of all files."""
    files = sorted(one for one in root.rglob("*") if one.is_file() and not one.is_symlink())
    sums = [f"{hashlib.md5(one.read_bytes()).hexdigest()}  {one.relative_to(root)}\n" for one in files]  # noqa: S324
    size = sum(one.stat().st_size for one in files)
    (root / "DEBIAN").mkdir(mode=0o755)
    (root / "DEBIAN/md5sums").write_text("".join(sums))
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    said = CONTROL.format(
        version=metadata.version("miss"),
        architecture=architecture,
        maintainer=maintainer,
        kibibytes=-(-size // 1024),
        depends=", ".join(DEPENDS).format(glibc=glibc()),
    )
    (root / "DEBIAN/control").write_text(said, "utf-8")


def build(bundle: Path, folder: Path, maintainer: str) -> Path:
    """Make the package in ``folder``; its path.

    Raises:
        FileNotFoundError: there is no bundle at that place.
        subprocess.CalledProcessError: dpkg-deb refused.
    """
    if not (bundle / "miss").is_file():
        raise FileNotFoundError(f"no bundle at {bundle}: make bundle")
    folder.mkdir(parents=True, exist_ok=True)
    mask = os.umask(0o022)  # whoever builds may keep things to themselves; the package is for everybody
    try:
        return _built(bundle, folder, maintainer)
    finally:
        os.umask(mask)


def _built(bundle: Path, folder: Path, maintainer: str) -> Path:
    with tempfile.TemporaryDirectory(prefix="miss-deb-") as scratch:
        root = Path(scratch) / "miss"
        root.mkdir(mode=0o755)
        lay_out(bundle, root)
        describe(root, maintainer)
        # xz of a large program takes two minutes here, zstd is unknown to Debian 11: a middle way.
        words = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z3", "--build", str(root), str(folder)]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return folder / Path(said.split("'")[-2]).name


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("bundle", type=Path)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--maintainer", default="MiSS <miss@localhost>", help="whom the package's users can ask")
    chosen = arguments.parse_args()
    print(build(chosen.bundle, chosen.folder, chosen.maintainer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
