"""The tables of devices, streams and what waits for them.

``device`` and ``stream`` are row numbers inside the server; ``device_id`` and ``stream_id`` are the 16 bytes that both
sides know.
A stream's rows have gap-free numbers from 1 to ``head``; a device reads the rows of its memberships' intervals.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    text,
)

from miss_server import establishment_tables as establishment_tables
from miss_server import personal_tables as personal_tables
from miss_server import reach_tables as reach_tables
from miss_server import register_tables as register_tables
from miss_server import vault_tables as vault_tables
from miss_server.console import tables as console_tables  # noqa: F401 - enters its tables
from miss_server.metadata import metadata

devices = Table(
    "devices",
    metadata,
    Column("device", Integer, primary_key=True, autoincrement=True),
    Column("device_id", LargeBinary(16), nullable=False, unique=True),
    Column("person_id", LargeBinary(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("login_key", LargeBinary(33), nullable=False),
    Column("checked_how", String(16), nullable=False),
    Column("endorsed", Boolean, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger),
    Column("revoked_at_ms", BigInteger),
    Column("attended_at_ms", BigInteger),  # when somebody was last in front of it
    Index("devices_by_person", "person_id"),
    Index(
        "devices_revoked",
        "revoked_at_ms",
        sqlite_where=text("revoked_at_ms IS NOT NULL"),
        postgresql_where=text("revoked_at_ms IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # SQLite reuses row ids after deletion otherwise
)

streams = Table(
    "streams",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=True),
    Column("stream_id", LargeBinary(16), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),  # direct | group | device
    Column("head", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False, server_default="0"),  # which MLS group of the succession
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="0"),  # of the public group: handshakes accepted
    Column("leaving", Boolean, nullable=False, server_default=false()),  # a leave waits to be committed
    Column("created_at_ms", BigInteger, nullable=False),
    Column("kept_bytes", BigInteger, nullable=False, server_default="0"),  # of rows that were not forgotten yet
    sqlite_autoincrement=True,
)

public_groups = Table(
    "public_groups",
    metadata,
    Column("stream", Integer, ForeignKey("streams.stream"), primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("committer", Integer),  # the device that began the epoch
    Column("group_info", LargeBinary),  # as the committer signed it, for a device that comes back by itself
)

standings = Table(
    "standings",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # empty: it cannot follow
    sqlite_with_rowid=False,
)

memberships = Table(
    "memberships",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("added", BigInteger, primary_key=True, autoincrement=False),
    Column("removed", BigInteger),  # the row that ended it; that row is the last one read
    Index("memberships_by_device", "device", "stream"),
)

rows = Table(
    "rows",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("sender", Integer, nullable=False),  # 0: the server
    Column("message_id", LargeBinary(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(
        "rows_of_notices",
        "at_ms",
        sqlite_where=text("kind = 7"),
        postgresql_where=text("kind = 7"),
    ),
    # By it nodes ask what others stored. A file has one server, which need not ask: there the index is always empty.
    Index("rows_by_time", "at_ms", sqlite_where=text("kind < 0")),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

welcomes = Table(
    "welcomes",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("message_id", LargeBinary(16), primary_key=True),
    Column("stream", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

cursors = Table(
    "cursors",
    metadata,
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Index("cursors_by_stream", "stream"),
    sqlite_with_rowid=False,
)

direct_pairs = Table(
    "direct_pairs",
    metadata,
    Column("low_person", LargeBinary(16), primary_key=True),
    Column("high_person", LargeBinary(16), primary_key=True),
    Column("stream", Integer, nullable=False),
)

key_packages = Table(
    "key_packages",
    metadata,
    Column("key_package", Integer, primary_key=True, autoincrement=True),
    Column("device", Integer, ForeignKey("devices.device"), nullable=False),
    Column("reference", LargeBinary(32), nullable=False, unique=True),
    Column("last_resort", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("not_after_ms", BigInteger, nullable=False),
    Index("key_packages_by_device", "device", "last_resort"),
    sqlite_autoincrement=True,
)

links = Table(
    "links",
    metadata,
    Column("lookup", LargeBinary(16), primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("certificate", LargeBinary),
    Index("links_by_age", "opened_at_ms"),
)
