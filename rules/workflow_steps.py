"""What a workflow is: the steps between the states of one column, as a frozen value, and whether its declaration holds together.

``rules.workflow`` takes the steps, ``rules.approvals`` declares those in use. The one thing a newcomer gets wrong: a step's
``act`` is its own permission; who may decide need not be able to edit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.base import Choice, table_name
from models.history import Decision


@dataclass(frozen=True, eq=False)
class KnownBy:
    """Whose work a row is: the columns by which it names a person, under the kinds of ``Identity.person``.

    One declaration answers for a row at hand and for a count over many.
    """

    columns: Mapping[str, InstrumentedAttribute[Any]]

    def __call__(self, row: Any) -> frozenset[tuple[str, Any]]:
        known = {kind: getattr(row, column.key) for kind, column in self.columns.items()}
        return frozenset((kind, value) for kind, value in known.items() if value is not None)

    def is_not(self, person: Iterable[tuple[str, Any]]) -> ColumnElement[bool]:
        """The condition that a row is not this person's own work."""
        return and_(true(), *(self.columns[kind].is_distinct_from(value) for kind, value in person if kind in self.columns))


@dataclass(frozen=True, eq=False)
class Step:
    """One way from a state to another; ``act`` is what its taker must hold on the table."""

    name: str
    source: Choice | tuple[Choice, ...]
    target: Choice
    act: str
    label: str
    kind: str = "success"
    """How its button looks: success, danger, normal or primary."""
    not_by_author: bool = False
    """A decision: nobody takes it on their own work, whichever account they use."""
    needs_comment: bool = False
    comment_label: str = "审核意见"
    confirm: str = ""
    confirm_label: str = ""
    """What the button of the second confirmation is called; empty: like the step."""
    check: Callable[[Session, Any], Iterable[str]] | None = None
    """Reasons why not, as sentences."""
    effect: Callable[[Session, Any, Decision], None] | None = None
    """What follows in the same transaction, written as a service."""
    among: Callable[[Sequence[str]], ColumnElement[bool]] | None = None
    """Of a step that concerns few of the rows in reach: which of them wait for somebody who holds its act at these paths."""
    shown: bool = True
    """False: part of a larger act, taken by a service alone."""
    quorum: int | Callable[[Session, Any], int] = 1
    """How many different persons have to take it before it moves the state; another step from there decides at once."""

    @property
    def is_vote(self) -> bool:
        """Whether one person alone may not be enough."""
        return self.quorum != 1

    def needed(self, session: Session, row: Any) -> int:
        """How many different persons the step asks for on this row; at least one."""
        return max(1, self.quorum(session, row) if callable(self.quorum) else self.quorum)

    @property
    def sources(self) -> tuple[Choice, ...]:
        return self.source if isinstance(self.source, tuple) else (self.source,)


@dataclass(frozen=True, eq=False)
class Workflow:
    """The steps between the states of one column."""

    name: str
    column: InstrumentedAttribute[Any]
    steps: tuple[Step, ...]
    person: KnownBy
    starts: tuple[Choice, ...]
    """States a new row may have."""
    waits: tuple[Choice, ...] = ()
    """States in which a row waits for somebody's decision: what the menu counts."""
    ends: tuple[Choice, ...] = ()
    """States no step leaves."""
    own: Callable[[Iterable[tuple[str, Any]]], ColumnElement[bool]] | None = None
    """Rows that are a person's own work although they do not name them: they neither wait for that person nor are decided by them."""
    subject: Callable[[Any], str] | None = None
    """What of several like it the row is, told to its person with a decision; None where a person has but one."""
    leads_to: str = ""
    """Where its person is led who is told of a decision; empty: to the row's own page."""

    def owned_by(self, *persons: Iterable[tuple[str, Any]]) -> list[ColumnElement[bool]]:
        """The conditions of ``own`` for each of these persons who is known by anything."""
        return [self.own(person) for person in persons if person] if self.own is not None else []

    @property
    def model(self) -> type[Any]:
        return cast("type[Any]", self.column.class_)

    @property
    def table(self) -> str:
        return table_name(self.model)

    @property
    def field(self) -> str:
        return str(self.column.key)

    @property
    def states(self) -> tuple[Choice, ...]:
        """Every state the column can hold, in the order of its declaration."""
        return tuple(getattr(self.column.property.columns[0].type, "enum_class", None) or ())

    def state(self, row: Any) -> Choice | None:
        return getattr(row, self.field)  # type: ignore[no-any-return]

    def step(self, name: str) -> Step:
        """The step called ``name``; KeyError if there is none."""
        return {step.name: step for step in self.steps}[name]


def check_workflow(workflow: Workflow) -> list[str]:
    """What is wrong with a workflow's declaration, one sentence each, for ``doctor``."""
    return [f"{workflow.table}.{workflow.field}: {fault}" for check in (_check_states, _check_steps) for fault in check(workflow)]


def _check_states(workflow: Workflow) -> list[str]:
    faults = [] if workflow.states else ["the column does not hold a state"]
    left = {state for step in workflow.steps for state in step.sources}
    shown = {state for step in workflow.steps if step.shown for state in step.sources}
    for state in workflow.states:
        if state not in _reachable(workflow):
            faults.append(f"no step leads to {state.value}")
        if state not in left and state not in workflow.ends:
            faults.append(f"no step leaves {state.value}, which is not declared as an end")
        if state in left and state in workflow.ends:
            faults.append(f"a step leaves {state.value}, which is declared as an end")
        if state in workflow.waits and state not in shown:
            faults.append(f"rows wait in {state.value}, and nobody can decide on them")
    return faults


def _check_steps(workflow: Workflow) -> list[str]:
    faults = []
    screen = workflow.model.__screen__
    names = [step.name for step in workflow.steps]
    faults += [f"{name} is the name of more than one step" for name in sorted({n for n in names if names.count(n) > 1})]
    for step in workflow.steps:
        if screen is None or step.act not in (*screen.acts, *screen.extra_acts):
            faults.append(f"{step.name} asks for the act {step.act}, which the table does not know")
        if not {*step.sources, step.target} <= set(workflow.states):
            faults.append(f"{step.name} joins states of another column")
        if isinstance(step.quorum, int) and step.quorum < 1:
            faults.append(f"{step.name} asks for {step.quorum} persons; one at least")
        if step.is_vote and (step.target in step.sources or not step.shown):
            faults.append(f"{step.name} is taken by several persons: it has to move the state, and to be shown to them")
    if not workflow.column.property.columns[0].info.get("readonly"):
        faults.append("the column is open to edits; declare it readonly")
    return faults


def _reachable(workflow: Workflow) -> set[Choice]:
    reached: set[Choice] = set()
    found = set(workflow.starts)
    while found:
        reached |= found
        found = {step.target for step in workflow.steps if reached.intersection(step.sources)} - reached
    return reached
