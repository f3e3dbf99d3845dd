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
    "help-key": ("faire une clé d’import, montrée une fois", "make an import key, shown once"),
    "help-staff": ("lister le personnel, ou l’exporter (--out)", "list the staff, or export it (--out)"),
    "help-finess": ("numéro FINESS", "FINESS number"),
    "help-fields": ("CHAMP=VALEUR : {fields}", "FIELD=VALUE: {fields}"),
    "help-professions": (
        "codes des professions hors répertoire, séparés par des virgules",
        "codes of professions outside the register, separated by commas",
    ),
}
