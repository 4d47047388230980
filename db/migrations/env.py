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


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The job library brings its own tables; no model speaks of them."""
    return kind != "table" or name is None or not name.startswith("procrastinate_")


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    compare_server_default=True,
    render_item=_render_item,
    include_name=_is_ours,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
