"""Writes a fictional register of any size whose names, professions and towns are as frequent as in the country."""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from identity.extract import MAILBOX_HEADER, PEOPLE_HEADER, rpps, words

# The commonest names with how many bear them in ten thousand; the long tail follows Zipf and Mandelbrot below.
_COMMON_FAMILIES = {
    "MARTIN": 37, "BERNARD": 17, "THOMAS": 16, "PETIT": 16, "ROBERT": 16, "RICHARD": 15, "DURAND": 14, "DUBOIS": 14,
    "MOREAU": 13, "LAURENT": 13, "SIMON": 12, "MICHEL": 12, "LEFÈVRE": 12, "LEROY": 11, "ROUX": 10, "DAVID": 10,
    "BERTRAND": 9, "MOREL": 9, "FOURNIER": 9, "GIRARD": 9, "BONNET": 8, "DUPONT": 8, "LAMBERT": 8, "FONTAINE": 8,
    "ROUSSEAU": 8, "VINCENT": 8, "MULLER": 8, "GARCIA": 8, "FAURE": 7, "ANDRÉ": 7, "MERCIER": 7, "BLANC": 7,
    "GUÉRIN": 7, "BOYER": 7, "GARNIER": 7, "CHEVALIER": 7, "FRANÇOIS": 7, "LEGRAND": 7, "GAUTHIER": 6, "PERRIN": 6,
    "ROBIN": 6, "CLÉMENT": 6, "MORIN": 6, "NICOLAS": 6, "HENRY": 6, "ROUSSEL": 6, "MATHIEU": 6, "GAUTIER": 6,
    "MASSON": 6, "MARCHAND": 6, "DUVAL": 6, "DENIS": 6, "DUMONT": 6, "MARIE": 5, "LEMAIRE": 5, "NOËL": 5, "MEYER": 5,
    "DUFOUR": 5, "MEUNIER": 5, "BRUN": 5, "BLANCHARD": 5, "GIRAUD": 5, "JOLY": 5, "RIVIÈRE": 5, "LUCAS": 5, "NGUYEN": 5,
}  # fmt: skip
_COMMON_GIVENS = {
    "Marie": 160, "Nathalie": 90, "Isabelle": 88, "Sylvie": 80, "Catherine": 80, "Philippe": 70, "Christine": 68,
    "Martine": 60, "Nicolas": 60, "Valérie": 60, "Sophie": 60, "Julie": 58, "Anne": 55, "Céline": 55, "Stéphanie": 55,
    "Sandrine": 54, "Camille": 53, "Pierre": 52, "Véronique": 50, "Laurence": 48, "Thomas": 46, "Christophe": 46,
    "Aurélie": 45, "Émilie": 45, "Jean": 44, "Laura": 42, "Claire": 42, "François": 40, "Virginie": 40, "Caroline": 40,
    "Léa": 38, "Manon": 38, "Pauline": 38, "Mathilde": 36, "Élodie": 36, "Marion": 36, "Charlotte": 35, "Lucie": 34,
    "Alexandre": 34, "Antoine": 32, "Hélène": 32, "Delphine": 32, "Chloé": 30, "Anaïs": 30, "Karine": 30, "Olivier": 30,
    "Patricia": 30, "Brigitte": 30, "Guillaume": 28, "Mélanie": 28, "Amandine": 28, "Sarah": 28, "Justine": 26,
    "Morgane": 26, "Audrey": 26, "Florence": 26, "Michel": 26, "Agnès": 24, "Élise": 24, "Jérôme": 22, "Benoît": 22,
    "Romain": 22, "Maxime": 22, "Clément": 20, "Fatima": 18, "Mohamed": 18, "Inès": 18, "Gaëlle": 18, "Noémie": 18,
    "Jean-Pierre": 14, "Anne-Marie": 12, "Marie-Claude": 10, "Jean-Marc": 10, "Anne-Sophie": 10, "Paul": 20,
}  # fmt: skip
_CITIES = {
    ("PARIS", "75"): 900, ("MARSEILLE", "13"): 250, ("LYON", "69"): 200, ("TOULOUSE", "31"): 150, ("NICE", "06"): 110,
    ("MONTPELLIER", "34"): 105, ("BORDEAUX", "33"): 105, ("NANTES", "44"): 100, ("LILLE", "59"): 95,
    ("STRASBOURG", "67"): 95, ("RENNES", "35"): 80, ("GRENOBLE", "38"): 65, ("ROUEN", "76"): 60, ("TOURS", "37"): 60,
    ("ANGERS", "49"): 55, ("CLERMONT-FERRAND", "63"): 55, ("SAINT-ÉTIENNE", "42"): 50, ("DIJON", "21"): 50,
    ("NÎMES", "30"): 45, ("TOULON", "83"): 45, ("BREST", "29"): 45, ("REIMS", "51"): 45, ("LIMOGES", "87"): 45,
    ("AMIENS", "80"): 45, ("POITIERS", "86"): 40, ("BESANÇON", "25"): 40, ("CAEN", "14"): 40, ("NANCY", "54"): 40,
    ("METZ", "57"): 40, ("ORLÉANS", "45"): 35, ("AIX-EN-PROVENCE", "13"): 35, ("LE MANS", "72"): 30, ("PAU", "64"): 30,
    ("PERPIGNAN", "66"): 30, ("AVIGNON", "84"): 25, ("SAINT-DENIS", "97"): 35, ("LE HAVRE", "76"): 25,
}  # fmt: skip
_PROFESSIONS = {  # code, label, title: how many in a thousand lines
    ("60", "Infirmier", ""): 390, ("10", "Médecin", "Docteur"): 230, ("70", "Masseur-Kinésithérapeute", ""): 95,
    ("21", "Pharmacien", ""): 70, ("93", "Psychologue", ""): 55, ("40", "Chirurgien-Dentiste", "Docteur"): 40,
    ("91", "Orthophoniste", ""): 22, ("50", "Sage-Femme", ""): 20, ("98", "Manipulateur ERM", ""): 20,
    ("94", "Ergothérapeute", ""): 12, ("80", "Pédicure-Podologue", ""): 12, ("28", "Opticien-Lunetier", ""): 12,
    ("95", "Diététicien", ""): 10, ("96", "Psychomotricien", ""): 10, ("26", "Audioprothésiste", ""): 4,
}  # fmt: skip
_SPECIALTIES = {
    ("SM26", "Médecine générale"): 480, ("SM42", "Psychiatrie"): 65, ("SM02", "Anesthésie-réanimation"): 55,
    ("SM40", "Pédiatrie"): 40, ("SM44", "Radio-diagnostic"): 40, ("SM04", "Cardiologie et maladies vasculaires"): 35,
    ("SM38", "Ophtalmologie"): 27, ("SM20", "Gynécologie-obstétrique"): 25, ("SM15", "Dermatologie et vénéréologie"): 17,
    ("SM24", "Gastro-entérologie et hépatologie"): 18, ("SM41", "Pneumologie"): 14, ("SM32", "Neurologie"): 13,
    ("SM49", "Rhumatologie"): 12, ("SM54", "Médecine d'urgence"): 30, ("SM11", "Chirurgie viscérale"): 10,
}  # fmt: skip
_HOUSES = (
    "CABINET MÉDICAL", "CENTRE HOSPITALIER", "CLINIQUE", "MAISON DE SANTÉ", "EHPAD", "PHARMACIE", "CABINET INFIRMIER",
    "CENTRE DE SANTÉ", "HÔPITAL", "LABORATOIRE", "SELARL", "CMP", "SSIAD", "POLYCLINIQUE",
)  # fmt: skip
_OF_HOUSES = (
    "DES TILLEULS", "DU PARC", "SAINTE-ANNE", "DE LA GARE", "SAINT-JOSEPH", "DES HALLES", "DU CENTRE", "PASTEUR",
    "JEANNE D'ARC", "DE L'ÉGLISE", "DES LILAS", "VICTOR HUGO", "SAINT-MARTIN", "DU MARCHÉ", "BELLEVUE", "DE LA MAIRIE",
)  # fmt: skip
_BEGINNINGS = words(
    "BA BEAU BER BOUR BRE CAR CHA CHE COR CRE DA DE DEL DU FA FER FOU GA GAR GER GRE GUI HA HER JA JOU LA LE LAN MA MAR "
    "MON MOU NA PA PER PI PLE POU QUE RA RE RI ROU SA SE SOU TA TER TRE VA VER VI ZE KER LO BO"
)
_MIDDLES = words("BA BE CHE DE DI GA GE GO LA LE LI LLE MA ME MO NA NE NI RA RE RI RO SSE TE TI TRA VE VI ZA")
_ENDINGS = words(
    "BAUD CHET COT CQ DET DIER DON GNON LAIN LET LIER LIN LOT MAND NAUD NEAU NET NIER NON QUET RAND RAUD REAU RET RIER "
    "ROT SSON TEAU TIER TON UD VET VIN Y EZ SKI"
)
_TOWN_ENDINGS = words("AC AN ANGES AY COURT DRE GNY IGNAC ILLE LLY MONT NAY ON RAC SAC VAL VIERS VILLE Y")
_GIVEN_ENDINGS = words("A IN E O ELLE IS")
_DISTINCT_FAMILIES, _DISTINCT_TOWNS = 160_000, 30_000
_ROWS_PER_PERSON = 1.6


class Drawn:
    """Things that are drawn as often as their weight says, the same for the same dice."""

    def __init__(self, weights: dict) -> None:
        self.things = list(weights)
        self.cumulated = list(accumulate(weights.values()))

    def some(self, dice: random.Random, count: int) -> list:
        return dice.choices(self.things, cum_weights=self.cumulated, k=count)


def _made(dice: random.Random, endings: list[str], count: int, but: set[str]) -> list[str]:
    """That many different words that sound like names, the shorter ones first."""
    found: dict[str, None] = {}
    tries = 0
    while len(found) < count:
        tries += 1
        middles = dice.choices(_MIDDLES, k=min(2, tries * 4 // count))
        word = dice.choice(_BEGINNINGS) + "".join(middles) + dice.choice(endings)
        if word not in but:
            found[word] = None
    return list(found)


@dataclass(frozen=True)
class Place:
    """Where somebody works."""

    name: str
    town: str
    postcode: str
    telephone: str


@dataclass(frozen=True)
class Person:
    """A fictional professional: one profession, at one place or more."""

    serial: int
    family: str
    given: str
    profession: tuple[str, str, str]
    specialty: tuple[str, str]
    places: tuple[Place, ...]

    @property
    def rpps(self) -> str:
        return rpps(self.serial)


class Population:
    """As many people as fill about so many lines.

    Args:
        rows: lines of the extract of people.
    """

    def __init__(self, rows: int, seed: int = 1) -> None:
        self.count = round(rows / _ROWS_PER_PERSON)
        self._seed = seed
        dice = random.Random(f"names {seed}")
        few = min(1.0, self.count / 200_000)  # a small country has fewer names and towns
        tail = _made(dice, _ENDINGS, max(300, int(_DISTINCT_FAMILIES * few)), set(_COMMON_FAMILIES))
        weights = {name: float(weight) for name, weight in _COMMON_FAMILIES.items()}
        weights |= {name: 530 / (rank + 100) ** 0.9 for rank, name in enumerate(tail, 1)}
        self.families = Drawn(weights)
        unusual = _made(dice, _GIVEN_ENDINGS, 1_500, set())
        rare = {name.capitalize(): 60 / (rank + 10) for rank, name in enumerate(unusual, 1)}
        self.givens = Drawn(_COMMON_GIVENS | rare)
        towns: dict[tuple[str, str], float] = {city: float(weight) for city, weight in _CITIES.items()}
        for rank, name in enumerate(_made(dice, _TOWN_ENDINGS, max(60, int(_DISTINCT_TOWNS * few)), set()), 1):
            town = dice.choice(("{}", "{}", "SAINT-{}", "{}-SUR-MER", "LE {}", "{}-LES-BAINS")).format(name)
            towns[town, f"{dice.randrange(1, 96):02d}"] = 1_500 / (rank + 40)
        self.towns = Drawn(towns)

    def people(self) -> Iterator[Person]:
        """Everybody, the same each time."""
        dice = random.Random(f"people {self._seed}")
        professions, specialties = Drawn(_PROFESSIONS), Drawn(_SPECIALTIES)
        at_once = 1_000
        for start in range(0, self.count, at_once):
            count = min(at_once, self.count - start)
            columns = zip(
                self.families.some(dice, count), self.families.some(dice, count), self.givens.some(dice, count),
                professions.some(dice, count), specialties.some(dice, count),
                dice.choices((1, 2, 3, 5), (62, 23, 10, 5), k=count), strict=True,
            )  # fmt: skip
            for serial, (family, second, given, profession, specialty, jobs) in enumerate(columns, 1_000_000 + start):
                name = f"{family}-{second}" if dice.random() < 0.06 else family
                places = tuple(self._place(dice) for _ in range(jobs))
                yield Person(serial, name, given, profession, specialty if profession[0] == "10" else ("", ""), places)

    def _place(self, dice: random.Random) -> Place:
        ((town, department),) = self.towns.some(dice, 1)
        code = dice.randrange(1, 21) if town == "PARIS" else dice.randrange(0, 1000)
        postcode = f"{department}{code:03d}"
        house = f"{dice.choice(_HOUSES)} {dice.choice(_OF_HOUSES)}"
        town = f"{town} {code:02d}" if town == "PARIS" else town
        number = dice.randrange(10_000)
        return Place(house, town, postcode, f"01 99 00 {number // 100:02d} {number % 100:02d}")

    def lines(self) -> Iterator[str]:
        """The extract of people, header first."""
        yield "|".join(PEOPLE_HEADER)
        at = {name: place for place, name in enumerate(PEOPLE_HEADER)}
        blank = [""] * len(PEOPLE_HEADER)
        blank[at["Type d'identifiant PP"]], blank[at["Code catégorie professionnelle"]] = "8", "C"
        blank[at["Libellé catégorie professionnelle"]], blank[at["Autorité d'enregistrement"]] = (
            "Civil",
            "Registre fictif",
        )
        own = [at[name] for name in (
            "Identifiant PP", "Identification nationale PP", "Libellé civilité d'exercice", "Nom d'exercice",
            "Prénom d'exercice", "Code profession", "Libellé profession", "Code savoir-faire", "Libellé savoir-faire",
        )]  # fmt: skip
        theirs = [at[name] for name in (
            "Raison sociale site", "Libellé commune (coord. structure)", "Code postal (coord. structure)",
            "Téléphone (coord. structure)",
        )]  # fmt: skip
        for one in self.people():
            line = blank[:]
            number = one.rpps
            values = (
                number,
                f"8{number}",
                one.profession[2],
                one.family,
                one.given,
                *one.profession[:2],
                *one.specialty,
            )
            for column, value in zip(own, values, strict=True):
                line[column] = value
            for place in one.places:
                for column, value in zip(
                    theirs, (place.name, place.town, place.postcode, place.telephone), strict=True
                ):
                    line[column] = value
                yield "|".join(line)

    def mailboxes(self) -> Iterator[str]:
        """The extract of mailboxes, header first: three people in four have one."""
        yield "|".join(MAILBOX_HEADER)
        at = {name: place for place, name in enumerate(MAILBOX_HEADER)}
        for one in self.people():
            if one.serial % 4:
                line = [""] * len(MAILBOX_HEADER)
                line[at["Type de BAL"]], line[at["Adresse BAL"]] = "PER", f"p{one.serial}@exercice.mssante.example"
                line[at["Type identifiant PP"]], line[at["Identifiant PP"]] = "8", one.rpps
                line[at["Nom"]], line[at["Prénom"]] = one.family, one.given
                yield "|".join(line)


if __name__ == "__main__":
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    population = Population(size)
    for file, lines in (("personne-activite.txt", population.lines()), ("mssante.txt", population.mailboxes())):
        with (folder / file).open("w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines)
