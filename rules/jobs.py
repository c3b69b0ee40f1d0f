"""The life of a piece of long work: asked for, taken by one worker, told of while it runs, ended exactly once.

Every change of state is a conditional update. Whoever takes a job raises its version, and that number is their right to go on:
once it is no longer the row's (stopped by its owner, or found still after its worker died), nothing more of theirs is written.
The one thing a newcomer gets wrong: ``finish`` belongs into the transaction of the work itself, so that a job is done if and only
if what it did is there. A bulk act alone is many transactions, one for each record (``rules.bulk``): what is done stays done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, case, delete, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from models.jobs import BulkRecord, Job, JobKind, JobState
from models.notices import NoticeKind
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Conflict, Sentence
from rules.notices import page_of, tell_accounts

LIVE = (JobState.WAITING, JobState.RUNNING)
ENDED_BADLY = (JobState.FAILED, JobState.STOPPED)
STILL_AFTER = timedelta(seconds=30)
"""A running job not heard of for so long has lost its worker; one at work is heard of every second."""
LONGEST_MESSAGE = 500
KEPT_DAYS = 7
"""How long uploads and results are kept."""

WAITS = "正在排队，马上开始。"
IS_DONE = "{kind}任务“{title}”已完成。"
IS_NOT_DONE = "{kind}任务“{title}”没有完成，请查看原因。"
INTERRUPTED = "处理被中断，没有写入任何数据。点击“重试”从头再来。"
STOPPED = "已按您的要求停止，没有写入任何数据。"
STOPPED_HALFWAY = "已按您的要求停止：已办理的保留，其余没有办理。点击“重试”继续办理其余的。"
MANY = 5000


class JobLost(Exception):
    """The job is no longer this worker's: its owner stopped it, or another worker took it over."""


@dataclass(frozen=True)
class Run:
    """One worker's turn at a job: the right to write to it, as long as the version is the row's."""

    job_id: int
    version: int
    is_awaited: bool = False
    """Its owner waits for it in their request, and need not be told of its end."""


def ask_for(session: Session, identity: Identity, job: Job, means: Sequence[int] = ()) -> Job:
    """Keep ``job`` for the person, as their post of now; a worker takes it when it is free.

    ``means`` are the records a bulk act was confirmed for: the caller has read them within the person's reach.
    """
    job.account_id, job.post_id = cast("int", identity.account_id), identity.post_id
    with acting_as(identity.serving()), transaction(session):
        session.add(job)
        session.flush()
        for start in range(0, len(means), MANY):
            session.execute(insert(BulkRecord), [{"job_id": job.id, "row_id": number} for number in means[start : start + MANY]])
    return job


def follow_up(session: Session, identity: Identity, check: Job, job: Job) -> Job:
    """Keep ``job``, which applies what ``check`` found; of two people who press at once, or one who presses twice, one is told."""
    job.account_id, job.post_id = cast("int", identity.account_id), identity.post_id
    with acting_as(identity.serving()), transaction(session):
        session.add(job)
        session.flush()
        unseen = and_(Job.id == check.id, Job.version == check.version, Job.state == JobState.DONE)
        if "applied" in check.result or not _change(session, unseen, result={**check.result, "applied": job.id}):
            raise Conflict("这次检查的结果已经导入过，请到“导出管理”查看。")
    return job


def take_up(session: Session, job_id: int, *, now: datetime, is_awaited: bool = False) -> Run | None:
    """Take a waiting job; None when somebody else was faster or it no longer waits."""
    taken = _change(session, and_(Job.id == job_id, Job.state == JobState.WAITING), state=JobState.RUNNING, beat_at=now, done=_DONE_SO_FAR)
    version = session.scalar(select(Job.version).where(Job.id == job_id)) if taken else None
    session.commit()
    return Run(job_id, version, is_awaited) if version is not None else None


def tell(session: Session, run: Run, *, done: int, total: int, message: str, now: datetime) -> None:
    """Say how far the work has come and that it is alive; raises JobLost when it is no longer this worker's."""
    values = {"done": done, "total": total, "message": message[:LONGEST_MESSAGE], "beat_at": now}
    told = session.execute(update(Job).where(_still(run)).values(values), execution_options=_QUIETLY)
    session.commit()
    if cast("CursorResult[Any]", told).rowcount != 1:
        raise JobLost(run)


def finish(session: Session, run: Run, *, message: str, now: datetime, **values: Any) -> None:
    """End the job well, in the transaction of its work: raises JobLost when it is no longer this worker's; commits nothing."""
    done = {"state": JobState.DONE, "message": message[:LONGEST_MESSAGE], "finished_at": now, "beat_at": now, **values}
    if not _change(session, _still(run), **done):
        raise JobLost(run)
    _tell_owner(session, run, IS_DONE, now)


def fail(session: Session, run: Run, sentence: str, *, now: datetime, **values: Any) -> None:
    """End the job badly, with a sentence its owner can act on; a job already taken away is left alone."""
    if _change(session, _still(run), state=JobState.FAILED, message=sentence[:LONGEST_MESSAGE], finished_at=now, **values):
        _tell_owner(session, run, IS_NOT_DONE, now)
    session.commit()


def stop(session: Session, identity: Identity, job: Job, *, now: datetime) -> None:
    """The owner's wish to stop: the worker notices within a second and leaves nothing behind, of a bulk act what is done."""
    message = STOPPED_HALFWAY if job.kind is JobKind.BULK else STOPPED
    with acting_as(identity.serving()), transaction(session):
        live = and_(Job.id == job.id, Job.state.in_(LIVE))
        if not _change(session, live, state=JobState.STOPPED, message=message, finished_at=now):
            raise Conflict("任务已经结束，不能停止。")


def retry(session: Session, identity: Identity, job: Job) -> None:
    """Let a failed or stopped job start from the beginning; a bulk act goes on with what is left."""
    with acting_as(identity.serving()), transaction(session):
        ended = and_(Job.id == job.id, Job.state.in_(ENDED_BADLY))
        if not _change(session, ended, state=JobState.WAITING, message=WAITS, done=_DONE_SO_FAR, finished_at=None):
            raise Conflict("只有失败或中断的任务可以重试。")


def recover(session: Session, *, now: datetime) -> list[int]:
    """Find the jobs whose worker died; the answer is the jobs to be given out again.

    An export or a check changes nothing and starts anew, a bulk act goes on with what is left. An import has left nothing either (it is one transaction), but its
    owner decides whether it is still wanted.
    """
    still = and_(Job.state == JobState.RUNNING, or_(Job.beat_at.is_(None), Job.beat_at < now - STILL_AFTER))
    for job in session.scalars(select(Job).where(still, Job.kind == JobKind.IMPORT_APPLY)).all():
        if _change(session, still & (Job.id == job.id), state=JobState.STOPPED, message=INTERRUPTED, finished_at=now):
            _tell(session, job, IS_NOT_DONE, now)
    _change(session, still, state=JobState.WAITING, message=WAITS, done=_DONE_SO_FAR)
    session.commit()
    return list(session.scalars(select(Job.id).where(Job.state == JobState.WAITING).order_by(Job.id)))


def forget_files(session: Session, *, before: datetime) -> None:
    """Jobs of that time no longer offer files, which the store is about to delete, nor name the records they were about."""
    had, old = or_(Job.file_key.is_not(None), Job.source_key.is_not(None)), and_(Job.created_at < before, Job.state.not_in(LIVE))
    _change(session, and_(old, had), file_key=None, source_key=None)
    session.execute(delete(BulkRecord).where(BulkRecord.job_id.in_(select(Job.id).where(old))), execution_options=_QUIETLY)
    session.commit()


def _tell_owner(session: Session, run: Run, sentence: str, now: datetime) -> None:
    if not run.is_awaited:
        _tell(session, session.get_one(Job, run.job_id), sentence, now)


def _tell(session: Session, job: Job, sentence: str, now: datetime) -> None:
    ended = Sentence(sentence, kind=job.kind, title=job.title)
    tell_accounts(session, [job.account_id], ended, page_of(job), kind=NoticeKind.JOB, now=now)


_QUIETLY = {"synchronize_session": False}
_DONE_SO_FAR: Any = case((Job.kind == JobKind.BULK, Job.done), else_=literal(0))


def _still(run: Run) -> Any:
    return and_(Job.id == run.job_id, Job.version == run.version, Job.state == JobState.RUNNING)


def _change(session: Session, condition: Any, **values: Any) -> bool:
    statement = update(Job).where(condition).values(version=Job.version + 1, **values)
    return bool(cast("CursorResult[Any]", session.execute(statement, execution_options=_QUIETLY)).rowcount)
