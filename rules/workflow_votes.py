"""Who has taken a step that asks for several different persons, since the row last came into its state.

``rules.workflow`` counts them. The one thing a newcomer gets wrong: persons are counted, not accounts, and a hand from before the row
came back is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, inspect, select, true, update
from sqlalchemy.orm import Session, aliased

from models.access import Account, known_by
from models.history import Decision
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Sentence
from rules.workflow_steps import Step, Workflow


def take_voters_turn(session: Session, row: Any) -> None:
    """One voter after the other, also where a database has no row locks: an update that changes nothing."""
    model = type(row)
    same = {name: getattr(model, name) for name in ("version", "updated_at") if hasattr(model, name)}
    [key] = inspect(row).identity
    with acting_as(SYSTEM):
        session.execute(update(model).where(model.id == key).values(same), execution_options={"synchronize_session": False})


def why_voted(session: Session, identity: Identity, step: Step, votes: Sequence[Decision], needed: int) -> str:
    """The person, not the account, counts: whoever shares anything they are known by with an earlier voter is the same."""
    voters = {vote.account_id for vote in votes} - {None}
    known = select(Account.id).where(Account.id.in_(voters), known_by(identity.person))
    if not voters or session.scalar(known.limit(1)) is None:
        return ""
    return Sentence("您已经办理过“{step}”，还需要其他 {more} 人办理。", step=step.label, more=max(0, needed - len(votes)))


def votes_for(session: Session, workflow: Workflow, step: Step, row: Any) -> Sequence[Decision]:
    """The decisions of those who took the step on the row since it last entered its state."""
    state = workflow.state(row)
    assert state is not None
    cast_since = _votes_on(workflow, step, state).where(Decision.row_id == row.id)
    return session.scalars(cast_since.order_by(Decision.id)).all()


def _votes_on(workflow: Workflow, step: Step, state: Any) -> Select[Any]:
    entered = aliased(Decision)
    ours = (entered.table_name == workflow.table, entered.row_id == Decision.row_id, entered.target == state.value)
    since = select(func.coalesce(func.max(entered.id), 0)).where(*ours, entered.source != state.value).correlate(Decision).scalar_subquery()
    votes = (
        Decision.table_name == workflow.table,
        Decision.step == step.name,
        Decision.source == state.value,
        Decision.target == state.value,
    )
    return select(Decision).where(*votes, Decision.id > since)


def has_not_voted(identity: Identity, workflow: Workflow, steps: Sequence[Step], state: Any) -> ColumnElement[bool]:
    """The rows on which the person has not voted yet."""
    mine = select(Account.id).where(known_by(identity.person))
    voted = [
        exists(
            _votes_on(workflow, step, state)
            .where(Decision.row_id == workflow.model.id, Decision.account_id.in_(mine))
            .correlate(workflow.model)
        )
        for step in steps
        if step.is_vote
    ]
    return and_(true(), *(~vote for vote in voted))
