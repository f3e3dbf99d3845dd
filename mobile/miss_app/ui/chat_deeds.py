"""What a reader does with the messages of an open chat: taps, menus, replies, edits, urgency."""

from collections.abc import Callable
from typing import Any

from miss_app.engine.events import MessageView, Tick
from miss_app.engine.saying import PLAIN, Manner
from miss_app.ui import chat_rows, clipping
from miss_app.ui.chat_rows import ChatRow
from miss_app.ui.confirm import confirm
from miss_app.ui.forwarding import Forwarding
from miss_app.ui.link_sheet import LinkSheet
from miss_app.ui.list_row import ListItem
from miss_app.ui.screens.choices import ChoiceSheet, choose, choose_conversation, message_menu
from miss_app.ui.screens.request import RequestSheet
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast
from miss_protocol.acts import Level, Urgency, Verdict

_QUICK = {"confirm": Verdict.CONFIRMED, "yes": Verdict.YES, "no": Verdict.NO, "call-me": Verdict.CALL_ME}
_REACHED = {Tick.READ: "readers.read", Tick.DELIVERED: "readers.delivered", Tick.ACCEPTED: "readers.waiting"}
_SPOKEN = ("text", "photo", "document", "request", "answer")


class ChatDeeds:
    """The deeds of one chat screen, which shows what they prepare: whom one replies to, what one edits, how urgent."""

    def __init__(self, screen: Any) -> None:
        self._screen = screen
        self._app = screen.app
        self._replying: MessageView | None = None
        self._editing: MessageView | None = None
        self._level = Level.INFO

    @property
    def _here(self) -> bytes:
        found: bytes = self._screen.conversation_id
        return found

    def _ask(self, wish: Any) -> None:
        self._app.bridge.ask(wish, failed=self._screen.fail)

    @property
    def editing(self) -> bool:
        """Whether what is written takes the place of something said."""
        return self._editing is not None

    # Touches.

    def tapped(self, row: ChatRow, part: str) -> None:
        """A tap on a row, or on a button or a quote in it."""
        message = row.message
        if message is None:
            if row.kind == "day":
                self._screen.choose_day(row.at_ms)
            return
        if self._chosen.shown:
            if message.kind in _SPOKEN:
                self._chosen.toggle(message)
        elif part == "quote" and message.quote is not None:
            self._screen.go_to(message.quote.message_id)
        elif part.startswith("span-"):
            self._span(row, int(part.removeprefix("span-")))
        elif part == "unfold":
            self._screen.pages.unfold(row)
        elif part == "document":
            self._app.go_document(message)
        elif part:
            self._part(message, part)
        elif chat_rows.failed(message):
            self._ask(self._app.client.retry(self._here, message.message_id))
        elif message.photo is not None and not message.deleted_ms and (row.unfolded or not message.blocked):
            self._app.go_photo(self._here, message.message_id)

    def _span(self, row: ChatRow, place: int) -> None:
        """A link asks before it is opened; a mention shows who that is."""
        if row.shape is None or row.message is None:
            return
        span = row.shape.spans[place]
        if span.kind == "link":
            self._app.shell.show_sheet(LinkSheet(self._app, span.target))
            return
        person = next((one for one in row.message.mentions if one.person_id.hex() == span.target), None)
        if person is not None:
            self._app.go_identity(person)

    def _part(self, message: MessageView, part: str) -> None:
        deeds = self._app.client.deeds
        if part in _QUICK:
            self._ask(deeds.answer(self._here, message.message_id, _QUICK[part]))
        elif part == "correct" and message.request is not None:
            sheet = RequestSheet(self._app, self._here, message.message_id, message.request.dosage)
            self._app.shell.show_sheet(sheet)
        elif part == "take-charge":
            self._ask(deeds.take_charge(self._here, message.message_id))
        elif part == "release":
            self._release(message)
        elif part == "reactions":
            who = [f"{one.emoji}  {person.display_name}" for one in message.reactions for person in one.people]
            show_toast(self._app.shell, "\n".join(who))

    def mark_of(self, row: ChatRow) -> str:
        """How a row is marked: "chosen" or "free" while several are chosen, "lit" for where one has just jumped to."""
        if row.message is not None and self._chosen.shown and row.message.kind in _SPOKEN:
            return "chosen" if self._chosen.chosen(row.message.message_id) else "free"
        return "lit" if row.key == self._screen.pages.lit else ""

    @property
    def _chosen(self) -> Any:
        return self._screen.ids.selection

    def replied(self, row: ChatRow) -> None:
        """A bubble was pulled to the right."""
        if row.message is not None and self._may_act(row.message):
            self.reply(row.message)

    def asked(self, row: ChatRow) -> None:
        """Show what can be done with a message."""
        message = row.message
        if message is None or message.kind not in _SPOKEN or message.deleted_ms or self._chosen.shown:
            return
        chosen = next((one.emoji for one in message.reactions if one.mine), "")
        react = self._app.client.deeds.react
        message_menu(
            self._app,
            _title(message),
            chosen,
            lambda emoji: self._ask(react(self._here, message.message_id, emoji)),
            self._menu(message),
        )

    def _may_act(self, message: MessageView) -> bool:
        return bool(self._screen.active) and message.kind in _SPOKEN and not message.deleted_ms

    def _menu(self, message: MessageView) -> list[tuple[str, str, str, Callable[[], object]]]:
        wanted: list[tuple[str, str, str, Callable[[], object]]] = []
        deeds, name = self._app.client.deeds, message.message_id
        if self._screen.active:
            wanted.append(("menu-reply", "menu.reply", "reply", lambda: self.reply(message)))
        if chat_rows.body(message):
            wanted.append(("menu-copy", "menu.copy", "content-copy", lambda: self._copy(message)))
        if message.kind in ("text", "photo", "document"):
            wanted.append(("menu-forward", "menu.forward", "share-outline", lambda: self._forward(message)))
        wanted.append(("menu-select", "menu.select", "check-circle-outline", lambda: self._chosen.begin(message)))
        if not self._screen.active:
            return wanted
        if message.charge is None:
            take = ("menu-charge", "charge.take", "hand-front-right-outline")
            wanted.append((*take, lambda: self._ask(deeds.take_charge(self._here, name))))
        elif message.charge.mine:
            release = ("menu-release", "charge.release", "hand-front-right-outline")
            wanted.append((*release, lambda: self._release(message)))
        else:
            over = ("menu-take-over", "charge.take_over", "hand-front-right-outline")
            wanted.append((*over, lambda: self._ask(deeds.take_charge(self._here, name, over=True))))
        pin = "menu.unpin" if message.pinned else "menu.pin"
        wanted.append(
            ("menu-pin", pin, "pin-outline", lambda: self._ask(deeds.pin(self._here, name, not message.pinned)))
        )
        if message.mine:
            wanted.append(("menu-readers", "menu.readers", "check-all", lambda: self._readers(message)))
            if message.kind in ("text", "photo", "document"):
                wanted.append(("menu-edit", "menu.edit", "pencil-outline", lambda: self.edit(message)))
            wanted.append(("menu-delete", "menu.delete", "delete-outline", lambda: self._delete(message)))
        return wanted

    def _readers(self, message: MessageView) -> None:
        found = self._app.client.deeds.readers(self._here, message.message_id)
        items = [
            ListItem(
                f"reader-{place}",
                one.person.display_name,
                str(words.say(_REACHED[one.tick])),
                item=lambda: None,
                avatar_key=one.person.person_id.hex(),
                tick=one.tick,
            )
            for place, one in enumerate(found)
        ]
        self._app.shell.show_sheet(ChoiceSheet(self._app, str(words.say("menu.readers")), items))

    def _copy(self, message: MessageView) -> None:
        clipping.copy(chat_rows.body(message))
        show_toast(self._app.shell, str(words.say("menu.copied")))

    def _delete(self, message: MessageView) -> None:
        confirm(
            self._app,
            str(words.say("delete.title")),
            str(words.say("delete.explain")),
            str(words.say("delete.go")),
            "delete-yes",
            lambda: self._ask(self._app.client.deeds.delete(self._here, message.message_id)),
        )

    def _release(self, message: MessageView) -> None:
        """A slip of the finger would leave an urgent message to nobody."""
        explain = "charge.release_urgent" if message.level is Level.URGENT else "charge.release_explain"
        confirm(
            self._app,
            str(words.say("charge.release_title")),
            str(words.say(explain)),
            str(words.say("charge.release")),
            "release-yes",
            lambda: self._ask(self._app.client.deeds.release(self._here, message.message_id)),
        )

    def _forward(self, message: MessageView) -> None:
        conversations = [one for one in self._app.client.conversations() if one.conversation_id != self._here]
        choose_conversation(
            self._app,
            conversations,
            lambda target: Forwarding(self._screen, [message], target, lambda: self._app.go_chat(target)).go(),
        )

    # What is being written.

    def reply(self, message: MessageView) -> None:
        """What is written next replies to this."""
        self._replying, self._editing = message, None
        who = words.say("list.me") if message.mine or message.author is None else message.author.display_name
        self._screen.show_about("reply", str(words.say("chat.reply_to", who=who)), chat_rows.body(message))

    def edit(self, message: MessageView) -> None:
        """What is written next takes the place of what this says."""
        self._replying, self._editing = None, message
        self._screen.show_about("pencil-outline", str(words.say("chat.editing")), message.text)
        self._screen.ids.composer.text = message.text

    def set_level(self, level: Level) -> None:
        """How urgent what is written next is."""
        self._level = level
        self._screen.level = int(level)

    def drop(self) -> None:
        """Neither a reply nor an edit after all."""
        if self._editing is not None:
            self._screen.ids.composer.text = ""
        self._replying = self._editing = None
        self._screen.show_about("", "", "")

    def complete(self, text: str, reason: str) -> bool:
        """Whether all is written that this message needs; else say what is missing, with the cursor there."""
        if self._editing is None and self._level is Level.URGENT and not reason:
            self._screen.complain("reason-missing" if text else "reason-text-missing")
            self._screen.write_reason()
            return False
        if not text and self._level is not Level.INFO:
            self._screen.complain("text-missing")
            self._screen.write_text()
        return bool(text)

    def send(self, text: str, reason: str) -> None:
        """Send what is written, as a reply, an edit, or urgently, as was chosen; the composer empties at once."""
        client = self._app.client
        editing, manner = self._editing, self._manner(text, reason)
        self._screen.ids.composer.text = ""
        self._screen.complain("")
        if editing is not None:
            self._ask(client.deeds.edit(self._here, editing.message_id, text))
        elif manner == PLAIN:
            self._ask(client.send_text(self._here, text))
        else:
            self._ask(client.send_text(self._here, text, manner))
        self._editing = None
        self.drop()
        self.set_level(Level.INFO)
        self._screen.ids.reason.text = ""

    def _manner(self, text: str, reason: str) -> Manner:
        urgency = Urgency(self._level, reason) if self._level is not Level.INFO else None
        reply_to = None if self._replying is None else self._replying.message_id
        conversation = self._app.client.conversation(self._here)
        members = () if conversation is None else conversation.members
        named = tuple(one.person.person_id for one in members if f"@{one.person.display_name}" in text and not one.me)
        return Manner(reply_to, urgency, named)

    def more(self) -> None:
        """What else can be written."""
        app, screen = self._app, self._screen
        camera = (
            [("more-camera", "menu.take_photo", "camera-outline", screen.attaching.photograph)]
            if app.device.camera()
            else []
        )
        choose(
            app,
            str(words.say("more.title")),
            [
                *camera,
                (
                    "more-photo",
                    "photo.attach",
                    "image-outline" if camera else "camera-outline",
                    screen.attaching.choose,
                ),
                ("more-document", "document.attach", "paperclip", screen.attaching.choose_document),
                (
                    "more-request",
                    "request.title",
                    "pill",
                    lambda: app.shell.show_sheet(RequestSheet(app, self._here)),
                ),
                ("more-urgent", "urgent.write", "alert", lambda: self.set_level(Level.URGENT)),
                ("more-today", "urgent.write_today", "clock-outline", lambda: self.set_level(Level.TODAY)),
            ],
        )


def _title(message: MessageView) -> str:
    """One line that names a message."""
    if message.document is not None:
        return message.document.name
    return chat_rows.body(message).split("\n")[0] or str(words.say("list.photo"))
