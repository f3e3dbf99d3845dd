"""The tables of the national register, of registrations and of the people they certified.

Rows of the register belong to a *load*: a new extract is written beside the one in use and becomes the one in use by
changing one word in ``register_loads``. Extracts of people and of mailboxes are loaded, and replaced, separately.
"""

from sqlalchemy import DDL, BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, event

from miss_server.metadata import metadata

# Words are compared byte by byte, so that the words with the same first letters stand together.
_Word = Text().with_variant(Text(collation="C"), "postgresql")

register_loads = Table(
    "register_loads",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),  # people | mailboxes
    Column("state", String(16), nullable=False),  # loading | current | past
    Column("source", Text, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("touched_at_ms", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("people", Integer, nullable=False, server_default="0"),
    Index("register_loads_by_state", "kind", "state"),
    sqlite_autoincrement=True,  # SQLite reuses ids after deletion otherwise
)

register_people = Table(
    "register_people",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=False),
    Column("rpps", String(11), primary_key=True),
    Column("title", String(32), nullable=False),  # "Dr", from the exercise civility
    Column("family_name", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_folded", _Word, nullable=False),
    Column("given_folded", _Word, nullable=False),
    # JSON: [profession_id, place, postcode, town, telephone, sign] for each, in the register's order
    Column("activities", Text, nullable=False),
    Column("gone_since_ms", BigInteger),  # absent from the extract since then: no longer practising
)

# The people who practise, numbered in the order of their names: whose names begin alike stand together.
register_names = Table(
    "register_names",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=False),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("family_folded", _Word, nullable=False),
    Column("given_folded", _Word, nullable=False),
    Column("rpps", String(11), nullable=False),
    Index("register_names_by_name", "load_id", "family_folded", "given_folded", "rpps", unique=True),
)

# Who is found by a word: their numbers, ascending, packed into blocks.
register_words = Table(
    "register_words",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=False),
    Column("word", _Word, primary_key=True),  # after a letter that tells names, places and professions apart
    Column("first_no", Integer, primary_key=True, autoincrement=False),
    Column("last_no", Integer, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("numbers", LargeBinary, nullable=False),  # unsigned 32 bits each, the lowest byte first
)

# Each distinct word of a name, whole and with one letter left out: two words a letter apart meet in one of these.
register_slips = Table(
    "register_slips",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=False),
    Column("slip", _Word, primary_key=True),
    Column("word", _Word, primary_key=True),
    sqlite_with_rowid=False,
)

register_professions = Table(
    "register_professions",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=False),
    Column("profession_id", Integer, primary_key=True, autoincrement=False),
    Column("code", String(8), nullable=False),
    Column("label", Text, nullable=False),
    Column("category", String(8), nullable=False),  # C civil, M public servant or military, E student
    Column("specialty_code", String(16), nullable=False),
    Column("specialty", Text, nullable=False),
    Column("folded", Text, nullable=False),
)

register_mailboxes = Table(
    "register_mailboxes",
    metadata,
    Column("load_id", Integer, primary_key=True, autoincrement=False),
    Column("rpps", String(11), primary_key=True),
    Column("address", String(320), primary_key=True),
    Column("family_name", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("line", Integer, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("person_id", LargeBinary(16), primary_key=True),
    Column("rpps", String(11), nullable=False, unique=True),  # or, for who has none, a number of this server's own
    Column("display_name", Text, nullable=False),
    Column("profession_code", String(8), nullable=False),
    Column("profession", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("checked_how", String(16), nullable=False),  # mailbox | telephone | operator | psc
    Column("checked_at_ms", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("suspended_at_ms", BigInteger),  # the register does not hold them any more
    Column("checked_by", Text, nullable=False, server_default=""),  # the establishment that vouched, where one did
    Index("people_by_suspension", "suspended_at_ms"),
    Index("people_by_creation", "created_at_ms"),
)

registrations = Table(
    "registrations",
    metadata,
    Column("registration_id", LargeBinary(16), primary_key=True),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("rpps", String(11), nullable=False),
    Column("family_name", Text, nullable=False),  # as typed
    Column("given_name", Text, nullable=False),
    Column("profession", String(8), nullable=False),
    Column("language", String(2), nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("device_id", LargeBinary(16), nullable=False),
    Column("state", String(16), nullable=False),  # browser | code | waiting | approved | delayed | certified | refused
    Column("why", String(32), nullable=False),  # why an operator decides: near-match, homonym, no-mailbox…
    Column("via", String(16), nullable=False),  # mailbox | telephone | operator | psc: the proof that certifies
    Column("mailbox", String(320), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("code_hash", LargeBinary(32)),
    Column("code_made_at_ms", BigInteger),
    Column("code_tries", Integer, nullable=False, server_default="0"),
    Column("code_used_at_ms", BigInteger),
    Column("codes_made", Integer, nullable=False, server_default="0"),
    Column("mail_failed_at_ms", BigInteger),
    Column("operator", Text, nullable=False, server_default=""),
    Column("proof", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("decided_at_ms", BigInteger),
    Column("certified_at_ms", BigInteger),
    Column("person_id", LargeBinary(16), ForeignKey("people.person_id")),
    Column("certificate", LargeBinary),
    Column("charter", String(40), nullable=False, server_default=""),  # the version accepted
    Column("first_operator", Text, nullable=False, server_default=""),  # approved on a proof; another one must too
    Column("first_proof", Text, nullable=False, server_default=""),
    Column("first_at_ms", BigInteger),
    Column("certify_from_ms", BigInteger),  # the person has devices: not before then, unless shortened
    Column("shortened_by", Text, nullable=False, server_default=""),  # the first of two operators
    Index("registrations_by_rpps", "rpps", "opened_at_ms"),
    Index("registrations_by_state", "state", "opened_at_ms"),
)

# Browsers on their way to Pro Santé Connect and back.
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state_hash", LargeBinary(32), primary_key=True),
    Column("registration_id", LargeBinary(16), nullable=False),
    Column("language", String(2), nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("begun_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
    Index("sign_ins_by_age", "begun_at_ms"),
)

buckets = Table(
    "buckets",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("who", String(64), primary_key=True),  # an address, a network of them, or a person
    Column("full_at_ms", BigInteger, nullable=False),
)

registrar_acts = Table(
    "registrar_acts",
    metadata,
    Column("act_id", Integer, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(32), nullable=False),
    Column("about", Text, nullable=False),
    Column("chain", LargeBinary(32)),  # over this act and the chain of the one before
    sqlite_autoincrement=True,
)
# Acts are only added. Who may change the database's shape can drop this too; the chain tells.
for _verb in ("UPDATE", "DELETE"):
    _stay = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
        f"CREATE TRIGGER registrar_acts_stay_{_verb.lower()} BEFORE {_verb} ON registrar_acts "
        "BEGIN SELECT RAISE(ABORT, 'acts are only added'); END"
    )
    event.listen(registrar_acts, "after_create", _stay.execute_if(dialect="sqlite"))
