"""The text of ``miss.toml`` at the first start: every setting explained, in French and English."""

from pathlib import Path

from miss_protocol import limits
from miss_server.config import DEFAULT_CONSOLE, DEFAULT_LISTEN, Settings


def text_of(settings: Settings) -> str:
    """The text of ``miss.toml`` at first start: every setting explained, those given on the command line filled in."""

    def line(name: str, value: str, default: str) -> str:
        return f'{name} = "{value}"' if value else f'# {name} = "{default}"'

    listen = f"{settings.host}:{settings.port}" if ":" not in settings.host else f"[{settings.host}]:{settings.port}"
    return _TEMPLATE.format(
        listen=line("listen", listen if "listen" in settings.given else "", DEFAULT_LISTEN),
        public_name=line("public_name", settings.public_name, "miss.exemple.fr"),
        tls_cert=line("tls_cert", _absolute(settings.tls_cert), "/etc/letsencrypt/live/miss.exemple.fr/fullchain.pem"),
        tls_key=line("tls_key", _absolute(settings.tls_key), "/etc/letsencrypt/live/miss.exemple.fr/privkey.pem"),
        database=line("database", settings.database_url, "postgresql://miss@/miss"),
        hints=line("hints", " ".join(settings.hints), "nats://127.0.0.1:4222"),
        messages_days=limits.SERVER_KEEPS_MESSAGES_DAYS,
        photos_days=limits.SERVER_KEEPS_PHOTOS_DAYS,
        devices_days=limits.RETENTION_DAYS_MAX,
        console=DEFAULT_CONSOLE,
    )


def _absolute(path: Path | None) -> str:
    return str(path.resolve()).replace("\\", "/") if path else ""


_TEMPLATE = """\
# Réglages du serveur MiSS, lus une fois au démarrage. Ce que dit la ligne de commande passe avant.
# Settings of the MiSS server, read once at start. What the command line says goes first.

# Adresse et port d'écoute. HTTP sans TLS : sur cette machine (127.0.0.1, ::1, localhost), ou de trusted_proxies.
# Address and port to listen on. HTTP without TLS: on this machine, or from trusted_proxies.
{listen}

# Nom (et port) par lequel les appareils joignent ce serveur ; il figure dans le lien d'invitation.
# Name (and port) by which devices reach this server; it stands in the invitation link.
{public_name}

# Certificat TLS (chaîne complète) et sa clé, en PEM. / TLS certificate (full chain) and its key, PEM.
{tls_cert}
{tls_key}

# Derrière un répartiteur : ses adresses. Lui seul dit (X-Forwarded-For) d'où vient une demande.
# Behind a proxy: its addresses. It alone says (X-Forwarded-For) where a request comes from.
# Elle permet aussi HTTP sans TLS hors de cette machine, de ces adresses seules.
# It also allows HTTP without TLS outside this machine, from these addresses alone.
# trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]

# Base de données : sans ce réglage, le fichier miss.db de ce dossier ; sinon un serveur PostgreSQL (~/.pgpass).
# Database: without this setting, the file miss.db of this folder; else a PostgreSQL server (~/.pgpass).
{database}
# database_password_file = "database-password"

# Plusieurs serveurs (nœuds) sur une même base PostgreSQL : l'adresse du serveur NATS par lequel ils se préviennent.
# Sans lui, ils ne se voient que toutes les deux secondes. Le mot de passe est dans un fichier, seul sur sa ligne.
# Several servers (nodes) on one PostgreSQL database: the NATS server by which they tell each other. Without it they
# see each other every two seconds only. The password is in a file, alone on its line.
{hints}
# hints_password_file = "nats-password"

# Photos scellées : sans ce réglage, le dossier blobs/ ; sinon un stockage objet S3, commun aux nœuds (section [s3]).
# Sealed photos: without this setting, the folder blobs/; else an S3 object store that all nodes share (section [s3]).
# blobs = "s3://miss-photos"

# À l'arrêt : combien de secondes /health/ready dit non avant que les connexions soient fermées, pour le répartiteur.
# When stopped: for how many seconds /health/ready says no before connections are closed, for the balancer's sake.
# drain_seconds = 0

# "exact" : une correspondance exacte avec le répertoire et le bon code suffisent ; le reste attend un opérateur.
# "always" : un opérateur décide toujours.
# "exact": an exact match with the register and the right code are enough; all else waits for an operator.
# "always": an operator decides every time.
# approval = "exact"

# Chiffres pour Prometheus, à une adresse à part, sur http://ADRESSE/metrics ; jamais publique.
# Figures for Prometheus, on an address of its own, at http://ADDRESS/metrics; never public.
# metrics = "127.0.0.1:9464"

# Console des opérateurs, à une adresse à part, jamais publique ; hors de cette machine, TLS et origin sont nécessaires.
# The operators' console, on an address of its own, never public; outside this machine it needs TLS and an origin.
# [console]
# listen = "{console}"
# origin = "https://console.exemple.fr"

# keys_file : l'identifiant de la clé, puis son secret, sur deux lignes. / keys_file: the key's id, then its secret.
# [s3]
# endpoint = "https://s3.exemple.fr"
# region = "eu-west-3"
# keys_file = "s3-keys"

# Courrier : sans cette section, les codes vont dans le dossier outbox/ et rien ne part.
# Mail: without this section, codes go to the folder outbox/ and nothing leaves.
# [smtp]
# host = "smtp.exemple.fr"
# port = 587
# security = "starttls"        # "starttls", "tls", "none"
# user = "miss"
# password_file = "smtp-password"
# sender = "miss@exemple.fr"

# Pro Santé Connect : l'inscription par carte CPS ou e-CPS. Le secret est dans un fichier, seul sur sa ligne.
# L'adresse de retour à déclarer est https://NOM/v1/psc/return, NOM étant public_name.
# Pro Santé Connect: registration by CPS card or e-CPS. The secret is in a file, alone on its line.
# The redirect address to declare is https://NAME/v1/psc/return, NAME being public_name.
# [psc]
# issuer = "https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet"
# client_id = "miss"
# secret_file = "psc-secret"

# Prévenir qui n'a pas MiSS ouvert : un courrier sans contenu à sa boîte du répertoire quand un message reste sans être
# vu (minutes ; 0 : jamais) ; private_push admet un serveur de notifications du réseau interne ; contact est l'adresse
# que les serveurs de notifications peuvent joindre (mailto: ou https:).
# To tell who does not have MiSS open: a mail without content to their mailbox of the register where a message stays
# unseen (minutes; 0: never); private_push admits a push server on the internal network; contact is whom push servers
# may write to (mailto: or https:).
# [reach]
# mail_minutes = 30
# urgent_mail_minutes = 5
# private_push = false
# contact = "mailto:exploitation@exemple.fr"

# Annuaire LDAP d'un établissement, lu chaque jour ; son numéro FINESS est dans le titre. ldap:// seulement sur cette
# machine. Une section par établissement ; attributes dit quel attribut tient quel champ.
# An establishment's LDAP directory, read daily; its FINESS number is in the title. ldap:// on this machine only.
# [ldap.590000014]
# url = "ldaps://annuaire.ch.exemple.fr"
# base = "ou=personnes,dc=ch,dc=exemple,dc=fr"
# filter = "(objectClass=inetOrgPerson)"
# user = "cn=miss,dc=ch,dc=exemple,dc=fr"
# password_file = "ldap-password"
# ca_file = "ldap-ca.pem"
# attributes = {{ key = "employeeNumber", profession = "employeeType", rpps = "rpps" }}

# Combien de temps le serveur garde ce qu'il ne peut pas lire ; {messages_days} et {photos_days} jours au plus.
# How long the server keeps what it cannot read; {messages_days} and {photos_days} days at most.
# [retention]
# messages_days = {messages_days}
# photos_days = {photos_days}
# devices_days = {devices_days}          # sur les appareils, au plus / on devices, at most

# Ce qu'un appareil peut envoyer et ce qu'une discussion peut contenir. Qui écrit plus vite attend, seul.
# What a device may send and what a conversation may hold. Who writes faster waits, alone.
# [quotas]
# messages_a_second = 50
# messages_at_once = 3000
# uploads_mib_a_day = 2048
# conversation_mib = 256       # messages que quelqu'un n'a pas encore reçus / messages that somebody has not got yet

# L'assistance, que MiSS montre sous Aide. / Help, as MiSS shows it.
# [assistance]
# hours_fr = "du lundi au vendredi, de 8 h à 18 h"
# hours_en = "Monday to Friday, 8:00 to 18:00"
# telephone = "03 20 00 00 00"
# mail = "assistance@exemple.fr"
"""
