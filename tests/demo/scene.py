"""The scene: a general practitioner, a dermatologist and a nurse, their operator, a care team and a photograph."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.demo.cable import Cable
from tests.demo.cast import CAMILLE, HUGO, HUGO_AT_WORK, NADIA, Role, extract_files
from tests.demo.mailbox import mails_to
from tests.demo.nodes import Nodes
from tests.demo.photo import wound
from tests.demo.post import Mail, Server
from tests.demo.window import DESKTOP, PATIENCE_S, PHONE, Stuck, Window, plain

PIN = "428917"
TEAM = "Équipe plaies – Tilleuls Fictifs"
QUESTION = "Bonjour Hugo, as-tu un moment pour un avis ?"
PATIENT = "Mme Quetsche-Mirabelle, 04/05/1938"


class Scene:
    """One performance.

    Args:
        folder: an empty folder for everybody's data.
        pictures: where the frames of the windows go.
        visible: real windows instead of offscreen ones.
        stop_after: name of an act after which the server is stopped, to see the next one fail.
        recording: functions whose calls are noted in every process.
        nodes: how many servers there are behind one address; one of two is killed midway.
    """

    def __init__(
        self,
        folder: Path,
        pictures: Path,
        *,
        visible: bool = False,
        stop_after: str = "",
        recording: Sequence[str] = (),
        nodes: int = 1,
    ) -> None:
        self.folder = folder
        self.pictures = pictures
        self.stop_after = stop_after
        self.act = "rising curtain"
        self.count = 0
        self.began = time.monotonic()
        self.times: dict[str, tuple[int, int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.mail = Mail(folder / "mails")
        kind = Nodes if nodes > 1 else Server
        self.server: Server = kind(folder / "server", self.mail.port, recording)
        self.windows: dict[Role, Window] = {
            CAMILLE: Window("Camille", folder / "camille", PHONE, visible=visible, recording=recording),
            HUGO: Window("Hugo", folder / "hugo", PHONE, visible=visible, recording=recording),
            NADIA: Window("Nadia", folder / "nadia", DESKTOP, visible=visible, recording=recording),
        }
        self.cables: dict[Role, Cable] = {}

    def play(self, acts: Iterable[Callable[[], None]] | None = None) -> None:
        """Every act in order, or these; raises Stuck where one does not show."""
        for act in self.acts() if acts is None else acts:
            act()
        seconds = time.monotonic() - self.began
        print(f"\nThe scene was played in {seconds:.1f} s; {self.count} pictures in {self.pictures}", flush=True)

    def acts(self) -> Iterator[Callable[[], None]]:
        yield self.open_the_house
        yield lambda: self.register_by_mailbox(CAMILLE)
        yield lambda: self.register_by_mailbox(HUGO)
        yield self.register_through_the_operator
        yield self.write_one_to_one
        yield self.answer
        yield self.make_the_care_team
        if isinstance(self.server, Nodes):
            yield self.lose_a_node
        yield self.send_the_photo
        if isinstance(self.server, Nodes):
            yield self.bring_the_node_back
        yield self.go_offline_and_back
        yield self.link_the_workstation

    def perform(self, acts: Iterable[Callable[[], None]] | None = None) -> int:
        """Play; 0, or 1 with the name of the act that did not show."""
        try:
            self.play(acts)
        except Stuck as stuck:
            print(f"\nFAILED at act « {self.act} »\n{stuck}", flush=True)
            return 1
        return 0

    def leave_open(self) -> None:
        """Return when Enter is pressed or, where nobody can press it, when the last window was closed."""
        print("The windows stay open; press Enter, or close them all, to end.", flush=True)
        try:
            input()
        except EOFError:
            while any(window.is_open() for window in self.windows.values()):
                time.sleep(0.5)

    def end(self) -> None:
        """Close everything that was started."""
        for window in self.windows.values():
            window.close()
        self.server.stop()
        self.mail.stop()

    @contextmanager
    def acting(self, name: str) -> Iterator[None]:
        """One act: named, timed, and the server stopped after it where that was asked."""
        self.act = name
        start = time.monotonic_ns()
        yield
        self.times[name] = start, time.monotonic_ns()
        print(f"  {name:<58} {(self.times[name][1] - start) / 1e9:6.2f} s", flush=True)
        if name == self.stop_after:
            self.server.stop()

    def picture(self, role: Role, title: str) -> None:
        self.count += 1
        self.windows[role].picture(self.pictures / f"{self.count:02}-{role.key}-{title}.png")

    # The acts

    def open_the_house(self) -> None:
        with self.acting("the server starts, the register is loaded"):
            self.server.start()
            files = extract_files(self.folder / "extract")
            self.server.command("register", "load", *map(str, files))
            for role in self.windows:
                self.cables[role] = Cable(self.server.address)
        with self.acting("three windows open"):
            for window in self.windows.values():
                window.open()
            for window in self.windows.values():
                window.until_there("invitation-link", patience_s=30)
        self.picture(CAMILLE, "invitation")

    def claim(self, role: Role) -> None:
        window = self.windows[role]
        link = f"miss://127.0.0.1:{self.cables[role].port}#{self.server.fingerprint()}"
        window.type("invitation-link", link)
        window.tap("invitation-go")
        window.until_there("claim-rpps")
        window.type("claim-rpps", role.rpps)
        window.type("claim-family", role.family_name)
        window.type("claim-given", role.given_name)
        window.tap("claim-profession")
        window.tap(f"profession-{role.profession}")
        self.picture(role, "claim")
        window.tap("claim-charter")
        window.tap("claim-go")

    def choose_pin(self, role: Role) -> None:
        window = self.windows[role]
        window.until_there("pin-field")
        window.type("pin-field", PIN)
        window.type("pin-again", PIN)
        window.tap("pin-go")
        window.until_there("new-message")

    def code_for(self, role: Role, more_than: int = 0) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            mails = mails_to(self.folder / "mails", role.mailbox)
            if len(mails) > more_than:
                found = re.search(r"\b([0-9A-Z]{4}[- ]?[0-9A-Z]{4})\b", mails[-1])
                if found:
                    return found.group(1)
            if time.monotonic() > deadline:
                raise Stuck(f"no code came for {role.key}: {mails}")
            time.sleep(0.05)

    def register_by_mailbox(self, role: Role) -> None:
        with self.acting(f"{role.display_name}: a claim, a code by mail, a certificate"):
            self.claim(role)
            window = self.windows[role]
            window.until_there("code-field")
            code = self.code_for(role)
            self.picture(role, "code")
            window.type("code-field", code)
            window.tap("code-go")
            self.choose_pin(role)
        self.picture(role, "registered")

    def register_through_the_operator(self) -> None:
        window = self.windows[NADIA]
        with self.acting(f"{NADIA.display_name}: no mailbox listed, the operator decides"):
            self.claim(NADIA)
            window.until_there("waiting-text")
            self.picture(NADIA, "waiting")
            listed = self.server.command("registrations")
            number = next(line.split()[0] for line in listed.splitlines() if NADIA.rpps in line)
            for operator in ("opératrice Une", "opérateur Deux"):  # on a proof, two must have seen it
                self.server.command("approve", number, "--operator", operator, "--proof", "carte CPS vue en visio")
            window.until_there("pin-field", patience_s=20)
            self.choose_pin(NADIA)
        self.picture(NADIA, "registered")

    def find_person(self, role: Role, words: str, other: Role) -> str:
        """Type in the directory until the other one is listed; the test id of the row."""
        window = self.windows[role]
        window.type("people-search", words)
        return window.until(other.family_name, prefix="person-")

    def write_one_to_one(self) -> None:
        camille, hugo = self.windows[CAMILLE], self.windows[HUGO]
        with self.acting("Camille finds Hugo in the directory"):
            camille.tap("new-message")
            row = self.find_person(CAMILLE, "fictif", HUGO)
            self.picture(CAMILLE, "directory")
            camille.tap(row)
            camille.until_there("composer")
        with self.acting("Camille writes, Hugo reads"):
            camille.type("composer", QUESTION)
            camille.tap("send")
            row = hugo.until("as-tu un moment", prefix="conversation-")
            self.picture(HUGO, "list")
            hugo.tap(row)
            hugo.until("as-tu un moment", prefix="message-")
        self.picture(HUGO, "chat")

    def answer(self) -> None:
        camille, hugo = self.windows[CAMILLE], self.windows[HUGO]
        with self.acting("Hugo answers, Camille sees it and that he has read"):
            hugo.type("composer", "Bien sûr, envoie la photo 👍")
            hugo.tap("send")
            camille.until("envoie la photo", prefix="message-")
            camille.until_state("as-tu un moment", "read")
        self.picture(CAMILLE, "chat")

    def make_the_care_team(self) -> None:
        camille, hugo, nadia = (self.windows[role] for role in (CAMILLE, HUGO, NADIA))
        with self.acting("Camille makes a care team about a patient"):
            camille.tap("back")
            camille.tap("new-group")
            camille.type("group-title", TEAM)
            camille.type("group-patient", PATIENT)
            for words, other in (("fictif", HUGO), ("modele", NADIA)):
                camille.tap(self.find_person(CAMILLE, words, other))
            self.picture(CAMILLE, "new-group")
            camille.tap("group-create")
            camille.until_there("composer")
            camille.type("composer", "Bonjour à vous deux, je vous présente la situation.")
            camille.tap("send")
        with self.acting("both see the team, its patient and the message"):
            for role, window in ((HUGO, hugo), (NADIA, nadia)):
                if role is HUGO:
                    window.tap("back")
                window.tap(window.until("Équipe plaies", prefix="conversation-"))
                window.until("je vous présente la situation", prefix="message-")
        self.picture(NADIA, "team")

    def lose_a_node(self) -> None:
        """Whoever was connected to it goes on at the other one."""
        assert isinstance(self.server, Nodes)
        camille, hugo, nadia = (self.windows[role] for role in (CAMILLE, HUGO, NADIA))
        with self.acting("one of the two servers is killed; all three write on"):
            self.server.lose_a_node()
            for window, others in ((camille, (hugo, nadia)), (hugo, (camille, nadia)), (nadia, (camille, hugo))):
                window.type("composer", f"{window.name} continue.")
                window.tap("send")
                for other in others:
                    other.until(f"{window.name} continue", prefix="message-", patience_s=20)
        self.picture(NADIA, "one-node")

    def bring_the_node_back(self) -> None:
        assert isinstance(self.server, Nodes)
        with self.acting("the server that was killed is started again"):
            self.server.bring_back()

    def send_the_photo(self) -> None:
        camille, hugo, nadia = (self.windows[role] for role in (CAMILLE, HUGO, NADIA))
        original = wound()
        path = self.folder / "camera" / "IMG_0001.jpg"
        path.parent.mkdir()
        path.write_bytes(original)
        with self.acting("Nadia sends a 12-megapixel photograph with GPS"):
            nadia.tap("attach")
            nadia.type("photo-path", str(path))
            nadia.tap("photo-next")
            nadia.tap("photo-consent")
            nadia.tap("photo-send")
            for window in (camille, hugo):
                window.until_kind("photo")
        self.picture(HUGO, "photo")
        with self.acting("Hugo opens it, whole"):
            hugo.tap(hugo.until_kind("photo"))
            hugo.until_there("photo-viewer")
            hugo.until_state("", "whole", prefix="photo-viewer", patience_s=60)
        self.picture(HUGO, "viewer")
        facts = plain(hugo.until_there("photo-facts"))
        hugo.tap("back")
        print(f"  the photograph: {len(original):,} bytes in 4000 x 3000; Hugo reads: {facts}", flush=True)

    def go_offline_and_back(self) -> None:
        camille, nadia = self.windows[CAMILLE], self.windows[NADIA]
        with self.acting("Nadia's network is cut; she writes, Camille writes"):
            self.cables[NADIA].pull()
            nadia.until_there("banner")
            nadia.type("composer", "Écrit sans réseau, part dès que possible.")
            nadia.tap("send")
            nadia.until("Écrit sans réseau", prefix="message-")
            camille.type("composer", "Contrôle de la plaie vendredi ?")
            camille.tap("send")
        self.picture(NADIA, "offline")
        with self.acting("the network is back; both messages arrive"):
            self.cables[NADIA].plug()
            nadia.until("Contrôle de la plaie", prefix="message-", patience_s=20)
            camille.until("Écrit sans réseau", prefix="message-", patience_s=20)
        self.picture(NADIA, "back")
        self.picture(CAMILLE, "end")

    def link_the_workstation(self) -> None:
        """Hugo's workstation shows a code; his phone vouches for it; both then have what follows."""
        hugo, camille = self.windows[HUGO], self.windows[CAMILLE]
        workstation = self.windows[HUGO_AT_WORK] = Window(
            "Hugo's workstation", self.folder / "hugo-at-work", DESKTOP, visible=hugo.visible
        )
        with self.acting("Hugo links his workstation by a typed code"):
            workstation.open()
            workstation.type(
                "invitation-link", f"miss://127.0.0.1:{self.cables[HUGO].port}#{self.server.fingerprint()}"
            )
            workstation.tap("invitation-go")
            workstation.tap("link-start")
            code = workstation.until_text("link-code-shown", lambda text: len(text) > 10)
            self.picture(HUGO_AT_WORK, "code")
            for step in ("back", "settings-open", "devices-open", "link-device"):
                hugo.tap(step)
            hugo.type("link-code", code)
            hugo.tap("link-look")
            hugo.until_there("link-name", patience_s=20)
            hugo.type("link-pin", PIN)
            hugo.tap("link-go")
            hugo.until_there("link-done", patience_s=20)
            self.choose_pin(HUGO_AT_WORK)
            camille.until("a relié", prefix="notice-", patience_s=20)
        with self.acting("Camille writes; both of Hugo's devices have it"):
            camille.type("composer", "Le pansement tient bien.")
            camille.tap("send")
            workstation.tap(workstation.until("Le pansement tient", prefix="conversation-", patience_s=20))
            workstation.until("Le pansement tient", prefix="message-")
            for _ in range(3):
                hugo.tap("back")
            hugo.until("Le pansement tient", prefix="conversation-")
        self.picture(HUGO_AT_WORK, "linked")
