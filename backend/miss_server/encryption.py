"""The TLS of what this process serves: the public address and the operators' console."""

from typing import Any

from miss_server.config import Settings

# Of TLS 1.2, the oldest version that Python's library offers; all suites of 1.3 are good.
SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"


def tls_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told, where there is a certificate."""
    return {"ssl_certfile": str(settings.tls_cert), "ssl_keyfile": str(settings.tls_key), "ssl_ciphers": SUITES}
