"""How a request that cannot be granted is answered: a status, a reason for the client, a sentence for the person."""

from fastapi import Request
from fastapi.responses import JSONResponse

from miss_server.refusals import ENGLISH, FRENCH, WORDINGS

_SENTENCES = {
    "malformed": (
        "La demande est mal formée. Mettez MiSS à jour, puis recommencez.",
        "The request is malformed. Update MiSS, then try again.",
    ),
    "unauthenticated": (
        "Cet appareil n’est pas connecté. Reconnectez-vous.",
        "This device is not signed in. Sign in again.",
    ),
    "revoked": (
        "Cet appareil a été révoqué. Inscrivez-le à nouveau.",
        "This device was revoked. Register it again.",
    ),
    "suspended": (
        "Le répertoire national ne vous connaît plus d’exercice : votre compte est suspendu, rien n’est effacé. "
        "S’il se trompe, adressez-vous à votre ordre.",
        "By the national register you do not practise any more: your account is suspended, nothing is deleted. "
        "If it is mistaken, ask your order.",
    ),
    "not-encrypted": (
        "Ce serveur ne parle qu’à son répartiteur. Connectez-vous par l’adresse https qu’on vous a donnée.",
        "This server speaks to its balancer only. Connect by the https address you were given.",
    ),
    "not-found": ("Il n’y a rien à cette adresse.", "There is nothing at this address."),
    "too-large": ("C’est trop volumineux pour ce serveur.", "This is too large for this server."),
    "full": ("Une limite de ce serveur est atteinte.", "A limit of this server is reached."),
    "blob-unknown": (
        "Cette photo n’est pas, ou n’est plus, sur le serveur.",
        "This photo is not on the server, or no longer.",
    ),
    "blob-altered": (
        "La photo est arrivée altérée. Elle sera renvoyée.",
        "The photo arrived altered. It will be sent again.",
    ),
    "blob-elsewhere": (
        "L’envoi reprend là où il s’était arrêté.",
        "The upload goes on where it had stopped.",
    ),
    "link-unknown": (
        "Aucun appareil n’attend avec ce code. Vérifiez-le, ou demandez-en un autre sur le nouvel appareil.",
        "This code belongs to no waiting device. Check it, or ask for another on the new device.",
    ),
    "link-expired": (
        "Ce code a expiré. Demandez-en un autre sur le nouvel appareil.",
        "This code has expired. Ask for another on the new device.",
    ),
    "link-used": (
        "Ce code a déjà servi. Demandez-en un autre sur le nouvel appareil.",
        "This code has been used. Ask for another on the new device.",
    ),
    "share-unknown": (
        "Le serveur ne garde plus la part de clé de cet appareil. Ouvrez-le depuis un autre de vos appareils.",
        "The server does not keep this device's share of the key any more. Open it from another of your devices.",
    ),
    "share-kept": (
        "Le serveur garde déjà une part de clé de cet appareil. Ouvrez-le avec son code, puis recommencez.",
        "The server keeps a share of this device's key already. Open it with its PIN, then try again.",
    ),
    "not-contactable": (
        "Vous ne pouvez pas écrire à cette personne sur MiSS. Joignez-la par un autre moyen.",
        "You cannot write to this person on MiSS. Reach them some other way.",
    ),
    "import-key-wrong": (
        "Cette clé d’import n’est pas celle de l’établissement. Demandez-en une autre à l’opérateur.",
        "This import key is not the establishment's. Ask the operator for another.",
    ),
    "too-slow": (
        "La demande est arrivée trop lentement. Réessayez sur un meilleur réseau.",
        "The request came too slowly. Try again on a better network.",
    ),
    "foreign-origin": (
        "MiSS ne répond pas aux pages d’autres sites.",
        "MiSS does not answer pages of other sites.",
    ),
    "slow-down": ("Trop de demandes. Réessayez dans un instant.", "Too many requests. Try again in a moment."),
    "internal": (
        "Le serveur n’a pas pu répondre. Rien n’est perdu : réessayez dans un instant.",
        "The server could not answer. Nothing is lost: try again in a moment.",
    ),
}


class Denied(Exception):
    """A request is not granted.

    Args:
        status: of HTTP.
        reason: for the client.
        headers: to be sent with the answer.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def language_of(request: Request) -> str:
    """The language the client asked for; French where it asked for none of ours."""
    first = request.headers.get("accept-language", "").strip().lower()
    return ENGLISH if first.startswith(ENGLISH) else FRENCH


def sentence(reason: str, language: str) -> str:
    """What a person reads; a reason without words of its own reads as malformed."""
    if reason not in _SENTENCES and reason in WORDINGS:
        return WORDINGS[reason].sentence(language)
    french, english = _SENTENCES.get(reason, _SENTENCES["malformed"])
    return english if language == ENGLISH else french


def denial(request: Request, status: int, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a request that is not granted."""
    content = {"reason": reason, "sentence": sentence(reason, language_of(request))}
    return JSONResponse(content, status, headers=headers)
