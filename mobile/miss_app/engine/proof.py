"""How people prove who they are, and what this device makes of it: ways to register, and doubts about others."""

from collections.abc import Callable

from miss_app.engine.account import Account
from miss_app.engine.onboarding import Onboarding


class Proof:
    """A person's verbs about identities, on one device.

    Args:
        open_account: the unlocked profile; Problem("locked") where it is not.
    """

    def __init__(self, onboarding: Onboarding, open_account: Callable[[], Account]) -> None:
        self._onboarding = onboarding
        self._open_account = open_account

    async def ways(self) -> tuple[str, ...]:
        """How one may prove who one is on this server: "mailbox", "psc", "voucher"."""
        return await self._onboarding.ways()

    async def claim_vouched(
        self, voucher: str, family_name: str, given_name: str, *, charter_version: str = ""
    ) -> None:
        """Register by the code that one's establishment gave; Problem("voucher-…") where it is not good."""
        await self._onboarding.claim_vouched(voucher, family_name, given_name, charter_version=charter_version)

    async def claim_in_browser(self, *, charter_version: str = "") -> str:
        """Register with Pro Santé Connect; returns the address to open in the system's browser."""
        return await self._onboarding.claim_in_browser(charter_version=charter_version)
