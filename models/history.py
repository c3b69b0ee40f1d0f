"""Who changed what, before and after; and the decision log of every workflow step.

Both are append-only and written in the same transaction as the change itself. Values are kept raw: the screens mask them like
the fields they come from.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Integer, String, insert, inspect
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, Moment, PathString, table_name, utcnow
from models.scoping import Internal, Own, Scoped, current_identity


class Change(Internal, Base):
    """One act on one row. ``changes`` maps a field to ``[before, after]``."""

    __tablename__ = "change"
    __screen__ = None
    __table_args__ = (Index("ix_change_table_row", "table_name", "row_id"), Index("ix_change_at", "at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    table_name: Mapped[str] = mapped_column(String(60))
    row_id: Mapped[int] = mapped_column(Integer)
    scope_path: Mapped[str | None] = mapped_column(PathString)
    act: Mapped[str] = mapped_column(String(40))
    changes: Mapped[Json] = mapped_column(default=dict)
    comment: Mapped[str | None] = mapped_column(String(500))
    account_id: Mapped[int | None] = mapped_column(Integer, index=True)
    post: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[Moment] = mapped_column(default=utcnow)
    batch: Mapped[str | None] = mapped_column(String(40), index=True)


class Decision(Internal, Base):
    """One step of a workflow, as it was decided (labels are kept, so that later changes of the rules rewrite nothing)."""

    __tablename__ = "decision"
    __screen__ = None
    __table_args__ = (Index("ix_decision_table_row", "table_name", "row_id"), Index("ix_decision_at", "at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    table_name: Mapped[str] = mapped_column(String(60))
    row_id: Mapped[int] = mapped_column(Integer)
    step: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(20))
    comment: Mapped[str | None] = mapped_column(String(500))
    account_id: Mapped[int | None] = mapped_column(Integer, index=True)
    post_id: Mapped[int | None] = mapped_column(Integer)
    post: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[Moment] = mapped_column(default=utcnow)

    still_needed = 0
    """How many more persons have to take the step before it moves the state, told to who has just taken it; not stored."""


UNTOLD = {
    "id",
    "version",
    "created_at",
    "updated_at",
    "scope_path",
    "password",
    "login_count",
    "last_login",
    "changed_on",
    "created_on",
    "password_stamp",
    "digest",
}


def note(session: Session, row: Any, act: str, changes: dict[str, list[Any]] | None = None, comment: str | None = None) -> None:
    """Write one line of history about ``row`` (it must have its id)."""
    session.execute(insert(Change), [_line(session, type(row), row, act, changes or {}, comment)])


def note_table(session: Session, model: type[Any], act: str, comment: str) -> None:
    """Write one line about a table as a whole: an export concerns no single row."""
    session.execute(insert(Change), [_line(session, model, None, act, {}, comment[:500])])


@contextmanager
def one_line(session: Session, row: Any, act: str, changes: dict[str, list[Any]], comment: str) -> Iterator[None]:
    """Whatever is changed of ``row`` meanwhile stands in this one line, with ``changes`` first, not in a line of its own."""
    outer, told = session.info.get("gathering"), dict(changes)
    session.info["gathering"] = (row, told)
    try:
        yield
        session.flush()
    finally:
        session.info["gathering"] = outer
    note(session, row, act, told, comment)


def write_history(session: Session, flush_context: Any) -> None:
    """``after_flush``: a line for every row that was added, changed or deleted."""
    lines = []
    gathered, gathering = session.info.get("gathering") or (None, {})  # type: tuple[Any, dict[str, list[Any]]]
    for act, rows in (("add", session.new), ("edit", session.dirty), ("delete", session.deleted)):
        for row in rows:
            if not _told(row) or (act == "edit" and not session.is_modified(row)):
                continue
            changes = difference(row, act)
            if row is gathered:
                gathering.update(changes)
                continue
            if changes or act == "delete":
                lines.append(_line(session, type(row), row, act, changes, session.info.get("comment")))
    if lines:
        session.execute(insert(Change), lines)


def difference(row: Any, act: str = "edit") -> dict[str, list[Any]]:
    """Field → [before, after] of what is about to be written, in values JSON can hold."""
    told: dict[str, list[Any]] = {}
    state = inspect(row)
    names = [c.key for c in state.mapper.column_attrs] + [r.key for r in state.mapper.relationships if r.secondary is not None]
    for name in names:
        if name in UNTOLD:
            continue
        if act == "delete":
            value = _plain(state.dict.get(name))
            if value not in (None, "", []):
                told[name] = [value, None]
            continue
        if name not in state.committed_state and name not in state.mapper.relationships:
            continue
        past = state.attrs[name].history
        if not past.has_changes():
            continue
        before, after = (_plain(_one(past.deleted, past, name, state)), _plain(_one(past.added, past, name, state)))
        if before != after:
            told[name] = [before, after]
    return told


def _one(values: Any, past: Any, name: str, state: Any) -> Any:
    if name in state.mapper.relationships:
        return [str(v) for v in (*past.unchanged, *(values or ()))]
    return values[0] if values else None


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _told(row: Any) -> bool:
    screen = getattr(type(row), "__screen__", None)
    return screen is not None and screen.history and not isinstance(row, Own)


def _line(
    session: Session, model: type[Any], row: Any | None, act: str, changes: dict[str, list[Any]], comment: str | None
) -> dict[str, Any]:
    identity = current_identity()
    return {
        "table_name": table_name(model),
        "row_id": row.id if row is not None else 0,
        "scope_path": row.scope_path if isinstance(row, Scoped) else None,
        "act": act,
        "changes": changes,
        "comment": comment,
        "account_id": identity.account_id,
        "post": (identity.at(act, row) if row is not None else identity).label,
        "at": utcnow(),
        "batch": session.info.get("batch"),
    }
