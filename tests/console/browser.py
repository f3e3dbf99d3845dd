"""A real browser on the console, with authenticators of its own: what an operator sees and does."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect, sync_playwright
from sqlalchemy import insert

from miss_server.clock import now_ms
from miss_server.console import operators, sessions
from miss_server.console.operators import OPERATOR
from miss_server.console.tables import operator_passkeys
from server.office import Office

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--password-store=basic",
)
PATIENCE_MS = 30_000  # a guard against hanging, never a measure

expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a run."""
    assert Path(CHROMIUM).exists(), "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Desk:
    """One operator's browser: cookies and authenticators that nobody else has.

    Args:
        office: a server with a console.
        language: what the browser asks for.
    """

    def __init__(self, browser: Browser, office: Office, name: str, language: str = "fr-FR", **options: Any) -> None:
        self.office = office
        self.name = name
        self.origin = origin(office)
        self.context: BrowserContext = browser.new_context(locale=language, base_url=self.origin, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda one: self.faults.append(one.text) if one.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._look)
        self._devtools: CDPSession | None = None
        self.authenticators: list[str] = []

    def _look(self, request: Any) -> None:
        if not request.url.startswith((self.origin, "data:")):
            self.faults.append(f"a foreign host: {request.url}")

    @property
    def devtools(self) -> CDPSession:
        if self._devtools is None:
            self._devtools = self.context.new_cdp_session(self.page)
            self._devtools.send("WebAuthn.enable", {"enableUI": False})
        return self._devtools

    def plug_in(self) -> str:
        """Another authenticator; those before it answer no more."""
        for other in self.authenticators:
            self._answer(other, False)
        options = {
            "protocol": "ctap2",
            "transport": "usb",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        one = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
        self.authenticators.append(one)
        return str(one)

    def use(self, number: int) -> None:
        """The authenticator of that number answers, and no other."""
        for at, one in enumerate(self.authenticators):
            self._answer(one, at == number)

    def _answer(self, authenticator: str, answers: bool) -> None:
        self.devtools.send(
            "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": answers}
        )

    def invite(self, role: str = OPERATOR, establishment: str = "") -> str:
        """The link that ``miss-server operator add`` prints."""

        def add(connection: Any) -> str:
            return operators.add(connection, self.name, role, establishment, who="root", now_ms=now_ms())

        return f"{self.origin}/enrol#{self.office.in_database(add)}"

    def enrol(self, link: str) -> None:
        """Both passkeys, from a one-time link to the first page."""
        self.page.goto(link)
        self.plug_in()
        self.page.get_by_role("button", name=re.compile("première clé|first passkey")).click()
        self.page.wait_for_url("**/passkeys")
        self.plug_in()
        self.add_passkey()

    def add_passkey(self) -> None:
        self.page.get_by_role("button", name=re.compile("Ajouter une clé|Add a passkey")).click()
        self.page.wait_for_url("**/passkeys?said=passkey-added")

    def come_in(self, role: str = OPERATOR, establishment: str = "") -> "Desk":
        """Enrolled and on the first page."""
        self.enrol(self.invite(role, establishment))
        self.page.goto("/")
        return self

    def sit_down(self, role: str = OPERATOR, establishment: str = "") -> "Desk":
        """Logged in without the ceremony, which has tests of its own, and on the first page."""

        def enter(connection: Any) -> str:
            operators.add(connection, self.name, role, establishment, who="root", now_ms=now_ms())
            operator = operators.named(connection, self.name).operator
            for label in ("une", "autre"):
                values = {"credential_id": os.urandom(16), "operator": operator, "public_key": b"", "sign_count": 0}
                connection.execute(insert(operator_passkeys).values(label=label, added_at_ms=now_ms(), **values))
            return sessions.open_session(connection, operator, now_ms())

        token = self.office.in_database(enter)
        self.context.add_cookies([{"name": "miss-console", "value": token, "url": self.origin}])
        self.page.goto("/")
        return self

    def log_in(self) -> None:
        self.page.goto("/login")
        self.page.get_by_role("button", name=re.compile("Se connecter|Log in")).click()
        self.page.wait_for_url(f"{self.origin}/")

    def log_out(self) -> None:
        self.page.get_by_role("button", name=re.compile("Se déconnecter|Log out")).click()
        self.page.wait_for_url("**/login?said=logged-out")

    def cookies(self) -> dict[str, str]:
        """What this browser would send."""
        return {str(one["name"]): str(one["value"]) for one in self.context.cookies()}

    def close(self) -> None:
        self.context.close()


def assert_fits(one: Desk) -> None:
    """Nothing makes the page wider than the window, wide or narrow."""
    for width in (1280, 390):
        one.page.set_viewport_size({"width": width, "height": 800})
        one.page.wait_for_function(
            "width => window.innerWidth === width && document.readyState === 'complete'", arg=width
        )
        assert one.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (one.page.url, width)


def origin(office: Office) -> str:
    """Where the office's console is."""
    assert office.server is not None
    assert office.server.console is not None
    return office.server.console.origin
