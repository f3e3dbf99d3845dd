"""The tables of establishments: their sheets, who vouches for their staff, the staff, vouchers and imports."""

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
    UniqueConstraint,
    false,
)

from miss_server.metadata import metadata

# The establishments that the register's activities name, by their FINESS number; rows belong to a load of the register.
register_establishments = Table(
    "register_establishments",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=False),
    Column("finess", String(9), primary_key=True),
    Column("legal_finess", String(9), nullable=False),
    Column("name", Text, nullable=False),
    Column("postcode", Text, nullable=False),
    Column("town", Text, nullable=False),
)

establishments = Table(
    "establishments",
    metadata,
    Column("finess", String(9), primary_key=True),
    Column("name", Text, nullable=False),
    Column("group_name", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("postcode", Text, nullable=False, server_default=""),
    Column("town", Text, nullable=False, server_default=""),
    Column("beds", Integer),
    Column("administrative_referent", Text, nullable=False, server_default=""),
    Column("it_manager", Text, nullable=False, server_default=""),
    Column("telephone", Text, nullable=False, server_default=""),
    Column("it_telephone", Text, nullable=False, server_default=""),
    Column("alert_mailbox", Text, nullable=False, server_default=""),
    Column("professions", Text, nullable=False),  # JSON: codes outside the register that it may vouch for
    Column("proof", Text, nullable=False, server_default=""),  # what an operator saw, where no extract names the FINESS
    Column("import_key_hash", LargeBinary(32)),
    Column("version", Integer, nullable=False, server_default="0"),  # of its staff: changed by whatever changes them
    Column("created_at_ms", BigInteger, nullable=False),
    Column("closed_at_ms", BigInteger),
)

establishment_referents = Table(
    "establishment_referents",
    metadata,
    Column("referent_id", Integer, primary_key=True, autoincrement=True),
    Column("finess", String(9), ForeignKey("establishments.finess"), nullable=False),
    Column("name", Text, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("removed_at_ms", BigInteger),
    Index("establishment_referents_by_finess", "finess"),
    sqlite_autoincrement=True,  # SQLite reuses row ids after deletion otherwise
)

establishment_staff = Table(
    "establishment_staff",
    metadata,
    Column("staff_id", Integer, primary_key=True, autoincrement=True),
    Column("finess", String(9), ForeignKey("establishments.finess"), nullable=False),
    Column("staff_key", String(64), nullable=False),  # the establishment's own number for this person
    Column("number", String(11), nullable=False),  # RPPS, or one of this server's own for who has none
    Column("title", String(32), nullable=False),
    Column("family_name", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # names, profession and service, as words to be found by
    Column("profession_code", String(8), nullable=False),
    Column("profession", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("telephone", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("removed_at_ms", BigInteger),
    UniqueConstraint("finess", "staff_key"),
    Index("establishment_staff_by_number", "number"),
    sqlite_autoincrement=True,
)

vouchers = Table(
    "vouchers",
    metadata,
    Column("voucher_id", Integer, primary_key=True, autoincrement=True),
    Column("code_hash", LargeBinary(32), nullable=False, unique=True),
    Column("staff_id", Integer, ForeignKey("establishment_staff.staff_id"), nullable=False),
    Column("referent_id", Integer, ForeignKey("establishment_referents.referent_id"), nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),  # with the right code and another's name
    Column("registration_id", LargeBinary(16)),  # the claim that may use it next
    Column("used_at_ms", BigInteger),
    Column("withdrawn_at_ms", BigInteger),
    Index("vouchers_by_staff", "staff_id"),
    sqlite_autoincrement=True,
)

directory_imports = Table(
    "directory_imports",
    metadata,
    Column("import_id", Integer, primary_key=True, autoincrement=True),
    Column("finess", String(9), ForeignKey("establishments.finess"), nullable=False),
    Column("source", String(16), nullable=False),  # csv | xlsx | ldap
    Column("who", Text, nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),  # dry | waiting | applied | dropped
    Column("version", Integer, nullable=False),  # of the staff that the differences are to
    Column("records", Text, nullable=False),  # JSON: the good lines
    Column("quarantine", Text, nullable=False),  # JSON: the bad lines, with their reasons
    Column("differences", Text, nullable=False),  # JSON
    Column("needs_yes", Boolean, nullable=False, server_default=false()),  # removes too many to be done unasked
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_at_ms", BigInteger),
    Index("directory_imports_by_finess", "finess", "made_at_ms"),
    sqlite_autoincrement=True,
)
