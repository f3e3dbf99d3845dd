"""The tables of how people are reached whose app is closed: endpoints, pushes that wait, mails, quiet hours."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from miss_server.metadata import metadata

# Where a device asked to be woken. The address is a secret of the device's: it is in no log and in no answer.
push_endpoints = Table(
    "push_endpoints",
    metadata,
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("endpoint", Text, nullable=False),
    Column("registered_at_ms", BigInteger, nullable=False),
    Column("pushed_at_ms", BigInteger),  # the last push that was taken by the push service
    Column("pushed_priority", Integer, nullable=False, server_default="0"),
    Column("outcome", String(16), nullable=False, server_default=""),  # of the last try: sent | failed | refused
)

# One row a device: the push that waits to be sent, again after a restart.
push_queue = Table(
    "push_queue",
    metadata,
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("priority", Integer, nullable=False),
    Column("queued_at_ms", BigInteger, nullable=False),
    Column("next_at_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Index("push_queue_by_time", "next_at_ms"),
)

# The conversations that hold something perhaps unread, and when to look at each again.
unread_streams = Table(
    "unread_streams",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Index("unread_streams_by_time", "due_at_ms"),
)

unread_mails = Table(
    "unread_mails",
    metadata,
    Column("person_id", LargeBinary(16), primary_key=True),
    Column("mailed_at_ms", BigInteger, nullable=False),
)

# Who has no row here has no quiet hours, and gets mails.
reach_wishes = Table(
    "reach_wishes",
    metadata,
    Column("person_id", LargeBinary(16), primary_key=True),
    Column("quiet_from", Integer, nullable=False),  # minutes after midnight, where the person is; both equal: none
    Column("quiet_until", Integer, nullable=False),
    Column("offset_minutes", Integer, nullable=False),  # of their clock, east of UTC
    Column("mails", Boolean, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)

# Up to when the streams were looked through, so that a restart loses nobody. One row.
reach_looks = Table(
    "reach_looks",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
)
