"""The scene's cast and lines: everybody in it is invented, and called so."""

import io
import random
from dataclasses import replace

from PIL import Image, ImageDraw, ImageFilter

from miss_app.engine.events import (
    ConversationView,
    DeviceView,
    MemberView,
    MessageView,
    PersonView,
    PhotoView,
    RegistrationView,
    ServerView,
    Stage,
    Tick,
)
from ui.played import PLAYED, Played
from ui.stage import NOW_MS, Scene

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def person(
    number: int, name: str, profession: str, place: str, how: str = "mailbox", reachable: bool = True
) -> PersonView:
    shown = PLAYED.person(name) if PLAYED is not None else None
    if shown is not None:
        return shown  # as the engine showed them in this run's play
    identity = bytes([number]) * 16 if reachable else b""
    return PersonView(identity, name, profession, place, reachable, how if reachable else "", NOW_MS - number * DAY)


ME = person(1, "Dr Alix Modèle", "Médecin généraliste", "Maison de santé du Port, Ville-Exemple")
CAMILLE = person(2, "Dr Camille Exemple", "Dermatologue", "CH Fictif, Ville-Exemple")
NADIA = person(3, "Nadia Fictive", "Infirmière", "EHPAD Les Spécimens, Ville-Exemple", "operator")
SACHA = person(4, "Sacha Témoin", "Masseur-kinésithérapeute", "Cabinet Spécimen, Ville-Exemple")
INES = person(5, "Dr Inès Imaginaire", "Cardiologue", "Clinique du Modèle, Ville-Exemple")
PAUL = person(6, "Paul Échantillon", "Pharmacien", "Pharmacie du Beffroi Fictif, Ville-Exemple")
JULIE = person(7, "Julie Parabole", "Sage-femme", "Maternité Inventée, Ville-Exemple")
ROBIN = person(8, "Dr Robin Personnage", "Néphrologue", "CH Fictif, Ville-Exemple")
AWAY = person(9, "Dr Claude Exemplaire", "Dermatologue", "Cabinet du Modèle, Autre-Ville", reachable=False)
AWAY = replace(AWAY, invite="invite-claude")
SECRETARY = person(10, "Dominique Factice", "Secrétaire médicale", "Cardiologie", "voucher")
EVERYBODY = [CAMILLE, NADIA, SACHA, INES, PAUL, JULIE, ROBIN, AWAY]


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def wound(width: int = 1600, height: int = 1200) -> Image.Image:
    """A drawn, invented skin photo with a ruler."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for row in range(height):
        shade = row / height
        draw.line((0, row, width, row), fill=(int(238 - 26 * shade), int(190 - 30 * shade), int(164 - 28 * shade)))
    rng = random.Random(7)
    spots = Image.new("L", (width, height))
    mark = ImageDraw.Draw(spots)
    for _ in range(26):
        x, y = rng.gauss(width * 0.5, width * 0.075), rng.gauss(height * 0.5, height * 0.075)
        radius = rng.uniform(width * 0.018, width * 0.055)
        mark.ellipse((x - radius, y - radius, x + radius, y + radius), fill=190)
    spots = spots.filter(ImageFilter.GaussianBlur(width // 90))
    image.paste(Image.new("RGB", (width, height), (158, 70, 66)), mask=spots)
    left, right, top = width * 0.12, width * 0.88, height * 0.84
    ImageDraw.Draw(image).rounded_rectangle((left, top, right, top + height * 0.07), width // 160, fill=(247, 246, 240))
    for tick in range(61):
        x = left + (right - left) * tick / 60
        ImageDraw.Draw(image).line(
            (x, top, x, top + height * (0.045 if tick % 5 == 0 else 0.025)),
            fill=(70, 70, 70),
            width=max(1, width // 700),
        )
    return image


def member(who: PersonView, *, admin: bool = False, me: bool = False, devices: int = 1) -> MemberView:
    return MemberView(who, admin, me, devices)


def fill(scene: Scene) -> Scene:
    """Put the whole cast on the stage, their conversations and the wound team's chat: of the play, or invented."""
    return fill_invented(scene) if PLAYED is None else fill_played(scene, PLAYED)


def fill_played(scene: Scene, played: Played) -> Scene:
    """What an engine showed at the end of this run's play."""
    scene.now_registration, scene.now_me = played.registration, played.me
    scene.now_server = replace(played.server, issuer="Centre hospitalier Fictif")  # the play's own server has no TLS
    scene.now_charter, scene.now_ways, scene.now_wishes = played.charter, played.ways, played.wishes
    scene.people = sorted(played.people, key=lambda one: not one.reachable)
    scene.now_favourites = list(played.favourites)
    scene.now_near, scene.now_colleagues = list(played.near), list(played.colleagues)
    scene.my_devices = list(played.devices)
    scene.talks = list(played.talks)
    scene.lines = {talk: list(lines) for talk, lines in played.lines.items()}
    scene.pictures = dict(played.pictures)
    scene.now_readers, scene.proofs_of = dict(played.readers), dict(played.proofs)
    scene.now_asking, scene.now_link_code, scene.now_link_qr = played.asking, played.link_code, played.link_qr
    return scene


def fill_invented(scene: Scene) -> Scene:
    """The same by hand: what the tests of single screens are sure of."""
    scene.now_server = ServerView(
        "messagerie.exemple-sante.example", "7f3a 91c2 0b5e d864 22af 6c19 e07d 4b38", "CH Fictif"
    )
    scene.now_me, scene.people = ME, list(EVERYBODY)
    scene.now_favourites, scene.now_near = [CAMILLE, NADIA], [INES, JULIE]
    scene.now_colleagues = [SECRETARY, SACHA]
    scene.now_registration = RegistrationView(Stage.CODE, "mailbox", "a***@medecin.mssante.example")
    scene.my_devices = [
        DeviceView(b"1" * 16, "Poste du cabinet", True, NOW_MS - 40 * DAY, NOW_MS),
        DeviceView(b"2" * 16, "Téléphone d’Alix", False, NOW_MS - 12 * DAY, NOW_MS - DAY),
    ]
    team = bytes([100]) * 16
    photo = wound()
    thumbnail = photo.resize((480, 360))
    lines = team_lines(scene, team, jpeg(thumbnail))
    scene.lines[team] = lines
    picture = next(line for line in lines if line.photo is not None)
    scene.pictures[picture.message_id] = jpeg(photo)
    members = (member(ME, admin=True, me=True, devices=2), member(CAMILLE, devices=2), member(NADIA), member(SACHA))
    scene.talks = [ConversationView(team, False, "Équipe plaies", "Mme T.", lines[-1], 0, True, members)]
    for number, row in enumerate(other_talks()):
        who, title, text, minutes, unread, tick, kind = row
        talk = bytes([101 + number]) * 16
        extra = {"photo": PhotoView(jpeg(thumbnail), 1600, 1200, 312_000, 4_800_000, True)} if kind == "photo" else {}
        mine = tick is not None
        last = scene.new_message(
            talk,
            kind,
            author=ME if mine else who,
            mine=mine,
            at_ms=NOW_MS - minutes * MINUTE,
            text=text,
            tick=tick,
            **extra,
        )
        scene.lines[talk] = [last]
        people = (member(ME, admin=True, me=True), member(who, admin=not title))
        scene.talks.append(ConversationView(talk, not title, title or who.display_name, "", last, unread, True, people))
    return scene


def other_talks() -> list[tuple[PersonView, str, str, int, int, Tick | None, str]]:
    day = 24 * 60
    return [
        (CAMILLE, "", "", 25, 2, None, "photo"),
        (ROBIN, "Néphrologie – CH Fictif", "Entrée de Mme D. confirmée pour 16 h", 51, 5, None, "text"),
        (PAUL, "", "Confirmé, 2,5 mg le soir ✅", 94, 0, Tick.READ, "text"),
        (NADIA, "", "INR à 2,8 ce matin, je garde la même dose ?", 192, 1, None, "text"),
        (INES, "", "ECG reçu, rien d’inquiétant 🙏", day, 0, None, "text"),
        (SACHA, "HAD Littoral – M. R.", "passage avancé à 8 h 30", day + 300, 0, None, "text"),
        (SACHA, "", "Compte rendu transmis", 3 * day, 0, Tick.DELIVERED, "text"),
        (JULIE, "", "Rendez-vous confirmé", 8 * day, 0, None, "text"),
    ]


def team_lines(scene: Scene, team: bytes, thumbnail: bytes) -> list[MessageView]:
    at = NOW_MS - DAY

    def say(who: PersonView, text: str, minutes: int, **fields: object) -> MessageView:
        kind = str(fields.pop("kind", "text"))
        when = NOW_MS - minutes * MINUTE
        return scene.new_message(team, kind, author=who, mine=who is ME, at_ms=when, text=text, **fields)

    return [
        scene.new_message(team, "notice", at_ms=at, notice="device-added", names=(NADIA.display_name,)),
        say(
            NADIA,
            "Bonjour à tous. Pansement refait ce matin chez Mme T., la plaie du talon a nettement bourgeonné.",
            27,
        ),
        say(
            NADIA,
            "Bords propres, pas d’odeur, exsudat modéré.",
            26,
            kind="photo",
            photo=PhotoView(thumbnail, 1600, 1200, 312_000, 4_800_000, True),
        ),
        say(CAMILLE, "Belle évolution 👏 Pas de signe d’infection sur la photo. Aucune fièvre ?", 14),
        say(ME, "Apyrétique, 37,1 °C. Douleur EVA 2/10 au retrait.", 11, tick=Tick.READ),
        say(ME, "On reste sur l’hydrogel + hydrocellulaire tous les 2 jours ?", 10, tick=Tick.READ),
        say(CAMILLE, "Oui, parfait. Recontrôle photo vendredi, et albumine si le bilan n’est pas fait 🩺", 2),
        say(ME, "C’est noté, je prescris le bilan 🧪", 0, tick=Tick.DELIVERED),
    ]
