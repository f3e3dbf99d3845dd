"""The scenes of patients, absence and admins: the banner, homonyms, another patient's words, who answers instead."""

from dataclasses import replace

from miss_app.engine.events import AvailabilityView, ConversationView
from ui.cast import CAMILLE, NADIA, ROBIN, member
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene
from ui.talk_scenes import chat

DAY = 86_400_000
INS = "241035935001234"


def with_patients(stage: Scene) -> None:
    """The wound team's patient, another conversation about her, a homonym, and somebody else."""
    team = stage.talks[0]
    stage.talks[0] = replace(team, patient="Mme Odette Modèle", birth_date="1941-03-07", identifier="269054958815780")

    def about(place: int, title: str, patient: str, birth_date: str) -> ConversationView:
        old = stage.talks[place]
        return replace(old, direct=False, title=title, patient=patient, birth_date=birth_date)

    stage.talks[2] = about(2, "Néphrologie – CH Fictif", "Mme Odette Modèle", "1941-03-07")
    stage.talks[7] = about(7, "HAD Littoral", "Odette MODELE", "1958-11-22")
    stage.talks[3] = about(3, "Suivi INR", "M. René Fictif", "1950-01-02")


def absent(stage: Scene) -> None:
    with_patients(stage)
    away = AvailabilityView("away", NOW_MS + 14 * DAY, ROBIN)
    stage.rooms.availability = {CAMILLE.person_id: away, NADIA.person_id: AvailabilityView("busy", NOW_MS + 3_600_000)}


@scene("patient", before=with_patients, key=True)
def patient(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.tap("chat-patient")
    rehearsal.until(lambda: rehearsal.sees("chat-patient-others"))


@scene("patient-other", before=with_patients)
def patient_other(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.type("composer", "INR de M. Fictif à 2,8, même dose ?")
    rehearsal.tap("send")
    rehearsal.until(lambda: rehearsal.sees("other-patient-continue"))


@scene("patient-other-surely", before=with_patients)
def patient_other_surely(rehearsal: Rehearsal) -> None:
    patient_other(rehearsal)
    rehearsal.tap("other-patient-continue")
    rehearsal.until(lambda: rehearsal.sees("other-patient-yes"))


@scene("patient-lines", before=with_patients)
def patient_lines(rehearsal: Rehearsal) -> None:
    stage = rehearsal.scene
    talk = stage.talks[0].conversation_id
    before = ("Mme Odete Modèle", "1941-03")
    now = ("Mme Odette Modèle", "1941-03-07")
    other = ("M. René Fictif", "1950-01-02")
    for kind, notice, names in (
        ("notice", "patient-set", (CAMILLE.display_name, *before)),
        ("notice", "patient-corrected", (CAMILLE.display_name, *before, *now)),
        ("notice", "retention", (CAMILLE.display_name, "90")),
        ("notice", "admin-named", (CAMILLE.display_name, NADIA.display_name)),
        ("warning", "patient-changed", (CAMILLE.display_name, *other, *now)),
    ):
        stage.lines[talk].append(stage.new_message(talk, kind, notice=notice, names=names))
    chat(rehearsal)


@scene("patient-data", before=with_patients, key=True)
def patient_data(rehearsal: Rehearsal) -> None:
    rehearsal.tap("new-group")
    rehearsal.type("group-title", "Retour à domicile")
    rehearsal.type("group-patient", "Odette Modèle")
    rehearsal.tap("group-patient-more")
    rehearsal.type("edit-born", "12/04/1943")
    rehearsal.type("edit-number", INS)
    rehearsal.tap("edit-save")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("kept", before=with_patients)
def kept(rehearsal: Rehearsal) -> None:
    info_patient(rehearsal)
    rehearsal.app.shell.stack[-1].choose_kept()
    rehearsal.until(lambda: rehearsal.sees("kept-30"))


@scene("info-patient", before=with_patients)
def info_patient(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.tap("info-open")
    rehearsal.until(lambda: rehearsal.sees("info-edit"))


@scene("info-edit", before=with_patients)
def info_edit(rehearsal: Rehearsal) -> None:
    info_patient(rehearsal)
    rehearsal.tap("info-edit")
    rehearsal.until(lambda: rehearsal.sees("edit-title"))


@scene("absent", before=absent)
def absent_in_team(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.until(lambda: rehearsal.sees("chat-away"))


@scene("absent-direct", before=absent, key=True)
def absent_direct(rehearsal: Rehearsal) -> None:
    rehearsal.tap("conversation-1")
    rehearsal.until(lambda: rehearsal.sees("chat-away-write"))


@scene("profile-other", before=absent)
def profile_other(rehearsal: Rehearsal) -> None:
    team = rehearsal.scene.talks[0]
    rehearsal.scene.talks[0] = replace(team, members=(*team.members[:1], member(CAMILLE, devices=2), *team.members[2:]))
    chat(rehearsal)
    rehearsal.tap("info-open")
    rehearsal.until(lambda: rehearsal.sees("info-edit"))
    rehearsal.app.shell.stack[-1].show_identity(rehearsal.scene.talks[0].members[1])
    rehearsal.until(lambda: rehearsal.sees("identity-name-admin"))
