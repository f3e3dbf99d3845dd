"""Mail addresses that mail may be sent to."""


def is_address(text: str) -> bool:
    """Whether mail may be sent there: printable ASCII without spaces, one @, so that nothing can end a header line."""
    local, at, domain = text.partition("@")
    plain = text.isascii() and text.isprintable() and not any(c in ' ,;:<>()[]"\\' for c in text)
    return bool(local and at and domain) and plain and "@" not in domain and len(text) <= 254
