"""What the console says, in French and in English."""

from miss_server.console import room_texts
from miss_server.refusals import ENGLISH

# Each text: French, English. Fields are filled by str.format.
TEXTS = room_texts.TEXTS | {
    "title": ("Console MiSS", "MiSS console"),
    "skip": ("Aller au contenu", "Skip to content"),
    "menu": ("Menu", "Menu"),
    "menu-home": ("Accueil", "Overview"),
    "other-language": ("English", "Français"),
    "log-out": ("Se déconnecter", "Log out"),
    "role-operator": ("Opérateur", "Operator"),
    "role-manager": ("Gestionnaire d’établissement", "Establishment manager"),
    "role-auditor": ("Auditeur", "Auditor"),
    # the way in
    "login-title": ("Connexion", "Log in"),
    "login-lead": (
        "Réservé aux opérateurs, gestionnaires et auditeurs de ce serveur. Votre clé d’accès (clé de sécurité, "
        "téléphone ou ordinateur) remplace le mot de passe.",
        "For this server’s operators, managers and auditors only. Your passkey (security key, phone or computer) "
        "takes the place of a password.",
    ),
    "login-button": ("Se connecter avec ma clé d’accès", "Log in with my passkey"),
    "login-lost": (
        "Clés perdues ? L’administrateur de la machine vous remet un lien : miss-server operator recover NOM.",
        "Passkeys lost? The machine’s administrator gives you a link: miss-server operator recover NAME.",
    ),
    "no-script": (
        "Cette page a besoin de JavaScript pour parler à votre clé d’accès.",
        "This page needs JavaScript to talk to your passkey.",
    ),
    "no-passkeys-here": (
        "Ce navigateur ne connaît pas les clés d’accès. Mettez-le à jour, ou utilisez-en un autre.",
        "This browser knows no passkeys. Update it, or use another one.",
    ),
    "passkey-cancelled": (
        "La clé d’accès n’a pas répondu, ou vous avez annulé. Recommencez quand vous êtes prêt.",
        "The passkey did not answer, or you cancelled. Try again when you are ready.",
    ),
    "passkey-held": (
        "Cet appareil ou cette clé de sécurité porte déjà une de vos clés d’accès. La seconde doit être ailleurs.",
        "This device or security key holds one of your passkeys already. The second one must be elsewhere.",
    ),
    "server-silent": (
        "Le serveur n’a pas répondu. Vérifiez votre réseau et recommencez.",
        "The server did not answer. Check your network and try again.",
    ),
    "enrol-title": ("Bienvenue", "Welcome"),
    "enrol-lead": (
        "Ce lien ne sert qu’une fois. Créez votre première clé d’accès maintenant ; une seconde, ailleurs, "
        "suivra : elle vous ouvrira la console le jour où la première sera perdue.",
        "This link is good once. Make your first passkey now; a second one, on another device, follows: it lets you in "
        "on the day the first one is lost.",
    ),
    "enrol-button": ("Créer ma première clé d’accès", "Make my first passkey"),
    "enrol-no-link": (
        "Ouvrez le lien entier que l’administrateur vous a remis : il n’en reste qu’un morceau ici.",
        "Open the whole link that the administrator gave you: only a part of it is here.",
    ),
    "passkeys-title": ("Mes clés d’accès", "My passkeys"),
    "passkeys-lacking": (
        "Il vous faut deux clés d’accès, sur deux appareils, avant toute autre chose. Branchez ou préparez le second "
        "appareil, puis créez la clé.",
        "You need two passkeys, on two devices, before anything else. Plug in or prepare the second device, then make "
        "the passkey.",
    ),
    "passkeys-enough": (
        "L’une suffit pour entrer ; l’autre est là pour le jour où la première sera perdue.",
        "One is enough to come in; the other is there for the day the first one is lost.",
    ),
    "passkey-label": ("Nom de cette clé", "Name of this passkey"),
    "passkey-label-first": ("Clé principale", "Main passkey"),
    "passkey-label-next": ("Clé de secours", "Spare passkey"),
    "passkey-add": ("Ajouter une clé d’accès", "Add a passkey"),
    "passkey-remove": ("Retirer", "Remove"),
    "said-passkey-removed": ("La clé d’accès ne vaut plus.", "The passkey is no longer good."),
    "passkeys-needed": (
        "Il doit vous en rester deux. Ajoutez d’abord une clé d’accès sur un autre appareil.",
        "Two must stay. First add a passkey on another device.",
    ),
    "passkey-added-at": ("Ajoutée le", "Added"),
    "passkey-used-at": ("Dernière connexion", "Last login"),
    "said-passkey-added": ("La clé d’accès est enregistrée.", "The passkey is enrolled."),
    "said-logged-out": ("Vous êtes déconnecté.", "You are logged out."),
    # home
    "home-title": ("Accueil", "Overview"),
    # why something is refused
    "refused-title": ("Ce n’est pas possible", "This cannot be done"),
    "back-home": ("Retour à l’accueil", "Back to the overview"),
    "not-found": ("Il n’y a rien à cette adresse.", "There is nothing at this address."),
    "not-your-role": (
        "Votre rôle ne donne pas accès à cette page. S’il le devrait, adressez-vous à l’administrateur du serveur.",
        "Your role has no access to this page. If it should, ask the server’s administrator.",
    ),
    "log-in-again": (
        "Votre connexion est trop ancienne pour cela. Déconnectez-vous, reconnectez-vous, puis recommencez.",
        "Your login is too old for this. Log out, log in again, then try again.",
    ),
    "form-malformed": (
        "Ce formulaire n’est pas arrivé entier. Revenez à la page précédente et recommencez.",
        "This form did not arrive whole. Go back to the page before and try again.",
    ),
    "form-too-long": (
        "C’est trop long pour ce formulaire. Raccourcissez, puis recommencez.",
        "This is too long for this form. Shorten it, then try again.",
    ),
    "too-many-tries": (
        "Trop d’essais en peu de temps. Attendez une minute, puis recommencez.",
        "Too many tries in a short time. Wait a minute, then try again.",
    ),
    "internal": (
        "Le serveur n’a pas pu répondre. Rien n’est perdu : réessayez dans un instant.",
        "The server could not answer. Nothing is lost: try again in a moment.",
    ),
    "passkey-refused": (
        "Cette clé d’accès n’est pas reconnue ici, ou sa réponse est arrivée trop tard. Recommencez ; si cela se "
        "répète, demandez un lien de secours à l’administrateur.",
        "This passkey is not known here, or its answer came too late. Try again; if it goes on, ask the administrator "
        "for a recovery link.",
    ),
    "passkeys-full": (
        "Vous avez déjà autant de clés d’accès qu’il est permis.",
        "You have as many passkeys as are allowed already.",
    ),
    "link-refused": (
        "Ce lien n’est pas, ou n’est plus, bon : il ne sert qu’une fois et expire au bout d’un jour. Demandez-en un "
        "autre à l’administrateur.",
        "This link is not good, or no longer: it serves once and expires after a day. Ask the administrator for "
        "another.",
    ),
    # the operator's verbs
    "operator-name": (
        "Un nom d’opérateur a des lettres visibles, {most} au plus, et n’est pas « server ».",
        "An operator’s name has visible letters, {most} at most, and is not “server”.",
    ),
    "operator-known": (
        "« {name} » est, ou a été, un opérateur : les actes le nomment. Choisissez un autre nom.",
        "“{name}” is, or was, an operator: the acts name them. Choose another name.",
    ),
    "operator-unknown": ("Il n’y a pas d’opérateur « {name} ».", "There is no operator “{name}”."),
    "operator-establishment": (
        "Un gestionnaire a un établissement (--establishment FINESS) ; les autres rôles n’en ont pas.",
        "A manager has an establishment (--establishment FINESS); the other roles have none.",
    ),
    "operator-added": (
        "Remettez ce lien à {name}, en main propre ; il ne sert qu’une fois et vaut {hours} heures :\n\n    {link}\n",
        "Hand this link to {name} in person; it is good once, for {hours} hours:\n\n    {link}\n",
    ),
    "operator-removed": ("{name} n’a plus accès à la console.", "{name} has no access to the console any more."),
    "operator-line": (
        "{name}  {role}  {establishment}  clés d’accès : {passkeys}",
        "{name}  {role}  {establishment}  passkeys: {passkeys}",
    ),
    "nobody": ("Aucun opérateur : miss-server operator add NOM.", "No operator: miss-server operator add NAME."),
    "console-unset": (
        "Aucune console n’est réglée : mettez [console] dans miss.toml, ou lancez « serve --console ».",
        "No console is set: put [console] into miss.toml, or run “serve --console”.",
    ),
    "help-operator-verb": ("qui peut utiliser la console", "who may use the console"),
    "help-operator-add": ("ajouter un opérateur, et donner son lien d’entrée", "add an operator, and give their link"),
    "help-operator-recover": (
        "donner un lien à qui a perdu ses clés d’accès ; les anciennes cessent de valoir quand il sert",
        "give a link to who lost their passkeys; the old ones end when it is used",
    ),
    "help-operator-list": ("les opérateurs", "the operators"),
    "help-operator-remove": (
        "fermer la console à un opérateur, tout de suite",
        "close the console to an operator, at once",
    ),
    "help-role": (
        "operator, manager (d’un établissement) ou auditor",
        "operator, manager (of an establishment) or auditor",
    ),
    "help-establishment": (
        "établissement d’un gestionnaire, par son FINESS",
        "a manager’s establishment, by its FINESS",
    ),
}


def known(key: str) -> bool:
    """Whether there is such a text."""
    return key in TEXTS


def template(key: str, language: str) -> str:
    """A text with its fields still open."""
    french, english = TEXTS[key]
    return english if language == ENGLISH else french


def say(key: str, language: str, **fields: object) -> str:
    """A text in the reader's language, filled in."""
    return template(key, language).format(**fields)
