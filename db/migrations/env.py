"""Alembic's way in. It is only called through `db.migrate`, which hands it a connection."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator

from db.models import Base


def _render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """A migration names the stored type: ours may change its meaning later, the past may not."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    compare_server_default=True,
    render_item=_render_item,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
