"""An establishment's LDAP directory as lines of staff: all of it or a refusal, for half a list would remove the rest.

What is typed never becomes part of a filter unescaped; referrals are not followed; what the directory says is no more
trusted than a file.
"""

import ssl
from collections.abc import Iterator
from typing import Any

from ldap3 import NONE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException, LDAPInvalidFilterError, LDAPSocketOpenError
from ldap3.utils.conv import escape_filter_chars

from miss_server.ldap_settings import Ldap
from miss_server.staff_columns import LINES_MAX, DirectoryError
from miss_server.staff_records import Line

CONNECT_SECONDS_MAX = 10
ANSWER_SECONDS_MAX = 60
PAGE_ENTRIES = 500
# Result codes of RFC 4511 section 4.1.9, as reasons.
_SUCCESS = 0
_REASONS = {3: "ldap-truncated", 4: "ldap-truncated", 11: "ldap-truncated", 32: "ldap-base", 48: "ldap-credentials",
            49: "ldap-credentials", 50: "ldap-credentials"}  # fmt: skip
_PAGED_RESULTS = "1.2.840.113556.1.4.319"  # RFC 2696


def read(ldap: Ldap, key: str | None = None) -> list[Line]:
    """The entries of a directory that its filter chooses; with ``key``, the one person of that number.

    Raises:
        DirectoryError: ``ldap-unreachable``, ``ldap-tls``, ``ldap-credentials``, ``ldap-base``, ``ldap-filter``,
            ``ldap-truncated``, ``ldap-refused``, ``lines-many`` or ``directory-empty``.
    """
    where = f"{ldap.host}:{ldap.port}"
    try:
        connection = _bound(ldap)
        try:
            lines = [_line(ldap, entry) for entry in _entries(connection, ldap, _filter(ldap, key))]
        finally:
            connection.unbind()
    except LDAPInvalidFilterError as error:
        raise DirectoryError("ldap-filter", where=where) from error
    except LDAPSocketOpenError as error:
        reason = "ldap-tls" if _about_tls(error) else "ldap-unreachable"
        raise DirectoryError(reason, where=where) from error
    except (LDAPException, OSError, ValueError) as error:
        raise DirectoryError("ldap-unreachable", where=where) from error
    if not lines:
        raise DirectoryError("directory-empty")
    return lines


def _bound(ldap: Ldap) -> Any:
    """A connection, signed in."""
    trust = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(ldap.ca_file) if ldap.ca_file else None)
    server = Server(
        ldap.host, ldap.port, use_ssl=ldap.tls, tls=trust, get_info=NONE, connect_timeout=CONNECT_SECONDS_MAX
    )
    password = ldap.password()
    connection = Connection(
        server,
        ldap.user or None,
        password or None,
        read_only=True,
        auto_referrals=False,
        receive_timeout=ANSWER_SECONDS_MAX,
    )
    connection.open()
    if not connection.bind():
        _refuse(ldap, connection.result)
    return connection


def _entries(connection: Any, ldap: Ldap, filter_text: str) -> Iterator[dict[str, Any]]:
    """The entries, a page after the other."""
    cookie, found = None, 0
    while True:
        connection.search(
            ldap.base,
            filter_text,
            SUBTREE,
            attributes=sorted(set(ldap.attributes.values())),
            paged_size=PAGE_ENTRIES,
            paged_cookie=cookie,
        )
        if connection.result["result"] != _SUCCESS:
            _refuse(ldap, connection.result)
        for entry in connection.response:
            if entry["type"] == "searchResEntry":
                found += 1
                if found > LINES_MAX:
                    raise DirectoryError("lines-many", most=LINES_MAX)
                yield entry
        control = connection.result.get("controls", {}).get(_PAGED_RESULTS)
        cookie = control["value"]["cookie"] if control else None
        if not cookie:
            return


def _line(ldap: Ldap, entry: dict[str, Any]) -> Line:
    """The first value of each attribute; bytes that are no UTF-8 become what no check lets through."""
    raw = {name.casefold(): values for name, values in entry["raw_attributes"].items()}
    fields = {}
    for field, attribute in ldap.attributes.items():
        values = raw.get(attribute.casefold()) or [b""]
        fields[field] = values[0].decode("utf-8", "surrogateescape")
    return Line(str(entry["dn"])[:200].encode("utf-8", "replace").decode(), fields)


def _filter(ldap: Ldap, key: str | None) -> str:
    if key is None:
        return ldap.filter
    return f"(&{ldap.filter}({ldap.attributes['key']}={escape_filter_chars(key)}))"


def _refuse(ldap: Ldap, result: dict[str, Any]) -> None:
    where, described = f"{ldap.host}:{ldap.port}", str(result.get("description", ""))[:80]
    raise DirectoryError(_REASONS.get(result["result"], "ldap-refused"), where=where, why=described)


def _about_tls(error: BaseException) -> bool:
    """Whether a failure to connect is one of certificates; the library keeps the first error in words only."""
    return any(word in str(error).casefold() for word in ("certificate", "ssl", "tls"))
