"""How people prove who they are, and what this device makes of it: ways to register, and doubts about others."""

from collections.abc import Callable, Sequence

from miss_app.engine.account import Account
from miss_app.engine.events import ClaimView, PersonView, ProofView
from miss_app.engine.onboarding import Onboarding
from miss_app.engine.problems import Problem


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

    # Somebody claims to be this person.

    def claims(self) -> list[ClaimView]:
        """Who is about to take this device's place, on a new device."""
        return self._open_account().doubts.claims()

    async def refuse_claim(self, registration_id: bytes) -> None:
        """ "Ce n’est pas moi": that registration ends.

        Raises:
            Problem: ``waiting-unknown`` where it waits no more, or why the server cannot be reached.
        """
        account = self._open_account()
        try:
            await account.http.call("POST", f"/v1/waiting/{registration_id.hex()}/refuse", ticket=True)
        except Problem as problem:
            if problem.reason == "waiting-unknown":
                account.doubts.end_claim(registration_id)
            raise
        account.doubts.end_claim(registration_id)

    # Others who are in doubt.

    def doubtful(self, conversation_id: bytes) -> list[PersonView]:
        """The people of a conversation of whom this person has to make sure before writing on."""
        account = self._open_account()
        persons = account.doubts.about(account.conversations.get(conversation_id))
        return [account.people.view(one) for one in persons]

    def proofs(self, person_id: bytes) -> list[ProofView]:
        """How somebody's identity was checked, a line for each of their devices that was seen here."""
        return self._open_account().people.proofs(person_id)

    async def confirm(self, persons: Sequence[PersonView]) -> None:
        """This person has made sure that these are who they say: what waits for them goes."""
        self._open_account().doubts.accept([one.person_id for one in persons])

    # Registering.

    async def claim_in_browser(self, *, charter_version: str = "") -> str:
        """Register with Pro Santé Connect; returns the address to open in the system's browser."""
        return await self._onboarding.claim_in_browser(charter_version=charter_version)
