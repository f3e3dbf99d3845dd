"""What the operator's verbs say, in French and in English."""

from miss_server import establishment_texts
from miss_server.refusals import ENGLISH

# Each text: French, English. Fields are filled by str.format.
TEXTS = establishment_texts.TEXTS | {
    "help-reports": (
        "lire les problèmes signalés depuis les appareils, sans savoir par qui",
        "read the problems that devices reported, without knowing by whom",
    ),
    "help-report-number": ("un seul, par son numéro", "one only, by its number"),
    "no-reports": ("Aucun signalement.", "No report."),
    # why a file is not loaded
    "extract-unreadable": ("{file} : illisible ({why}).", "{file}: cannot be read ({why})."),
    "extract-unknown": (
        "{file} : d’après sa première ligne, ni Personne_activite ni correspondance MSSanté.",
        "{file}: by its first line, neither Personne_activite nor the MSSanté correspondence.",
    ),
    "archive-empty": (
        "{file} : cette archive ne contient ni Personne_activite ni correspondance MSSanté.",
        "{file}: this archive holds neither Personne_activite nor the MSSanté correspondence.",
    ),
    "columns-missing": ("{file} : colonnes absentes : {columns}.", "{file}: missing columns: {columns}."),
    "extract-cut-off": (
        "{file} : la dernière ligne ({line}) est coupée, le fichier n’est pas entier. Téléchargez-le à nouveau.",
        "{file}: the last line ({line}) is cut off, the file is not whole. Download it again.",
    ),
    "extract-lines-broken": (
        "{file} : {broken} lignes sur {lines} n’ont pas {width} champs.",
        "{file}: {broken} of {lines} lines do not have {width} fields.",
    ),
    "line-too-long": (
        "Une ligne dépasse 64 ko : ce n’est pas un extrait du répertoire.",
        "A line is longer than 64 kB: this is no extract of the register.",
    ),
    "nothing-to-load": (
        "Aucun de ces fichiers ne contient de personnes ni de boîtes aux lettres.",
        "None of these files holds people or mailboxes.",
    ),
    "nobody-in-extract": (
        "Cet extrait ne contient personne qui ait un numéro RPPS.",
        "This extract holds nobody with an RPPS number.",
    ),
    "register-shrinks": (
        "{gone} des {before} personnes du répertoire en service n’y sont plus : est-il entier ? (--shrink pour "
        "l’accepter.)",
        "{gone} of the {before} people of the register in use are not in it: is it whole? (--shrink to accept it.)",
    ),
    "register-unchanged": (
        "Le répertoire en service n’a pas changé.",
        "The register in use has not changed.",
    ),
    # why a decision cannot be taken
    "id-malformed": (
        "« {number} » n’est pas une demande : donnez au moins quatre chiffres hexadécimaux de son numéro.",
        "“{number}” is no registration: give at least four hexadecimal digits of its id.",
    ),
    "id-unknown": ("Aucune demande ne commence par {number}.", "No registration begins with {number}."),
    "id-ambiguous": ("Plusieurs demandes commencent par {number}.", "Several registrations begin with {number}."),
    "not-waiting": (
        "La demande {number} n’attend pas d’opérateur (état : {state}).",
        "Registration {number} does not wait for an operator (state: {state}).",
    ),
    "at-end": (
        "La demande {number} est terminée (état : {state}).",
        "Registration {number} is at its end (state: {state}).",
    ),
    "proof-needed": (
        "Le répertoire ne donne ni boîte aux lettres ni téléphone pour cette personne : écrivez la preuve que vous "
        "avez vue (approve {number} --proof TEXTE).",
        "The register lists neither mailbox nor telephone for this person: write down the proof you saw "
        "(approve {number} --proof TEXT).",
    ),
    "call-or-proof": (
        "Le répertoire ne donne pas de boîte aux lettres pour cette personne : téléphonez (registrations call "
        "{number}), ou écrivez la preuve que vous avez vue (approve {number} --proof TEXTE).",
        "The register lists no mailbox for this person: telephone (registrations call {number}), or write down the "
        "proof you saw (approve {number} --proof TEXT).",
    ),
    "no-telephone": (
        "Le répertoire ne donne pas de téléphone pour cette personne : écrivez la preuve que vous avez vue "
        "(approve {number} --proof TEXTE).",
        "The register lists no telephone for this person: write down the proof you saw "
        "(approve {number} --proof TEXT).",
    ),
    "reason-needed": (
        "Un refus a besoin d’un motif, que la personne lira (--reason TEXTE).",
        "A refusal needs a reason, which the person will read (--reason TEXT).",
    ),
    "second-operator": (
        "{operator} a déjà approuvé la demande {number} : sur une preuve, il faut un second opérateur, différent.",
        "{operator} has approved registration {number} already: on a proof, a second, different operator is needed.",
    ),
    "changed-meanwhile": (
        "La demande {number} a changé depuis que vous l’avez ouverte : un autre opérateur, ou la personne, a agi. "
        "Relisez-la, puis décidez.",
        "Registration {number} has changed since you opened it: another operator, or the person, has acted. Read it "
        "again, then decide.",
    ),
    "no-data": (
        "{folder} : aucun serveur n’a encore démarré ici. Lancez d’abord « miss-server serve --data {folder} ».",
        "{folder}: no server was started here yet. Run “miss-server serve --data {folder}” first.",
    ),
    # what was done
    "loaded": (
        "Répertoire en service : {people} personnes, {mailboxes} boîtes aux lettres, lues dans {rows} lignes. "
        "Écartées : {left_out} lignes sans numéro RPPS ou de boîtes partagées, {broken} mal formées. "
        "Plus en exercice : {gone}.",
        "Register in use: {people} people, {mailboxes} mailboxes, read from {rows} lines. Left out: {left_out} lines "
        "without an RPPS number or of shared mailboxes, {broken} malformed. No longer practising: {gone}.",
    ),
    "acts-good": (
        "{acts} actes, aucun modifié. Empreinte du dernier, à noter ailleurs : {head}",
        "{acts} acts, none altered. Hash of the last one, to be noted elsewhere: {head}",
    ),
    "acts-broken": (
        "L’acte {act} a été modifié, ou un acte juste avant lui a été supprimé.",
        "Act {act} was altered, or an act just before it was deleted.",
    ),
    "acts-unnoted": (
        "L’empreinte notée n’est celle d’aucun acte : la fin du journal a été supprimée ou récrite.",
        "The noted hash is that of no act: the end of the log was deleted or rewritten.",
    ),
    "help-acts": (
        "vérifier que le journal des actes n’a pas été modifié",
        "verify that the log of acts was not altered",
    ),
    "help-head": ("empreinte notée lors d’une vérification précédente", "hash noted at an earlier verification"),
    "followed": (
        "Sur MiSS : {suspended} suspendus, {restored} rétablis, {moved} changements d’exercice, {renamed} de nom.",
        "On MiSS: {suspended} suspended, {restored} restored, {moved} changed where or what they practise, {renamed} "
        "their name.",
    ),
    "encoding": ("{file} : {encoding}.", "{file}: {encoding}."),
    "sample-written": (
        "Extrait fictif écrit : {files}. Chargez-le par « register load ».",
        "Fictional extract written: {files}. Load it with “register load”.",
    ),
    "nobody-waits": ("Personne n’attend.", "Nobody waits."),
    "approved-first": (
        "Première approbation de la demande {number} notée. Un second opérateur, différent, doit approuver aussi.",
        "First approval of registration {number} noted. A second, different operator must approve too.",
    ),
    "approved-proof": (
        "Demande {number} acceptée. L’appareil sera certifié dès qu’il se manifestera.",
        "Registration {number} approved. The device is certified as soon as it asks again.",
    ),
    "approved-code": (
        "Demande {number} acceptée. Un code partira vers {mailbox} dès que l’appareil se manifestera.",
        "Registration {number} approved. A code goes to {mailbox} as soon as the device asks again.",
    ),
    "refused": ("Demande {number} refusée.", "Registration {number} refused."),
    "shortened": (
        "Demande {number} : l’attente est levée. L’appareil sera certifié dès son prochain signe, les autres révoqués.",
        "Registration {number}: the wait is over. The device is certified when it asks next, the others are revoked.",
    ),
    "shortened-first": (
        "Demande {number} : première voix. Un second opérateur, différent, doit le demander aussi.",
        "Registration {number}: first voice. A second, different operator has to ask for it too.",
    ),
    "not-delayed": (
        "La demande {number} n’attend pas la fin d’un délai.",
        "Registration {number} does not wait for a delay to end.",
    ),
    "help-shorten": (
        "lever l’attente d’une nouvelle inscription (deux opérateurs différents)",
        "end the wait of a new registration (two different operators)",
    ),
    "call": (
        "Appelez {telephones} (numéros du répertoire, et aucun autre) et demandez {name}. Dictez ce code, valable "
        "{minutes} minutes :\n\n    {code}\n",
        "Call {telephones} (numbers of the register, and no other) and ask for {name}. Read this code aloud; it is "
        "good for {minutes} minutes:\n\n    {code}\n",
    ),
    # how a case is shown
    "state-browser": ("dans le navigateur", "in the browser"),
    "state-code": ("code attendu", "code expected"),
    "state-waiting": ("en attente", "waiting"),
    "state-delayed": ("en attente de 24 h", "waiting for 24 h"),
    "state-approved": ("acceptée", "approved"),
    "state-certified": ("certifiée", "certified"),
    "state-refused": ("refusée", "refused"),
    "why-near-match": ("nom approchant", "name nearly matches"),
    "why-homonym": ("homonyme", "homonym"),
    "why-no-mailbox": ("aucune boîte aux lettres au répertoire", "no mailbox in the register"),
    "why-approval-always": ("chaque demande est examinée", "every registration is looked at"),
    "why-many-claims": ("nombreuses demandes pour ce numéro", "many claims of this number"),
    "why-no-longer-practising": ("n’exerce plus", "no longer practises"),
    "claim": ("demande", "claim"),
    "register": ("répertoire", "register"),
    "mailbox": ("boîte", "mailbox"),
    "telephone": ("téléphone", "telephone"),
    "none": ("aucun", "none"),
    "homonym": ("homonyme", "homonym"),
    "gone": ("n’exerce plus", "no longer practises"),
    "decided": ("décidé par", "decided by"),
    "first": ("approuvé 1×", "approved 1×"),
    "profession": ("profession", "profession"),
    # how the verbs are explained
    "help-register": ("charger le répertoire national", "load the national register"),
    "help-load": ("remplacer le répertoire par ces fichiers", "replace the register by these files"),
    "help-sample": ("écrire un petit extrait fictif dans un dossier", "write a small fictional extract into a folder"),
    "help-registrations": (
        "les demandes en attente ; « call N° » : téléphoner",
        "the registrations that wait; “call ID”: telephone",
    ),
    "help-all": ("les 200 dernières, quel que soit leur état", "the latest 200, whatever their state"),
    "help-approve": ("accepter une demande", "approve a registration"),
    "help-refuse": ("refuser une demande", "refuse a registration"),
    "help-call": ("obtenir un code à dicter au téléphone", "get a code to read aloud on the telephone"),
    "help-proof": ("la preuve d’identité que vous avez vue", "the proof of identity that you saw"),
    "help-reason": ("le motif, que la personne lira", "the reason, which the person will read"),
    "help-operator": ("votre nom, pour le registre des actes", "your name, for the record of acts"),
    "help-data": ("dossier de données du serveur", "the server's data folder"),
    "help-shrink": (
        "accepter un extrait auquel il manque plus d’un cinquième des personnes",
        "accept an extract that lacks more than a fifth of the people",
    ),
}


def say(key: str, language: str, **fields: object) -> str:
    """A text in the operator's language, filled in."""
    french, english = TEXTS[key]
    return (english if language == ENGLISH else french).format(**fields)
