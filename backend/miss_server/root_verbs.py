"""``miss-server root``: keeps the root on another machine, and follows it by another, or by another issuing key.

    on the server                   on the machine of the root, which needs no network
    root take-out FOLDER      ──►   FOLDER: the root and its certificates, not on the server any more
    root request FILE         ──►   root certify FOLDER FILE OUT
    root install OUT          ◄──
                                    root make NEW --after FOLDER: the next root, signed by this one

A request asks for a new issuing key's certificate. The one before stays known, for the certificates it signed; the
server id and the external sender stay what they were.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificates
from cryptography.x509.oid import NameOID

from miss_protocol.errors import RemoteError
from miss_protocol.identity import ROLE_ISSUING, ROLE_ROOT, Authority, authority_certificate
from miss_protocol.labels import ed25519_public
from miss_protocol.mls.codec import Writer, decode
from miss_server import authority, config, data_folder
from miss_server.authority import KeyFileError
from miss_server.clock import now_ms
from miss_server.server_texts import say

ROOT_KEY, CHAIN, NEXT_KEY = "root.key", "roots.pem", "issuing-next.key"
Run = Callable[[argparse.Namespace, str], int]


class RootError(Exception):
    """A verb that cannot be done: a reason worded by ``server_texts``."""


def add_verbs(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    shared: Sequence[argparse.ArgumentParser],
    language: str,
) -> None:
    """Adds ``root`` and its own verbs to ``miss-server``."""
    among = verbs.add_parser("root", help=say("help-root", language)).add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Run, *names: str) -> argparse.ArgumentParser:
        parser = among.add_parser(name, parents=list(shared), help=say(f"help-root-{name}", language))
        parser.set_defaults(run=lambda arguments, language: _worded(run, arguments, language))
        for one in names:
            parser.add_argument(one, type=Path, metavar=one.upper())
        return parser

    verb("show", _show)
    verb("take-out", _take_out, "folder")
    making = verb("make", _make, "folder")
    making.add_argument("--after", type=Path, required=True, metavar="FOLDER", help=say("help-root-after", language))
    verb("request", _request, "file")
    verb("certify", _certify, "folder", "file", "out")
    verb("install", _install, "file")


def _worded(run: Run, arguments: argparse.Namespace, language: str) -> int:
    """The verb's exit status; each failure is a sentence."""
    try:
        return run(arguments, language)
    except RootError as error:
        print(say(str(error), language), file=sys.stderr)
    except KeyFileError as error:
        print(say(error.reason, language, file=error.file), file=sys.stderr)
    except (RemoteError, ValueError):
        print(say("root-unreadable", language), file=sys.stderr)
    except OSError as error:
        print(say("root-file", language, file=error.filename or "", why=error.strerror or error), file=sys.stderr)
    return 1


def _keys(arguments: argparse.Namespace, language: str) -> Path:
    keys = config.load(arguments.data, language=language).keys
    if not keys.is_dir():
        raise RootError("root-no-server")
    return keys


def _show(arguments: argparse.Namespace, language: str) -> int:
    keyring = authority.load(_keys(arguments, language))
    for number, root in enumerate(keyring.authority.roots, 1):
        print(say("root-line", language, number=number, fingerprint=_fingerprint(_der(root))))
    issuing = keyring.authority.issuing
    print(
        say("root-issuing", language, fingerprint=_fingerprint(_der(issuing)), until=issuing.not_valid_after_utc.date())
    )
    print(say("root-here" if keyring.keys.root else "root-elsewhere", language))
    return 0


def _take_out(arguments: argparse.Namespace, language: str) -> int:
    """Moves the root's key out of the data folder, once it can be read where it goes."""
    keys = _keys(arguments, language)
    keyring = authority.load(keys)
    if keyring.keys.root is None:
        raise RootError("root-elsewhere")
    _write_root(arguments.folder, keyring.keys.root, keyring.authority.roots)
    _read_root(arguments.folder)
    (keys / ROOT_KEY).unlink()
    authority.sync_folder(keys)
    print(say("root-taken-out", language, folder=arguments.folder))
    return 0


def _make(arguments: argparse.Namespace, language: str) -> int:
    """The next root, signed by the one in ``--after``."""
    key, chain = _read_root(arguments.after)
    fresh = Ed25519PrivateKey.generate()
    root = authority_certificate(_name(chain[0]), ROLE_ROOT, fresh.public_key(), key, now_ms())
    _write_root(arguments.folder, fresh, (*chain, root))
    print(say("root-made", language, folder=arguments.folder, fingerprint=_fingerprint(_der(root))))
    return 0


def _request(arguments: argparse.Namespace, language: str) -> int:
    """A new issuing key, and what its root must see to certify it."""
    keys = _keys(arguments, language)
    keyring = authority.load(keys)
    (keys / NEXT_KEY).unlink(missing_ok=True)
    fresh = Ed25519PrivateKey.generate()
    authority.write_key(keys / NEXT_KEY, fresh)
    data = Writer().opaque(keyring.authority.encode()).fixed(ed25519_public(fresh)).bytes()
    authority.write_private(arguments.file, data)
    print(say("root-requested", language, file=arguments.file, fingerprint=_fingerprint(data)))
    return 0


def _certify(arguments: argparse.Namespace, language: str) -> int:
    """Signs a request with the root in a folder."""
    key, chain = _read_root(arguments.folder)
    data = arguments.file.read_bytes()
    encoded, public = decode(data, lambda r: (r.opaque(), r.fixed(32)))
    before = Authority.decode(encoded)
    if chain[: len(before.roots)] != before.roots:
        raise RootError("root-other")
    wanted = Ed25519PublicKey.from_public_bytes(public)
    issuing = authority_certificate(_name(chain[0]), ROLE_ISSUING, wanted, key, now_ms())
    past = tuple(one for one in before.issuing_certificates() if _live(one))
    after = replace(before, issuing=issuing, later_roots=chain[1:], past_issuing=past)
    authority.write_private(arguments.out, Authority.decode(after.encode()).encode())
    print(say("root-certified", language, out=arguments.out, fingerprint=_fingerprint(data)))
    return 0


def _install(arguments: argparse.Namespace, language: str) -> int:
    """Puts what the root certified in use, with the key it was asked for; the server takes it at its next start."""
    keys = _keys(arguments, language)
    if data_folder.in_use(keys.parent):
        raise RootError("root-server-runs")
    keyring = authority.load(keys)
    after = Authority.decode(arguments.file.read_bytes(), server_id=keyring.authority.server_id)
    if not after.follows(keyring.authority) or after.external_sender != keyring.authority.external_sender:
        raise RootError("root-other")
    issuing = authority.read_key(keys / NEXT_KEY, (after.issuing,))
    # A root that the last one signed is elsewhere, so the key that is here, if any, certifies nothing more.
    root = keyring.keys.root if after.roots == keyring.authority.roots else None
    authority.write(keys, replace(keyring, authority=after, keys=replace(keyring.keys, root=root, issuing=issuing)))
    print(say("root-installed", language, fingerprint=_fingerprint(_der(after.issuing))))
    return 0


def _write_root(folder: Path, key: Ed25519PrivateKey, chain: tuple[Certificate, ...]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority.write_key(folder / ROOT_KEY, key)
    pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    authority.write_private(folder / CHAIN, pem)
    authority.sync_folder(folder)


def _read_root(folder: Path) -> tuple[Ed25519PrivateKey, tuple[Certificate, ...]]:
    """A root's key, and the chain of roots that it ends."""
    chain = tuple(load_pem_x509_certificates((folder / CHAIN).read_bytes()))
    return authority.read_key(folder / ROOT_KEY, chain[-1:]), chain


def _live(certificate: Certificate) -> bool:
    return certificate.not_valid_after_utc.timestamp() * 1000 > now_ms()


def _name(root: Certificate) -> str:
    return str(root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)


def _der(certificate: Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _fingerprint(data: bytes) -> str:
    """Of a certificate or a request, in groups that can be read aloud."""
    text = hashlib.sha256(data).hexdigest()[:32]
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
