"""Why the server cannot be reached, as a reason; and whom TLS trusts."""

import os
import ssl
from collections.abc import Iterator

import certifi

try:
    import truststore
except ImportError:  # phones
    truststore = None

SERVER_AWAY = "server-away"
_X509_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_X509_NOT_YET_VALID = 9
_X509_HOSTNAME, _X509_IP_ADDRESS = 62, 64


def tls_context() -> ssl.SSLContext:
    """TLS as the operating system trusts; a file named by SSL_CERT_FILE is trusted in its place.

    Python reaches no store of a telephone: there the authorities are Mozilla's, as of the day the program was built.
    """
    named = os.environ.get("SSL_CERT_FILE")
    if named:
        return ssl.create_default_context(cafile=named)
    if truststore is None:
        return ssl.create_default_context(cafile=certifi.where())
    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return context


def reason_of(error: BaseException) -> str:
    """The reason behind a failed connection: what TLS says where it says something, else ``server-away``."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = cause.verify_code
            if code in (_X509_EXPIRED, _X509_NOT_YET_VALID):
                return "tls-expired"
            return "tls-wrong-name" if code in (_X509_HOSTNAME, _X509_IP_ADDRESS) else "tls-unknown-authority"
        if "Proxy" in type(cause).__name__:
            return "proxy-refused"
    return SERVER_AWAY


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
