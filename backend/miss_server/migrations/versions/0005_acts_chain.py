"""Acts are chained by hashes, and can only be added."""

import sqlalchemy as sa
from alembic import op

from miss_server.acts import link

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registrar_acts", sa.Column("chain", sa.LargeBinary(length=32), nullable=True))
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT act_id, at_ms, who, what, about FROM registrar_acts ORDER BY act_id"))
    chain = bytes(32)
    for act_id, at_ms, who, what, about in rows.all():
        chain = link(chain, at_ms, who, what, about)
        changed = sa.text("UPDATE registrar_acts SET chain = :chain WHERE act_id = :act_id")
        connection.execute(changed, {"chain": chain, "act_id": act_id})
    if connection.dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION registrar_acts_stay() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'acts are only added'; END $$"
        )
        op.execute(
            "CREATE TRIGGER registrar_acts_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON registrar_acts "
            "FOR EACH STATEMENT EXECUTE FUNCTION registrar_acts_stay()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER registrar_acts_stay_{verb.lower()} BEFORE {verb} ON registrar_acts "
            "BEGIN SELECT RAISE(ABORT, 'acts are only added'); END"
        )
