"""How the demonstration writes: past the hooks, in batches, with ids known beforehand.

A unit's path holds its id, so ids are reserved before the rows are made and everything is inserted once, parents first. The one
thing a newcomer gets wrong: nothing that usually comes with a row comes by itself here, neither accounts nor history nor 其他.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, literal_column, select
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.org import Region, School
from models.people import Certification, Teacher
from models.questions import Question
from models.service import ServiceRequest

BATCH = 5000


def _tables(*models: Any) -> list[Any]:
    return [model.__table__ for model in models]


SCHOOL_STAGES: Any = School.stages.property.secondary
# One may refer to those before it.
TABLES: tuple[Any, ...] = (
    *_tables(Region, School),
    SCHOOL_STAGES,
    *_tables(Teacher, Certification, Account, Post, ServiceRequest, Question),
)


class Writer:
    """Collects rows for the tables of the demonstration and inserts them ``BATCH`` at a time."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session = session
        self.now = now
        self._waiting: dict[Any, list[dict[str, Any]]] = {table: [] for table in TABLES}
        self._reserved: dict[Any, int] = {}
        moment: Any = literal_column(f"'{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'")
        # Part of the statement and not of every row, which is a third of what a row costs.
        self._stamp = {"created_at": moment, "updated_at": moment, "version": literal_column("1")}

    def add(self, model: Any, **values: Any) -> None:
        """A row of a Record, which gets its version, and its moments where they are not given."""
        self._put(model.__table__, values)

    def add_account(self, account_id: int, values: dict[str, Any]) -> None:
        """An account as ``rules.issuing`` begins it; its columns are Flask-AppBuilder's."""
        self._put(Account.__table__, values | {"id": account_id})

    def add_stages(self, school_id: int, stage_ids: Iterable[int]) -> None:
        """The stages a school teaches."""
        for stage_id in stage_ids:
            self._put(SCHOOL_STAGES, {"school_id": school_id, "stage_id": stage_id})

    def flush(self) -> None:
        """Insert what is waiting."""
        for table, rows in self._waiting.items():
            stamp = self._stamp if "created_at" in table.c else {}
            for shape in _by_columns(rows):
                self.session.execute(insert(table).values({name: now for name, now in stamp.items() if name not in shape[0]}), shape)
            rows.clear()

    def reserve(self, model: Any, count: int) -> range:
        """As many ids that nobody else will be given."""
        table = model.__table__
        last: int
        if self.session.get_bind().dialect.name == "postgresql":
            sequence = f"{table.name}_id_seq"
            last = self.session.scalars(select(func.setval(sequence, func.nextval(sequence) + count - 1))).one()
        else:
            stored = self.session.scalar(select(func.max(table.c.id)))
            last = max(stored or 0, self._reserved.get(table, 0)) + count
            self._reserved[table] = last
        return range(last - count + 1, last + 1)

    def _put(self, table: Any, row: dict[str, Any]) -> None:
        rows = self._waiting[table]
        rows.append(row)
        if len(rows) >= BATCH:
            self.flush()


def _by_columns(rows: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """One statement inserts rows with the same columns."""
    shapes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        shapes.setdefault(tuple(row), []).append(row)
    return shapes.values()
