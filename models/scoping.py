"""Which rows a person reaches: one hook for every read, one guard for every write, behind every door.

A row belongs to a unit and carries that unit's path (``/350000/350200/350203/s17/``); a grant is (act, table, path); a row is in
reach when its path lies at or below a granted path. The one thing a newcomer gets wrong: without an identity there are no
rows. Work without a person says so: ``with acting_as(SYSTEM): ...``.

How a table's rows are reached is said by its mixin:

=============  =====================================================================================================
``Scoped``     rows at or below a granted path
``Published``  also the rows of units above, read only (a school's region, a province's training)
``Personal``   owned by a unit and about a person: a grant at a teacher's own path reaches it by ``teacher_id``
``Shared``     reference data: everyone reads, grants decide who writes
``Own``        an account's own things (its jobs, its saved views): nobody else's, whatever their grants
``Internal``   written and read by services alone; no screen
=============  =====================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Index, Integer, and_, event, false, inspect, or_
from sqlalchemy.orm import Mapped, Mapper, ORMExecuteState, Session, mapped_column

from models.base import Base, PathString, table_name
from models.kept import is_open, is_row_open
from models.owners import owners_first
from models.paths import ROOT as ROOT
from models.paths import ancestors as ancestors
from models.paths import below as below
from models.paths import outermost as outermost
from models.violation import NotPermitted, OutOfReach, RuleViolation
from models.within import Within

_TEACHER_END = re.compile(r"/t(\d+)/$")


class Reached:
    """Base of the mixins; a declared class has exactly one of them."""

    __owner__: ClassVar[str] = ""
    """The link whose row owns this one (``"school"``); empty when a service sets ``scope_path``."""
    __segment__: ClassVar[str] = ""
    """What this row adds to its owner's path when it is a unit itself: ``"s{id}"``."""
    __keeps_owner__: ClassVar[bool] = True
    """Whether a unit stays while such a row belongs to it; False where the row only speaks of the unit."""


class Scoped(Reached):
    scope_path: Mapped[str] = mapped_column(
        PathString, nullable=False, info={"label": "归属路径", "readonly": True, "hidden": True}, sort_order=93
    )

    called: ClassVar[Mapping[str, str]] = {}
    """Link → what it is called that is out of the reader's reach: whoever reads a row may know whom it names, and no more of them."""
    kept_to: ClassVar[str] = ""
    """The act by which those rows are read that are ``is_kept``; empty where every row is read alike (see ``models.kept``)."""


class Published(Scoped):
    pass


class Personal(Scoped):
    pass


class Shared(Reached):
    pass


@event.listens_for(Scoped, "instrument_class", propagate=True)
def _index_paths(mapper: Mapper[Any], cls: type[Any]) -> None:
    """The rows below a unit, in the order of their units and at any page, are answered by this index alone."""
    table: Any = mapper.local_table
    Index(f"ix_{table.name}_scope_path", table.c.scope_path, table.c.id)


class Own(Reached):
    account_id: Mapped[int] = mapped_column(
        Integer, nullable=False, index=True, info={"label": "账号", "readonly": True, "hidden": True}, sort_order=93
    )


class Internal(Reached):
    pass


KINDS: tuple[type[Reached], ...] = (Published, Personal, Scoped, Shared, Own, Internal)


def reach_kind(cls: type) -> type[Reached] | None:
    """The mixin that says how rows of ``cls`` are reached, or None if none does."""
    return next((kind for kind in KINDS if issubclass(cls, kind)), None)


@dataclass(frozen=True, eq=False)
class Identity:
    """Who acts, with what grants. Immutable; made once per request by the views, by name for work without a person."""

    account_id: int | None = None
    post_id: int | None = None
    label: str = ""
    """The post in words, as history and decisions keep it (学校管理员 · 实验小学)."""
    grants: frozenset[tuple[str, str, str]] = frozenset()
    person: frozenset[tuple[str, Any]] = frozenset()
    """By what the person is known whatever account they use: ``("account", 7)``, ``("id_number", "3502…")``, ``("teacher", 42)``."""
    stands_in_for: frozenset[tuple[str, Any]] = frozenset()
    """Whose post a substitute works at."""
    posts: tuple[Identity, ...] = ()
    """The same person at each post, where several make one workbench; see :meth:`at`."""
    everything: bool = False
    """A service at work, or the system: it has asked its own questions. The person's own grants stay readable."""
    _paths: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict, init=False, repr=False)

    def paths(self, act: str, table: str) -> tuple[str, ...]:
        """The paths below which this identity may do ``act`` to rows of ``table``, without nested ones."""
        if self.everything:
            return (ROOT,)
        if (act, table) not in self._paths:
            self._paths[act, table] = outermost(p for a, t, p in self.grants if a in (act, "*") and t in (table, "*"))
        return self._paths[act, table]

    def may(self, act: str, table: str) -> bool:
        """The first question: may they do this to this table at all?"""
        return bool(self.paths(act, table))

    def reaches(self, act: str, table: str, path: str) -> bool:
        """The second question: does the act reach a row owned at ``path``?"""
        return any(path.startswith(p) for p in self.paths(act, table))

    def require(self, act: str, table: str, path: str | None = None) -> None:
        """Raise NotPermitted (no grant at all) or OutOfReach (not for this row)."""
        if not self.may(act, table):
            raise NotPermitted(f"{act} on {table}")
        if path is not None and not self.reaches(act, table, path):
            raise OutOfReach(f"{act} on {table} at {path}")

    def at(self, act: str, row: Any) -> Identity:
        """The same person as the post by which they do ``act`` to the row: one of their own before one they stand in at."""
        held = sorted((post for post in self.posts if row_in_reach(row, post, act)), key=lambda post: bool(post.stands_in_for))
        return replace(self, post_id=held[0].post_id, label=held[0].label, stands_in_for=held[0].stands_in_for) if held else self

    def serving(self) -> Identity:
        """The same person, while a service that has asked its questions writes for them."""
        return replace(self, everything=True)


SYSTEM = Identity(label="系统", everything=True)
NOBODY = Identity()
_identity: ContextVar[Identity] = ContextVar("identity", default=NOBODY)


def current_identity() -> Identity:
    """Whose reach applies now; ``NOBODY`` (no rows) unless somebody was named."""
    return _identity.get()


def become(identity: Identity) -> None:
    """Name the identity for the rest of this context; the views do so once per request, before anything is read."""
    _identity.set(identity)


@contextmanager
def acting_as(identity: Identity) -> Iterator[Identity]:
    """Work under ``identity`` inside the block."""
    token = _identity.set(identity)
    try:
        yield identity
    finally:
        _identity.reset(token)


def in_reach(cls: type[Any], identity: Identity, act: str = "read") -> ColumnElement[bool] | None:
    """The condition under which ``identity`` may do ``act`` to a row of ``cls``; None when every row will do."""
    kind = reach_kind(cls)
    if identity.everything or (kind is Shared and act == "read"):
        return None
    if kind is Own:
        return cls.account_id == identity.account_id if identity.account_id is not None else false()
    paths = identity.paths(act, table_name(cls))
    if kind in (Shared, Internal) or kind is None or not paths:
        return None if ROOT in paths else false()
    opened = is_open(cls, identity, paths) if act == "read" else None
    if ROOT in paths:
        return opened
    reached: list[ColumnElement[bool]] = [below(cls.scope_path, path) for path in paths]
    if kind is Published and act == "read" and (above := {up for path in paths for up in ancestors(path)}):
        reached.append(cls.scope_path.in_(sorted(above)))
    if kind is Personal and (own := _own_teachers(paths)):
        reached.append(cls.teacher_id.in_(own))
    return or_(*reached) if opened is None else and_(or_(*reached), opened)


def row_in_reach(row: Any, identity: Identity, act: str = "read") -> bool:
    """The same question for a row already at hand."""
    kind = reach_kind(type(row))
    if identity.everything or (kind is Shared and act == "read"):
        return True
    if kind is Own:
        return identity.account_id is not None and row.account_id == identity.account_id
    paths = identity.paths(act, table_name(type(row)))
    if kind in (Shared, Internal):
        return kind is Shared and bool(paths)
    if act == "read" and not is_row_open(row, identity):
        return False
    if any(row.scope_path.startswith(path) for path in paths):
        return True
    if kind is Published and act == "read":
        return any(row.scope_path in ancestors(path) for path in paths)
    return kind is Personal and row.teacher_id in _own_teachers(paths)


def _own_teachers(paths: Iterable[str]) -> list[int]:
    return sorted(int(found[1]) for path in paths if (found := _TEACHER_END.search(path)))


# --- reads ------------------------------------------------------------------------------------------------------------


def limit_to_reach(state: ORMExecuteState) -> None:
    """``do_orm_execute``: add every scoped class's condition to the statement, relationship loads included.

    A plain expression for each concrete class, aliases included, never leaked; a lambda over the mixin did (decision 0002).
    """
    identity = current_identity()
    if identity.everything or state.is_column_load or state.is_insert:
        return
    if state.is_update or state.is_delete:
        raise NotPermitted("rows are changed one by one, or by a service")
    state.statement = state.statement.options(_within(identity))


MOST_REMEMBERED = 500
_remembered: dict[tuple[Any, ...], Within] = {}


def _within(identity: Identity) -> Within:
    """Made once for an account and its grants, because making the conditions costs more than most statements."""
    key = identity.account_id, identity.grants, identity.person
    known = _remembered.get(key)
    if known is None:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        known = _remembered[key] = Within((cls, in_reach(cls, identity)) for cls in reached_classes())
    return known


@event.listens_for(Reached, "instrument_class", propagate=True)
def _forget_options(mapper: Mapper[Any], cls: type[Any]) -> None:
    """One more class is declared: the remembered options say nothing of it."""
    _remembered.clear()


def reached_classes() -> list[type[Any]]:
    """Every mapped class that says how its rows are reached."""
    return [m.class_ for m in Base.registry.mappers if issubclass(m.class_, Reached)]


# --- writes -----------------------------------------------------------------------------------------------------------


def check_reach(session: Session) -> None:
    """``before_flush``: owners give new rows their path, and nothing is written outside the writer's reach."""
    identity = current_identity()
    for row in owners_first(session.new):
        _take_owner_path(session, row)
        _check_row(row, identity, "add")
    for row in session.dirty:
        if session.is_modified(row):
            _check_unmoved(row, identity)
            _check_row(row, identity, "edit")
    for row in session.deleted:
        _check_row(row, identity, "delete")


def _take_owner_path(session: Session, row: Any) -> None:
    """Until the flush has given a new owner its own path, what it owns stands where the owner itself belongs."""
    if not (isinstance(row, Scoped) and row.__owner__):
        return
    owner: Any = getattr(row, row.__owner__)
    key = getattr(row, f"{row.__owner__}_id")
    if owner is None and key is not None:
        target = inspect(type(row)).relationships[row.__owner__].mapper.class_
        with session.no_autoflush:
            owner = session.get(target, key)
        if owner is None:
            raise RuleViolation("所选的上级单位不存在或不在您的管理范围内。", f"{row.__owner__}_id")
    if owner is not None:
        row.scope_path = owner.scope_path
    elif row.scope_path is None:
        row.scope_path = ROOT


def _check_unmoved(row: Any, identity: Identity) -> None:
    """A row changes owner by the service that moves it, never by an edit: its path and what hangs on it go along."""
    if identity.everything or not isinstance(row, Scoped):
        return
    for name in ("scope_path", f"{row.__owner__}_id") if row.__owner__ else ("scope_path",):
        if _is_changed(row, name, adding=False):
            raise RuleViolation("归属单位不能在这里修改，请使用相应的调动功能。", name)


def _check_row(row: Any, identity: Identity, act: str) -> None:
    if identity.everything or not isinstance(row, Reached):
        return
    if isinstance(row, Own):
        if row.account_id is None:
            row.account_id = identity.account_id
        if row.account_id != identity.account_id:
            raise OutOfReach(f"{act} on {type(row).__name__}")
        return
    identity.require(act, table_name(type(row)), row.scope_path if isinstance(row, Scoped) else None)
    if act != "delete":
        _check_closed_fields(row, adding=act == "add")


def _check_closed_fields(row: Any, adding: bool) -> None:
    """Fields that services write (states, paths, owners) are closed to everybody else, whatever door they came through."""
    for name, column in type(row).__mapper__.columns.items():
        info = column.info
        closed = info.get("readonly") or (info.get("fixed") and not adding)
        if closed and name not in _WRITTEN_BY_THE_SESSION and _is_changed(row, name, adding):
            raise RuleViolation("“{label}”不能在这里修改。", name, label=info.get("label", name))


def _is_changed(row: Any, name: str, adding: bool) -> bool:
    """Whether the column is given another value, by itself or through the relationship that fills it."""
    state = inspect(row)
    names = [name, *({name.removesuffix("_id")} & set(state.mapper.relationships.keys()) - {name})]
    # What was never set has no history, and asking for it is most of what an imported row's check costs.
    past = [state.attrs[n].history for n in names if n in state.committed_state]
    return any(h.has_changes() and (h.added or h.deleted) and (adding or list(h.added or ()) != list(h.deleted or ())) for h in past)


_WRITTEN_BY_THE_SESSION = {"scope_path", "version", "updated_at", "id"}
