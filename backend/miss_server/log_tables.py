"""The tables of the certificate log: entries that are only added, and how far each book has come."""

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, LargeBinary, Table, event

from miss_server.metadata import metadata

log_entries = Table(
    "log_entries",
    metadata,
    Column("entry", Integer, primary_key=True, autoincrement=True),
    Column("book", Integer, nullable=False),
    Column("number", Integer, nullable=False),  # in its book, from 0
    Column("tag", LargeBinary(16), nullable=False),  # whose certificate, hidden behind a hash
    Column("fingerprint", LargeBinary(32), nullable=False),  # SHA-256 of the certificate
    Column("certificate", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("log_entries_by_book", "book", "number", unique=True),
    sqlite_autoincrement=True,
)

log_books = Table(
    "log_books",
    metadata,
    Column("book", Integer, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    Column("frontier", LargeBinary, nullable=False),  # hashes of the whole subtrees, the largest first
    Column("root", LargeBinary(32), nullable=False),
)

for _verb in ("UPDATE", "DELETE"):
    _stay = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
        f"CREATE TRIGGER log_entries_stay_{_verb.lower()} BEFORE {_verb} ON log_entries "
        "BEGIN SELECT RAISE(ABORT, 'entries of the log are only added'); END"
    )
    event.listen(log_entries, "after_create", _stay.execute_if(dialect="sqlite"))
