"""A desktop's session for tests: a real message bus, and the real programs that sit on one."""

import os
import secrets
import signal
import subprocess
import time
from contextlib import contextmanager

# Without folders of services: nobody is started because a program asks whether they are there.
BUS = """\
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Session:
    """A session bus of its own. ``environment`` is what a program of this session is started with."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        self.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        settings = folder / "bus.conf"
        settings.write_text(BUS)
        bus = self.start(
            ["dbus-daemon", f"--config-file={settings}", "--nofork", "--print-address=1"], stdout=subprocess.PIPE
        )
        self.bus = self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        assert self.bus

    def start(self, command, **options):
        """A program of this session, until the session ends."""
        process = subprocess.Popen(command, env=self.environment, start_new_session=True, **options)
        self.started.append(process)
        return process

    def run(self, *command, **options):
        """What a short program of this session prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, **options)
        return done.stdout

    def owned(self, name):
        """Whether somebody on the bus has this name."""
        call = (
            "dbus-send",
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.NameHasOwner",
        )
        return "boolean true" in self.run(*call, f"string:{name}")

    def wait_for(self, name):
        until(lambda: self.owned(name))

    def keyring(self, password="a session's password"):
        """GNOME's keyring, unlocked."""
        daemon = self.start(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        daemon.stdin.write(password.encode())
        daemon.stdin.close()
        self.wait_for("org.freedesktop.secrets")
        return daemon

    def screen(self):
        """An X server without a screen, for what insists on one; its display's name."""
        reading, writing = os.pipe()
        self.start(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as told:
            self.environment["DISPLAY"] = f":{told.readline().strip()}"
        return self.environment["DISPLAY"]

    def end(self):
        for process in reversed(self.started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in reversed(self.started):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def session(folder):
    """A session in a folder that only this test uses."""
    folder = folder / secrets.token_hex(4)
    folder.mkdir(mode=0o700)
    opened = Session(folder)
    try:
        yield opened
    finally:
        opened.end()


def until(true, seconds=60.0):
    """Wait until it is so; a hang fails."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never was"
        time.sleep(0.02)
