"""The door of a profile: a PIN opens it, or another device; locking closes it, and it may go for good.

It knows at which stage the profile stands and whether it is connected, because opening, closing and erasing it change
both. Behind a closed door rows are taken in as they come (``watch``).
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from miss_app.engine import passphrase, vault_secrets
from miss_app.engine.account import Account, OwnDevice, keep_own_device
from miss_app.engine.asking import Approved, Question
from miss_app.engine.errand import errand
from miss_app.engine.events import Event, Link, LinkChanged, Stage, StageChanged
from miss_app.engine.http import Http
from miss_app.engine.key_shares import KeyShares, from_server, keep_at_server
from miss_app.engine.lock_events import UnlockAnswered
from miss_app.engine.locker import Locker
from miss_app.engine.onboarding import Onboarding
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Pending, Profile, login_key
from miss_app.engine.reachability import tls_context
from miss_app.engine.session import Credentials
from miss_app.engine.store import Hold, Store
from miss_app.engine.vault import Guard, Stretched, Vault
from miss_app.engine.watch import Watch

_KEEPER_BYTES = 32


class Door:
    """What opens, closes and erases one profile.

    Args:
        shares: where the share of the vault's key is that a copied disk lacks.
        language: gives the language of the server's sentences.
        heard: is told each event that concerns the screen.
    """

    def __init__(
        self,
        profile: Profile,
        vault: Vault,
        shares: KeyShares,
        language: Callable[[], str],
        heard: Callable[[Event], None],
    ) -> None:
        self._profile = profile
        self._vault = vault
        self._shares = shares
        self._language = language
        self._heard = heard
        self._locker = Locker(profile.folder)
        self._watch: Watch | None = None
        self._asking: asyncio.Task[None] | None = None
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
        await self.stop_asking()
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

    def hurry(self) -> None:
        """Somebody looks: where there is no connection, it is tried for now. Behind the lock too."""
        at_work = self.account or self._watch
        if at_work is not None:
            at_work.session.hurry()

    # Choosing.

    async def best_guard(self) -> Guard:
        """What will protect a PIN on this machine."""
        return await self._shares.best()

    async def choose(self, typed: str, guard: Guard | None = None) -> None:
        """Make the vault and the store, move the waiting keys into it, and connect.

        Args:
            typed: a PIN, or a pass-phrase where ``guard`` is that; without one the best for this machine is taken.

        Raises:
            Problem: ``pin-too-short``, ``phrase-length``, ``phrase-unknown``, ``keystore-refused``, or why the server
                that is to keep the share cannot be reached.
        """
        guard = guard or await self._shares.best()
        pending = self._profile.pending()
        if pending is None or not pending.certificate:
            raise Problem("registration-unknown")
        chosen = await asyncio.to_thread(self._vault.begin, typed, guard)
        await self.onboarding.stop()
        keeper, share, place = b"", b"", ""
        if guard is Guard.SERVER:
            keeper, share = await self._keep_share(pending, chosen)
        elif guard is Guard.KEYSTORE:
            share, place = await self._shares.in_keystore()
        # A vault beside waiting keys is one whose making was interrupted.
        self._profile.forget_half_made()
        key = self._vault.make(chosen, share, place)
        store = Store(self._profile.store_path, key, self.tell)
        keep_own_device(store, OwnDevice(pending.keys, pending.certificate))
        with store.step() as step:
            vault_secrets.keep(step, vault_secrets.VaultSecrets(chosen.confirmation, keeper))
        self._profile.set_credentials(pending.keys)
        self._profile.erase_pending()
        await self._enter(store, key)

    async def choose_words(self, typed: str, drawn: str) -> None:
        """Make the vault with the six words that were drawn; Problem("phrase-differs") where others were typed."""
        if passphrase.canonical(typed) != passphrase.canonical(drawn):
            raise Problem("phrase-differs")
        await self.choose(typed, Guard.PHRASE)

    async def _keep_share(self, pending: Pending, chosen: Stretched) -> tuple[bytes, bytes]:
        """The server keeps a new share; the keeper is on disk first, so that one that was interrupted is replaced."""
        keeper = pending.keeper or secrets.token_bytes(_KEEPER_BYTES)
        self._profile.set_pending(replace(pending, keeper=keeper))
        async with self._http(pending) as http:
            return keeper, await keep_at_server(http, chosen, keeper)

    # Opening.

    def guard(self) -> Guard:
        """What opens the vault beside what is typed."""
        return self._vault.guard()

    def approvable(self) -> bool:
        """Whether another device of this person can open this one."""
        return self._vault.approvable()

    def wait_seconds(self) -> float:
        """How long to wait before the next try."""
        return self._vault.wait_seconds()

    async def unlock(self, typed: str) -> None:
        """Open the vault.

        Raises:
            Problem: ``pin-wrong``, ``pin-too-soon``, ``tries-used-up``, ``share-away`` where the server that keeps the
                share is out of reach, ``keystore-refused``, ``keystore-emptied``, ``disk-full`` or ``profile-in-use``.
        """
        if self.account is not None:
            return
        tried = await asyncio.to_thread(self._vault.attempt, typed)
        try:
            share = await self._share(tried)
        except Problem as problem:
            if problem.reason not in ("pin-wrong", "tries-used-up"):
                self._vault.untried(tried)
            raise
        await self._open(self._vault.open(tried, share))

    async def _share(self, tried: Stretched) -> bytes:
        match Guard(tried.how.guard):
            case Guard.KEYSTORE:
                return await self._shares.from_keystore(tried.how.place)
            case Guard.SERVER:
                try:
                    async with self._http() as http:
                        return await from_server(http, tried, self._vault.wrong(tried))
                except Problem as problem:
                    raise Problem("share-away") if problem.reason == "server-away" else problem from problem
            case Guard.PHRASE:
                return b""

    async def confirm(self, typed: str) -> None:
        """The PIN again, while open, before something that matters; Problem("pin-wrong") or ("pin-too-soon")."""
        kept = vault_secrets.read(self.open_account().store).confirmation
        tried = await asyncio.to_thread(self._vault.attempt, typed)
        self._vault.confirm(tried, kept)

    async def _open(self, key: bytes, approved: Approved | None = None) -> None:
        await self._stop_watch()
        try:
            await self._enter(Store(self._profile.store_path, key, self.tell), key, approved)
        except BaseException:
            await self._start_watch()
            raise

    async def _enter(self, store: Store, key: bytes, approved: Approved | None = None) -> None:
        server, credentials = self._profile.server(), self._profile.credentials()
        try:
            if server is None or credentials is None:
                raise Problem("store-damaged")
            tls = await asyncio.to_thread(tls_context)
            account = Account(store, server, credentials, tls, self._locker, self._language(), self.tell)
            if approved is not None:
                approved.check(account.approvals.believed(approved.approval.device_id))
            vault_secrets.let_others_approve(
                store, account.people, account.states, self._vault, key, credentials.device_id
            )
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

    # Opened from another device.

    async def ask_approval(self) -> str:
        """Ask this person's other devices to open this one; the digits to show.

        What becomes of it is told: the stage changes, or ``UnlockAnswered``.

        Raises:
            Problem: ``no-other-device``, or why the server cannot be reached.
        """
        await self.stop_asking()
        server, credentials = self._profile.server(), self._profile.credentials()
        if server is None or credentials is None or not self._vault.approvable():
            raise Problem("no-other-device")
        async with self._http() as http:
            now_ms = 0 if self._watch is None else self._watch.now_ms
            question = Question(server.invitation.server_id, credentials, now_ms or time.time_ns() // 1_000_000)
            await question.ask(http)
        self._asking = asyncio.create_task(self._hear(question))
        return question.code

    async def stop_asking(self) -> None:
        """Not wanted any more."""
        asking, self._asking = self._asking, None
        if asking is not None and asking is not asyncio.current_task():
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking

    async def _hear(self, question: Question) -> None:
        try:
            async with self._http() as http:
                approved = await question.answer(http)
            self._asking = None
            await self._open(self._vault.open_approved(approved.share), approved)
        except Problem as problem:
            self.tell(UnlockAnswered(problem.reason))

    @asynccontextmanager
    async def _http(self, pending: Pending | None = None) -> AsyncIterator[Http]:
        """HTTP of a device whose vault is closed; ``pending`` where it has none yet."""
        server, credentials = self._profile.server(), self._profile.credentials()
        if pending is not None:
            credentials = Credentials(pending.keys.device_id, login_key(pending.keys.login_der))
        if server is None or credentials is None:
            raise Problem("store-damaged")
        tls = await asyncio.to_thread(tls_context)
        async with errand(server, credentials, tls, self._language(), self._watch) as http:
            yield http

    # Closing.

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

    # Going for good.

    async def wipe(self) -> None:
        """Erase this profile, once; whoever asks again waits for the same end."""
        if self._wiping is None:
            self._wiping = asyncio.create_task(self._forget_everything())
        await asyncio.shield(self._wiping)

    async def _forget_everything(self, told: bool = False) -> None:
        await self.stop()
        with contextlib.suppress(Problem):  # a share nobody can use harms nobody
            await self._shares.forget(self._vault.place() if self._vault.exists() else "")
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
