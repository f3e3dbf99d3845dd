"""The cast of the scene, clearly fictional, and its lines in the national register's own file format."""

from dataclasses import dataclass, replace
from pathlib import Path

_PEOPLE_HEADER = (
    "Type d'identifiant PP; Identifiant PP; Identification nationale PP; Code civilité d'exercice; Libellé civilité "
    "d'exercice; Code civilité; Libellé civilité; Nom d'exercice; Prénom d'exercice; Code profession; Libellé "
    "profession; Code catégorie professionnelle; Libellé catégorie professionnelle; Code type savoir-faire; Libellé "
    "type savoir-faire; Code savoir-faire; Libellé savoir-faire; Code mode exercice; Libellé mode exercice; Numéro "
    "SIRET site; Numéro SIREN site; Numéro FINESS site; Numéro FINESS établissement juridique; Identifiant "
    "technique de la structure; Raison sociale site; Enseigne commerciale site; Complément destinataire (coord. "
    "structure); Complément point géographique (coord. structure); Numéro Voie (coord. structure); Indice "
    "répétition voie (coord. structure); Code type de voie (coord. structure); Libellé type de voie (coord. "
    "structure); Libellé Voie (coord. structure); Mention distribution (coord. structure); Bureau cedex (coord. "
    "structure); Code postal (coord. structure); Code commune (coord. structure); Libellé commune (coord. "
    "structure); Code pays (coord. structure); Libellé pays (coord. structure); Téléphone (coord. structure); "
    "Téléphone 2 (coord. structure); Télécopie (coord. structure); Adresse e-mail (coord. structure); Code "
    "Département (structure); Libellé Département (structure); Ancien identifiant de la structure; Autorité "
    "d'enregistrement; Code secteur d'activité; Libellé secteur d'activité; Code section tableau pharmaciens; "
    "Libellé section tableau pharmaciens; Code rôle; Libellé rôle; Code genre activité; Libellé genre activité "
)
_MAILBOX_HEADER = (
    "Type de BAL; Adresse BAL; Type identifiant PP; Identifiant PP; Identification nationale PP; Type identifiant "
    "structure; Identification Structure; Service de rattachement; Civilité exercice; Nom; Prénom; Catégorie "
    "profession; Libellé catégorie; Code profession; Libellé profession; Code savoir-faire; Libellé savoir-faire; "
    "Dématérialisation; Raison sociale; Enseigne; Complément destinataire; Complément point géographique; Numéro "
    "voie; Indice répétition voie; Type voie; Libellé voie; Mention distribution; Bureau cedex; Code postal; Code "
    "commune; Libellé commune "
)


@dataclass(frozen=True)
class Role:
    """Somebody in the scene. The number has a valid check digit and the prefix of test cards."""

    key: str
    rpps: str
    title: str
    family_name: str
    given_name: str
    profession: str
    profession_label: str
    specialty: str
    place: str
    town: str
    mailbox: str = ""

    @property
    def display_name(self) -> str:
        return f"{self.title} {self.given_name} {self.family_name}".strip()


CAMILLE = Role(
    "camille",
    "99700001011",
    "Dr",
    "Exemple",
    "Camille",
    "10",
    "Médecin",
    "Médecine générale",
    "Cabinet médical Fictif",
    "Lille",
    "camille.exemple@medecin.mssante.example",
)
HUGO = Role(
    "hugo",
    "99700002027",
    "Dr",
    "Fictif",
    "Hugo",
    "10",
    "Médecin",
    "Dermatologie et vénéréologie",
    "Centre hospitalier Imaginaire",
    "Dunkerque",
    "hugo.fictif@medecin.mssante.example",
)
NADIA = Role(
    "nadia",
    "99700003033",
    "",
    "Modèle",
    "Nadia",
    "60",
    "Infirmier",
    "",
    "EHPAD Fictif",
    "Lille",
)
HUGO_AT_WORK = replace(HUGO, key="hugo-at-work")  # the same person at a second device
CAST = (CAMILLE, HUGO, NADIA)


def _line(header: str, values: dict[str, str]) -> str:
    names = [name.strip() for name in header.split(";")]
    unknown = values.keys() - set(names)
    assert not unknown, unknown
    return "|".join(values.get(name, "") for name in names)


def _activity(role: Role) -> str:
    return _line(
        _PEOPLE_HEADER,
        {
            "Type d'identifiant PP": "8",
            "Identifiant PP": role.rpps,
            "Identification nationale PP": f"8{role.rpps}",
            "Code civilité d'exercice": "DR" if role.title else "",
            "Libellé civilité d'exercice": "Docteur" if role.title else "",
            "Nom d'exercice": role.family_name.upper(),
            "Prénom d'exercice": role.given_name,
            "Code profession": role.profession,
            "Libellé profession": role.profession_label,
            "Code catégorie professionnelle": "C",
            "Libellé catégorie professionnelle": "Civil",
            "Libellé savoir-faire": role.specialty,
            "Raison sociale site": role.place,
            "Libellé commune (coord. structure)": role.town,
        },
    )


def _mailbox(role: Role) -> str:
    return _line(
        _MAILBOX_HEADER,
        {
            "Type de BAL": "PER",
            "Adresse BAL": role.mailbox,
            "Type identifiant PP": "8",
            "Identifiant PP": role.rpps,
            "Identification nationale PP": f"8{role.rpps}",
            "Nom": role.family_name,
            "Prénom": role.given_name,
            "Code profession": role.profession,
            "Libellé profession": role.profession_label,
        },
    )


def extract_files(folder: Path) -> list[Path]:
    """Write the cast as the two files of the register; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    people = folder / "PS_LibreAcces_Personne_activite_202611220600.txt"
    mailboxes = folder / "extraction-correspondance-mssante.txt"
    for path, header, lines in (
        (people, _PEOPLE_HEADER, [_activity(role) for role in CAST]),
        (mailboxes, _MAILBOX_HEADER, [_mailbox(role) for role in CAST if role.mailbox]),
    ):
        names = "|".join(name.strip() for name in header.split(";"))
        path.write_text("\n".join([names, *lines]) + "\n", encoding="utf-8")
    return [people, mailboxes]
