"""The first screen: the invitation link of one's establishment."""

from typing import Any

from kivy.properties import BooleanProperty

from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.qr_sheet import QrSheet


class InvitationScreen(GatePage):
    """Asks for the link, or shows the one the program was started with; ``fixed``: the machine's policy says which."""

    fixed = BooleanProperty(False)

    def entered(self) -> None:
        """Fill in the link this window was opened with."""
        self.fixed = self.app.policy.invitation is not None
        if self.app.invitation:
            self.ids.link.text = self.app.invitation
            self.go()

    def paste(self) -> None:
        """Take the link from the clipboard."""
        from kivy.core.clipboard import Clipboard

        self.ids.link.text = str(Clipboard.paste() or "").strip()[:2000]

    def scan(self) -> None:
        """Read the invitation's QR code from a picture."""
        self.app.shell.show_sheet(QrSheet(self.app, self._scanned))

    def _scanned(self, text: str) -> None:
        self.ids.link.text = text[:2000]
        self.go()

    def go(self) -> None:
        """Try the link."""
        link = self.app.policy.invitation or "".join(self.ids.link.text.split())
        if not link:
            self.complain("policy-invitation" if self.fixed else "invitation-empty")
        elif not self.busy:
            self.ask(self.app.client.use_invitation(link), self._accepted)

    def _accepted(self, _result: Any) -> None:
        self.app.invitation = ""


load_rules(__file__)
