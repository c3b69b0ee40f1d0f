"""A piece of long work is taken once, ends once, and is never done by somebody it was taken away from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from models.jobs import Job, JobKind, JobState
from models.org import Stage
from models.scoping import SYSTEM, acting_as
from models.violation import Conflict
from rules.files_store import FileStore
from rules.jobs import STILL_AFTER, JobLost, Run, ask_for, fail, finish, follow_up, recover, retry, stop, take_up, tell
from tests.cast import TODAY, Cast


@pytest.fixture
def session(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Session]:
    with acting_as(SYSTEM), factory() as session:
        yield session


@pytest.fixture
def job(session: Session, cast: Cast) -> Job:
    job = Job(title="教师导出", kind=JobKind.EXPORT, total=10, details={"table": "teacher"})
    return ask_for(session, cast.identity("平"), job)


def state_of(session: Session, job: Job) -> tuple[JobState, str]:
    session.refresh(job)
    return job.state, job.message


def test_it_is_asked_for_as_a_post(job: Job, cast: Cast) -> None:
    assert (job.account_id, job.post_id, job.state) == (cast.account["平"], cast.identity("平").post_id, JobState.WAITING)


def test_one_worker_of_many_takes_it(session: Session, job: Job, factory: sessionmaker[Any]) -> None:
    start, taken = Barrier(6), []

    def try_it() -> None:
        with acting_as(SYSTEM), factory() as mine:
            start.wait()
            taken.append(take_up(mine, job.id, now=TODAY))

    workers = [Thread(target=try_it) for _worker in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len([run for run in taken if run is not None]) == 1


def taken(session: Session, job: Job) -> Run:
    run = take_up(session, job.id, now=TODAY)
    assert run is not None
    return run


def test_progress_is_told_and_the_end_is_final(session: Session, job: Job) -> None:
    run = taken(session, job)
    tell(session, run, done=4, total=10, message="正在导出", now=TODAY)
    session.refresh(job)
    assert (job.done, job.message, job.beat_at) == (4, "正在导出", TODAY)
    finish(session, run, message="已导出 10 行。", now=TODAY, done=10)
    session.commit()
    assert state_of(session, job) == (JobState.DONE, "已导出 10 行。")
    fail(session, run, "晚了", now=TODAY)
    assert state_of(session, job)[0] is JobState.DONE
    assert take_up(session, job.id, now=TODAY) is None


def test_what_was_stopped_leaves_nothing(session: Session, job: Job, cast: Cast, factory: sessionmaker[Any]) -> None:
    """The owner stops while the work is still uncommitted: neither the work nor its end is written."""
    run = taken(session, job)
    with factory() as owner:
        stop(owner, cast.identity("平"), job, now=TODAY)
    with pytest.raises(JobLost):
        tell(session, run, done=5, total=10, message="", now=TODAY)
    session.add(Stage(code="x", name="半途"))
    session.flush()
    with pytest.raises(JobLost):
        finish(session, run, message="", now=TODAY)
    session.rollback()
    assert state_of(session, job) == (JobState.STOPPED, "已按您的要求停止，没有写入任何数据。")
    with pytest.raises(Conflict):
        stop(session, cast.identity("平"), job, now=TODAY)


def test_a_failed_job_starts_anew(session: Session, job: Job, cast: Cast) -> None:
    with pytest.raises(Conflict):
        retry(session, cast.identity("平"), job)
    fail(session, taken(session, job), "磁盘满了", now=TODAY)
    retry(session, cast.identity("平"), job)
    assert state_of(session, job)[0] is JobState.WAITING and taken(session, job)


@pytest.mark.parametrize(
    ("kind", "after"),
    [(JobKind.EXPORT, JobState.WAITING), (JobKind.IMPORT_CHECK, JobState.WAITING), (JobKind.IMPORT_APPLY, JobState.STOPPED)],
)
def test_whose_worker_died_is_found(session: Session, job: Job, kind: JobKind, after: JobState) -> None:
    session.execute(update(Job).where(Job.id == job.id).values(kind=kind))
    run = taken(session, job)
    assert recover(session, now=TODAY + STILL_AFTER) == []
    assert recover(session, now=TODAY + STILL_AFTER + timedelta(seconds=1)) == ([job.id] if after is JobState.WAITING else [])
    assert state_of(session, job)[0] is after
    with pytest.raises(JobLost):
        finish(session, run, message="", now=TODAY)


def test_a_check_is_applied_once(session: Session, job: Job, cast: Cast) -> None:
    ping = cast.identity("平")
    finish(session, taken(session, job), message="", now=TODAY)
    session.commit()
    session.refresh(job)
    applied = follow_up(session, ping, job, Job(title="导入", kind=JobKind.IMPORT_APPLY))
    with pytest.raises(Conflict):
        follow_up(session, ping, job, Job(title="导入", kind=JobKind.IMPORT_APPLY))
    session.refresh(job)
    assert job.result == {"applied": applied.id}


def test_files_are_kept_under_keys_nobody_guesses(tmp_path: Path) -> None:
    store = FileStore(f"file://{tmp_path}/store")
    source = tmp_path / "a.txt"
    source.write_bytes(b"abc")
    first, second = (store.put(source, now=TODAY) for _time in range(2))
    assert first != second and len(first.rsplit("/", 1)[1]) == 43
    with store.open(first) as kept:
        assert kept.read() == b"abc"
    store.delete(second)
    store.delete(second)
    for gone in (second, "../a.txt", f"jobs/20261123/../../../{source.name}", ""):
        with pytest.raises(FileNotFoundError):
            store.open(gone)
    assert store.collect(before=TODAY.date()) == 0
    assert store.collect(before=TODAY.date() + timedelta(days=1)) == 1
    with pytest.raises(FileNotFoundError):
        store.fetch(first, tmp_path / "b.txt")
    store.check()
