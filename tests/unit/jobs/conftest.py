from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from mien.jobs.tables import Tables, open_tables


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    """Those of an SQLite database, with as much of DBOS's as is read."""
    opened = open_tables(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    columns = "workflow_uuid, status, name, executor_id, queue_name, priority, created_at, application_version"
    sa.event.listen(opened.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    opened.engine.dispose()
    with opened.engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE workflow_status ({columns})"))
    yield opened
    opened.engine.dispose()
