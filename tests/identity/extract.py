"""Writes fictional extracts of the national register in their published format, of any size."""

import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


def _columns(line: str) -> list[str]:
    return line.split("|")


def words(text: str) -> list[str]:
    return text.split()


PEOPLE_HEADER = _columns(
    "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|"
    "Libellé civilité d'exercice|Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession|"
    "Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|"
    "Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice|"
    "Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique|"
    "Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site|"
    "Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|"
    "Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|"
    "Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)|"
    "Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)|"
    "Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)|"
    "Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)|"
    "Adresse e-mail (coord. structure)|Code Département (structure)|Libellé Département (structure)|"
    "Ancien identifiant de la structure|Autorité d'enregistrement|Code secteur d'activité|Libellé secteur d'activité|"
    "Code section tableau pharmaciens|Libellé section tableau pharmaciens|Code rôle|Libellé rôle|"
    "Code genre activité|Libellé genre activité"
)
MAILBOX_HEADER = _columns(
    "Type de BAL|Adresse BAL|Type identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure|"
    "Identification Structure|Service de rattachement|Civilité exercice|Nom|Prénom|Catégorie profession|"
    "Libellé catégorie|Code profession|Libellé profession|Code savoir-faire|Libellé savoir-faire|Dématérialisation|"
    "Raison sociale|Enseigne|Complément destinataire|Complément point géographique|Numéro voie|"
    "Indice répétition voie|Type de voie|Libellé voie|Mention distribution|Bureau cedex|Code postal|Commune|Pays"
)

PROFESSIONS = {
    "10": "Médecin",
    "21": "Pharmacien",
    "40": "Chirurgien-Dentiste",
    "50": "Sage-Femme",
    "60": "Infirmier",
    "70": "Masseur-Kinésithérapeute",
    "91": "Orthophoniste",
    "93": "Psychologue",
}
SPECIALTIES = {
    "SM26": "Médecine générale",
    "SM15": "Dermatologie et vénéréologie",
    "SM04": "Cardiologie et maladies vasculaires",
    "SM40": "Pédiatrie",
    "SM02": "Anesthésie-réanimation",
    "SM42": "Psychiatrie",
}


def rpps(serial: int) -> str:
    """The fictional number with that serial: 997, seven digits, and the check digit (Luhn, as card numbers have it)."""
    ten = f"997{serial:07d}"
    doubled = [sum(divmod(2 * int(d), 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(ten))]
    return f"{ten}{-sum(doubled) % 10}"


@dataclass(frozen=True)
class Job:
    """One activity, hence one line of the extract."""

    profession: str = "10"
    specialty: str = ""
    place: str = ""
    postcode: str = ""
    town: str = ""
    telephone: str = ""
    category: str = "C"
    finess: str = ""


@dataclass(frozen=True)
class Someone:
    """A fictional professional; ``mailbox`` and the names it is listed under may be missing."""

    serial: int
    family: str
    given: str
    jobs: tuple[Job, ...] = field(default=(Job(),))
    title: str = ""
    mailbox: str = ""
    mailbox_family: str = ""
    mailbox_given: str = ""

    @property
    def rpps(self) -> str:
        return rpps(self.serial)


def people_lines(people: Iterable[Someone], columns: int = 56) -> Iterator[str]:
    """The lines of a Personne_activite extract, header first; 48 columns make an old one."""
    header = PEOPLE_HEADER[:columns]
    yield "|".join(header)
    for one in people:
        for job in one.jobs:
            values = dict.fromkeys(header, "")
            values.update(
                {
                    "Type d'identifiant PP": "8",
                    "Identifiant PP": one.rpps,
                    "Identification nationale PP": f"8{one.rpps}",
                    "Code civilité d'exercice": "DR" if one.title else "",
                    "Libellé civilité d'exercice": one.title,
                    "Nom d'exercice": one.family,
                    "Prénom d'exercice": one.given,
                    "Code profession": job.profession,
                    "Libellé profession": PROFESSIONS[job.profession],
                    "Code catégorie professionnelle": job.category,
                    "Libellé catégorie professionnelle": {"C": "Civil", "M": "Militaire", "E": "Etudiant"}[
                        job.category
                    ],
                    "Code type savoir-faire": "S" if job.specialty else "",
                    "Libellé type savoir-faire": "Spécialité ordinale" if job.specialty else "",
                    "Code savoir-faire": job.specialty,
                    "Libellé savoir-faire": SPECIALTIES.get(job.specialty, ""),
                    "Code mode exercice": "L",
                    "Libellé mode exercice": "Libéral, indépendant, artisan, commerçant",
                    "Numéro FINESS site": job.finess,
                    "Raison sociale site": job.place,
                    "Code postal (coord. structure)": job.postcode,
                    "Libellé commune (coord. structure)": job.town,
                    "Téléphone (coord. structure)": job.telephone,
                    "Autorité d'enregistrement": "Registre fictif",
                }
            )
            yield "|".join(values[name] for name in header)


def mailbox_lines(people: Iterable[Someone]) -> Iterator[str]:
    """The lines of a MSSanté correspondence extract, header first."""
    yield "|".join(MAILBOX_HEADER)
    for one in people:
        if one.mailbox:
            values = dict.fromkeys(MAILBOX_HEADER, "")
            values.update(
                {
                    "Type de BAL": "PER",
                    "Adresse BAL": one.mailbox,
                    "Type identifiant PP": "8",
                    "Identifiant PP": one.rpps,
                    "Identification nationale PP": f"8{one.rpps}",
                    "Nom": one.mailbox_family or one.family,
                    "Prénom": one.mailbox_given or one.given,
                    "Code profession": one.jobs[0].profession,
                    "Libellé profession": PROFESSIONS[one.jobs[0].profession],
                    "Dématérialisation": "O",
                }
            )
            yield "|".join(values[name] for name in MAILBOX_HEADER)
    shared = dict.fromkeys(MAILBOX_HEADER, "")
    shared.update(
        {"Type de BAL": "ORG", "Adresse BAL": "secretariat@hopital.mssante.example", "Raison sociale": "Hôpital"}
    )
    yield "|".join(shared[name] for name in MAILBOX_HEADER)


def write(path: Path, lines: Iterable[str], encoding: str = "utf-8", trailing: str = "", end: str = "\n") -> Path:
    """Writes lines as a file; ``trailing`` is what some years put after the last field."""
    with path.open("w", encoding=encoding, newline="") as out:
        for line in lines:
            out.write(f"{line}{trailing}{end}")
    return path


_FAMILIES = words(
    "MARTIN BERNARD DUBOIS THOMAS ROBERT RICHARD PETIT DURAND LEROY MOREAU SIMON LAURENT LEFEBVRE MICHEL GARCIA DAVID "
    "BERTRAND ROUX VINCENT FOURNIER MOREL GIRARD ANDRÉ LEFÈVRE MERCIER DUPONT LAMBERT BONNET FRANÇOIS MARTINEZ LEGRAND "
    "GARNIER FAURE ROUSSEAU BLANC GUÉRIN MULLER HENRY ROUSSEL NICOLAS PERRIN MORIN MATHIEU CLÉMENT GAUTHIER DUMONT LOPEZ "
    "FONTAINE CHEVALIER ROBIN MASSON SANCHEZ GÉRARD NGUYÊN BOYER DENIS LEMAIRE DUVAL JOLY GAUTIER ROGER ROCHE ROY NOËL"
)
_GIVENS = words(
    "Camille Marie Léa Chloé Inès Jeanne Zoé Hélène Agnès Éloïse Anaïs Jean Pierre Louis Hugo Théo Raphaël Gaël Loïc "
    "André Étienne Benoît Jérôme Rémi Noël Anne-Sophie Jean-Baptiste Marie-Claire Paul-Émile Sarah Karim Fatou Linh Yann"
)
_TOWNS = (
    ("LYON 03", "69003"), ("SAINT-ÉTIENNE", "42000"), ("LILLE", "59000"), ("BREST", "29200"), ("NÎMES", "30000"),
    ("L'HAŸ-LES-ROSES", "94240"), ("AIX-EN-PROVENCE", "13100"), ("RENNES", "35000"), ("ORLÉANS", "45000"),
    ("BESANÇON", "25000"), ("ANGERS", "49000"), ("PAU", "64000"),
)  # fmt: skip
_PLACES = (
    "CABINET MÉDICAL DES TILLEULS",
    "MAISON DE SANTÉ DU PARC",
    "CENTRE HOSPITALIER",
    "CLINIQUE SAINTE-ANNE",
    "PHARMACIE DU MARCHÉ",
)


def crowd(count: int, seed: int = 1, first_serial: int = 1_000_000) -> Iterator[Someone]:
    """That many different people, the same for the same seed; three in four have a mailbox."""
    dice = random.Random(seed)
    for serial in range(first_serial, first_serial + count):
        family = dice.choice(_FAMILIES)
        if dice.random() < 0.15:
            family += f"-{dice.choice(_FAMILIES)}"
        given = dice.choice(_GIVENS)
        jobs = []
        profession = dice.choice(list(PROFESSIONS))
        specialty = dice.choice(list(SPECIALTIES)) if profession == "10" else ""
        for _ in range(1 if dice.random() < 0.8 else 2):
            town, postcode = dice.choice(_TOWNS)
            telephone = f"01 99 00 {dice.randrange(100):02d} {dice.randrange(100):02d}"
            place = f"{dice.choice(_PLACES)} {dice.randrange(1, 60)}"
            jobs.append(Job(profession, specialty, place, postcode, town, telephone))
        mailbox = f"p{serial}@medecin.mssante.example" if dice.random() < 0.75 else ""
        yield Someone(serial, family, given, tuple(jobs), "Docteur" if profession == "10" else "", mailbox)


if __name__ == "__main__":
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    write(folder / "personne-activite.txt", people_lines(crowd(size)))
    write(folder / "correspondance-mssante.txt", mailbox_lines(crowd(size)))
