"""The application: the only wiring between the engine, the shell and the screens."""

import time
from collections.abc import Sequence
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.core.window import Window

from miss_app.device import Device
from miss_app.engine.events import (
    CharterAsked,
    Event,
    MessageView,
    PersonArrived,
    PersonView,
    Stage,
    StageChanged,
    Trouble,
)
from miss_app.engine.lock_events import UnlockAsked
from miss_app.policy import NONE, NOTICES
from miss_app.starter import CHOOSE, LOCKED
from miss_app.ui import purge, screens, text_size
from miss_app.ui.alerts import Alerts
from miss_app.ui.bridge import Bridge, Engine
from miss_app.ui.glyphs import ASSETS
from miss_app.ui.idle import Idle
from miss_app.ui.keys import Keys
from miss_app.ui.place import Place
from miss_app.ui.policy_words import policy_words
from miss_app.ui.shell import Shell
from miss_app.ui.shortcuts_sheet import ShortcutsSheet
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.toast import show_toast
from miss_app.ui.unlock_sheet import UnlockSheet
from miss_app.ui.window_state import WindowState
from miss_app.workstation import OWN_IDLE_SECONDS

LOAD_AFTER_S = 0.5
IDLE_CHOICES = (60, 120, 300, 600, 1800)

GATES = {
    Stage.INVITATION: "InvitationScreen",
    Stage.IDENTITY: "RegistrationScreen",
    Stage.BROWSER: "BrowserScreen",
    Stage.CODE: "CodeScreen",
    Stage.WAITING: "WaitingScreen",
    Stage.REFUSED: "RefusedScreen",
    Stage.LINKING: "LinkingScreen",
    Stage.PIN: "ChoosePinScreen",
    Stage.LOCKED: "LockedScreen",
    Stage.REVOKED: "RevokedScreen",
}


class MissApp(App):
    """One window of one person's profile. ``invitation`` fills the first screen's link."""

    title = "MiSS"
    icon = str(ASSETS / "icon.png")

    def __init__(
        self,
        engine: Engine | None,
        device: Device,
        invitation: str = "",
        window_state: WindowState | None = None,
        place: Place | None = None,
    ) -> None:
        super().__init__()
        self.device = device
        self.invitation = invitation
        self.window_state = window_state or WindowState()
        self.place = place
        self.policy = NONE if place is None else place.workstation.policy
        self.stage: Stage | None = None
        self.shell: Any = None
        self.alerts: Any = None
        self.idle = Idle(self)
        self._window_kept = False
        self._noted = b""  # the conversation that is known to be open
        self.engine: Engine | None = None
        self.client: Any = None
        self.bridge: Any = None
        if engine is not None:
            self._take(engine)

    def _take(self, engine: Engine) -> None:
        self.engine, self.client = engine, engine.client
        self.bridge = Bridge(engine, self.hear)

    @staticmethod
    def now_ms() -> int:
        """The time now, in milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def build(self) -> Shell:
        """The window's content, in the language and the theme this profile chose."""
        self._look_as_set()
        self.shell = Shell(self)
        self.keys = Keys(self)  # Android's back key is Escape
        self.alerts = Alerts(self, self.device.notifier() if self.policy.allows(NOTICES) else None)
        Window.bind(on_key_down=self._key_down, on_request_close=self._closing)
        return self.shell

    def _look_as_set(self) -> None:
        settings = {} if self.client is None else self.client.settings()
        words.speak(settings.get("language", words.language))
        self._apply_theme(settings.get("theme", "auto"))
        text_size.apply(text_size.text_size_of(settings))
        Window.clearcolor = look.surface

    def on_start(self) -> None:
        """Start the engine; the first screen follows once it knows where this profile stands."""
        if (guard := self.device.screen_guard()) is not None:
            guard.guard(True)
        self.idle.start()
        if self.engine is None:
            self.shell.show_gate(screens.ChooserScreen(self))
            return
        self.engine.start()
        self.alerts.hear(StageChanged(self.client.stage()))
        self.show_stage(self.client.stage())
        self.shell.ids.banner.follow(self.client.link())
        self._say_policy()
        Clock.schedule_once(self._load_on, LOAD_AFTER_S)

    def _load_on(self, _dt: float) -> None:
        """Load the other screens one frame after the other, so that none is waited for when it is opened."""
        if screens.load_one():
            Clock.schedule_once(self._load_on, 0)

    def on_stop(self) -> None:
        """Stop the engine with the window, whose size is kept."""
        self.idle.stop()
        self._keep_window()
        self.alerts.close()
        if self.engine is not None:
            self.engine.stop()

    def _keep_window(self) -> None:
        """Note where the window stands and how large, once: hidden it stands nowhere."""
        if self.device.desktop and not self.device.headless() and not self._window_kept:
            self._window_kept = True
            width, height = Window.system_size
            self.window_state.keep(width=width, height=height, place=(Window.left, Window.top))

    def on_pause(self) -> bool:
        """A phone puts the program aside: keep it."""
        self.idle.stop()
        return True

    def on_resume(self) -> None:
        """Back in front: locked where it lay aside for too long."""
        self.idle.start(again=True)
        self.alerts.hurry()

    def idle_choices(self) -> list[int]:
        """What a person may choose, in seconds; the machine's rule is the longest."""
        most = 0 if self.place is None else self.place.workstation.rule().idle_seconds
        chosen = [one for one in IDLE_CHOICES if not most or one <= most]
        return chosen or [most] if most else [*chosen, 0]

    # Who sits here.

    def sit(self, profile: str) -> None:
        """Somebody chose their own place on this machine."""
        assert self.place is not None
        self._take(self.place.sit(profile))
        self._look_as_set()
        self.on_start()

    def sit_anew(self) -> None:
        """Somebody who has no place here yet; the server is the one that the others have."""
        assert self.place is not None
        self.invitation = self.policy.invitation or self.invitation or self.place.invitation()
        self.sit(self.place.workstation.new_profile())

    def shown_name(self) -> str:
        """What whoever sits here wishes to be called on this machine."""
        return "" if self.place is None else self.place.workstation.shown(self.place.profile)

    def set_shown_name(self, name: str) -> None:
        """Be called this on this machine."""
        if self.place is not None:
            self.place.workstation.set_shown(self.place.profile, name)

    def rise(self) -> None:
        """Somebody else wishes to sit here: whoever does shows who they are. Nothing is open behind a lock."""
        engine, self.engine = self.engine, None
        if engine is not None:
            self.bridge.close()
            engine.stop()
        self.client, self.stage = None, None
        self.shell.show_gate(screens.ChooserScreen(self))

    def may_choose(self) -> bool:
        """Whether somebody else may sit down here."""
        return self.place is not None and not self.place.fixed

    def idle_seconds(self) -> int:
        """After how long without a touch this window locks; 0 for never, or while it is locked."""
        if self.stage is not Stage.OPEN:
            return 0
        wished = self.client.settings().get("idle_lock", "")
        if self.place is None:
            return int(wished) if wished.isdecimal() else OWN_IDLE_SECONDS
        return self.place.workstation.idle_seconds(wished)

    def hear(self, event: Event) -> None:
        """An engine event, on the main thread."""
        if isinstance(event, StageChanged):
            self.show_stage(event.stage)
        if isinstance(event, Trouble):
            show_toast(self.shell, words.problem(event.problem))
        if isinstance(event, UnlockAsked) and self.stage is Stage.OPEN:
            self.shell.show_sheet(UnlockSheet(self, event.question))
        if isinstance(event, PersonArrived):
            show_toast(self.shell, words.say("people.arrived", name=event.person.display_name))
        if isinstance(event, CharterAsked) and self.stage is Stage.OPEN:
            self._ask_charter(event)
        self.alerts.hear(event)  # first: the pages ask it what is unread elsewhere
        self.shell.hear(event)
        if isinstance(event, StageChanged) and event.stage is Stage.OPEN:
            self.alerts.opened_home()

    def _ask_charter(self, event: CharterAsked) -> None:
        """Put the charter above what is open, once."""
        if not any(isinstance(page, screens.CharterScreen) for page in self.shell.stack):
            self.shell.open(screens.CharterScreen(self, event.charter))

    def show_stage(self, stage: Stage) -> None:
        """Show the screen of ``stage``; nothing moves when it is the one shown."""
        if stage is self.stage:
            return
        was, self.stage = self.stage, stage
        self._noted = b""
        if stage is Stage.OPEN:
            self.shell.show_home(screens.ConversationsScreen(self), screens.EmptyScreen(self))
            self._reopen()
            self._say_policy()
            return
        self.shell.show_gate(getattr(screens, GATES[stage])(self))
        if was is Stage.OPEN:
            purge.forget_everything()

    def _say_policy(self) -> None:
        """Rules that were not understood are said at every start and opening, until somebody mends them."""
        if self.policy.wrong:
            show_toast(self.shell, policy_words(self.policy))

    def _reopen(self) -> None:
        """The conversation that was open at the lock is open again."""
        wanted = self.client.preferences.open_chat()
        found = self.client.conversation(wanted) if wanted else None
        if found is not None and not found.blocked:
            self._noted = wanted
            self.go_chat(found.conversation_id)

    def _note_open(self) -> None:
        """Which conversation is open, for the next unlock."""
        chats = [page.conversation_id for page in self.shell.stack if isinstance(page, screens.ChatScreen)]
        now = chats[-1] if chats else b""
        if self.stage is Stage.OPEN and now != self._noted:
            self._noted = now
            self.bridge.ask(self.client.preferences.set_open_chat(now), failed=lambda _failure: None)

    # Where the pages lead.

    def go_home(self) -> None:
        """Back to the conversation list."""
        self.shell.home()
        self._note_open()

    def go_chat(self, conversation_id: bytes, message_id: bytes = b"") -> None:
        """Open a conversation, in place of whatever page was open, perhaps at a message."""
        top = self.shell.stack[-1] if self.shell.stack else None
        if not isinstance(top, screens.ChatScreen) or top.conversation_id != conversation_id:
            self.shell.section = "chats"
            top = screens.ChatScreen(self, conversation_id)
            self.shell.open(top, instead=True)
            self._note_open()
        if message_id:
            top.go_to(message_id)

    def go_above(self, conversation_id: bytes, message_id: bytes) -> None:
        """Show a message of another conversation above what is open, which stays there to come back to."""
        chats = (page for page in self.shell.stack if isinstance(page, screens.ChatScreen))
        chat = next((page for page in chats if page.conversation_id == conversation_id), None)
        if chat is None:
            chat = screens.ChatScreen(self, conversation_id)
            self.shell.open(chat)
        else:
            self.shell.lift(chat)
        self._note_open()
        chat.go_to(message_id)

    def go_identity(self, person: PersonView, name_in: bytes = b"") -> None:
        """Somebody's profile, above what is open; ``name_in``: a conversation of which they may be made an admin."""
        self.shell.open(screens.IdentityScreen(self, person, name_in))

    def go_safety(self, person: PersonView) -> None:
        """The safety number shared with somebody, above what is open."""
        self.shell.open(screens.SafetyScreen(self, person))

    def go_info(self, conversation_id: bytes) -> None:
        """Members and settings of a conversation, above it."""
        self.shell.open(screens.InfoScreen(self, conversation_id))

    def go_open_ones(self, conversation_id: bytes = b"") -> None:
        """What waits for somebody: in one conversation, above it, or in all."""
        page = screens.OpenOnesScreen(self, conversation_id)
        if conversation_id:
            self.shell.open(page)
        else:
            self._section("chats", page)

    def go_people(self, typed: str = "") -> None:
        """The directory, perhaps with words already typed elsewhere."""
        self._section("people", screens.PeopleScreen(self, typed=typed))

    def go_person(self, person: PersonView) -> None:
        """The conversation with one person, made if there is none."""
        top = self.shell.front
        top.ask(self.client.open_direct(person), self.go_chat)

    def go_new_group(self, *people: PersonView) -> None:
        """A new care team, perhaps with people who are chosen already."""
        self._section("group", screens.NewGroupScreen(self, people))

    def go_add_people(self, conversation_id: bytes) -> None:
        """Choose people to add to a conversation."""
        self.shell.open(screens.PeopleScreen(self, add_to=conversation_id))

    def go_devices(self) -> None:
        """This person's devices, above the settings when they lead there."""
        if isinstance(self.shell.front, screens.SettingsScreen):
            self.shell.open(screens.DevicesScreen(self))
        else:
            self._section("devices", screens.DevicesScreen(self))

    def go_link_device(self) -> None:
        """Accept a new device."""
        self.shell.open(screens.LinkDeviceScreen(self))

    def show_shortcuts(self) -> None:
        """What the keyboard can do."""
        self.shell.close_sheets()
        self.shell.show_sheet(ShortcutsSheet())

    def go_settings(self) -> None:
        """Settings."""
        self._section("settings", screens.SettingsScreen(self))

    def go_profile(self) -> None:
        """One's own profile, and being away, above the settings."""
        self.shell.open(screens.ProfileScreen(self))

    def go_privacy(self) -> None:
        """Who finds this person and may write, above the settings."""
        self.shell.open(screens.PrivacyScreen(self))

    def go_notifications(self) -> None:
        """How this person is told of what waits, above the settings."""
        self.shell.open(screens.NotificationsScreen(self))

    def go_leaving(self) -> None:
        """The way out of MiSS."""
        self.shell.open(screens.LeavingScreen(self))

    def go_photo(self, conversation_id: bytes, message_id: bytes) -> None:
        """One photo, as large as the window."""
        self.shell.open(screens.PhotoViewer(self, conversation_id, message_id))

    def go_document(self, message: MessageView) -> None:
        """The document of a message, opened."""
        self.shell.open(screens.DocumentViewer(self, message))

    def back(self) -> bool:
        """Close what is on top."""
        closed = bool(self.shell.back())
        self._note_open()
        return closed

    def lock(self, status: int = LOCKED) -> None:
        """Close the vault; the lock screen follows, on a desktop in a process that never held a key."""
        if self.place is not None and self.place.ends and self.stage is Stage.OPEN:
            self._leave(status)
            return
        self.bridge.ask(
            self.client.lock(), failed=lambda failure: show_toast(self.shell, words.problem(failure.reason))
        )

    def _leave(self, status: int) -> None:
        """End this process, and with it every key it held."""
        assert self.place is not None
        self.place.leave(status)
        self._keep_window()
        Window.hide()
        purge.forget_everything()
        for page in self.shell.pages:
            page.left()  # what is being written is kept
        self.stop()

    def change_person(self) -> None:
        """Lock, and ask who sits down next."""
        if self.stage is Stage.OPEN:
            self.lock(CHOOSE)
        else:
            self.rise()

    def set_theme(self, name: str) -> None:
        """Choose "auto", "light" or "dark", and keep it."""
        self._apply_theme(name)
        self.bridge.ask(self.client.set_setting("theme", name))

    def set_text_size(self, percent: int) -> None:
        """Write everything that large, and keep it; what is on the screen is made anew."""
        text_size.apply(percent)
        self.bridge.ask(self.client.set_setting(text_size.SETTING, str(percent)))
        purge.forget_everything()
        self.shell.show_home(screens.ConversationsScreen(self), screens.EmptyScreen(self))
        self.go_settings()

    def set_language(self, language: str) -> None:
        """Choose "fr" or "en", and keep it."""
        words.speak(language)
        self.bridge.ask(self.client.set_setting("language", language))

    def _section(self, section: str, page: Any) -> None:
        self.shell.section = section
        self.shell.open(page, instead=True)
        self._note_open()

    def _apply_theme(self, name: str) -> None:
        look.show(dark=name == "dark" or (name != "light" and self.device.prefers_dark()))

    def _key_down(
        self, _window: Any, key: int, _code: int = 0, _text: str | None = None, modifiers: Sequence[str] = (), *_: Any
    ) -> bool:
        return self.keys.press(key, list(modifiers))

    def _closing(self, *_args: Any, source: str = "", **_options: Any) -> bool:
        return source == "keyboard"  # escape never closes the window; its button does
