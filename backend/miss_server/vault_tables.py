"""The tables of what a device's vault needs of the server: a share of its key, and the question to be opened."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, Table

from miss_server.metadata import metadata

# A share opens nothing by itself: the rest of the key comes from a PIN that never leaves the device.
vault_shares = Table(
    "vault_shares",
    metadata,
    Column("device", Integer, ForeignKey("devices.device"), primary_key=True, autoincrement=False),
    Column("share", LargeBinary(32), nullable=False),
    Column("verifier", LargeBinary(32), nullable=False),  # of the PIN's proof
    Column("keeper_hash", LargeBinary(32), nullable=False),  # of what the unlocked device shows to put another share
    Column("tries_left", Integer, nullable=False),
    Column("kept_at_ms", BigInteger, nullable=False),
)

unlock_requests = Table(
    "unlock_requests",
    metadata,
    Column("device", Integer, ForeignKey("devices.device"), primary_key=True, autoincrement=False),
    Column("request", LargeBinary, nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("approval", LargeBinary),  # empty: refused
)
