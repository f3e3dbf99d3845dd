"""The tables of who may use the console: operators, their passkeys, one-time links and sessions."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from miss_server.metadata import metadata

operators = Table(
    "operators",
    metadata,
    Column("operator", Integer, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),  # as the acts name who decided: never given to anybody else
    Column("folded", Text, nullable=False, unique=True),
    Column("role", String(16), nullable=False),  # operator | manager | auditor
    Column("establishment", String(32), nullable=False, server_default=""),  # a manager's, by its FINESS number
    Column("handle", LargeBinary(32), nullable=False, unique=True),  # by which a passkey names its owner
    Column("added_at_ms", BigInteger, nullable=False),
    Column("removed_at_ms", BigInteger),
    sqlite_autoincrement=True,
)

operator_passkeys = Table(
    "operator_passkeys",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("operator", Integer, ForeignKey("operators.operator"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
    Index("operator_passkeys_by_operator", "operator"),
)

operator_links = Table(
    "operator_links",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("operator", Integer, ForeignKey("operators.operator"), nullable=False),
    Column("recovers", Boolean, nullable=False),  # its use takes the passkeys before it away
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
    Index("operator_links_by_operator", "operator"),
)

operator_sessions = Table(
    "operator_sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("operator", Integer, ForeignKey("operators.operator"), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("touched_at_ms", BigInteger, nullable=False),
    Index("operator_sessions_by_operator", "operator"),
)
