"""What MiSS is made of, and whether anything of it is known to be unsafe: ``python tests/supply.py sbom|audit``.

``sbom`` writes what the locks install as CycloneDX, with the hash of every file that may be installed. ``audit`` asks the
OSV database about the same versions; where it cannot be reached it says so and ends with 2, for silence is no all-clear.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL
from pip_requirements_parser import RequirementsFile

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("server", "client")
NAME, VERSION = "miss", "0.1.0"
CLEAN, UNSAFE, UNKNOWN = 0, 1, 2


def bom_of(lock: Path) -> Bom:
    """The components that a lock installs."""
    bom = Bom()
    whole = Component(name=f"{NAME}-{lock.stem}", version=VERSION, type=ComponentType.APPLICATION, bom_ref=NAME)
    bom.metadata.component = whole
    parts = []
    for one in RequirementsFile.from_file(str(lock)).requirements:
        version = str(one.specifier).removeprefix("==")
        url = PackageURL("pypi", None, one.name, version)
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=found.partition(":")[2]) for found in one.hash_options]
        parts.append(
            Component(
                name=one.name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url), hashes=hashes
            )
        )
    bom.components.update(parts)
    bom.register_dependency(whole, parts)
    return bom


def sbom(folder: Path) -> list[Path]:
    """Writes one file for each lock; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in LOCKS:
        path = folder / f"{NAME}-{name}.cdx.json"
        path.write_text(JsonV1Dot5(bom_of(ROOT / f"requirements/{name}.lock")).output_as_string(indent=1) + "\n")
        written.append(path)
    return written


def audit(service_url: str = "", locks: Sequence[str] = LOCKS) -> int:
    """Asks about every lock: CLEAN, UNSAFE, or UNKNOWN where the database cannot be asked.

    Args:
        service_url: another OSV service than the public one.
    """
    worst = CLEAN
    for name in locks:
        lock = ROOT / f"requirements/{name}.lock"
        command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes", "-r", lock]
        command += ["--vulnerability-service", "osv", "--progress-spinner", "off"]
        command += ["--osv-url", service_url] if service_url else []
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode and "ConnectionError" in done.stderr + done.stdout:
            print(f"{name}: NOT AUDITED: the OSV database cannot be reached from here. Run this where it can.")
            return UNKNOWN
        print(f"{name}: {done.stdout.strip() or done.stderr.strip().splitlines()[-1]}")
        worst = max(worst, UNSAFE if done.returncode else CLEAN)
    return worst


def main() -> int:
    verb = sys.argv[1] if len(sys.argv) == 2 else ""
    if verb == "sbom":
        for path in sbom(ROOT / "out/sbom"):
            print(path.relative_to(ROOT))
        return 0
    if verb == "audit":
        return audit()
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
