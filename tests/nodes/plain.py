"""What docker-compose.yml and the unit file say, started as plain processes on this machine.

Commands, environments and health checks are read from the files. Only what a container would give is put in their
place: names of hosts, ports and folders; and for PostgreSQL what its image does before it starts (``initdb``, the account
and the database that the environment names).
"""

import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import yaml

from cast import free_port
from postgres import programs

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 120
_PROGRAMS = {"miss-server": [sys.executable, "-m", "miss_server"], "python": [sys.executable]}


class Compose:
    """The services of docker-compose.yml on this machine.

    Args:
        folder: what the volumes and secrets are in.
        variables: what the file takes from the environment.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        text = (ROOT / "docker-compose.yml").read_text()
        self.folder = folder
        self.file = yaml.safe_load(
            re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: variables.get(m[1], m[2] or ""), text)
        )
        self.services: dict[str, Any] = self.file["services"]
        self.ports = {name: free_port() for name in (*self.services, "https", "alive", "monitor")}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("data", "secrets", "database"):
            (folder / name).mkdir(mode=0o700)
        for name, secret in self.file["secrets"].items():
            shutil.copy(secret["file"], folder / "secrets" / name)

    def here(self, text: str, service: str) -> str:
        """The text with the hosts, ports and folders of this machine in the place of the containers'."""
        for old, new in {
            "/var/lib/postgresql/data": str(self.folder / "database"),
            "/run/secrets": str(self.folder / "secrets"),
            "/etc/caddy": str(self.folder / "caddy"),
            "postgres:5432": f"127.0.0.1:{self.ports['postgres']}",
            "nats:4222": f"127.0.0.1:{self.ports['nats']}",
            "one:8470": f"127.0.0.1:{self.ports['one']}",
            "two:8470": f"127.0.0.1:{self.ports['two']}",
            "0.0.0.0:8470": f"0.0.0.0:{self.ports[service]}",
            "127.0.0.1:8470": f"127.0.0.1:{self.ports[service]}",
            "https_port 8443": f"https_port {self.ports['https']}",
            "127.0.0.1:8081": f"127.0.0.1:{self.ports['alive']}",
            "127.0.0.1:8222": f"127.0.0.1:{self.ports['monitor']}",
            "172.30.77.10": "127.0.0.1",
        }.items():
            text = text.replace(old, new)
        if re.fullmatch("/data(/.*)?", text):
            return str(self.folder) + text
        plain = {"4222": self.ports["nats"], "8222": self.ports["monitor"], "5432": self.ports["postgres"]}
        return str(plain.get(text, text))

    def words(self, service: str, words: list[str]) -> list[str]:
        """A command as this machine runs it."""
        program, *rest = [self.here(word, service) for word in words]
        return [*_PROGRAMS.get(program, [program]), *rest]

    def environment(self, service: str) -> dict[str, str]:
        given = self.services[service].get("environment", {})
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | {
            name: self.here(str(value), service) for name, value in given.items()
        }

    def mounts(self) -> None:
        """The files that are mounted from the repository."""
        for name, service in self.services.items():
            for volume in service.get("volumes", ()):
                source, target, *_ = volume.split(":")
                if source.startswith("./"):
                    place = Path(self.here(target, name))
                    place.parent.mkdir(mode=0o700, exist_ok=True)
                    place.write_text(self.here((ROOT / source).read_text(), name))

    def start(self, name: str) -> None:
        command = self.words(name, self.services[name]["command"])
        account: list[str] = []
        if name == "postgres":
            command, account = self._database(command)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*account, *command], env=self.environment(name), stdout=log, stderr=log, cwd=self.folder / "database"
            )

    def until_well(self, name: str) -> None:
        """Waits until the health check of the file says so."""
        until = time.monotonic() + START_SECONDS_MAX
        while not self.is_well(name):
            log = (self.folder / f"{name}.log").read_text(errors="replace")
            assert self.running[name].poll() is None, log
            assert time.monotonic() < until, log
            time.sleep(0.1)

    def is_well(self, name: str) -> bool:
        kind, *check = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(self.words(name, check), env=self.environment(name), capture_output=True, timeout=60)
        return done.returncode == 0

    def start_all(self) -> None:
        """Each after those it depends on, as the file says."""
        self.mounts()
        waiting = dict(self.services)
        while waiting:
            name = next(one for one in waiting if not waiting.keys() & waiting[one].get("depends_on", {}).keys())
            for other in waiting[name].get("depends_on", {}):
                self.until_well(other)
            self.start(name)
            del waiting[name]
        for name in self.services:
            self.until_well(name)

    def stop(self, name: str) -> int:
        """As ``docker compose stop`` does; the exit status."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(START_SECONDS_MAX)

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait(START_SECONDS_MAX)

    def _database(self, command: list[str]) -> tuple[list[str], list[str]]:
        """What the image does at its first start; the command with a port and without the network, and the account."""
        environment = self.environment("postgres")
        place, user = Path(environment["PGDATA"]), environment["POSTGRES_USER"]
        account = as_postgres(self.folder / "database")
        password = self.folder / "database/password"
        shutil.copy(environment["POSTGRES_PASSWORD_FILE"], password)
        if account:
            self.folder.chmod(0o711)
            shutil.chown(password, "postgres")
        subprocess.run(
            [*account, programs() / "initdb", "-A", "scram-sha-256", "--pwfile", password, "-U", user, "-E", "UTF8", "-D", place],
            check=True, capture_output=True, cwd=self.folder / "database",
        )  # fmt: skip
        command = [str(programs() / "postgres"), *command[1:], "-D", str(place)]
        command += [
            "-c",
            "listen_addresses=127.0.0.1",
            "-p",
            str(self.ports["postgres"]),
            "-k",
            str(self.folder / "database"),
        ]
        if not (place / "made").exists():
            with (self.folder / "postgres.log").open("ab") as log:
                first = subprocess.Popen([*account, *command], stdout=log, stderr=log, cwd=self.folder / "database")
            self.running["postgres"] = first
            self.until_open(password.read_text().strip(), user, environment["POSTGRES_DB"])
            first.terminate()
            first.wait(START_SECONDS_MAX)
        return command, account

    def until_open(self, password: str, user: str, name: str) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.ask(f'CREATE DATABASE "{name}"', password, user, "postgres")
                return
            except psycopg.OperationalError:
                assert time.monotonic() < until, (self.folder / "postgres.log").read_text()
                time.sleep(0.1)

    def ask(self, statement: str, password: str = "", user: str = "miss", name: str = "miss") -> None:
        """A statement to the database, by the password that everybody uses."""
        password = password or (self.folder / "secrets/database_password").read_text().strip()
        place = {"host": "127.0.0.1", "port": self.ports["postgres"], "user": user, "dbname": name}
        with psycopg.connect(**place, password=password, autocommit=True) as connection:
            connection.execute(statement)


def as_postgres(folder: Path) -> list[str]:
    """How a command runs as the database's account where this is root, which PostgreSQL refuses; the folder is its own."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o111)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
