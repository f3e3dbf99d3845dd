"""What ``serve``, ``invitation`` and ``check`` say, in French and in English."""

from miss_server.refusals import ENGLISH

# Each text: French, English. Fields are filled by str.format.
TEXTS = {
    "program": ("Le serveur MiSS.", "The MiSS server."),
    "help-serve": ("servir, jusqu’à un signal d’arrêt", "serve, until a signal says stop"),
    "help-invitation": (
        "montrer le lien d’invitation, aussi en code QR",
        "show the invitation link, also as a QR code",
    ),
    "help-check": ("dire, une ligne chacun, ce qui va et ce qui ne va pas", "say, a line each, what is right or wrong"),
    "help-revoke": ("révoquer un appareil", "revoke a device"),
    "help-device": ("numéro de l’appareil (32 chiffres hexadécimaux)", "the device's number (32 hexadecimal digits)"),
    "help-data": ("dossier de données (défaut : ./miss-data)", "data folder (default: ./miss-data)"),
    "help-language": ("langue des messages : fr ou en", "language of the messages: fr or en"),
    "help-listen": ("adresse et port d’écoute", "address and port to listen on"),
    "help-public-name": ("nom par lequel les appareils joignent ce serveur", "name by which devices reach this server"),
    "help-database": (
        "serveur PostgreSQL, au lieu du fichier miss.db du dossier : postgresql://…",
        "a PostgreSQL server, instead of the folder's file miss.db: postgresql://…",
    ),
    "help-hints": ("serveur NATS qui relie plusieurs nœuds", "NATS server that links several nodes"),
    "help-node": (
        "nom de ce nœud, si plusieurs partagent le dossier",
        "this node's name where several share the folder",
    ),
    "help-tls-cert": ("certificat TLS, chaîne complète, PEM", "TLS certificate, full chain, PEM"),
    "help-tls-key": ("clé du certificat TLS, PEM", "key of the TLS certificate, PEM"),
    "help-console": (
        "servir aussi la console des opérateurs (défaut : 127.0.0.1:8471)",
        "serve the operators' console too (default: 127.0.0.1:8471)",
    ),
    "help-mail-to": ("envoyer un message d’essai à cette adresse", "send a test mail to this address"),
    "first-start": (
        "Premier démarrage : dossier, base, clés et miss.toml sont dans {folder}.\n"
        "Sauvegardez ce dossier entier : les clés et la base vont ensemble.",
        "First start: folder, database, keys and miss.toml are in {folder}.\n"
        "Back up this folder whole: the keys and the database belong together.",
    ),
    "invitation": ("Invitation, à ouvrir dans MiSS :", "Invitation, to be opened in MiSS:"),
    "listening": ("listening on {host}:{port}", "listening on {host}:{port}"),
    "no-data": (
        "{folder} n’est pas le dossier de données d’un serveur. Démarrez d’abord : miss-server serve.",
        "{folder} is not a server's data folder. Start one first: miss-server serve.",
    ),
    "port-unknown": (
        "Le port n’est pas fixé et le serveur ne tourne pas : démarrez-le, ou fixez listen dans miss.toml.",
        "The port is not fixed and the server is not running: start it, or set listen in miss.toml.",
    ),
    "in-use": (
        "Un serveur tourne déjà sur le dossier {folder}.",
        "A server is already running on the folder {folder}.",
    ),
    "newer-database": (
        "La base ({revision}) a été écrite par une version plus récente. Mettez ce serveur à jour ; rien n’a changé.",
        "The database ({revision}) was written by a later version. Update this server; nothing was changed.",
    ),
    "help-restored": (
        "à lancer une fois après avoir restauré la base à un moment passé, les nœuds arrêtés",
        "to be run once after the database was restored to a moment of the past, with no node running",
    ),
    "restored": (
        "{count} conversations et boîtes d’appareils continuent au-delà des numéros perdus. Démarrez les nœuds.",
        "{count} conversations and devices' boxes go on beyond the numbers that were lost. Start the nodes.",
    ),
    "foreign-database": (
        "Cette base appartient à un serveur qui a d’autres clés que {folder}. Copiez-y les clés de ce serveur (un nœud "
        "de plus, une restauration) ; rien n’a changé.",
        "This database belongs to a server with other keys than {folder}. Copy that server's keys there (a further "
        "node, a restored backup); nothing was changed.",
    ),
    "database-away": (
        "La base de données ne répond pas ({why}). Vérifiez le réglage database et que son serveur tourne.",
        "The database does not answer ({why}). Check the setting database, and that its server is running.",
    ),
    "nodes-need-postgresql": (
        "Plusieurs nœuds (node, hints) partagent une base PostgreSQL : donnez database dans miss.toml.",
        "Several nodes (node, hints) share a PostgreSQL database: give database in miss.toml.",
    ),
    "keys-missing": (
        "Des clés manquent dans {folder} ({file}) : restaurez le dossier entier depuis la sauvegarde.",
        "Keys are missing in {folder} ({file}): restore the whole folder from the backup.",
    ),
    "keys-open": (
        "D’autres comptes peuvent lire {file}. Retirez-leur ce droit (chmod 600), puis recommencez.",
        "Other accounts can read {file}. Take that right away (chmod 600), then try again.",
    ),
    "keys-mismatch": (
        "{file} n’est pas la clé de son certificat : restaurez le dossier entier depuis la sauvegarde.",
        "{file} is not its certificate's key: restore the whole folder from the backup.",
    ),
    "help-root": (
        "la racine : hors du serveur, ou une nouvelle",
        "the root: off the server, or a new one",
    ),
    "help-root-show": (
        "montre les racines et la clé d’émission",
        "show the roots and the issuing key",
    ),
    "help-root-take-out": (
        "sort la clé de la racine du serveur",
        "take the root's key off the server",
    ),
    "help-root-make": (
        "fait la racine suivante, signée par celle d’avant",
        "make the next root, signed by the one before",
    ),
    "help-root-after": (
        "dossier de la racine d’avant",
        "folder of the root before",
    ),
    "help-root-request": (
        "demande un certificat pour une nouvelle clé d’émission",
        "ask for the certificate of a new issuing key",
    ),
    "help-root-certify": (
        "signe une demande avec la racine d’un dossier",
        "sign a request with the root in a folder",
    ),
    "help-root-install": (
        "met en service ce que la racine a signé",
        "put in use what the root signed",
    ),
    "root-no-server": (
        "Aucun serveur n’a encore démarré sur ce dossier.",
        "No server has been started on this folder yet.",
    ),
    "root-line": (
        "Racine {number} : {fingerprint}",
        "Root {number}: {fingerprint}",
    ),
    "root-issuing": (
        "Clé d’émission : {fingerprint}, jusqu’au {until}",
        "Issuing key: {fingerprint}, until {until}",
    ),
    "root-here": (
        "La clé de la racine est sur ce serveur. Sortez-la : miss-server root take-out DOSSIER",
        "The root's key is on this server. Take it out: miss-server root take-out FOLDER",
    ),
    "root-elsewhere": (
        "La clé de la racine n’est pas sur ce serveur.",
        "The root's key is not on this server.",
    ),
    "root-taken-out": (
        "La clé de la racine est dans {folder}, et n’est plus sur ce serveur. Rangez-la hors ligne, en double.",
        "The root's key is in {folder}, and not on this server any more. Keep it offline, in two copies.",
    ),
    "root-made": (
        "Nouvelle racine dans {folder} : {fingerprint}. Elle servira dès qu’elle aura signé une demande.",
        "New root in {folder}: {fingerprint}. It is in use once it has signed a request.",
    ),
    "root-requested": (
        "Demande écrite dans {file}. Comparez son empreinte là où elle sera signée : {fingerprint}",
        "Request written to {file}. Compare its fingerprint where it is signed: {fingerprint}",
    ),
    "root-certified": (
        "Signé, dans {out}. Empreinte de la demande, à comparer : {fingerprint}",
        "Signed, in {out}. The request's fingerprint, to compare: {fingerprint}",
    ),
    "root-installed": (
        "Nouvelle clé d’émission en service au prochain démarrage : {fingerprint}",
        "New issuing key in use at the next start: {fingerprint}",
    ),
    "root-server-runs": (
        "Arrêtez d’abord le serveur.",
        "Stop the server first.",
    ),
    "root-other": (
        "C’est d’une autre racine, ou d’un état plus ancien de ce serveur : rien n’a changé.",
        "This is of another root, or of an older state of this server: nothing was changed.",
    ),
    "root-unreadable": (
        "Ce fichier n’est pas ce qui est attendu ici, ou il est abîmé : rien n’a changé.",
        "This file is not what is expected here, or it is damaged: nothing was changed.",
    ),
    "root-file": (
        "{file} : {why}",
        "{file}: {why}",
    ),
    "cannot-listen": (
        "Impossible d’écouter sur {host}:{port}. L’adresse est-elle prise, ou d’une autre machine ?",
        "Cannot listen on {host}:{port}. Is the address taken, or another machine's?",
    ),
    "console-cannot-listen": (
        "Impossible d’écouter sur {address} pour la console. L’adresse est-elle prise, ou d’une autre machine ?",
        "Cannot listen on {address} for the console. Is the address taken, or another machine's?",
    ),
    "metrics-cannot-listen": (
        "Impossible d’écouter sur {address} pour les chiffres. L’adresse est-elle prise, ou d’une autre machine ?",
        "Cannot listen on {address} for the metrics. Is the address taken, or another machine's?",
    ),
    "console-listening": ("console : {origin}", "console: {origin}"),
    "revoked": ("Appareil {device} révoqué.", "Device {device} revoked."),
    "device-unknown": (
        "Aucun appareil actif {device}.",
        "No live device {device}.",
    ),
    # why a setting cannot be used
    "listen-malformed": (
        "{setting} : « {value} » n’est pas de la forme HOTE:PORT.",
        "{setting}: “{value}” is not of the form HOST:PORT.",
    ),
    "plain-http-outside": (
        "Sans TLS, le serveur n’écoute que sur cette machine (127.0.0.1, ::1, localhost), pas sur {value}. "
        "Donnez --tls-cert et --tls-key.",
        "Without TLS the server listens on this machine only (127.0.0.1, ::1, localhost), not on {value}. "
        "Give --tls-cert and --tls-key.",
    ),
    "console-outside": (
        "Hors de cette machine ({value}), la console a besoin de TLS (--tls-cert, --tls-key) et de console.origin "
        "dans miss.toml.",
        "Outside this machine ({value}) the console needs TLS (--tls-cert, --tls-key) and console.origin in miss.toml.",
    ),
    "console-origin": (
        "{setting} : « {value} » n’est pas de la forme https://NOM ou https://NOM:PORT, sans adresse chiffrée.",
        "{setting}: “{value}” is not of the form https://NAME or https://NAME:PORT, without a numeric address.",
    ),
    "ldap-plain-outside": (
        "{setting} : sans TLS (ldaps://), un annuaire n’est lu que sur cette machine, pas sur {value}.",
        "{setting}: without TLS (ldaps://) a directory is read on this machine only, not on {value}.",
    ),
    "tls-halved": ("Le certificat TLS et sa clé vont ensemble.", "The TLS certificate and its key go together."),
    "file-missing": ("{setting} : le fichier {value} n’existe pas.", "{setting}: the file {value} does not exist."),
    "charter-halved": (
        "{setting} : charter.fr.txt et charter.en.txt vont ensemble, et portent la même version.",
        "{setting}: charter.fr.txt and charter.en.txt go together, and bear the same version.",
    ),
    "file-malformed": ("{setting} : {value}", "{setting}: {value}"),
    "setting-unknown": (
        "miss.toml : réglage inconnu, {setting}.",
        "miss.toml: unknown setting, {setting}.",
    ),
    "setting-malformed": (
        "miss.toml : {setting} ne peut pas valoir « {value} ».",
        "miss.toml: {setting} cannot be “{value}”.",
    ),
    # check
    "good": ("bon", "good"),
    "bad": ("MAUVAIS", "BAD"),
    "note": ("à noter", "note"),
    "database": ("base de données", "database"),
    "database-good": ("entière, révision {revision}", "sound, revision {revision}"),
    "database-bad": ("{why}", "{why}"),
    "disk": ("disque", "disk"),
    "disk-free": ("{free_gb:.1f} Go libres ({percent:.0f} %)", "{free_gb:.1f} GB free ({percent:.0f} %)"),
    "clock": ("horloge", "clock"),
    "clock-good": ("{now}", "{now}"),
    "clock-behind": (
        "{now} : en retard sur ce qui a déjà été écrit ({latest})",
        "{now}: behind what was written already ({latest})",
    ),
    "tls": ("TLS", "TLS"),
    "tls-none": ("aucun : HTTP sur cette machine seulement", "none: HTTP on this machine only"),
    "tls-days": ("valable encore {days} jours", "valid for {days} days yet"),
    "tls-name": ("valable encore {days} jours, mais pas pour {name}", "valid for {days} days yet, but not for {name}"),
    "tls-bad": ("illisible : {why}", "cannot be read: {why}"),
    "mail": ("courrier", "mail"),
    "mail-good": ("{where}", "{where}"),
    "mail-sent": ("message d’essai remis pour {address}", "test mail handed over for {address}"),
    "mail-bad": ("{where} {why}", "{where} {why}"),
    "register": ("répertoire", "register"),
    "register-none": ("pas encore chargé : miss-server register load", "not loaded yet: miss-server register load"),
    "register-age": ("extrait chargé il y a {days} jours", "extract loaded {days} days ago"),
    "console": ("console", "console"),
    "console-any-port": ("port choisi au démarrage", "a port chosen at start"),
    "console-operators": (
        "{where} ; opérateurs prêts, avec deux clés d’accès : {ready} sur {operators} (il en faut deux)",
        "{where}; operators ready, with two passkeys: {ready} of {operators} (two are needed)",
    ),
    "server": ("serveur", "server"),
    "server-listens": ("écoute sur {address}", "listens on {address}"),
    "server-stopped": ("ne tourne pas", "is not running"),
}


def say(key: str, language: str, **fields: object) -> str:
    """A text in the operator's language, filled in."""
    french, english = TEXTS[key]
    return (english if language == ENGLISH else french).format(**fields)
