"""Every reason to refuse a registration or a search, with its HTTP status and a sentence in both languages."""

from dataclasses import dataclass

FRENCH, ENGLISH = "fr", "en"


@dataclass(frozen=True)
class Refusal:
    """A refusal as a value: what was written with it (a try counted) must stay written."""

    reason: str


class DecisionError(Exception):
    """What an operator asked for cannot be done: a reason worded by ``operator_texts``, and what fills the sentence."""

    def __init__(self, reason: str, **fields: object) -> None:
        super().__init__(f"{reason} {fields}")
        self.reason = reason
        self.fields = fields


@dataclass(frozen=True)
class Wording:
    """How a refusal is answered: HTTP status, and a sentence that ends with a way on."""

    status: int
    french: str
    english: str

    def sentence(self, language: str) -> str:
        return self.english if language == ENGLISH else self.french


WORDINGS = {
    "until-wrong": Wording(
        422,
        "Indiquez une date de retour à venir, dans un an au plus.",
        "Give a date of return that is to come, within a year.",
    ),
    "delegate-not-reachable": Wording(
        422,
        "Cette personne ne peut pas répondre à votre place : elle n’est pas sur MiSS, ou ne souhaite pas être jointe. "
        "Choisissez-en une autre.",
        "This person cannot answer in your place: they are not on MiSS, or do not wish to be reached. Choose another.",
    ),
    "malformed": Wording(
        422,
        "La demande est incomplète ou mal formée. Vérifiez chaque champ, puis recommencez.",
        "The request is incomplete or malformed. Check each field, then try again.",
    ),
    "bad-request": Wording(
        422,
        "Cet appareil n’a pas pu prouver qu’il détient ses clés. Mettez MiSS à jour, puis recommencez.",
        "This device could not prove that it holds its keys. Update MiSS, then try again.",
    ),
    "charter-missing": Wording(
        422,
        "Pour vous inscrire, lisez et acceptez la charte et la notice d’information.",
        "To register, read and accept the terms of use and the privacy notice.",
    ),
    "charter-changed": Wording(
        409,
        "La charte a changé entre-temps. Relisez-la, puis acceptez-la.",
        "The terms of use have changed meanwhile. Read them again, then accept them.",
    ),
    "no-other-device": Wording(
        409,
        "Vous n’avez pas d’autre appareil qui puisse ouvrir celui-ci. Tapez son code, ou réinscrivez-le.",
        "You have no other device that could open this one. Type its PIN, or register it again.",
    ),
    "already-here": Wording(
        409,
        "Cette personne est déjà sur MiSS : cherchez-la de nouveau, et écrivez-lui.",
        "This person is on MiSS already: search again, and write to them.",
    ),
    "endpoint-refused": Wording(
        422,
        "Cette adresse de notification n’est pas admise : elle doit être en https et joignable d’ici. "
        "Choisissez un autre service de notifications.",
        "This push address is not admitted: it must be on https and reachable from here. Choose another push service.",
    ),
    "invite-unknown": Wording(
        404,
        "Cette personne n’est plus dans le répertoire. Cherchez-la de nouveau, puis invitez-la.",
        "This person is not in the directory any more. Search for them again, then invite them.",
    ),
    "no-mailbox-listed": Wording(
        409,
        "Aucune boîte MSSanté n’est publiée pour cette personne : on ne peut pas l’inviter d’ici. Parlez-lui de MiSS.",
        "No MSSanté mailbox is listed for this person: they cannot be invited from here. Tell them about MiSS.",
    ),
    "invite-refused": Wording(
        409,
        "Cette personne ne souhaite pas recevoir d’invitation. Joignez-la par un autre moyen.",
        "This person does not wish to receive invitations. Reach them some other way.",
    ),
    "too-many-invites": Wording(
        429,
        "Vous avez beaucoup invité aujourd’hui. Vous pourrez continuer demain.",
        "You have invited many people today. Go on tomorrow.",
    ),
    "number-malformed": Wording(
        422,
        "Ce n’est pas un numéro RPPS : il a 11 chiffres et figure sur votre carte CPS. Vérifiez la saisie.",
        "This is not an RPPS number: it has 11 digits and is printed on your CPS card. Check what you typed.",
    ),
    "unknown-number": Wording(
        404,
        "Ce numéro n’est pas dans le répertoire national. Vérifiez-le ; si vous venez d’être inscrit, "
        "réessayez demain, ou écrivez à l’opérateur de votre serveur.",
        "This number is not in the national register. Check it; if you were entered only recently, "
        "try again tomorrow, or write to your server's operator.",
    ),
    "name-differs": Wording(
        409,
        "Le nom ne correspond pas à ce numéro dans le répertoire national. Donnez votre nom d’exercice et vérifiez "
        "le numéro ; si le répertoire se trompe, faites-le corriger auprès de votre ordre.",
        "The name does not match this number in the national register. Give the name you practise under and check "
        "the number; if the register is wrong, ask your professional body to correct it.",
    ),
    "no-longer-practising": Wording(
        409,
        "Le répertoire national indique que cette personne n’exerce plus. Si c’est une erreur, "
        "faites-la corriger auprès de votre ordre, puis recommencez.",
        "The national register says that this person no longer practises. If this is a mistake, "
        "ask your professional body to correct it, then try again.",
    ),
    "profession-differs": Wording(
        409,
        "Le répertoire national indique une autre profession pour ce numéro. Choisissez celle sous laquelle vous y "
        "êtes inscrit.",
        "The national register gives another profession for this number. Choose the one you are entered under.",
    ),
    "register-missing": Wording(
        503,
        "Ce serveur n’a pas encore chargé le répertoire national. Réessayez plus tard, ou écrivez à son opérateur.",
        "This server has not loaded the national register yet. Try again later, or write to its operator.",
    ),
    "too-many-searches": Wording(
        429,
        "Trop de recherches d’affilée. Attendez un instant, puis reprenez.",
        "Too many searches in a row. Wait a moment, then go on.",
    ),
    "too-many-claims": Wording(
        429,
        "Trop de demandes en peu de temps. Réessayez demain, ou écrivez à l’opérateur de votre serveur.",
        "Too many requests in a short time. Try again tomorrow, or write to your server's operator.",
    ),
    "registration-unknown": Wording(
        401,
        "Cette demande d’inscription n’existe pas ou n’existe plus. Recommencez l’inscription.",
        "This registration does not exist, or no longer does. Register again.",
    ),
    "code-wrong": Wording(
        403,
        "Ce n’est pas le bon code. Vérifiez-le dans le dernier message reçu et recommencez.",
        "This is not the right code. Check it in the latest mail you received and try again.",
    ),
    "code-expired": Wording(
        410,
        "Ce code a expiré : il ne valait que dix minutes. Demandez-en un autre.",
        "This code has expired: it was good for ten minutes only. Ask for another.",
    ),
    "code-used": Wording(
        409,
        "Ce code a déjà servi, il ne peut servir deux fois. Si ce n’était pas vous, prévenez l’opérateur.",
        "This code has been used, and cannot be used twice. If it was not you, tell the operator.",
    ),
    "code-exhausted": Wording(
        429,
        "Cinq codes faux : celui-ci ne vaut plus. Demandez-en un autre.",
        "Five wrong codes: this one is no longer good. Ask for another.",
    ),
    "no-code": Wording(
        409,
        "Aucun code n’est attendu : un opérateur examine votre demande. Revenez plus tard.",
        "No code is expected: an operator is looking at your request. Come back later.",
    ),
    "resend-exhausted": Wording(
        429,
        "Le code a été envoyé trop de fois. Cherchez-le dans les courriers indésirables, ou recommencez l’inscription.",
        "The code was sent too many times. Look for it among unwanted mail, or register again.",
    ),
    "resend-by-browser": Wording(
        409,
        "Ce code s’affiche dans le navigateur : recommencez l’inscription avec Pro Santé Connect.",
        "This code is shown in the browser: register again with Pro Santé Connect.",
    ),
    "waiting-unknown": Wording(
        404,
        "Cette demande n’attend plus : elle a été refusée, annulée, ou a déjà pris effet. Vérifiez vos appareils.",
        "This registration waits no more: it was refused, cancelled, or has taken effect. Check your devices.",
    ),
    "psc-off": Wording(
        409,
        "Ce serveur n’utilise pas Pro Santé Connect. Inscrivez-vous avec votre numéro RPPS.",
        "This server does not use Pro Santé Connect. Register with your RPPS number.",
    ),
    "psc-unreachable": Wording(
        503,
        "Pro Santé Connect ne répond pas. Réessayez plus tard, ou inscrivez-vous avec votre numéro RPPS.",
        "Pro Santé Connect does not answer. Try again later, or register with your RPPS number.",
    ),
    "psc-not-believed": Wording(
        403,
        "La réponse de Pro Santé Connect n’a pas pu être vérifiée. Recommencez depuis MiSS, ou prévenez l’opérateur.",
        "The answer of Pro Santé Connect could not be verified. Start again from MiSS, or tell the operator.",
    ),
    "psc-encrypted": Wording(
        403,
        "Pro Santé Connect chiffre ses réponses pour ce serveur, qui ne sait pas les lire. Prévenez son opérateur.",
        "Pro Santé Connect encrypts its answers to this server, which cannot read them. Tell its operator.",
    ),
    "psc-no-number": Wording(
        403,
        "Pro Santé Connect n’a pas donné de numéro RPPS pour vous. Écrivez à l’opérateur de votre serveur.",
        "Pro Santé Connect gave no RPPS number for you. Write to your server's operator.",
    ),
    "psc-two-numbers": Wording(
        403,
        "Pro Santé Connect a donné deux numéros RPPS différents. Écrivez à l’opérateur de votre serveur.",
        "Pro Santé Connect gave two different RPPS numbers. Write to your server's operator.",
    ),
    "psc-no-exercise": Wording(
        403,
        "Pro Santé Connect ne vous connaît pas d’exercice professionnel. Faites-le déclarer auprès de votre ordre.",
        "Pro Santé Connect knows no professional exercise of yours. Have it declared to your professional body.",
    ),
    "psc-cancelled": Wording(
        403,
        "La connexion à Pro Santé Connect n’a pas eu lieu. Recommencez depuis MiSS quand vous voulez.",
        "The sign-in with Pro Santé Connect did not take place. Start again from MiSS whenever you like.",
    ),
    "psc-state-unknown": Wording(
        410,
        "Cette connexion est trop ancienne ou a déjà servi. Retournez dans MiSS et recommencez l’inscription.",
        "This sign-in is too old or was used already. Go back to MiSS and register again.",
    ),
    "psc-used": Wording(
        409,
        "Cette inscription n’attend plus de connexion. Retournez dans MiSS et recommencez l’inscription.",
        "This registration waits for no sign-in any more. Go back to MiSS and register again.",
    ),
    "resend-by-operator": Wording(
        409,
        "Ce code vous est dicté au téléphone : demandez à l’opérateur de vous rappeler.",
        "This code is read to you on the telephone: ask the operator to call you again.",
    ),
    "device-known": Wording(
        409,
        "Cet appareil est déjà inscrit. Effacez ses données MiSS pour l’inscrire à nouveau.",
        "This device is registered already. Erase its MiSS data to register it anew.",
    ),
    "too-many-devices": Wording(
        409,
        "Vous avez déjà autant d’appareils qu’il est permis. Retirez-en un depuis un autre, puis recommencez.",
        "You have as many devices as are allowed already. Remove one from another of them, then try again.",
    ),
    "no-longer-vouched": Wording(
        409,
        "Votre établissement n’atteste plus votre identité. Adressez-vous à son référent, puis recommencez.",
        "Your establishment no longer vouches for you. Ask its referent, then try again.",
    ),
    "voucher-malformed": Wording(
        422,
        "Ce n’est pas un code d’établissement : il a 16 lettres et chiffres, en quatre groupes. Vérifiez la saisie.",
        "This is not an establishment's code: it has 16 letters and digits, in four groups. Check what you typed.",
    ),
    "voucher-unknown": Wording(
        404,
        "Ce code d’établissement n’existe pas. Vérifiez-le, ou demandez-en un autre à votre établissement.",
        "This establishment's code does not exist. Check it, or ask your establishment's referent for another.",
    ),
    "voucher-used": Wording(
        409,
        "Ce code d’établissement a déjà servi. Demandez-en un autre au référent, et dites-lui si ce n’était pas vous.",
        "This establishment's code has been used. Ask the referent for another; if it was not you, say so.",
    ),
    "voucher-expired": Wording(
        410,
        "Ce code d’établissement a expiré : il valait quatorze jours. Demandez-en un autre au référent.",
        "This establishment's code has expired: it was good for fourteen days. Ask the referent for another.",
    ),
    "voucher-withdrawn": Wording(
        410,
        "Ce code d’établissement ne vaut plus : il a été retiré, ou l’établissement a changé de référent. "
        "Demandez-en un autre.",
        "This establishment's code is no longer good: it was withdrawn, or the establishment changed its referent. "
        "Ask for another.",
    ),
    "voucher-of-another": Wording(
        403,
        "Ce code d’établissement n’est pas à ce nom. Donnez le nom et le prénom que connaît votre établissement.",
        "This establishment's code is not for this name. Give the names that your establishment knows you by.",
    ),
    "voucher-exhausted": Wording(
        429,
        "Ce code a été essayé cinq fois avec un autre nom : il ne vaut plus. Demandez-en un autre au référent.",
        "This code was tried five times with another name: it is no longer good. Ask the referent for another.",
    ),
    "voucher-profession": Wording(
        409,
        "Votre établissement ne peut pas attester cette profession. Adressez-vous à son référent.",
        "Your establishment may not vouch for this profession. Ask its referent.",
    ),
    "search-too-short": Wording(
        422,
        "Écrivez au moins deux lettres d’un nom, d’une profession ou d’un lieu.",
        "Write at least two letters of a name, a profession or a place.",
    ),
    "internal": Wording(
        500,
        "Le serveur n’a pas pu répondre. Rien n’est perdu : réessayez dans un instant.",
        "The server could not answer. Nothing is lost: try again in a moment.",
    ),
}


def wording(reason: str) -> Wording:
    """The wording of a reason; one that has none of its own is worded as malformed."""
    return WORDINGS.get(reason, WORDINGS["malformed"])
