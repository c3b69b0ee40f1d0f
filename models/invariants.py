"""What must hold of a table's rows behind every door, asked at flush; ``rules`` registers its questions here.

``@holds(Model)`` checks a new or changed row, ``@on_added(Model)`` does what always comes with new rows, ``@on_deleted(Model)`` what
goes with deleted ones, ``@keeps(Model)`` names what keeps a row from being deleted. The one thing a newcomer gets wrong: these run inside the flush; what comes with a row
is written by Core statements, and nothing here commits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Integer, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import MANYTOONE, Mapper, Session

from models.base import Base
from models.scoping import acting_as, current_identity
from models.violation import RuleViolation, Sentence

Check = Callable[[Session, Any], None]
Keeper = Callable[[Session, Any], Iterable[str]]
Follower = Callable[[Session, list[Any]], None]
F = TypeVar("F", bound=Callable[..., Any])

LARGEST = 2**31 - 1

_holds: dict[type[Base], list[Check]] = defaultdict(list)
_on_added: dict[type[Any], list[Follower]] = defaultdict(list)
_on_deleted: dict[type[Any], list[Follower]] = defaultdict(list)
_keeps: dict[type[Base], list[Keeper]] = defaultdict(list)


def holds(model: type[Base]) -> Callable[[F], F]:
    """Register ``check(session, row)``: raises RuleViolation when a new or changed row may not be so."""
    return lambda check: _holds[model].append(check) or check  # type: ignore[func-returns-value]


def on_added(model: type[Any]) -> Callable[[F], F]:
    """Register ``act(session, rows)``: runs once for the rows a flush has added, with their ids and paths, whoever adds them.

    ``model`` is a table, or a mixin: then it runs for the rows of every table that is declared with it, now or later.
    """
    return lambda act: _on_added[model].append(act) or act  # type: ignore[func-returns-value]


def on_deleted(model: type[Any]) -> Callable[[F], F]:
    """Register ``act(session, rows)``: runs once for the rows a flush has deleted, like :func:`on_added`."""
    return lambda act: _on_deleted[model].append(act) or act  # type: ignore[func-returns-value]


def keeps(model: type[Base]) -> Callable[[F], F]:
    """Register ``reasons(session, row)``: sentences that say what keeps the row from being deleted."""
    return lambda reasons: _keeps[model].append(reasons) or reasons  # type: ignore[func-returns-value]


def what_keeps(session: Session, row: Any) -> list[str]:
    """Every sentence that says why ``row`` cannot be deleted now; empty when it can."""
    with acting_as(current_identity().serving()):
        return [sentence for ask in _keeps[type(row)] for sentence in ask(session, row)]


def write_links(session: Session) -> None:
    """``before_flush``: the column of a link says what the link was set to, as it would after the flush; so every question asks the column."""
    for row in (*session.new, *session.dirty):
        state = inspect(row)
        for name, key in _links(state.mapper):
            if name in state.committed_state:
                target = state.dict.get(name)
                if target is None or inspect(target).key is not None:
                    setattr(row, key, None if target is None else target.id)


@cache
def _links(mapper: Mapper[Any]) -> tuple[tuple[str, str], ...]:
    """Every link of a table with the name of its column."""
    single = [relation for relation in mapper.relationships if relation.direction is MANYTOONE]
    return tuple((relation.key, mapper.get_property_by_column(*relation.local_columns).key) for relation in single)


def check_invariants(session: Session) -> None:
    """``before_flush``: ask every question about what is about to be written."""
    changed = [row for row in session.dirty if session.is_modified(row)]
    with acting_as(current_identity().serving()), session.no_autoflush:
        for row in [*session.new, *changed]:
            check_fields(row)
            for check in _holds.get(type(row), ()):
                check(session, row)
        for row in session.deleted:
            _hold(session, row)
            if reasons := what_keeps(session, row):
                raise RuleViolation(Sentence.of(reasons))


def _hold(session: Session, row: Any) -> None:
    """Nobody hangs anything on a row that is being asked what hangs on it: they wait for its end, and are told."""
    if _keeps[type(row)]:
        session.execute(select(type(row).id).where(type(row).id == row.id).with_for_update())


def follow_up(session: Session) -> None:
    """``after_flush``: what always comes with the rows just added, and goes with those just deleted."""
    for registered, rows in ((_on_added, session.new), (_on_deleted, session.deleted)):
        followed: dict[Follower, list[Any]] = defaultdict(list)
        for row in rows:
            for kind in reversed(type(row).__mro__):
                for act in registered.get(kind, ()):
                    followed[act].append(row)
        for act, those in followed.items():
            act(session, those)


def linked(session: Session, row: Any, name: str) -> Any:
    """The row a link points to, whether it was given as a row or by its id; None when it points nowhere."""
    key = getattr(row, f"{name}_id")
    return getattr(row, name) if key is None else session.get(type(row).__mapper__.relationships[name].mapper.class_, key)


def check_fields(row: Any) -> None:
    """Required fields are given, texts and numbers fit and are as the column keeps them; databases differ in how far they see to this."""
    state = inspect(row)
    new = state.transient or state.pending
    for name, column in state.mapper.columns.items():
        label = column.info.get("label")
        if label is None or (name not in state.dict and not new):
            continue
        value = state.dict.get(name)
        if value is None and name.endswith("_id"):
            value = state.dict.get(name.removesuffix("_id"))
        if (value in (None, "") and _must_be_given(column)) or (value is None and not new and _must_stay(column)):
            raise RuleViolation("请填写“{label}”。", name, label=label)
        if type(value) is str and "\0" in value:
            raise RuleViolation("“{label}”含有不能识别的字符。", name, label=label)
        if isinstance(value, Decimal):
            check_digits(name, label, column.type, value)
            _keep_scale(row, name, column.type, value)
        if isinstance(column.type, Integer) and type(value) is int and not -LARGEST - 1 <= value <= LARGEST:
            raise RuleViolation("“{label}”的数字过大。", name, label=label)
        most = getattr(column.type, "length", None)
        if type(value) is str and most and len(value) > most:
            raise RuleViolation("“{label}”最多 {most} 个字。", name, label=label, most=most)


def check_digits(name: str, label: str, kind: Any, value: Decimal) -> None:
    """Raise RuleViolation unless a number fits its column: databases round what is too fine, or keep what is none."""
    if not value.is_finite():
        raise RuleViolation("“{label}”须为数字。", name, label=label)
    precision, scale = getattr(kind, "precision", None), getattr(kind, "scale", None) or 0
    if precision is not None and abs(value) >= 10 ** (precision - scale):
        raise RuleViolation("“{label}”的数字过大。", name, label=label)
    if precision is not None and value != round(value, scale):
        raise RuleViolation("“{label}”最多 {scale} 位小数。", name, label=label, scale=scale)


def _keep_scale(row: Any, name: str, kind: Any, value: Decimal) -> None:
    """1e1 is written 10.00 where two places are kept: as whoever reads it next finds it."""
    kept = round(value, kind.scale) if getattr(kind, "scale", None) is not None else value
    if str(kept) != str(value):
        setattr(row, name, kept)


def _must_stay(column: Any) -> bool:
    """What comes by itself when a row is added does not come again when it is taken away."""
    return not column.nullable and not column.primary_key and not column.info.get("readonly")


def _must_be_given(column: Any) -> bool:
    provided = column.nullable or column.default is not None or column.server_default is not None or column.primary_key
    return not provided and not column.info.get("readonly")


def sentence_of(error: IntegrityError, model: type[Base]) -> RuleViolation:
    """The user's sentence for a constraint the database refused; no SQL and no values in it.

    A constraint or unique index may bring its own: ``UniqueConstraint(…, info={"sentence": …, "field": …})``.
    """
    text = str(error.orig)
    table: Any = model.__table__
    for constraint in (*table.constraints, *table.indexes):
        columns = ", ".join(f"{model.__tablename__}.{column.name}" for column in getattr(constraint, "columns", ()))
        if "sentence" in constraint.info and (columns in text or constraint.name == _constraint(error)):
            return RuleViolation(constraint.info["sentence"], constraint.info["field"])
    # The longest name first: that of a link holds that of the id.
    for name, column in sorted(model.__mapper__.columns.items(), key=lambda one: -len(one[1].name)):
        if f"{model.__tablename__}.{column.name}" in text or f"_{column.name}" in _constraint(error):
            label = column.info.get("label", name)
            if "FOREIGN KEY" in text.upper():
                return RuleViolation("所选的“{label}”不存在。", name, label=label)
            return RuleViolation("“{label}”与已有记录重复。", name, label=label)
    return RuleViolation("与已有记录冲突，或仍被其他记录使用，未保存。")


def _constraint(error: IntegrityError) -> str:
    return str(getattr(getattr(error.orig, "diag", None), "constraint_name", "") or "")
