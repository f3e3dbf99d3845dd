"""The fictional professionals of these tests."""

from identity.extract import Job, Someone

GP = Someone(
    101, "LEFÈVRE", "Camille", (Job("10", "SM26", "MAISON DE SANTÉ DU PARC", "59000", "LILLE", "01 99 00 01 01"),),
    "Docteur", "camille.lefevre@medecin.mssante.example",
)  # fmt: skip
MARRIED = Someone(
    102, "MOREAU-DA SILVA", "Inès", (Job("10", "SM15", "CENTRE HOSPITALIER", "59000", "LILLE", "01 99 00 01 02"),),
    "Docteur", "ines.durand@ch.mssante.example", "DURAND", "Inès",
)  # fmt: skip
NURSE = Someone(103, "N'DIAYE", "Awa", (Job("60", "", "CABINET DES HALLES", "59000", "LILLE", "01 99 00 01 03"),))
UNLISTED = Someone(104, "ROSSI", "Chiara", (Job("60", "", "CENTRE HOSPITALIER", "59000", "LILLE", "", "E"),))
TWIN = Someone(
    105, "MARTIN", "Sophie", (Job("60", "", "EHPAD LES MIMOSAS", "13100", "AIX-EN-PROVENCE", "01 99 00 01 05"),),
    "", "sophie.martin.1@infirmier.mssante.example",
)  # fmt: skip
OTHER_TWIN = Someone(
    106, "MARTIN", "SOPHIE", (Job("60", "", "CLINIQUE SAINTE-ANNE", "35000", "RENNES", "01 99 00 01 06"),),
    "", "sophie.martin.2@infirmier.mssante.example",
)  # fmt: skip
NAMESAKE = Someone(
    107, "Martin", "Sophie", (Job("91", "", "CABINET DES LILAS", "35000", "RENNES"),),
    "", "sophie.martin@orthophoniste.mssante.example",
)  # fmt: skip
MIDWIFE = Someone(
    108, "SACRÉCŒUR", "Anne-Élodie", (Job("50", "", "MATERNITÉ", "42000", "SAINT-ÉTIENNE"),),
    "", "elodie.sacrecoeur@sagefemme.mssante.example",
)  # fmt: skip
PHYSIO = Someone(
    109, "LE GOFF", "Maël", (Job("70", "", "CABINET DU PORT", "29200", "BREST", "01 99 00 01 09"),),
    "", "mael.legoff@kine.mssante.example",
)  # fmt: skip
RETIRED = Someone(
    110, "GUÉRIN", "Paul", (Job("10", "SM04", "CLINIQUE DU PLATEAU", "69003", "LYON 03"),),
    "Professeur", "paul.guerin@medecin.mssante.example",
)  # fmt: skip
PHARMACIST = Someone(
    111, "O'CONNOR", "Jean-Baptiste", (Job("21", "", "PHARMACIE DU MARCHÉ", "30000", "NÎMES"),),
    "", "jb.oconnor@pharmacien.mssante.example",
)  # fmt: skip

PRACTISING = (GP, MARRIED, NURSE, UNLISTED, TWIN, OTHER_TWIN, NAMESAKE, MIDWIFE, PHYSIO, PHARMACIST)
EVERYBODY = (*PRACTISING, RETIRED)
