"""The door of a profile: the PIN opens it, locking closes it, rows are taken in behind it, and it may go for good.

It knows at which stage the profile stands and whether it is connected, because opening, closing and erasing it change
both.
"""

import asyncio
from collections.abc import Callable

from miss_app.engine.account import Account, OwnDevice, keep_own_device
from miss_app.engine.events import Event, Link, LinkChanged, Stage, StageChanged
from miss_app.engine.locker import Locker
from miss_app.engine.onboarding import Onboarding
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Profile
from miss_app.engine.reachability import tls_context
from miss_app.engine.store import Hold, Store
from miss_app.engine.vault import Vault, check_pin
from miss_app.engine.watch import Watch


class Door:
    """What opens, closes and erases one profile.

    Args:
        language: gives the language of the server's sentences.
        heard: is told each event that concerns the screen.
    """

    def __init__(
        self,
        profile: Profile,
        vault: Vault,
        language: Callable[[], str],
        heard: Callable[[Event], None],
    ) -> None:
        self._profile = profile
        self._vault = vault
        self._language = language
        self._heard = heard
        self._locker = Locker(profile.folder)
        self._watch: Watch | None = None
        self._wiping: asyncio.Task[None] | None = None
        self.onboarding: Onboarding  # set by who wires this: it tells through this door
        self.prepare: Callable[[Account], None] = lambda _: None  # done to an account before it starts
        self.account: Account | None = None
        self.stage = Stage.INVITATION
        self.link = Link.OFFLINE

    def open_account(self) -> Account:
        """The open account; Problem("locked")."""
        if self.account is None:
            raise Problem("locked")
        return self.account

    async def start(self) -> None:
        """Find out where this profile stands, and go on from there."""
        self.stage = self._first_stage()
        await self.onboarding.start()
        if self.stage is Stage.LOCKED:
            await self._start_watch()

    async def stop(self) -> None:
        """End everything; what is on disk is all there is."""
        await self._stop_watch()
        await self.onboarding.stop()
        account, self.account = self.account, None
        if account is not None:
            await account.stop()

    def _first_stage(self) -> Stage:
        pending = self._profile.pending()
        if self._profile.server() is None:
            return Stage.INVITATION
        if pending is not None:
            return pending.stage
        return Stage.LOCKED if self._vault.exists() else Stage.IDENTITY

    async def choose_pin(self, pin: str) -> None:
        """Make the vault and the store, move the waiting keys into it, and connect; Problem("pin-too-short")."""
        check_pin(pin)
        pending = self._profile.pending()
        if pending is None or not pending.certificate:
            raise Problem("registration-unknown")
        await self.onboarding.stop()
        # A vault beside waiting keys is one whose making was interrupted.
        self._profile.forget_half_made()
        key = await asyncio.to_thread(self._vault.make, pin)
        store = Store(self._profile.store_path, key, self.tell)
        keep_own_device(store, OwnDevice(pending.keys, pending.certificate))
        self._profile.set_credentials(pending.keys)
        self._profile.erase_pending()
        await self._enter(store)

    async def unlock(self, pin: str) -> None:
        """Open the vault; Problem("pin-wrong"), ("pin-too-soon") or ("profile-in-use")."""
        if self.account is not None:
            return
        key = await asyncio.to_thread(self._vault.open, pin)
        await self._stop_watch()
        try:
            await self._enter(Store(self._profile.store_path, key, self.tell))
        except BaseException:
            await self._start_watch()
            raise

    async def lock(self) -> None:
        """Close the store and drop every secret but the login key; rows that arrive are kept unopened."""
        account, self.account = self.account, None
        if account is not None:
            await account.stop()
            self.tell(StageChanged(Stage.LOCKED))
            await self._start_watch()

    async def _start_watch(self) -> None:
        """Receive while locked, unless another process has this profile."""
        server, credentials = self._profile.server(), self._profile.credentials()
        if server is None or credentials is None or not self._locker.ready():
            return
        try:
            hold = Hold(self._profile.store_path)
        except Problem:
            return  # unlocking will say so
        tls = await asyncio.to_thread(tls_context)
        self._watch = Watch(hold, self._locker, server, credentials, tls, self.tell)
        self._watch.start()

    async def _stop_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.stop()

    async def _enter(self, store: Store) -> None:
        server, credentials = self._profile.server(), self._profile.credentials()
        try:
            if server is None or credentials is None:
                raise Problem("store-damaged")
            tls = await asyncio.to_thread(tls_context)
            account = Account(store, server, credentials, tls, self._locker, self._language(), self.tell)
        except BaseException:
            store.close()
            raise
        self.account = account
        self.prepare(account)
        self.tell(StageChanged(Stage.OPEN))
        try:
            await account.start()
        except BaseException:  # half an open profile would be one that never connects
            self.account = None
            await account.stop()
            self.tell(StageChanged(Stage.LOCKED))
            raise

    # Going for good.

    async def wipe(self) -> None:
        """Erase this profile, once; whoever asks again waits for the same end."""
        if self._wiping is None:
            self._wiping = asyncio.create_task(self._forget_everything())
        await asyncio.shield(self._wiping)

    async def _forget_everything(self, told: bool = False) -> None:
        await self.stop()
        await asyncio.to_thread(self._profile.wipe)
        self._locker.forget()
        self._wiping = None
        if not told:
            self.tell(StageChanged(Stage.INVITATION))

    def tell(self, event: Event) -> None:
        """Hear an event of the rooms behind the door, and pass on what the screen should know."""
        if isinstance(event, StageChanged) and event.stage is Stage.REVOKED:
            leaving = self._profile.is_leaving() or self._wiping is not None
            self._wiping = self._wiping or asyncio.create_task(self._forget_everything(told=not leaving))
            if leaving:
                return  # not removed by anybody: the person has left
        if isinstance(event, StageChanged):
            self.stage = event.stage
        elif isinstance(event, LinkChanged):
            self.link = event.link
            if event.link is Link.ONLINE and self._wiping is None and self._profile.is_leaving():
                self._profile.set_leaving(False)  # let in: the wish to leave never arrived
        self._heard(event)
