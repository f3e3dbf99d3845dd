"""Two fictional hospitals with their staff, on the post office of the identity tests."""

import base64
from typing import Any

import httpx

from identity.extract import Job, Someone
from identity.post_office import PEPPER, PostOffice, device_request
from miss_server import establishments, staff, vouchers
from miss_server.finess import with_check_digit
from miss_server.staff import Record

CH = with_check_digit("59000001")
CLINIC = with_check_digit("2A000002")
UNLISTED_FINESS = with_check_digit("75000003")
LEGAL = with_check_digit("59000009")

DOCTOR = Someone(
    201, "BENALI", "Nour", (Job("10", "SM26", "CENTRE HOSPITALIER DU PARC", "59000", "LILLE", finess=CH),), "Docteur",
    "nour.benali@ch.mssante.example",
)  # fmt: skip
NURSE = Someone(202, "PETIT", "Hugo", (Job("60", "", "CLINIQUE DES ÎLES", "20000", "AJACCIO", finess=CLINIC),))
RETIRED_DOCTOR = Someone(203, "ROCHE", "Agnès", (Job("10", "SM26", "CENTRE HOSPITALIER DU PARC", finess=CH),))
PEOPLE = (DOCTOR, NURSE)

SECRETARY = Record("S-001", "", "", "DIALLO", "Aïssatou", "E1", "Secrétaire médical", "Cardiologie")
AIDE = Record("S-002", "", "", "MOREL", "Jean-Paul", "35", "Aide-soignant", "Gériatrie")
PHYSICIAN = Record("S-003", DOCTOR.rpps, "Dr", "BENALI", "Nour", "10", "Médecine générale", "Urgences")


class Hospitals:
    """Both establishments on a server: the first with a referent and staff, the second with a referent of its own."""

    def __init__(self, office: PostOffice) -> None:
        self.office = office
        self.do(establishments.create, CH, {}, who="op", now_ms=self.now)
        self.do(establishments.create, CLINIC, {}, who="op", now_ms=self.now)
        self.referent = self.do(establishments.add_referent, CH, "Mme Jeanne Roy", who="op", now_ms=self.now)
        self.other_referent = self.do(establishments.add_referent, CLINIC, "M. Luc Roy", who="op", now_ms=self.now)
        self.staff = {
            one.key: self.do(staff.add_one, CH, one, who="op", now_ms=self.now) for one in (SECRETARY, AIDE, PHYSICIAN)
        }

    @property
    def now(self) -> int:
        return self.office.clock()

    def do(self, function: Any, *arguments: Any, **named: Any) -> Any:
        """One transaction."""
        with self.office.database.transaction() as connection:
            return function(connection, *arguments, **named)

    def vouch(self, record: Record = SECRETARY, **changed: Any) -> str:
        """A voucher's code for one of the staff, from the first hospital's referent."""
        asked = {"finess": CH, "staff_id": self.staff[record.key], "referent_id": self.referent} | changed
        return str(self.do(vouchers.make, **asked, pepper=PEPPER, who="op", now_ms=self.now))

    def claim(self, code: str, record: Record = SECRETARY, **typed: Any) -> httpx.Response:
        """POST /v1/registrations/voucher as that person would, but for what is ``typed``."""
        body = {
            "voucher": code,
            "family_name": record.family_name.title(),
            "given_name": record.given_name,
            "language": "fr",
            "request": base64.b64encode(device_request()[1]).decode(),
        }
        return self.office.http.post("/v1/registrations/voucher", json=body | typed)

    def certified(self, code: str, record: Record = SECRETARY) -> dict[str, Any]:
        """The answer that carries a certificate."""
        opened = self.claim(code, record)
        assert opened.status_code == 201, opened.text
        answer: dict[str, Any] = self.office.step(opened.json()).json()
        assert answer["state"] == "certified", answer
        return answer

    def key(self) -> str:
        """A new import key of the first hospital."""
        return str(self.do(establishments.make_key, CH, PEPPER, who="op", now_ms=self.now))


def another_code() -> str:
    """A code of the right form that no voucher has."""
    return vouchers.shown(vouchers.new_code())
