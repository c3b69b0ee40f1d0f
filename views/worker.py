"""Long work outside the request: the queue, the worker's loop, and what is told while a job runs.

The queue only says "there is a job"; what is to be done and how far it has come stands in the job's row. So a queue that is lost,
or a worker that is killed, costs nothing but time. The one thing a newcomer gets wrong: a small job runs right in the request,
through the same function.
"""

from __future__ import annotations

import gc
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from flask import Flask, current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from config import Settings
from models.base import utcnow
from models.jobs import Job, JobKind
from models.scoping import SYSTEM, acting_as
from models.session import transaction
from models.violation import NotPermitted, OutOfReach, RuleViolation
from rules.account_counts import recount_accounts
from rules.files import collect_files
from rules.files_store import FileStore
from rules.jobs import KEPT_DAYS, JobLost, Run, fail, forget_files, recover, take_up, tell
from rules.notices import KEPT_DAYS as NOTICE_DAYS
from rules.notices import forget_notices, send_due_texts
from rules.page_views import day_of, forget_views
from rules.permission_codes import expire_codes
from rules.phone_requests import forget_photos
from rules.service_desk import lapse
from rules.sessions import forget_sessions
from views.panel.excel.work import Failure, do
from views.panel.security import identity_of
from views.panel.words import refused

if TYPE_CHECKING:
    from huey import Huey

log = logging.getLogger("yanxiu.worker")
BEAT_SECONDS = 1.0
LARGE = (JobKind.BULK, JobKind.ARCHIVE)
DONE_AT_ONCE = 2000
"""Rows a person waits for in the request."""
CRASHED = "处理时出错，没有写入任何数据。错误编号 %(reference)s，可以重试，或把编号告诉平台运营。"
HALFWAY = "处理时出错。已办理的保留，点击“重试”继续办理其余的。错误编号 %(reference)s，也可以把编号告诉平台运营。"
YOUNG_OBJECTS = 50_000
"""How many new objects Python lets pass before it looks for garbage: a job makes them by the million and drops them at once."""


# --- the queue --------------------------------------------------------------------------------------------------------


def prepare_jobs(app: Flask) -> None:
    """Give the application its file store and its queue, and let /healthz ask after both."""
    settings: Settings = app.extensions["settings"]
    store, queue = FileStore(settings.store_url), cache(lambda: _queue(app, settings))
    app.extensions["files"], app.extensions["queue"] = store, queue
    app.extensions.setdefault("health", {}).update(queue=lambda: queue().huey.pending_count(), files=store.check)


class Queue(NamedTuple):
    """The library's queue, and the call that leaves a job in it."""

    huey: Huey
    run_job: Callable[[int], Any]


def _queue(app: Flask, settings: Settings) -> Queue:
    """The queue with what a worker finds in it, made when it is first needed: its library loads drivers no other page wants.

    It is in Redis where there is one, else in a file beside the database. Messages are signed: who can write to the queue runs
    no code here.
    """
    from huey import RedisHuey, SqliteHuey, crontab
    from huey.serializer import SignedSerializer

    serializer = SignedSerializer(secret=settings.secret_key, salt="yanxiu-queue")
    if settings.redis_url:
        queue = RedisHuey("yanxiu", url=settings.redis_url, serializer=serializer, results=False)
    else:
        settings.queue_path.parent.mkdir(parents=True, exist_ok=True)
        queue = SqliteHuey("yanxiu", filename=str(settings.queue_path), serializer=serializer, results=False)
    queue.periodic_task(crontab(minute="*"), name="find_lost_jobs")(lambda: give_out_again(app))
    queue.periodic_task(crontab(minute="*"), name="expire_codes")(lambda: expire_old_codes(app))
    queue.periodic_task(crontab(hour="3", minute="17"), name="forget_old_files")(lambda: forget_old_files(app))
    queue.periodic_task(crontab(hour="3", minute="42"), name="forget_photos")(lambda: forget_old_photos(app))
    queue.periodic_task(crontab(hour="3", minute="47"), name="collect_files")(lambda: collect_unused_files(app))
    queue.periodic_task(crontab(minute="*/10"), name="recount_accounts")(lambda: count_accounts_again(app))
    queue.periodic_task(crontab(hour="3", minute="27"), name="forget_old_views")(lambda: forget_old_views(app))
    queue.periodic_task(crontab(hour="3", minute="57"), name="forget_old_sessions")(lambda: forget_old_sessions(app))
    queue.periodic_task(crontab(minute="*"), name="send_texts")(lambda: send_texts(app))
    queue.periodic_task(crontab(hour="3", minute="37"), name="forget_old_notices")(lambda: forget_old_notices(app))
    return Queue(queue, queue.task(name="run_job")(lambda job_id: run_job(app, job_id)))


def start(app: Flask, job: Job) -> None:
    """Do a small job at once and leave a large one to a worker; ``job.total`` says how large it is. Some kinds are large by nature."""
    if job.total <= DONE_AT_ONCE and job.kind not in LARGE:
        run_job(app, job.id, is_awaited=True)
    else:
        give_out(app, job.id)


def give_out(app: Flask, job_id: int) -> None:
    """Let a worker do the job. A queue that does not answer is no reason to fail: the job waits in its row and is found there."""
    try:
        app.extensions["queue"]().run_job(job_id)
    except Exception:
        log.exception("job %s could not be queued", job_id)


def give_out_again(app: Flask) -> None:
    """Find jobs whose worker died and jobs the queue has lost. One given out twice is still done once.

    A database that lets nobody write has an import at work in it; there will be another minute.
    """
    with _as_system(app) as session:
        try:
            waiting = recover(session, now=utcnow())
        except OperationalError:
            log.warning("the database is busy: lost jobs are looked for in a minute")
            return
        for job_id in waiting:
            give_out(app, job_id)


def expire_old_codes(app: Flask) -> None:
    """Show in the lists which permission codes nobody has bound in time."""
    with _as_system(app) as session:
        expire_codes(session, utcnow())


def forget_old_files(app: Flask) -> None:
    """Delete uploads and results that have been kept long enough."""
    before = utcnow() - timedelta(days=KEPT_DAYS)
    with _as_system(app) as session:
        forget_files(session, before=before)
    app.extensions["files"].collect(before=before.date())


def forget_old_photos(app: Flask) -> None:
    """End the requests for another phone that nobody decides, and let go of the photographs of those long decided; bytes go afterwards."""
    now, kept = utcnow(), timedelta(days=app.extensions["settings"].photo_days)
    with _as_system(app) as session:
        lapse(session, before=now - kept, now=now)
        forget_photos(session, before=now - kept)


def collect_unused_files(app: Flask) -> None:
    """Delete broken-off uploads, files no record was saved with, and bytes nothing refers to."""
    with _as_system(app) as session:
        collect_files(session, app.extensions["files"], now=utcnow())


def count_accounts_again(app: Flask) -> None:
    """Bring the statistics of accounts in line with the accounts; a busy database has ten more minutes."""
    with _as_system(app) as session:
        try:
            recount_accounts(session, now=utcnow())
        except OperationalError:
            log.warning("the database is busy: accounts are counted later")


def forget_old_views(app: Flask) -> None:
    """Delete page views from before the longest period that can be asked for."""
    with _as_system(app) as session:
        forget_views(session, today=day_of(utcnow()))


def forget_old_sessions(app: Flask) -> None:
    """Delete what is remembered of sessions that were signed out of, once their cookies have run out."""
    with _as_system(app) as session:
        forget_sessions(session, utcnow())


def send_texts(app: Flask) -> None:
    """Send to the phones what somebody has to hear who may be kept out."""
    with _as_system(app) as session:
        send_due_texts(session, now=utcnow())


def forget_old_notices(app: Flask) -> None:
    """Delete notices that have been kept long enough."""
    with _as_system(app) as session:
        forget_notices(session, before=utcnow() - timedelta(days=NOTICE_DAYS))


@contextmanager
def _as_system(app: Flask) -> Iterator[Session]:
    with app.app_context(), acting_as(SYSTEM):
        yield app.extensions["db"]()


# --- one job ----------------------------------------------------------------------------------------------------------


def run_job(app: Flask, job_id: int, *, is_awaited: bool = False) -> None:
    """Do a waiting job from beginning to end; whatever goes wrong is in its row afterwards."""
    with _as_system(app) as session:
        run = take_up(session, job_id, now=utcnow(), is_awaited=is_awaited)
        if run is None:
            return
        job = session.get_one(Job, job_id, populate_existing=True)
        with force_locale(job.details.get("locale", "zh_CN")):
            sentence, kept = _attempt(app, session, job, run)
            if sentence:
                fail(session, run, sentence, now=utcnow(), **kept)


def _attempt(app: Flask, session: Session, job: Job, run: Run) -> tuple[str, dict[str, Any]]:
    """Do it; the answer is what to tell when it did not work, nothing when it did."""
    try:
        person = identity_of(session, job)
        # The transaction ends before the heartbeat does: on SQLite the beat waits for it.
        with _fewer_collections(), Heartbeat(app, run, job.total) as progress, acting_as(person), transaction(session):
            do(job, run, progress)
        return "", {}
    except JobLost:
        return "", {}
    except Failure as failure:
        return failure.sentence, failure.kept
    except RuleViolation as refusal:
        return refused(refusal), {}
    except (NotPermitted, OutOfReach):
        return _("您的岗位已没有这项权限。"), {}
    except FileNotFoundError:
        return _("文件已过期清理，请重新上传。"), {}
    except Exception:
        reference = secrets.token_hex(4).upper()
        log.exception("reference %s: job %s", reference, job.id)
        return _(HALFWAY if job.kind is JobKind.BULK else CRASHED, reference=reference), {}


class Heartbeat:
    """Tells every second how far the job has come, from a thread of its own; calling it notes progress and costs next to nothing.

    While an import is being written to SQLite nobody else can write, this thread included: then it waits, and whoever would take
    the job for lost waits likewise.
    """

    def __init__(self, app: Flask, run: Run, total: int) -> None:
        self._new_session, self._run = app.extensions["db"].session_factory, run
        self._done, self._total, self._message = 0, total, ""
        self._over, self._is_lost = threading.Event(), False
        self._thread = threading.Thread(target=self._beat, name=f"job-{run.job_id}", daemon=True)

    def __call__(self, done: int, total: int | None = None, message: str | None = None) -> None:
        self._done = done
        self._total = self._total if total is None else total
        self._message = self._message if message is None else message
        if self._is_lost:
            raise JobLost(self._run)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        with acting_as(SYSTEM), self._new_session() as session:
            while not self._over.wait(BEAT_SECONDS):
                try:
                    tell(session, self._run, done=self._done, total=self._total, message=self._message, now=utcnow())
                except JobLost:
                    self._is_lost = True
                    return
                except OperationalError:
                    session.rollback()


@contextmanager
def _fewer_collections() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


# --- the command ------------------------------------------------------------------------------------------------------


@click.command("worker")
@click.option("--workers", default=1, show_default=True, help="How many jobs at the same time.")
def worker(workers: int) -> None:
    """Do the jobs of the queue until stopped; several may run, on one machine or many (with Redis)."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    give_out_again(app)
    count_accounts_again(app)
    app.extensions["queue"]().huey.create_consumer(workers=workers, periodic=True, max_delay=1.0).run()
