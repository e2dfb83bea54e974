"""Which processes work on jobs, and which have stopped without a word, so that others take up their work.

Every process counts up in a row of its own. One whose count stands still for ``DEAD_SECONDS``, by the watch of another
that saw the database all along, is taken for dead. No clocks are compared. A process that was only cut off comes to no
harm: DBOS refuses what it says of work that has a new owner.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from mien.errors import JobsUnavailable
from mien.jobs.tables import Tables

_LOGGER = logging.getLogger("mien.jobs")
BEAT_SECONDS = 2.0
DEAD_SECONDS = 15.0
_GAP_SECONDS = 10.0
"""A process that did not look for so long cannot tell whether a count stood still."""


class NameTaken(Exception):
    """Another process has started under this process's name."""


@dataclass(frozen=True, slots=True)
class _Seen:
    beats: int
    since: float


class Executors:
    """The processes of one database, as seen by the one called ``name``. ``clock`` is in seconds; ``version`` is that
    of the workflows that this one can take up."""

    def __init__(self, tables: Tables, name: str, version: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables = tables
        self._name = name
        self._version = version
        self._clock = clock
        self._start = uuid.uuid4().hex
        self._joined = False
        self._seen: dict[str, _Seen] = {}
        self._looked = -_GAP_SECONDS
        self.is_first = True
        """Whether this one is to do what only one needs to."""

    def beat(self) -> list[str]:
        """Say that this process lives; returns the names of those that do not any more.

        Raises:
            NameTaken: from then on the name is another's.
        """
        table, workflows = self._tables.executors, self._tables.workflows
        with self._tables.begin() as connection:
            self._count_up(connection)
            rows = connection.execute(sa.select(table.c.name, table.c.beats, table.c.has_left)).all()
            under_way = (workflows.c.status == "PENDING") & (workflows.c.application_version == self._version)
            busy = connection.scalars(sa.select(workflows.c.executor_id).where(under_way).distinct()).all()
        left = {row.name for row in rows if row.has_left}
        counts = {**dict.fromkeys((name for name in busy if name), 0), **{row.name: row.beats for row in rows}}
        self.is_first = self._name == min(set(counts) & {row.name for row in rows} - left, default=self._name)
        del counts[self._name]
        return self._dead(counts, left)

    def forget(self, name: str) -> None:
        """Its work has been taken up."""
        table = self._tables.executors
        seen = self._seen.pop(name, None)
        with self._tables.begin() as connection:
            # Unless it has come back in the meantime.
            same = sa.or_(table.c.has_left, table.c.beats == (seen.beats if seen else -1))
            connection.execute(sa.delete(table).where(table.c.name == name, same))

    def leave(self) -> None:
        """This process has stopped working: others need not wait before they take up what it left."""
        table = self._tables.executors
        own = (table.c.name == self._name) & (table.c.start == self._start)
        try:
            with self._tables.begin() as connection:
                connection.execute(sa.update(table).where(own).values(has_left=True))
        except JobsUnavailable as error:
            # The others find out by themselves.
            _LOGGER.warning(
                "cannot say that this process leaves",
                extra={"fields": {"reason": str(error.__cause__ or error).partition("\n")[0]}},
            )

    def _count_up(self, connection: sa.Connection) -> None:
        table = self._tables.executors
        new = {"start": self._start, "beats": table.c.beats + 1, "has_left": False}
        statement = self._tables.insert(table).values(name=self._name, start=self._start, beats=1, has_left=False)
        # The first beat takes the name; a later one must find it as it left it, or gone with the others' patience.
        own = table.c.start == self._start if self._joined else None
        statement = statement.on_conflict_do_update(index_elements=[table.c.name], set_=new, where=own)
        if connection.execute(statement).rowcount == 0:
            raise NameTaken
        self._joined = True

    def _dead(self, counts: dict[str, int], left: set[str]) -> list[str]:
        now = self._clock()
        if now - self._looked > _GAP_SECONDS:
            self._seen.clear()
        self._looked = now
        unchanged = {name: seen for name, seen in self._seen.items() if counts.get(name) == seen.beats}
        self._seen = {name: unchanged.get(name) or _Seen(beats, now) for name, beats in counts.items()}
        return [name for name, seen in self._seen.items() if name in left or now - seen.since >= DEAD_SECONDS]


class Watch:
    """Beats for a process in a thread. ``take_up`` is given the name of every process whose work is to be taken up,
    ``lost`` is called once if the name is taken."""

    def __init__(self, executors: Executors, take_up: Callable[[str], object], lost: Callable[[], object]) -> None:
        self._executors = executors
        self._take_up = take_up
        self._lost = lost
        self._stopped = threading.Event()
        self._is_well = True
        self._thread = threading.Thread(target=self._run, name="mien-jobs-watch", daemon=True)

    def start(self) -> None:
        """Beat once, then in the background."""
        self._executors.beat()
        self._thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stopped.set()
        self._thread.join(BEAT_SECONDS)

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                for name in self._executors.beat():
                    _LOGGER.warning(
                        "taking up the work of a process that has stopped", extra={"fields": {"executor": name}}
                    )
                    self._take_up(name)
                    self._executors.forget(name)
                self._is_well = True
            except NameTaken:
                self._lost()
                return
            except Exception as error:  # noqa: BLE001 - the thread must not end; the next beat may succeed
                if self._is_well:
                    _LOGGER.warning(
                        "cannot beat", extra={"fields": {"reason": str(error.__cause__ or error).partition("\n")[0]}}
                    )
                self._is_well = False
