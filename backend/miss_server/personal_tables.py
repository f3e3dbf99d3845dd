"""The tables of what people accepted and wish, whom they invited, when they are away, and what problems they report."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, Text

from miss_server.metadata import metadata

charter_acceptances = Table(
    "charter_acceptances",
    metadata,
    Column("person_id", LargeBinary(16), primary_key=True),
    Column("version", String(40), primary_key=True),
    Column("accepted_at_ms", BigInteger, nullable=False),
)

# The head of an establishment accepts for its staff.
charter_heads = Table(
    "charter_heads",
    metadata,
    Column("establishment", String(40), primary_key=True),  # its FINESS number
    Column("version", String(40), primary_key=True),
    Column("head", Text, nullable=False),  # who accepted, as the operator wrote it down
    Column("accepted_at_ms", BigInteger, nullable=False),
)

# Who has no row here wishes what everybody is given: to be found, and written to by all.
wishes = Table(
    "wishes",
    metadata,
    Column("person_id", LargeBinary(16), primary_key=True),
    Column("unlisted", Boolean, nullable=False),
    Column("contact", String(16), nullable=False),  # all | establishment | known
    Column("changed_at_ms", BigInteger, nullable=False),
)

# One mail a month to each number, whoever asked for it; refused for ever by the link in it.
invite_mails = Table(
    "invite_mails",
    metadata,
    Column("rpps", String(11), primary_key=True),
    Column("mailed_at_ms", BigInteger),
    Column("refusal_hash", LargeBinary(32)),  # of the secret in the mail's link
    Column("refused_at_ms", BigInteger),
    Index("invite_mails_by_refusal", "refusal_hash", unique=True),
)

invites = Table(
    "invites",
    metadata,
    Column("rpps", String(11), primary_key=True),
    Column("inviter", LargeBinary(16), primary_key=True),  # person id
    Column("invited_at_ms", BigInteger, nullable=False),
    Index("invites_by_inviter", "inviter", "invited_at_ms"),
)

# Who has no row here, or one whose time has passed, is available.
availabilities = Table(
    "availabilities",
    metadata,
    Column("person_id", LargeBinary(16), primary_key=True),
    Column("state", String(16), nullable=False),  # busy | away
    Column("until_ms", BigInteger, nullable=False),
    Column("delegate", LargeBinary(16)),  # the person who answers instead
    Column("changed_at_ms", BigInteger, nullable=False),
)

# Nothing here says who sent it.
problem_reports = Table(
    "problem_reports",
    metadata,
    Column("number", String(16), primary_key=True),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index("problem_reports_by_time", "received_at_ms"),
)
