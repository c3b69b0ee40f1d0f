"""One act on many records, as a job: which records it was confirmed for, which are done, and why the others are not.

Each record is a transaction of its own, in which it is also ticked off. The one thing a newcomer gets wrong: ``tick`` comes first and
commits nothing, so that the act and its tick are there together or not at all; what was refused is ``set_aside`` afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import CursorResult, bindparam, exists, func, select, update
from sqlalchemy.orm import Session

from models.jobs import BulkOutcome, BulkRecord, Job, JobState
from models.scoping import acting_as, current_identity
from rules.jobs import JobLost, Run

LONGEST_REASON = 500
SHOWN_REASONS = 20
EXAMPLES = 5


@dataclass
class Reason:
    """Why some records were not done: the sentence, how many, and a few of them."""

    outcome: BulkOutcome
    sentence: str
    count: int
    row_ids: list[int] = field(default_factory=list)


def open_records(session: Session, job_id: int, most: int) -> list[tuple[int, int]]:
    """The next records still to be done: their places in the job, and their ids."""
    wanted = select(BulkRecord.id, BulkRecord.row_id).where(BulkRecord.job_id == job_id, BulkRecord.outcome.is_(None))
    with acting_as(current_identity().serving()):
        return [(place, row_id) for place, row_id in session.execute(wanted.order_by(BulkRecord.id).limit(most))]


def tick(session: Session, run: Run, place: int) -> None:
    """The record is done by what follows in this transaction; JobLost when the job is no longer this worker's."""
    if _settle(session, run, [place], BulkOutcome.DONE, "") != 1:
        raise JobLost(run)


def set_aside(session: Session, run: Run, places: Sequence[int], outcome: BulkOutcome, reason: str) -> None:
    """These records are not done, and why; commits. JobLost when the job is no longer this worker's."""
    if _settle(session, run, places, outcome, reason) != len(places):
        session.rollback()
        raise JobLost(run)
    session.commit()


def counts(session: Session, job_id: int) -> dict[BulkOutcome | None, int]:
    """How many records came out how; None are those still to be done."""
    told = select(BulkRecord.outcome, func.count()).where(BulkRecord.job_id == job_id).group_by(BulkRecord.outcome)
    with acting_as(current_identity().serving()):
        return {outcome: count for outcome, count in session.execute(told)}


def reasons(session: Session, job_id: int) -> list[Reason]:
    """Why records were not done, the most frequent sentence first; of each a few examples."""
    alike = {"partition_by": (BulkRecord.outcome, BulkRecord.reason)}
    numbered = select(
        BulkRecord.outcome,
        BulkRecord.reason,
        func.count().over(**alike).label("many"),  # type: ignore[arg-type]
        BulkRecord.row_id,
        func.row_number().over(**alike, order_by=BulkRecord.id).label("place"),  # type: ignore[arg-type]
    ).where(BulkRecord.job_id == job_id, BulkRecord.outcome.in_((BulkOutcome.REFUSED, BulkOutcome.SKIPPED)))
    with acting_as(current_identity().serving()):
        few = numbered.subquery()
        first = select(few).where(few.c.place <= EXAMPLES).order_by(few.c.many.desc(), few.c.outcome, few.c.reason, few.c.place)
        rows = session.execute(first.limit(SHOWN_REASONS * EXAMPLES)).all()
    found: dict[tuple[BulkOutcome, str], Reason] = {}
    for outcome, sentence, many, row_id, _place in rows:
        found.setdefault((outcome, sentence), Reason(outcome, sentence, many)).row_ids.append(row_id)
    return list(found.values())


def not_done(session: Session, job_id: int, after: int, most: int) -> list[tuple[int, int, BulkOutcome, str]]:
    """The records not done behind the place ``after``, in order: place, id, outcome and reason."""
    wanted = (
        select(BulkRecord.id, BulkRecord.row_id, BulkRecord.outcome, BulkRecord.reason)
        .where(BulkRecord.job_id == job_id, BulkRecord.outcome.in_((BulkOutcome.REFUSED, BulkOutcome.SKIPPED)), BulkRecord.id > after)
        .order_by(BulkRecord.id)
        .limit(most)
    )
    with acting_as(current_identity().serving()):
        return [tuple(row) for row in session.execute(wanted)]  # type: ignore[misc]


def _settle(session: Session, run: Run, places: Sequence[int], outcome: BulkOutcome, reason: str) -> int:
    given = {"places": list(places), "job": run.job_id, "turn": run.version, "came": outcome, "why": reason[:LONGEST_REASON]}
    with acting_as(current_identity().serving()):
        return cast("CursorResult[Any]", session.execute(SETTLE, given)).rowcount


RECORDS: Any = BulkRecord.__table__
JOBS: Any = Job.__table__
SETTLE = (
    update(RECORDS)
    .where(RECORDS.c.id.in_(bindparam("places", expanding=True)), RECORDS.c.outcome.is_(None))
    .where(exists().where(JOBS.c.id == bindparam("job"), JOBS.c.version == bindparam("turn"), JOBS.c.state == JobState.RUNNING))
    .values(outcome=bindparam("came"), reason=bindparam("why"))
)
"""Made once: it is asked for every record. Whoever has lost the job settles nothing."""
