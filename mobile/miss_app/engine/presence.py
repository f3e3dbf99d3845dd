"""A person's place on MiSS: the charter they accept, how they wish to be found and reached, and leaving for good."""

from collections.abc import Callable

from miss_app.engine import charter, wishes
from miss_app.engine import people as directory
from miss_app.engine.account import Account
from miss_app.engine.beginning import begin_direct
from miss_app.engine.door import Door
from miss_app.engine.events import CharterView, Event, PersonArrived, PersonView, WishesView
from miss_app.engine.onboarding import Onboarding
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Profile
from miss_protocol.frames import ID_BYTES


class Presence:
    """What a person decides about themselves, on one device.

    Args:
        door: gives the unlocked profile, checks the PIN again, and erases this profile from this device.
        tell: tells the screen.
    """

    def __init__(
        self,
        profile: Profile,
        onboarding: Onboarding,
        door: Door,
        tell: Callable[[Event], None],
    ) -> None:
        self._profile = profile
        self._onboarding = onboarding
        self._door = door
        self._open_account = door.open_account
        self._tell = tell

    # The charter.

    async def charter(self) -> CharterView:
        """The charter in force, to be read before a claim."""
        return await self._onboarding.charter()

    async def charter_standing(self) -> CharterView:
        """The charter in force, and when this person accepted it."""
        return await charter.standing(self._open_account().http)

    async def accept_charter(self, version: str) -> None:
        """Accept the version in force; Problem("charter-changed") where it is another by now."""
        await charter.accept(self._open_account().http, version)

    # Being found and reached.

    async def wishes(self) -> WishesView:
        """Whether this person is to be found, and who may write to them."""
        return await wishes.read(self._open_account().http)

    async def set_wishes(self, wanted: WishesView) -> WishesView:
        """Wish this from now on."""
        return await wishes.keep(self._open_account().http, wanted)

    async def new_near(self) -> list[PersonView]:
        """Who is new on MiSS in this person's town and department."""
        return await directory.new_near(self._open_account().http)

    async def colleagues(self, words: str = "") -> list[PersonView]:
        """The staff of this person's establishments, by their own lists: those whom all words fit, by name."""
        return await directory.colleagues(self._open_account().http, words)

    # Favourites.

    def favourites(self) -> list[PersonView]:
        """The colleagues this person marked, by name; nobody while the profile is locked. From any thread."""
        try:
            account = self._open_account()
        except Problem:
            return []
        with account.store.lock:
            return [] if account.store.closed else account.favourites.all()

    async def set_favourite(self, person: PersonView, chosen: bool) -> None:
        """Mark a colleague, or take the mark back; Problem("person-not-reachable") for who is not on MiSS."""
        account = self._open_account()
        if len(person.person_id) != ID_BYTES:
            raise Problem("person-not-reachable")
        with account.store.step() as step:
            account.favourites.set(step, person, chosen)

    # Inviting.

    async def invite(self, person: PersonView) -> str:
        """Invite somebody of the directory who is not on MiSS.

        Returns:
            "mailed", or "noted" where they were invited within the month; either way this person is
            told of their coming.

        Raises:
            Problem: ``already-here``, ``no-mailbox-listed``, ``invite-refused``, ``too-many-invites``…
        """
        if not person.invite:
            raise Problem("person-not-reachable")
        http = self._open_account().http
        answer = await http.json("POST", "/v1/invites", json={"invite": person.invite}, ticket=True)
        return str(answer.get("state"))

    def greet(self) -> None:
        """Open the conversation with everybody who has come at this person's invitation."""
        account = self._open_account()
        for person_id in account.news.arrivals():
            account.chore(self._greet(account, person_id))

    async def _greet(self, account: Account, person_id: bytes) -> None:
        try:
            person = directory.person_view(await account.http.json("GET", f"/v1/people/{person_id.hex()}", ticket=True))
        except Problem as problem:
            if problem.reason == "not-found":  # gone again, or not to be found
                with account.store.step() as step:
                    account.news.greeted(step, person_id)
            return  # else asked again at the next connection
        if person_id not in account.news.arrivals():
            return  # greeted meanwhile
        conversation_id = begin_direct(account, person)
        with account.store.step() as step:
            account.news.greeted(step, person_id)
            at_ms = account.clock.now_ms()
            account.messages.notice(step, conversation_id, 1, 0, at_ms, "person-arrived", person.display_name)
            step.tell(PersonArrived(account.people.view(person_id), conversation_id))

    # Leaving.

    async def leave_miss(self, pin: str) -> None:
        """Leave for good: every device of this person ends, and this one forgets everything.

        What the server answers may be lost; this device then learns that it has ended when it next connects, and
        forgets everything then (``Profile.is_leaving``).

        Raises:
            Problem: ``pin-wrong``, ``pin-too-soon``, or why the server could not be asked; nothing has changed then,
                as far as this device can know.
        """
        account = self._open_account()
        await self._door.confirm(pin)
        self._profile.set_leaving(True)
        try:
            body = {"person": account.people.me.hex()}
            await account.http.json("POST", "/v1/leaving", json=body, ticket=True)
        except Problem as problem:
            if problem.reason != "revoked":  # else the socket was faster than the answer
                raise
        await self._door.wipe()
