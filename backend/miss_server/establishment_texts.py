"""What the verbs and pages about establishments say, in French and in English."""

# Each text: French, English. Fields are filled by str.format. ``operator_texts`` holds them with its own.
TEXTS = {
    # why something about an establishment cannot be done
    "finess-malformed": (
        "« {finess} » n’est pas un numéro FINESS : il a neuf caractères, dont le dernier vérifie les autres.",
        "“{finess}” is not a FINESS number: it has nine characters, the last of which checks the others.",
    ),
    "finess-unlisted": (
        "Aucune activité du répertoire en service ne nomme le FINESS {finess}. S’il est juste, écrivez la preuve que "
        "vous avez vue (--proof TEXTE).",
        "No activity of the register in use names FINESS {finess}. If it is right, write down the proof you saw "
        "(--proof TEXT).",
    ),
    "establishment-known": (
        "L’établissement {finess} a déjà sa fiche.",
        "Establishment {finess} has its sheet already.",
    ),
    "establishment-unknown": (
        "Aucune fiche pour le FINESS {finess}. Créez-la d’abord.",
        "There is no sheet for FINESS {finess}. Make it first.",
    ),
    "establishment-closed": ("L’établissement {finess} est fermé.", "Establishment {finess} is closed."),
    "field-unknown": ("Une fiche n’a pas de champ « {field} ».", "A sheet has no field “{field}”."),
    "field-empty": ("Le champ « {field} » ne peut pas être vide.", "The field “{field}” cannot be empty."),
    "field-too-long": (
        "Le champ « {field} » a plus de {most} caractères.",
        "The field “{field}” has more than {most} characters.",
    ),
    "field-characters": (
        "Le champ « {field} » contient un caractère qui ne s’écrit pas.",
        "The field “{field}” holds a character that cannot be written.",
    ),
    "beds-malformed": ("« {value} » n’est pas un nombre de lits.", "“{value}” is not a number of beds."),
    "address-malformed": ("« {value} » n’est pas une adresse de messagerie.", "“{value}” is not a mail address."),
    "profession-unknown": (
        "« {profession} » n’est pas une profession de la liste hors répertoire.",
        "“{profession}” is not a profession of the list outside the register.",
    ),
    "profession-not-allowed": (
        "{name} ne peut pas attester cette profession : {profession}.",
        "{name} may not vouch for this profession: {profession}.",
    ),
    "referent-known": ("{name} est déjà référent.", "{name} is a referent already."),
    "referents-many": (
        "Un établissement a {most} référents au plus.",
        "An establishment has {most} referents at most.",
    ),
    "referent-unknown": (
        "Cette personne n’est pas référent de l’établissement {finess}.",
        "This person is no referent of establishment {finess}.",
    ),
    "staff-known": (
        "Le numéro {number} est déjà celui d’un membre du personnel.",
        "Number {number} is a member's already.",
    ),
    "staff-many": ("Un établissement a {most} personnes au plus.", "An establishment has {most} people at most."),
    "staff-unknown": (
        "Cette personne n’est pas du personnel de l’établissement {finess}.",
        "This person is not of the staff of establishment {finess}.",
    ),
    "voucher-not-open": (
        "Ce code n’attend plus d’être utilisé.",
        "This code is not waiting to be used any more.",
    ),
    # why a directory is refused whole
    "file-large": ("Ce fichier dépasse {most} Mo.", "This file is larger than {most} MB."),
    "file-old-excel": (
        "C’est un ancien classeur (.xls). Enregistrez-le au format XLSX ou CSV, puis recommencez.",
        "This is an old workbook (.xls). Save it as XLSX or CSV, then try again.",
    ),
    "directory-empty": ("Ce fichier ne contient personne.", "This file holds nobody."),
    "encoding-unknown": (
        "Ligne {line} : ces caractères ne sont ni de l’UTF-8, ni de l’UTF-16 annoncé, ni du Windows-1252. Enregistrez "
        "le fichier en « CSV UTF-8 », puis recommencez.",
        "Line {line}: these characters are neither UTF-8, nor UTF-16 that says so, nor Windows-1252. Save the file as "
        "“CSV UTF-8”, then try again.",
    ),
    "csv-broken": (
        "Ligne {line} : un guillemet ne se ferme pas, ou une cellule est démesurée. Rien n’a été lu.",
        "Line {line}: a quotation mark is never closed, or a cell is out of all measure. Nothing was read.",
    ),
    "cell-long": (
        "Ligne {line} : une cellule a plus de {most} caractères. Rien n’a été lu.",
        "Line {line}: a cell has more than {most} characters. Nothing was read.",
    ),
    "columns-many": (
        "Ligne {line} : plus de {most} colonnes. Rien n’a été lu.",
        "Line {line}: more than {most} columns. Nothing was read.",
    ),
    "lines-many": ("Plus de {most} lignes : rien n’a été lu.", "More than {most} lines: nothing was read."),
    "columns-missing-here": (
        "Colonnes absentes de la première ligne : {columns}.",
        "Columns missing from the first line: {columns}.",
    ),
    "column-twice": (
        "La colonne « {column} » est là deux fois : on ne sait laquelle croire.",
        "The column “{column}” is there twice: which to believe cannot be known.",
    ),
    "sheet-unreadable": (
        "Ce classeur est illisible : protégé, abîmé, ou d’un autre format. Rien n’a été lu.",
        "This workbook cannot be read: protected, damaged, or of another format. Nothing was read.",
    ),
    "sheet-large": (
        "Ce classeur est démesuré une fois ouvert. Gardez la liste du personnel seule, dans la première feuille.",
        "This workbook is out of all measure once opened. Keep the list of staff alone, in the first sheet.",
    ),
    # why an import is not applied
    "import-unknown": ("Cet import n’existe pas.", "This import does not exist."),
    "import-decided": ("Cet import est déjà terminé.", "This import is at its end already."),
    "import-stale": (
        "Le personnel a changé depuis : rien n’a été fait. Refaites l’import, et regardez les différences.",
        "The staff has changed since: nothing was done. Import again, and look at the differences.",
    ),
    "import-needs-yes": (
        "Cet import retire {removed} personnes : un responsable doit dire oui.",
        "This import removes {removed} people: a manager must say yes.",
    ),
    # why a line is in quarantine
    "quarantine-empty": ("champ vide : {about}", "empty field: {about}"),
    "quarantine-too-long": ("champ trop long : {about}", "field too long: {about}"),
    "quarantine-characters": (
        "champ avec un caractère qui ne s’écrit pas : {about}",
        "field with a character that cannot be written: {about}",
    ),
    "quarantine-formula": (
        "champ qui serait pris pour une formule : {about}",
        "field that would be taken for a formula: {about}",
    ),
    "quarantine-telephone": ("numéro de téléphone mal formé", "malformed telephone number"),
    "quarantine-mailbox": ("adresse de messagerie mal formée", "malformed mail address"),
    "quarantine-title": ("civilité inconnue : {about}", "unknown title: {about}"),
    "quarantine-profession": (
        "sans RPPS, et profession hors liste : {about}",
        "without RPPS, and a profession that is not on the list: {about}",
    ),
    "quarantine-profession-empty": ("ni RPPS ni profession", "neither RPPS nor profession"),
    "quarantine-rpps": ("numéro RPPS mal formé : {about}", "malformed RPPS number: {about}"),
    "quarantine-rpps-unknown": ("RPPS absent du répertoire : {about}", "RPPS not in the register: {about}"),
    "quarantine-rpps-gone": (
        "n’exerce plus, d’après le répertoire : {about}",
        "no longer practises, by the register: {about}",
    ),
    "quarantine-rpps-name": (
        "le répertoire donne un autre nom pour ce RPPS : {about}",
        "the register gives another name for this RPPS: {about}",
    ),
    "quarantine-rpps-twice": ("RPPS donné à deux personnes : {about}", "RPPS given to two people: {about}"),
    "quarantine-rpps-known": (
        "RPPS d’une autre personne du personnel : {about}",
        "RPPS of another member of staff: {about}",
    ),
    "quarantine-key-twice": ("matricule donné à deux personnes : {about}", "number given to two people: {about}"),
    "quarantine-number-changed": (
        "le matricule d’une personne en désigne une autre : retirez-la d’abord",
        "a person's number now names another: remove them first",
    ),
    # how a sheet and its people are shown
    "voucher-open": ("à utiliser", "to be used"),
    "voucher-used": ("utilisé", "used"),
    "voucher-expired": ("expiré", "expired"),
    "voucher-withdrawn": ("retiré", "withdrawn"),
    "voucher-exhausted": ("épuisé : cinq autres noms essayés", "exhausted: five other names were tried"),
    "approved-voucher": (
        "Demande {number} acceptée, attestée par l’établissement. L’appareil sera certifié dès qu’il se manifestera.",
        "Registration {number} approved, vouched for by the establishment. The device is certified as soon as it asks "
        "again.",
    ),
    "attested": ("attesté", "vouched for"),
    "closed": ("fermé", "closed"),
    "people": ("personnes", "people"),
    "on-miss": ("sur MiSS", "on MiSS"),
    "referents": ("référents", "referents"),
    "professions": ("atteste", "vouches for"),
    "proof": ("preuve", "proof"),
    "field-name": ("nom", "name"),
    "field-group_name": ("groupe", "group"),
    "field-address": ("adresse", "address"),
    "field-postcode": ("code postal", "postcode"),
    "field-town": ("commune", "town"),
    "field-beds": ("lits", "beds"),
    "field-administrative_referent": ("référent administratif", "administrative referent"),
    "field-it_manager": ("responsable informatique", "IT manager"),
    "field-telephone": ("téléphone", "telephone"),
    "field-it_telephone": ("téléphone informatique", "IT telephone"),
    "field-alert_mailbox": ("boîte d’alerte", "alert mailbox"),
    "no-establishments": ("Aucun établissement.", "No establishment."),
    "establishment-made": (
        "Fiche créée : {finess}, {name}. Nommez au moins un référent.",
        "Sheet made: {finess}, {name}. Name one referent at least.",
    ),
    "establishment-changed": ("Fiche {finess} changée.", "Sheet {finess} changed."),
    "establishment-ended": (
        "Établissement {finess} fermé : personne n’y atteste ni n’y importe plus.",
        "Establishment {finess} closed: nobody vouches or imports for it any more.",
    ),
    "referent-added": (
        "{name} atteste désormais le personnel de {finess}.",
        "{name} now vouches for staff of {finess}.",
    ),
    "referent-removed": (
        "{name} n’atteste plus le personnel de {finess} ; ses codes non utilisés ne valent plus.",
        "{name} vouches for staff of {finess} no more; their unused codes are worth nothing.",
    ),
    "voucher-made": (
        "Code pour {name} ({profession}), à remettre en main propre, valable {days} jours, une fois :\n\n    {code}\n",
        "Code for {name} ({profession}), to be handed over in person, good for {days} days, once:\n\n    {code}\n",
    ),
    "voucher-ended": ("Code retiré.", "Code withdrawn."),
    "key-made": (
        "Clé d’import de {finess}, montrée cette seule fois :\n\n    {secret}\n",
        "Import key of {finess}, shown this once:\n\n    {secret}\n",
    ),
    "staff-listed": (
        "{secret}  {name}, {profession}{service}  {number}",
        "{secret}  {name}, {profession}{service}  {number}",
    ),
    "vouchers-none": ("Aucun code.", "No code."),
    "help-establishment": (
        "les établissements : fiches, référents, personnel, codes, imports",
        "establishments: sheets, referents, staff, codes, imports",
    ),
    "help-list": ("lister les établissements", "list the establishments"),
    "help-show": ("montrer une fiche", "show a sheet"),
    "help-create": ("créer une fiche", "make a sheet"),
    "help-change": ("changer des champs d’une fiche", "change fields of a sheet"),
    "help-close": ("fermer un établissement", "close an establishment"),
    "help-referent": ("nommer un référent, ou le retirer (--remove)", "name a referent, or remove one (--remove)"),
    "help-vouch": ("faire un code pour un membre du personnel", "make a code for a member of staff"),
    "help-vouchers": (
        "lister les codes, ou en retirer un (--withdraw)",
        "list the codes, or withdraw one (--withdraw)",
    ),
    "help-charter": (
        "noter que la direction accepte, pour son personnel, la charte en vigueur",
        "note that the head accepts the terms in force for the staff",
    ),
    "charter-for-staff": (
        "{head} accepte la charte {version} pour le personnel de {name}.",
        "{head} accepts the terms {version} for the staff of {name}.",
    ),
    "charter-for-staff-known": (
        "La charte {version} était déjà acceptée pour le personnel de {name}.",
        "The terms {version} were accepted for the staff of {name} already.",
    ),
    "help-key": ("faire une clé d’import, montrée une fois", "make an import key, shown once"),
    "help-staff": ("lister le personnel, ou l’exporter (--out)", "list the staff, or export it (--out)"),
    "help-import": (
        "importer le personnel : montre les différences, et les applique avec --apply",
        "import the staff: shows the differences, and applies them with --apply",
    ),
    "help-apply": ("appliquer ce qui a été montré", "apply what was shown"),
    "help-yes": ("accepter de retirer plus de 5 %% du personnel", "accept to remove more than 5 %% of the staff"),
    "help-out": ("fichier à écrire, .csv ou .xlsx", "file to write, .csv or .xlsx"),
    "import-counts": (
        "Import {number} : {added} à ajouter, {changed} à changer, {removed} à retirer, {back} de retour, {unchanged} "
        "inchangées, {bad} en quarantaine.",
        "Import {number}: {added} to add, {changed} to change, {removed} to remove, {back} back, {unchanged} "
        "unchanged, {bad} in quarantine.",
    ),
    "import-line": ("ligne {where}", "line {where}"),
    "import-applied": ("Import {number} appliqué.", "Import {number} applied."),
    "import-waits": (
        "Import {number} en attente : il retirerait {removed} personnes, un responsable doit dire oui.",
        "Import {number} waits: it would remove {removed} people, a manager must say yes.",
    ),
    "import-dry": (
        "Rien n’a été changé. Pour appliquer : --apply.",
        "Nothing was changed. To apply: --apply.",
    ),
    "change-added": ("+ {name}", "+ {name}"),
    "change-back": ("+ {name} (de retour)", "+ {name} (back)"),
    "change-changed": ("~ {name} : {fields}", "~ {name}: {fields}"),
    "change-removed": ("- {name}", "- {name}"),
    "exported": ("{people} personnes écrites dans {file}.", "{people} people written to {file}."),
    "file-kind": ("{file} : donnez un nom en .csv ou .xlsx.", "{file}: give a name that ends in .csv or .xlsx."),
    "file-unreadable": ("{file} : illisible ({why}).", "{file}: cannot be read ({why})."),
    "ldap-or-file": ("Donnez un fichier, ou --ldap.", "Give a file, or --ldap."),
    "help-ldap": ("lire l’annuaire LDAP réglé pour cet établissement", "read the LDAP directory set for it"),
    "help-only": (
        "avec --ldap, regarder la seule personne de ce matricule",
        "with --ldap, look at the one person of this number",
    ),
    "ldap-unset": (
        "Aucun annuaire LDAP n’est réglé pour {finess} : section [ldap.{finess}] de miss.toml.",
        "No LDAP directory is set for {finess}: section [ldap.{finess}] of miss.toml.",
    ),
    "ldap-unreachable": (
        "L’annuaire {where} ne répond pas comme il devrait. Vérifiez l’adresse et le réseau.",
        "The directory {where} does not answer as it should. Check address and network.",
    ),
    "ldap-tls": (
        "Le certificat de l’annuaire {where} n’est pas celui qui est attendu. Vérifiez ca_file et le nom.",
        "The certificate of the directory {where} is not the expected one. Check ca_file and the name.",
    ),
    "ldap-credentials": (
        "L’annuaire {where} refuse ce compte ou ce mot de passe ({why}).",
        "The directory {where} refuses this account or password ({why}).",
    ),
    "ldap-base": ("La base de recherche n’existe pas sur {where} ({why}).", "No such search base on {where} ({why})."),
    "ldap-filter": ("Le filtre réglé pour {where} est mal formé.", "The filter set for {where} is malformed."),
    "ldap-truncated": (
        "L’annuaire {where} n’a donné qu’une partie de ses entrées ({why}) : rien n’a été changé. Demandez à son "
        "responsable de lever cette limite pour le compte de MiSS.",
        "The directory {where} gave a part of its entries only ({why}): nothing was changed. Ask whoever runs it to "
        "lift this limit for the account of MiSS.",
    ),
    "ldap-refused": ("L’annuaire {where} a refusé ({why}).", "The directory {where} refused ({why})."),
    "help-finess": ("numéro FINESS", "FINESS number"),
    "help-fields": ("CHAMP=VALEUR : {fields}", "FIELD=VALUE: {fields}"),
    "help-professions": (
        "codes des professions hors répertoire, séparés par des virgules",
        "codes of professions outside the register, separated by commas",
    ),
}
