"""The play behind the pictures: ten fictional professionals, a real server, real sockets and stores, at set times.

``python -m ui.play FOLDER`` (from ``tests``) leaves the server's and everybody's folders there, and ``played``: what the
main person's engine showed at the end.
"""

import sys
from collections.abc import Awaitable
from pathlib import Path

from cast import Device, Post, Scene, play, until
from identity.extract import Job, Someone
from miss_app.engine.events import ConversationView, MessageView, PersonView, Stage, Tick
from miss_app.engine.saying import PLAIN, Manner
from miss_protocol.acts import Dosage, Level, Urgency, Verdict
from ui import moved_time
from ui.cast import jpeg, wound
from ui.played import Played
from ui.stage import NOW_MS

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
TEAM, ACTS = ("Équipe plaies", "Mme T."), ("Équipe Les Spécimens", "Mme T.")
APIXABAN = Dosage("Apixaban", "2,5 mg", "per os", "matin et soir")
PARACETAMOL = Dosage("Paracétamol", "1 g", "per os", "toutes les 6 h")


def someone(serial: int, given: str, family: str, job: Job, title: str = "") -> Someone:
    mailbox = f"{given.lower()}.{serial}@medecin.mssante.example".encode("ascii", "replace").decode().replace("?", "e")
    return Someone(7_000 + serial, family.upper(), given, (job,), title, mailbox)


PORT = ("Maison de santé du Port", "59140", "Ville-Exemple")
FICTIF = ("CH Fictif", "59140", "Ville-Exemple")
CAST = {
    "alix": someone(1, "Alix", "Modèle", Job("10", "SM26", *PORT), "Docteur"),
    "camille": someone(2, "Camille", "Exemple", Job("10", "SM15", *FICTIF), "Docteur"),
    "nadia": someone(3, "Nadia", "Fictive", Job("60", "", "EHPAD Les Spécimens", "59140", "Ville-Exemple")),
    "sacha": someone(4, "Sacha", "Témoin", Job("70", "", "Cabinet Spécimen", "59140", "Ville-Exemple")),
    "ines": someone(
        5, "Inès", "Imaginaire", Job("10", "SM04", "Clinique du Modèle", "59140", "Ville-Exemple"), "Docteur"
    ),
    "paul": someone(6, "Paul", "Échantillon", Job("21", "", "Pharmacie du Beffroi Fictif", "59140", "Ville-Exemple")),
    "julie": someone(7, "Julie", "Parabole", Job("50", "", "Maternité Inventée", "59140", "Ville-Exemple")),
    "robin": someone(8, "Robin", "Personnage", Job("10", "SM26", *FICTIF), "Docteur"),
    "claude": someone(
        9, "Claude", "Exemplaire", Job("10", "SM15", "Cabinet du Modèle", "59000", "Autre-Ville"), "Docteur"
    ),
}


class TimedPost(Post):
    """The server of the play, whose clock is the play's."""

    def __init__(self, folder: Path, clock: Path) -> None:
        super().__init__(folder, people=0)
        self.people = list(CAST.values())
        self.clock = clock
        self.command = [sys.executable, str(Path(moved_time.__file__)), str(clock), "miss_server"]


class Story:
    """The acts of the play; the phone of ``alix`` is the one whose views are kept."""

    def __init__(self, scene: Scene, clock: Path) -> None:
        self.scene = scene
        self.clock = clock
        self.cast: dict[str, Device] = {}
        self.found: dict[tuple[str, str], PersonView] = {}

    def at(self, before_ms: int) -> None:
        """It is so long before the moment of the pictures."""
        moved_time.put(self.clock, NOW_MS - before_ms)

    async def said(self, who: str, chat: bytes, minutes: int, verb: Awaitable[bytes]) -> MessageView:
        """Somebody says something so many minutes before the pictures; it as the main person sees it."""
        self.at(minutes * MINUTE)
        message = await verb
        alix = self.cast["alix"]

        def here() -> MessageView | None:
            found = next((one for one in alix.lines(chat) if one.message_id == message), None)
            return found if found is not None and found.tick is not Tick.QUEUED else None

        return await until(here, f"what {who} says")

    async def text(self, who: str, chat: bytes, minutes: int, text: str, manner: Manner = PLAIN) -> MessageView:
        one = self.cast[who]
        await until(lambda: one.client.conversation(chat), f"{who} is in the conversation")
        return await self.said(who, chat, minutes, one.client.send_text(chat, text, manner))

    async def register(self) -> None:
        """Everybody but one comes in; the main person's workstation is linked."""
        self.at(20 * DAY)
        for name, who in list(CAST.items())[:-1]:
            self.at((20 - len(self.cast)) * DAY)
            device = self.cast[name] = self.scene.device(f"{name}-phone", who)
            device.name = "Téléphone d’Alix" if name == "alix" else "Téléphone"
            device.client = device._make()
            if name == "alix":
                await self.register_alix(device)
            else:
                await device.register()
            await device.enter()

    async def register_alix(self, alix: Device) -> None:
        await alix.client.start()
        await alix.client.use_invitation(alix.invitation)
        self.ways = await alix.client.proof.ways()
        await alix.claim(alix.who.rpps, alix.who.family, alix.who.given, "10")
        registration = alix.client.registration()
        assert registration is not None
        self.registration = registration
        await alix.client.enter_code(await self.scene.post.code_for(alix.who.mailbox))

    async def link(self) -> None:
        self.at(9 * DAY)
        alix = self.cast["alix"]
        desk = self.cast["desk"] = self.scene.device("alix-desk", alix.who)
        desk.name = "Poste du cabinet"
        desk.client = desk._make()
        await desk.client.start()
        await desk.client.use_invitation(desk.invitation)
        self.link_code = await desk.client.start_linking()
        self.link_qr = desk.client.link_qr()
        self.asking = await alix.client.own_devices.look(self.link_code)
        await alix.client.link_device(self.link_code, pin="271828", days=0)
        await until(lambda: desk.client.stage() is Stage.PIN, "the workstation is linked")
        await desk.enter()

    async def group(self, title: str, patient: str, *others: str) -> bytes:
        people = [await self.find("alix", name) for name in others]
        chat = await self.cast["alix"].client.create_group(title, patient, people)
        for name in ("alix", "desk", *others):
            one = self.cast[name].client
            await until(lambda one=one: (view := one.conversation(chat)) and view.title == title, f"{name}: {title}")
        return chat

    async def direct(self, name: str) -> bytes:
        alix, other = self.cast["alix"], self.cast[name]
        chat = await other.client.open_direct(await self.find(name, "alix"))
        await until(lambda: alix.client.conversation(chat), f"the conversation with {name}")
        return chat

    async def read(self, chat: bytes, *names: str) -> None:
        for name in names:
            await self.cast[name].client.mark_read(chat)

    async def one_text(self, name: str, before_ms: int, text: str, *, read: bool = True) -> None:
        """Somebody writes to the main person alone."""
        self.at(before_ms)
        chat = await self.direct(name)
        await self.text(name, chat, before_ms // MINUTE, text)
        if read:
            await self.read(chat, "alix")

    async def find(self, who: str, whom: str) -> PersonView:
        """Somebody as the directory showed them when they were first looked for."""
        if (who, whom) not in self.found:
            self.found[who, whom] = await self.cast[who].find(self.cast[whom])
        return self.found[who, whom]

    async def others(self) -> None:
        """The conversations below the first in the list, oldest first."""
        await self.one_text("julie", 8 * DAY, "Rendez-vous confirmé")
        self.at(3 * DAY)
        chat = await self.direct("sacha")
        await self.text("alix", chat, 3 * 24 * 60, "Compte rendu transmis")
        self.at(DAY + 310 * MINUTE)
        chat = await self.group("HAD Littoral – M. R.", "", "sacha", "nadia")
        await self.text("sacha", chat, 24 * 60 + 300, "passage avancé à 8 h 30")
        await self.read(chat, "alix")
        await self.one_text("ines", DAY, "ECG reçu, rien d’inquiétant 🙏")
        await self.one_text("nadia", 192 * MINUTE, "INR à 2,8 ce matin, je garde la même dose ?", read=False)
        self.at(100 * MINUTE)
        chat = await self.direct("paul")
        await self.text("paul", chat, 98, "Apixaban : je délivre bien 2,5 mg le soir ?")
        last = await self.text("alix", chat, 94, "Confirmé, 2,5 mg le soir ✅")
        await self.read(chat, "alix", "paul")
        await self.cast["alix"].ticks(chat, last.message_id, Tick.READ)
        self.at(60 * MINUTE)
        chat = await self.group("Néphrologie – CH Fictif", "", "robin")
        texts = ["Bonjour, avis demandé pour Mme D.", "Créatinine à 210, kaliémie 5,1", "Dialyse à discuter"]
        for place, text in enumerate([*texts, "Une place se libère", "Entrée de Mme D. confirmée pour 16 h"]):
            await self.text("robin", chat, 55 - place, text)

    async def photo(self, who: str, chat: bytes, minutes: int, caption: str = "") -> MessageView:
        one = self.cast[who].client
        await until(lambda: one.conversation(chat), f"{who} is in the conversation")
        data = jpeg(wound(), 92)
        wish = one.send_photo(chat, data, file_name="talon.jpg", caption=caption, consent=True)
        return await self.said(who, chat, minutes, wish)

    async def team(self) -> bytes:
        """The wound team, whose chat is the first of the list; and a photo from a colleague alone."""
        self.at(30 * MINUTE)
        chat = await self.group(*TEAM, "camille", "nadia", "sacha")
        alone = await self.direct("camille")
        await self.find("camille", "paul")
        everybody = ("alix", "camille", "nadia", "sacha")
        text = "Bonjour à tous. Pansement refait ce matin chez Mme T., la plaie du talon a nettement bourgeonné."
        await self.text("nadia", chat, 27, text)
        await self.photo("nadia", chat, 26, "Bords propres, pas d’odeur, exsudat modéré.")
        await self.text("camille", alone, 25, "Bonjour Alix, une autre photo pour avis.")
        await self.photo("camille", alone, 25)
        await self.text(
            "camille", chat, 14, "Belle évolution 👏 Pas de signe d’infection sur la photo. Aucune fièvre ?"
        )
        await self.text("alix", chat, 11, "Apyrétique, 37,1 °C. Douleur EVA 2/10 au retrait.")
        mine = await self.text("alix", chat, 10, "On reste sur l’hydrogel + hydrocellulaire tous les 2 jours ?")
        await self.read(chat, *everybody)
        await self.cast["alix"].ticks(chat, mine.message_id, Tick.READ)
        text = "Oui, parfait. Recontrôle photo vendredi, et albumine si le bilan n’est pas fait 🩺"
        await self.text("camille", chat, 2, text)
        await self.read(chat, "alix")
        last = await self.text("alix", chat, 0, "C’est noté, je prescris le bilan 🧪")
        await self.cast["alix"].ticks(chat, last.message_id, Tick.DELIVERED)
        return chat

    async def acts(self) -> bytes:
        """A team in which every act leaves its trace."""
        alix, camille, nadia = (self.cast[name].client for name in ("alix", "camille", "nadia"))
        self.at(50 * MINUTE)
        source = await camille.open_direct(await self.find("camille", "paul"))
        handed = await self.cast["paul"].client.send_text(
            await self._direct_of("paul", source), "Transmission à lire avant la visite."
        )
        chat = await self.group(*ACTS, "camille", "nadia", "sacha")
        urgent = Manner(urgency=Urgency(Level.URGENT, "désaturation"))
        first = await self.text("nadia", chat, 48, "Mme T. désature à 84 % sous 2 L, fréquence 28.", urgent)
        await self.said("alix", chat, 46, self._charge(chat, first))
        await self.said("camille", chat, 40, camille.deeds.ask(chat, question="Avant 20 h", dosage=APIXABAN))
        done = await self.said("alix", chat, 38, alix.deeds.ask(chat, dosage=PARACETAMOL))
        await self._sees("nadia", chat, done.message_id)
        await self.said("nadia", chat, 36, nadia.deeds.answer(chat, done.message_id, Verdict.CONFIRMED))
        await self._sees("camille", source, handed)
        moved = await self.said("camille", chat, 20, camille.deeds.forward(source, handed, chat, leaving_team=True))
        await camille.deeds.pin(chat, moved.message_id)
        liked = await self.text("camille", chat, 14, "Belle évolution")
        whole = "Belle évolution 👏 Pas de signe d’infection sur la photo. Aucune fièvre ?"
        await camille.deeds.edit(chat, liked.message_id, whole)
        for name, emoji in (("alix", "👍"), ("nadia", "👍"), ("sacha", "🙏")):
            await self._sees(name, chat, liked.message_id)
            await self.cast[name].client.deeds.react(chat, liked.message_id, emoji)
        reply = Manner(reply_to=liked.message_id)
        await self.text("alix", chat, 11, "Apyrétique, 37,1 °C. Douleur EVA 2/10 au retrait.", reply)
        gone = await self.text("nadia", chat, 9, "Pas le bon patient.")
        await nadia.deeds.delete(chat, gone.message_id)
        await self.said("camille", chat, 6, camille.deeds.ask(chat, question="Je passe à 18 h ?"))
        await self.text("nadia", chat, 4, "Bilan à prélever.", Manner(urgency=Urgency(Level.TODAY, "avant la visite")))
        fall = Manner(urgency=Urgency(Level.URGENT, "chute"))
        await self.text("nadia", chat, 2, "Chute dans la salle de bain, consciente.", fall)
        await self.read(chat, "alix", "camille", "nadia", "sacha")
        phone = self.cast["alix"]

        def settled() -> bool:
            lines = {one.message_id: one for one in phone.lines(chat)}
            mine = [one for one in lines.values() if one.mine and one.tick is not None]
            traces = lines[liked.message_id].versions and lines[gone.message_id].deleted_ms
            answered = lines[done.message_id].answers and lines[moved.message_id].pinned
            reacted = sum(len(one.people) for one in lines[liked.message_id].reactions) == 3
            return bool(traces and answered and reacted) and all(one.tick is Tick.READ for one in mine)

        await until(settled, "every act has left its trace")
        return chat

    async def _direct_of(self, name: str, chat: bytes) -> bytes:
        one = self.cast[name].client
        await until(lambda: one.conversation(chat), f"{name} has the conversation")
        return chat

    async def _charge(self, chat: bytes, first: MessageView) -> bytes:
        alix = self.cast["alix"]
        await alix.client.deeds.take_charge(chat, first.message_id)
        return first.message_id

    async def _sees(self, name: str, chat: bytes, message_id: bytes) -> None:
        one = self.cast[name]
        await until(lambda: any(line.message_id == message_id for line in one.lines(chat)), f"{name} sees it")

    async def kept(self) -> Played:
        """What the main person's phone shows now."""
        self.at(0)
        alix = self.cast["alix"].client
        people = await alix.search_people("e", profession="", place="ville")
        for name in ("camille", "nadia"):
            await alix.presence.set_favourite(await self.find("alix", name), True)
        server, me = alix.server(), alix.me()
        assert server is not None
        assert me is not None
        talks = alix.conversations()
        shown = Played(
            server=server,
            registration=self.registration,
            charter=await alix.presence.charter(),
            ways=self.ways,
            me=me,
            people=[one for one in people if one.person_id != me.person_id],
            favourites=alix.presence.favourites(),
            near=await alix.presence.new_near(),
            colleagues=await alix.presence.colleagues(),
            wishes=await alix.presence.wishes(),
            devices=await alix.devices(),
            asking=self.asking,
            link_code=self.link_code,
            link_qr=self.link_qr,
            talks=talks,
            lines={},
        )
        for talk in talks:
            await self._keep(shown, talk)
        return shown

    async def _keep(self, shown: Played, talk: ConversationView) -> None:
        alix = self.cast["alix"].client
        lines = shown.lines[talk.conversation_id] = alix.messages(talk.conversation_id, limit=1000)
        for line in lines:
            if line.photo is not None:
                shown.pictures[line.message_id] = await alix.photo(talk.conversation_id, line.message_id)
            if line.mine and not line.deleted_ms:
                shown.readers[line.message_id] = alix.deeds.readers(talk.conversation_id, line.message_id)
        for member in talk.members:
            shown.proofs[member.person.person_id] = alix.proof.proofs(member.person.person_id)


def main(folder: Path) -> None:
    """Play, and keep what was shown in ``folder/played``."""
    folder.mkdir(parents=True)
    clock = folder / "clock"
    moved_time.put(clock, NOW_MS - 21 * DAY)
    moved_time.follow(clock)
    post = TimedPost(folder / "server", clock)
    post.start()

    async def acts(scene: Scene) -> None:
        story = Story(scene, clock)
        await story.register()
        await story.link()
        await story.others()
        await story.team()
        shown = await story.kept()
        chat = await story.acts()
        shown.acts = story.cast["alix"].client.conversation(chat)
        assert shown.acts is not None
        await story._keep(shown, shown.acts)
        shown.write(folder / "played")

    try:
        play(post, folder, acts)
    finally:
        post.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
