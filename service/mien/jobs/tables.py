"""The tables of jobs beside those of DBOS, in the same database, and what is read of DBOS's own.

DBOS documents its tables: https://docs.dbos.dev/explanations/system-tables
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mien.errors import JobsUnavailable

_CREATING = 30_2024  # the key of an advisory lock: two processes must not create a table at once
CONNECTION: Mapping[str, Any] = MappingProxyType(
    {
        "connect_timeout": 5,
        # A database that cannot be reached any more is noticed within seconds; the kernel's defaults are hours.
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
    }
)
"""Of every connection to PostgreSQL; see the documentation of libpq."""


@dataclass(frozen=True, slots=True)
class Tables:
    """``executors``: the processes that work on jobs, and how often each has said that it lives; ``shares``: up to
    where the segments of a client reach in the queue; ``workflows`` and ``events``: DBOS's tables of these."""

    engine: sa.Engine
    executors: sa.Table
    shares: sa.Table
    workflows: sa.TableClause
    events: sa.TableClause

    def insert(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        """An insert that may say what to do if the row is there already."""
        return postgresql.insert(table) if self.engine.dialect.name == "postgresql" else sqlite.insert(table)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction. Raises ``JobsUnavailable`` if the database is away, or too busy to answer."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            raise JobsUnavailable("The database of jobs does not answer; try again in a moment.") from error

    def values(self, event: str, workflows: Sequence[str]) -> dict[str, str]:
        """The values of an event by workflow, as DBOS has serialized them."""
        table = self.events
        wanted = sa.select(table.c.workflow_uuid, table.c.value).where(
            table.c.workflow_uuid.in_(workflows), table.c.key == event
        )
        with self.begin() as connection:
            return {row.workflow_uuid: row.value for row in connection.execute(wanted)}

    def status(self, workflow: str) -> str | None:
        """What DBOS has noted of a workflow; ``None``: there is none with this id."""
        table = self.workflows
        with self.begin() as connection:
            return connection.scalar(sa.select(table.c.status).where(table.c.workflow_uuid == workflow))


def open_tables(url: str) -> Tables:
    """Create the tables if need be. ``url`` is that of DBOS's database, which exists."""
    address = sa.make_url(url)
    is_shared = address.get_backend_name() == "postgresql"
    if is_shared:
        address = address.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(
        address,
        pool_size=2,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={**CONNECTION, "application_name": "mien"} if is_shared else {"timeout": 5},
    )
    metadata = sa.MetaData(schema="mien" if is_shared else None)
    prefix = "" if is_shared else "mien_"
    executors = sa.Table(
        f"{prefix}executors",
        metadata,
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("start", sa.Text, nullable=False),  # tells a process from an earlier one of the same name
        sa.Column("beats", sa.BigInteger, nullable=False),
        sa.Column("has_left", sa.Boolean, nullable=False),
    )
    shares = sa.Table(
        f"{prefix}shares",
        metadata,
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("reach", sa.BigInteger, nullable=False),
    )
    names = (
        "workflow_uuid",
        "parent_workflow_id",
        "status",
        "name",
        "executor_id",
        "queue_name",
        "priority",
        "created_at",
        "application_version",
    )
    schema = "dbos" if is_shared else None
    workflows = sa.table("workflow_status", *map(sa.column, names), schema=schema)
    events = sa.table("workflow_events", *map(sa.column, ("workflow_uuid", "key", "value")), schema=schema)
    with engine.begin() as connection:
        if is_shared:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATING)))
            if not sa.inspect(connection).has_schema("mien"):
                connection.execute(sa.schema.CreateSchema("mien"))
        metadata.create_all(connection)
    return Tables(engine, executors, shares, workflows, events)
