"""How much waits for somebody's decision, table by table: the numbers of the menu.

The one thing a newcomer gets wrong: one's own work does not wait for oneself, nor that of whom one stands in for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, and_, bindparam, func, literal, or_, select, true, union_all
from sqlalchemy.orm import Session

from models.scoping import Identity, acting_as, in_reach
from rules.workflow import may_take
from rules.workflow_steps import Step, Workflow
from rules.workflow_votes import has_not_voted


def waiting(session: Session, identity: Identity, workflows: Sequence[Workflow]) -> dict[str, int]:
    """Table → how many of its rows wait for a decision this person may take, in one statement.

    At most ``MOST_COUNTED``; tables where they decide nothing are left out, and so is their own work, which others decide.
    """
    counting = _counting(identity, tuple(workflows))
    if counting is None:
        return {}
    with acting_as(identity.serving()):
        return {table: count for table, count in session.execute(counting)}


MOST_COUNTED = 1000
MOST_REMEMBERED = 500
_remembered: dict[tuple[Any, ...], CompoundSelect[Any]] = {}


def _counting(identity: Identity, workflows: tuple[Workflow, ...]) -> CompoundSelect[Any] | None:
    """The statement that counts, None when they decide nothing: made once for a person and their grants, and asked on every page."""
    stood_in_for = tuple((post.grants, post.stands_in_for) for post in identity.posts if post.stands_in_for)
    key = identity.account_id, identity.grants, identity.person, identity.stands_in_for, stood_in_for, identity.everything, workflows
    counting = _remembered.get(key)
    if counting is None and (counts := list(_counts(identity, workflows))):
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        counting = _remembered[key] = union_all(*counts)
    return counting


def _counts(identity: Identity, workflows: tuple[Workflow, ...]) -> Iterator[Any]:
    for workflow in workflows:
        condition = _waiting_for(identity, workflow)
        if condition is not None:
            rows = select(literal(1)).select_from(workflow.model).where(condition).limit(MOST_COUNTED).subquery()
            yield select(literal(workflow.table), func.count()).select_from(rows)


def _waiting_for(identity: Identity, workflow: Workflow) -> ColumnElement[bool] | None:
    """The rows of a workflow that wait for this person; None when they decide nothing there."""
    found: list[ColumnElement[bool]] = []
    taken: list[Step] = []
    for state in workflow.waits:
        steps = [s for s in workflow.steps if s.not_by_author and state in s.sources and may_take(identity, workflow, s)]
        taken += steps
        if steps:
            theirs = [_theirs(identity, workflow, act, among) for act, among in dict.fromkeys((s.act, s.among) for s in steps)]
            # Written into the SQL, not bound: only then does the index of those who wait answer it.
            waits = workflow.column == bindparam(None, state, type_=workflow.column.type, literal_execute=True)
            found.append(and_(waits, or_(*theirs), has_not_voted(identity, workflow, steps, state)))
    if not found:
        return None
    stood_in_for = _stood_in_for(identity, workflow, {step.act for step in taken})
    is_others = and_(
        workflow.person.is_not(identity.person | stood_in_for), *(~own for own in workflow.owned_by(identity.person, stood_in_for))
    )
    return and_(or_(*found), _reach(identity, workflow, "read"), is_others)


def _stood_in_for(identity: Identity, workflow: Workflow, acts: set[str]) -> frozenset[tuple[str, Any]]:
    """Whom a substitute stands in for who holds the acts by no post of their own."""
    held = [post for post in identity.posts or (identity,) if any(post.may(act, workflow.table) for act in acts)]
    return frozenset() if any(not post.stands_in_for for post in held) else frozenset().union(*(post.stands_in_for for post in held))


def _theirs(identity: Identity, workflow: Workflow, act: str, among: Any) -> ColumnElement[bool]:
    reach = _reach(identity, workflow, act)
    # What is said of all rows they read need not be said twice: planning it costs more than counting.
    here = true() if reach.compare(_reach(identity, workflow, "read")) else reach
    return and_(here, true() if among is None else among(identity.paths(act, workflow.table)))


def _reach(identity: Identity, workflow: Workflow, act: str) -> ColumnElement[bool]:
    return true() if (condition := in_reach(workflow.model, identity, act)) is None else condition
