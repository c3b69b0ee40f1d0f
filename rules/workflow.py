"""Who may take which step with a row, and taking it: the one engine under every approval.

A workflow is a frozen value; the ones in use stand in ``rules.approvals``. Its buttons, the sentence on a closed one, the
diagram, the menu's counts and the decision log all come from it. The one thing a newcomer gets wrong: a state is never
assigned. ``take`` is its only writer, because only a conditional update lets one of two simultaneous deciders win.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from models.base import ZONE, table_name
from models.history import Decision, note, one_line
from models.kept import is_row_open
from models.notices import NoticeKind
from models.scoping import Identity, acting_as, row_in_reach
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation, Sentence
from rules.notices import accounts_of, decided, page_of, place_of, tell_accounts
from rules.workflow_steps import KnownBy, Step, Workflow, check_workflow
from rules.workflow_votes import take_voters_turn, votes_for, why_voted

__all__ = ["KnownBy", "Offer", "Step", "Workflow", "check_workflow", "lock", "may_take", "offers", "take", "take_along", "why_not"]

LONGEST_COMMENT = 500
OWN_WORK = "不能办理本人的事项，请由其他有权限的人员办理。"
CHANGED = "这条记录刚刚已由他人处理，请查看最新内容后再试。"


@dataclass(frozen=True)
class Offer:
    """A step shown to a person; ``why`` says why it is closed, empty when it is open to them now."""

    step: Step
    why: str = ""
    taken: int = 0
    """How many persons have taken it on this row, where it asks for several; known to a page of one record only."""
    needed: int = 1


def offers(session: Session, identity: Identity, workflow: Workflow, row: Any, *, thorough: bool = False) -> list[Offer]:
    """The steps that leave the row's state and whose act this person holds there.

    ``thorough`` asks each step's own check as well, for a page of one record; without it no query is made, for a list, and steps
    that concern few of its rows are left out.
    """
    state = workflow.state(row)
    steps = [step for step in workflow.steps if step.shown and (thorough or step.among is None)]
    leaving = [step for step in steps if state in step.sources and row_in_reach(row, identity, step.act)]
    offered = []
    is_own = cache(lambda act: _is_own(session, identity.at(act, row), workflow, row))
    for step in leaving:
        why = _why_not_author(identity.at(step.act, row), workflow, step, row)
        if thorough and not why:
            barred = step.not_by_author and is_own(step.act)
            why = OWN_WORK if barred else Sentence.of(_reasons(session, identity.at(step.act, row), step, row))
        offered.append(_with_votes(session, identity, workflow, row, Offer(step, why)) if thorough and step.is_vote else Offer(step, why))
    return offered


def why_not(identity: Identity, workflow: Workflow, row: Any, name: str, session: Session | None = None) -> str:
    """The sentence that says why this person cannot take the step now; empty when they can.

    As far as the row itself tells; with a session also that they have taken it already, where it asks for several persons.
    """
    step = workflow.step(name)
    if not may_take(identity, workflow, step):
        return Sentence("您的岗位没有“{step}”的权限。", step=step.label)
    if not row_in_reach(row, identity, step.act):
        return "这条记录不在您的管理范围内。"
    state = workflow.state(row)
    if state not in step.sources:
        return Sentence("当前状态是“{state}”，不能“{step}”。", state=state or "--", step=step.label)
    why = _why_not_author(identity.at(step.act, row), workflow, step, row)
    if why or session is None or not step.is_vote:
        return why
    return _with_votes(session, identity, workflow, row, Offer(step)).why


def take(
    session: Session, identity: Identity, workflow: Workflow, row: Any, name: str, *, comment: str = "", now: datetime, commit: bool = True
) -> Decision:
    """Take the step ``name`` with ``row``: all of it or, on anything raised, nothing, not even what the session already held.

    Raises NotPermitted (act), OutOfReach (row) and RuleViolation; of these Conflict when somebody else was first. What the
    caller has changed and not yet flushed is written first, and judged as the caller's own writing. Of a step that asks for
    several persons the decision of all but the last leads nowhere and says how many are still needed.
    """
    try:
        session.flush()
        seen = inspect(row).dict.get("version")
        step = _step_to_take(identity, workflow, name)
        if step.is_vote:
            take_voters_turn(session, row)
        row = lock(session, identity, row, step.act)
        identity = identity.at(step.act, row)
        with acting_as(identity.serving()):
            _check_rules(session, identity, workflow, step, row)
            said = _checked_comment(step, comment)
            decision = _record(workflow, step, row, identity, said, now)
            decision.still_needed = _still_needed(session, identity, workflow, step, row)
            if decision.still_needed:
                _vote(session, step, row, decision, seen)
                session.commit() if commit else session.flush()
                return decision
            _write_state(session, workflow, step, row, row.version if seen is None else seen)
            session.add(decision)
            with one_line(session, row, step.name, {workflow.field: [decision.source, decision.target]}, said):
                if step.effect is not None:
                    step.effect(session, row, decision)
            _tell(session, identity, workflow, step, row, decision)
            session.commit() if commit else session.flush()
        return decision
    except BaseException:
        session.rollback()
        raise


def take_along(session: Session, identity: Identity, workflow: Workflow, row: Any, name: str, *, now: datetime) -> None:
    """Take a step that another act brings about while it is being flushed: nobody is asked, and it stands or falls with that act.

    ``row`` is held and in one of the step's states. Written by statements alone, because a flush takes no more rows.
    """
    step = workflow.step(name)
    decision = _record(workflow, step, row, identity, "", now)
    _write_state(session, workflow, step, row, row.version)
    session.execute(insert(Decision), [{name: value for name, value in inspect(decision).dict.items() if not name.startswith("_")}])
    if step.effect is not None:
        step.effect(session, row, decision)
    note(session, row, step.name, {workflow.field: [decision.source, decision.target]})


def lock(session: Session, identity: Identity, row: Any, act: str) -> Any:
    """The row as it stands now, held until the transaction ends, once act and row are answered: NotPermitted, OutOfReach.

    Conflict for a row that was theirs to read a moment ago and that another's act has since kept to its author.
    """
    model, was_open = type(row), is_row_open(row, identity)
    identity.require(act, table_name(model))
    # Not session.get: that compares versions while loading, and whoever comes too late would not hear who was first.
    [key] = inspect(row).identity
    wanted = select(model).where(model.id == key).with_for_update(of=model)
    with acting_as(identity):
        found = session.scalars(wanted, execution_options={"populate_existing": True}).one_or_none()
    if found is None and was_open:
        with acting_as(identity.serving()):
            kept = session.scalars(wanted, execution_options={"populate_existing": True}).one_or_none()
        if kept is not None and not is_row_open(kept, identity):
            raise Conflict(CHANGED)
    if found is None or not row_in_reach(found, identity, act):
        raise OutOfReach(f"{act} on {table_name(model)} {key}")
    return found


# --- the three questions ----------------------------------------------------------------------------------------------


def may_take(identity: Identity, workflow: Workflow, step: Step) -> bool:
    return identity.may(step.act, workflow.table) and (step.shown or identity.everything)


def _step_to_take(identity: Identity, workflow: Workflow, name: str) -> Step:
    """The step called ``name``; one nobody declared is an act nobody holds."""
    step = next((step for step in workflow.steps if step.name == name), None)
    if step is None or not may_take(identity, workflow, step):
        raise NotPermitted(f"{name} on {workflow.table}")
    return step


def _check_rules(session: Session, identity: Identity, workflow: Workflow, step: Step, row: Any) -> None:
    if workflow.state(row) not in step.sources:
        raise _too_late(session, identity, workflow, step, row)
    if why := _why_not_author(identity, workflow, step, row):
        raise RuleViolation(why)
    if step.not_by_author and _is_own(session, identity, workflow, row):
        raise RuleViolation(OWN_WORK)
    if reasons := _reasons(session, identity, step, row):
        raise RuleViolation(Sentence.of(reasons))


def _why_not_author(identity: Identity, workflow: Workflow, step: Step, row: Any) -> str:
    person = workflow.person(row)
    if step.not_by_author and identity.person & person:
        return OWN_WORK
    if step.not_by_author and identity.stands_in_for & person:
        return "代理期间不能办理被代理人本人的事项，请由其他有权限的人员办理。"
    return ""


def _is_own(session: Session, identity: Identity, workflow: Workflow, row: Any) -> bool:
    """Whether the row is own work of theirs, or of whom they stand in for, although it does not name them; one statement at most."""
    owned = workflow.owned_by(identity.person, identity.stands_in_for)
    if not owned:
        return False
    asked = select(workflow.model.id).where(workflow.model.id == row.id, or_(*owned))
    with acting_as(identity.serving()), session.no_autoflush:
        return session.scalar(asked) is not None


def _reasons(session: Session, identity: Identity, step: Step, row: Any) -> list[str]:
    if step.check is None:
        return []
    with acting_as(identity.serving()), session.no_autoflush:
        return list(step.check(session, row))


def _checked_comment(step: Step, comment: str) -> str:
    said = comment.strip()
    if step.needs_comment and not said:
        raise RuleViolation("请填写“{label}”。", "comment", label=step.comment_label)
    if len(said) > LONGEST_COMMENT:
        raise RuleViolation("“{label}”最多 {most} 个字。", "comment", label=step.comment_label, most=LONGEST_COMMENT)
    return said


def _too_late(session: Session, identity: Identity, workflow: Workflow, step: Step, row: Any) -> Conflict:
    """In what state the row is now, and who brought it there."""
    state = workflow.state(row)
    ours = (Decision.table_name == workflow.table, Decision.row_id == row.id)
    last = session.scalars(select(Decision).where(*ours).order_by(Decision.id.desc()).limit(1)).first()
    if last is None or state is None or last.target != state.value:
        return Conflict("当前状态是“{state}”，不能“{step}”。", state=state or "--", step=step.label)
    who = "您" if last.account_id is not None and last.account_id == identity.account_id else last.post or "他人"
    told = {"who": who, "at": f"{last.at.astimezone(ZONE):%Y.%m.%d %H:%M}", "decided": last.label, "state": state.label}
    return Conflict("{who}已于 {at} 办理“{decided}”，当前状态是“{state}”，不能“{step}”。", step=step.label, **told)


# --- several persons --------------------------------------------------------------------------------------------------


def _still_needed(session: Session, identity: Identity, workflow: Workflow, step: Step, row: Any) -> int:
    """How many persons are needed beside this one and those before; RuleViolation when this one is among those."""
    if not step.is_vote:
        return 0
    needed, votes = step.needed(session, row), votes_for(session, workflow, step, row)
    if why := why_voted(session, identity, step, votes, needed):
        raise RuleViolation(why)
    return max(0, needed - len(votes) - 1)


def _vote(session: Session, step: Step, row: Any, decision: Decision, seen: int | None) -> None:
    if seen not in (None, row.version):
        raise Conflict(CHANGED)
    decision.target = decision.source
    session.add(decision)
    note(session, row, step.name, {}, decision.comment)


def _with_votes(session: Session, identity: Identity, workflow: Workflow, row: Any, offer: Offer) -> Offer:
    """The offer with how many have taken the step, closed to who is one of them."""
    with acting_as(identity.serving()), session.no_autoflush:
        needed, votes = offer.step.needed(session, row), votes_for(session, workflow, offer.step, row)
        why = offer.why or why_voted(session, identity, offer.step, votes, needed)
    return Offer(offer.step, why, len(votes), needed)


# --- writing ----------------------------------------------------------------------------------------------------------


def _write_state(session: Session, workflow: Workflow, step: Step, row: Any, seen: int | None) -> None:
    """Move the row on if it still is what the decider saw; of two who try at once, the database lets one."""
    model, source = workflow.model, workflow.state(row)
    unchanged = (model.id == row.id, workflow.column == source, model.version == seen)
    moved = {workflow.field: step.target, "version": (seen or 0) + 1}
    written = session.execute(update(model).where(*unchanged).values(moved), execution_options={"synchronize_session": False})
    if cast("CursorResult[Any]", written).rowcount != 1:
        raise Conflict(CHANGED)
    session.refresh(row)


def _record(workflow: Workflow, step: Step, row: Any, identity: Identity, comment: str, now: datetime) -> Decision:
    source = workflow.state(row)
    assert source is not None
    return Decision(
        table_name=workflow.table,
        row_id=row.id,
        step=step.name,
        label=step.label,
        source=source.value,
        target=step.target.value,
        comment=comment or None,
        account_id=identity.account_id,
        post_id=identity.post_id,
        post=identity.label,
        at=now,
    )


def _tell(session: Session, identity: Identity, workflow: Workflow, step: Step, row: Any, decision: Decision) -> None:
    """Whose matter it is hears of every step another person took, with the comment."""
    person = workflow.person(row)
    if identity.person & person:
        return
    subject = workflow.subject(row) if workflow.subject is not None else ""
    sentence = decided(workflow.name, step.label, step.comment_label, decision.comment, subject=subject)
    address, place = workflow.leads_to or page_of(row), place_of(row)
    tell_accounts(session, accounts_of(session, person), sentence, address, kind=NoticeKind.DECISION, now=decision.at, place=place)
