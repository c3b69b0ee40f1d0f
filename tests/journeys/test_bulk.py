"""One act on many records: what was confirmed is what is done, record by record, whatever happens meanwhile."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.base import utcnow
from models.history import Decision
from models.jobs import BulkRecord, Job, JobState
from models.people import CertificationState, Teacher
from models.scoping import SYSTEM, acting_as
from models.violation import RuleViolation
from rules.bulk import open_records, set_aside, tick
from rules.jobs import STILL_AFTER, JobLost, take_up
from tests.cast import Cast
from tests.clients import Browser
from tests.journeys.test_excel_doors import job_of, work_off
from views.panel import bulk, bulk_work
from views.panel.verbs import Verb
from views.people import TeacherView
from views.worker import forget_old_files, give_out_again, run_job

PENDING, PASSED = CertificationState.PENDING, CertificationState.PASSED
WAITING = "f.certification=pending"


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """One record is at once, two are many; the post is asked for at every second one."""
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(bulk_work, "AT_A_TIME", 2)


@pytest.fixture
def school(cast: Cast) -> None:
    """Everybody at 北 waits."""
    put(cast, Teacher, Teacher.name.in_(("梅", "兰", "竹")), certification=PENDING)


def put(cast: Cast, model: type[Any], condition: Any, **values: Any) -> None:
    with Session(cast.engine) as session:
        session.execute(update(model.__table__).where(condition).values(**values))
        session.commit()


def states(cast: Cast) -> dict[str, CertificationState]:
    with Session(cast.engine) as session:
        rows = session.execute(select(Teacher.name, Teacher.certification).where(Teacher.name.in_(("梅", "兰", "竹"))))
        return {name: state for name, state in rows}


def decided(cast: Cast) -> int:
    """How many decisions the platform has kept that were made in this test."""
    with Session(cast.engine) as session:
        return session.scalar(select(func.count()).select_from(Decision).where(Decision.table_name == "teacher")) or 0


def ask(browser: Browser, table: str = "teacher", verb: str = "pass", query: str = WAITING, **form: str) -> int:
    """Ask for all that match, and confirm; the number of the job."""
    browser.get(f"/{table}/list/?{query}")
    answer = browser.post(f"/{table}/bulk", verb=verb, all="1", query=query, confirmed="1", **form)
    assert answer.status_code == 303 and "/job/show/" in answer.location, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def lost(cast: Cast, number: int) -> None:
    put(cast, Job, Job.id == number, beat_at=utcnow() - 2 * STILL_AFTER)


@pytest.mark.usefixtures("school")
def test_all_that_match_are_done_by_a_worker_and_told(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    ping.get(f"/teacher/list/?{WAITING}")
    asked = ping.post("/teacher/bulk", verb="pass", all="1", query=WAITING).text
    assert "将对 3 名教师执行“通过”" in asked and "后台任务" in asked and "审核状态：待审核" in asked
    number = ask(ping, count="3")
    assert states(cast)["兰"] is PENDING and job_of(cast, number).state is JobState.WAITING
    assert "data-progress-url" in ping.get(f"/job/show/{number}").text and "停止" in ping.get(f"/job/show/{number}").text
    work_off(app)
    job = job_of(cast, number)
    assert (job.state, job.message, job.done, job.file_key) == (JobState.DONE, "已办理 3 条，未办理 0 条。", 3, None)
    assert set(states(cast).values()) == {PASSED}
    page = ping.get(f"/job/show/{number}").text
    assert "已办理" in page and f"/teacher/list/?{WAITING}" in page and "重新上传" not in page
    assert "批量通过：教师管理" in ping.get("/job/list/").text
    assert client_of("锐").get(f"/job/show/{number}").status_code == 404


@pytest.mark.usefixtures("school")
def test_another_number_than_was_seen_is_asked_again(client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    ping.get("/teacher/list/")
    again = ping.post("/teacher/bulk", verb="pass", all="1", query=WAITING, confirmed="1", count="2").text
    assert "从 2 条变成了 3 条" in again and set(states(cast).values()) == {PENDING}
    assert re.search(r'name="count" value="(\d+)"', again)[1] == "3"  # type: ignore[index]
    unsaid = ping.post("/teacher/bulk", verb="fail", all="1", query=WAITING, confirmed="1", count="3").text
    assert 'name="comment"' in unsaid and set(states(cast).values()) == {PENDING}


@pytest.mark.usefixtures("school")
def test_what_no_longer_matches_is_skipped_and_what_is_refused_is_listed(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    number = ask(ping, query="q=", verb="pass")
    narrowed = ask(ping)
    put(cast, Teacher, Teacher.name == "梅", certification=PASSED)
    with Session(cast.engine) as session:
        session.execute(update(Teacher).where(Teacher.name == "竹").values(scope_path=cast.path["南"] + f"t{cast.teacher['竹']}/"))
        session.commit()
    run_job(app, number)
    assert job_of(cast, number).message == "已办理 1 条，未办理 2 条。"
    page = ping.get(f"/job/show/{number}").text
    assert "当前状态是“认证通过”，不能“通过”" in page and f'/teacher/show/{cast.teacher["梅"]}"' in page
    assert "已不在您的管理范围内" in page and f'/teacher/show/{cast.teacher["竹"]}"' not in page
    rows = list(load_workbook(io.BytesIO(ping.get(f"/job/{number}/file").data)).worksheets[0].iter_rows(values_only=True))
    assert rows[0][0] == "编号" and rows[0][-2:] == ("结果", "原因")
    told = {row[0]: row for row in rows[1:]}
    assert "梅" in told[cast.teacher["梅"]] and told[cast.teacher["梅"]][-2] == "未办理"
    assert told[cast.teacher["竹"]][1:-2] == (None,) * (len(rows[0]) - 3) and told[cast.teacher["竹"]][-2] == "已跳过"
    work_off(app)
    page = ping.get(f"/job/show/{narrowed}").text
    assert "已不符合当时的筛选条件" in page and job_of(cast, narrowed).message == "已办理 0 条，未办理 3 条。"


@pytest.mark.usefixtures("school")
def test_who_came_later_is_not_meant(app: Flask, client_of: Any, cast: Cast) -> None:
    put(cast, Teacher, Teacher.name == "竹", certification=CertificationState.NONE)
    number = ask(client_of("平"))
    put(cast, Teacher, Teacher.name == "竹", certification=PENDING)
    work_off(app)
    assert job_of(cast, number).total == 2 and states(cast) == {"梅": PASSED, "兰": PASSED, "竹": PENDING}


@pytest.mark.usefixtures("school")
def test_a_post_that_ends_halfway_ends_the_act(app: Flask, client_of: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    ping = client_of("平")
    number = ask(ping)
    after(monkeypatch, 2, lambda: put(cast, Post, Post.account_id == cast.account["平"], until=cast.today))
    work_off(app)
    job = job_of(cast, number)
    assert (job.state, job.message) == (JobState.FAILED, "创建任务时的岗位已经结束，其余的没有办理。")
    assert sorted(state.value for state in states(cast).values()) == ["passed", "passed", "pending"]
    put(cast, Post, Post.account_id == cast.account["平"], until=None)
    ping.post(f"/job/do/retry/{number}")
    work_off(app)
    assert job_of(cast, number).message == "已办理 3 条，未办理 0 条。" and decided(cast) == 3


def after(monkeypatch: pytest.MonkeyPatch, count: int, happens: Callable[[], object]) -> None:
    """Let something happen in the world once ``count`` records have been done."""
    attempts = []
    usual = bulk_work.attempt

    def watched(*given: Any) -> str:
        said = usual(*given)
        attempts.append(said)
        if len(attempts) == count:
            happens()
        return said

    monkeypatch.setattr(bulk_work, "attempt", watched)


@pytest.mark.usefixtures("school")
def test_what_is_stopped_keeps_what_is_done_and_goes_on_when_asked(
    app: Flask, client_of: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    ping = client_of("平")
    number = ask(ping)
    after(monkeypatch, 1, lambda: ping.post(f"/job/do/stop/{number}", confirmed="1"))
    work_off(app)
    job = job_of(cast, number)
    assert job.state is JobState.STOPPED and "已办理的保留" in job.message
    assert decided(cast) == 1
    page = ping.get(f"/job/show/{number}").text
    assert "尚未处理" in page and "重试" in page
    ping.post(f"/job/do/retry/{number}")
    assert job_of(cast, number).state is JobState.WAITING, "a bulk act is never done within the request"
    work_off(app)
    assert job_of(cast, number).message == "已办理 3 条，未办理 0 条。" and decided(cast) == 3


@pytest.mark.usefixtures("school")
def test_of_two_workers_one_does_it(app: Flask, client_of: Any, cast: Cast) -> None:
    number = ask(client_of("平"))
    start = Barrier(2)

    def work() -> None:
        start.wait()
        run_job(app, number)

    workers = [Thread(target=work) for _worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert job_of(cast, number).message == "已办理 3 条，未办理 0 条。" and decided(cast) == 3


@pytest.mark.usefixtures("school")
def test_a_worker_that_was_given_up_does_nothing_more(app: Flask, client_of: Any, cast: Cast) -> None:
    number = ask(client_of("平"))
    app.extensions["queue"]().huey.flush()
    with acting_as(SYSTEM), app.extensions["db"].session_factory() as session:
        slow = take_up(session, number, now=utcnow())
        assert slow is not None
        (place, _row), *_rest = open_records(session, number, 10)
        lost(cast, number)
        give_out_again(app)
        with pytest.raises(JobLost):
            tick(session, slow, place)
        session.rollback()
        with pytest.raises(JobLost):
            set_aside(session, slow, [place], bulk_work.BulkOutcome.REFUSED, "晚了")
    work_off(app)
    assert job_of(cast, number).message == "已办理 3 条，未办理 0 条。" and decided(cast) == 3


KILLED_AT_THE_SECOND = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from sqlalchemy import event
from app import create_app
from config import Settings
from models.history import Decision
from views.worker import run_job

made = []

@event.listens_for(Decision, "after_insert")
def die_within_the_second(mapper, connection, decision):
    made.append(decision)
    if len(made) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

app = create_app(Settings(database_url={url!r}, data_dir=Path({folder!r}), secret_key="t" * 40, app_env="test"))
run_job(app, {job})
"""


@pytest.mark.usefixtures("school")
def test_a_worker_killed_halfway_is_followed_by_another(app: Flask, client_of: Any, cast: Cast, database_url: str, tmp_path: Path) -> None:
    number = ask(client_of("平"))
    app.extensions["queue"]().huey.flush()
    script = KILLED_AT_THE_SECOND.format(root=str(Path(__file__).parents[2]), url=database_url, folder=str(tmp_path), job=number)
    killed = subprocess.run([sys.executable, "-c", script], timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert decided(cast) == 1 and job_of(cast, number).state is JobState.RUNNING
    lost(cast, number)
    give_out_again(app)
    work_off(app)
    assert job_of(cast, number).message == "已办理 3 条，未办理 0 条。" and decided(cast) == 3


@pytest.mark.usefixtures("school")
def test_one_record_that_breaks_stops_no_other(app: Flask, client_of: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(session: Any, identity: Any, row: Any, values: Any, now: Any) -> str:
        row.title_id = None
        session.flush()
        if row.name == "兰":
            raise RuntimeError("秘密")
        if row.name == "竹":
            raise RuleViolation("今天不行。")
        return "好"

    monkeypatch.setattr(TeacherView, "verbs", (Verb("break", "试验", "certify", breaks),))
    ping = client_of("平")
    number = ask(ping, verb="break")
    work_off(app)
    page = ping.get(f"/job/show/{number}").text
    assert job_of(cast, number).message == "已办理 1 条，未办理 2 条。"
    assert "今天不行。" in page and re.search(r"处理时出错，错误编号 [0-9A-F]{8}。", page) and "秘密" not in page
    with Session(cast.engine) as session:
        left = session.execute(select(Teacher.name, Teacher.title_id).where(Teacher.name.in_(("梅", "兰", "竹"))))
        assert {name: title is None for name, title in left} == {"梅": True, "兰": False, "竹": False}, "what was refused wrote nothing"


def test_passwords_are_reset_in_bulk_and_none_is_kept_or_lost(app: Flask, client_of: Any, cast: Cast) -> None:
    """平 is an administrator by name: their password is told once, to somebody who looks at it, and never by a job."""
    fu = client_of("运")
    with Session(cast.engine) as session:
        before = session.scalars(select(Account.password).where(Account.id == cast.account["平"])).one()
    number = ask(fu, table="account", verb="reset", query="f.state=active")
    work_off(app)
    page = fu.get(f"/job/show/{number}").text
    assert "这个账号须使用一次性密码" in page and "本人的账号请由上级或客服办理。" in page
    job = job_of(cast, number)
    assert job.done == job.total and "password" not in str(job.details | job.result)
    with Session(cast.engine) as session:
        assert session.scalars(select(Account.password).where(Account.id == cast.account["平"])).one() == before
        assert session.scalars(select(Account.password).where(Account.id == cast.account["梅"])).one() is None


def test_those_not_done_are_listed_as_the_person_sees_them(app: Flask, client_of: Any, cast: Cast) -> None:
    """Nobody is locked: every account is refused, and a county sees no phone of a teacher, here neither."""
    dan = client_of("丹")
    number = ask(dan, table="account", verb="unlock", query="")
    work_off(app)
    cells = [str(cell) for row in load_workbook(io.BytesIO(dan.get(f"/job/{number}/file").data)).worksheets[0].values for cell in row]
    assert "138****0001" in cells and "以这条记录现在的情况，不能“解锁”。" in cells
    whole = " ".join(cells) + dan.get(f"/job/show/{number}").text
    assert "13850000001" not in whole and "350203198503120028" not in whole


def test_many_are_deleted_at_once_and_what_is_kept_says_why(app: Flask, client_of: Any, cast: Cast) -> None:
    fu = client_of("福")
    with Session(cast.engine) as session:
        session.execute(delete(Post).where(Post.school_id == cast.school["南"]))
        session.commit()
    fu.get("/school/list/")
    for key in ("甲", "乙"):
        fu.get("/school/add")
        code = f"31350001{ord(key)}"
        assert fu.post("/school/add", code=code, name=f"{key}新学校", region=str(cast.region["思明区"]), kind="school").status_code == 303
    number = ask(fu, table="school", verb="delete", query="")
    work_off(app)
    assert job_of(cast, number).message == "已办理 2 条，未办理 4 条。"
    assert "不能删除" in fu.get(f"/job/show/{number}").text
    assert "新学校" not in fu.get("/school/list/").text
    ping = client_of("平")
    ping.get("/school/list/")
    assert ping.post("/school/bulk", verb="delete", all="1", query="", confirmed="1").status_code == 403
    assert ping.post("/job/bulk", verb="delete", all="1", query="", confirmed="1").status_code == 404


@pytest.mark.usefixtures("school")
def test_a_few_are_done_while_one_waits(client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    ping.get("/teacher/list/")
    ids = [str(cast.teacher["兰"]), str(cast.teacher["菊"])]
    done = ping.post("/teacher/bulk", verb="pass", id=ids, confirmed="1")
    assert "/teacher/list/" in done.location, "菊 is out of reach and does not count"
    assert "“通过”已完成 1 条" in ping.get(done.location).text and states(cast)["兰"] is PASSED


@pytest.mark.usefixtures("school")
def test_the_records_are_forgotten_with_the_files(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    number = ask(ping)
    ping.post(f"/job/do/stop/{number}", confirmed="1")
    put(cast, Job, Job.id == number, created_at=cast.today - timedelta(days=900))
    forget_old_files(app)
    with Session(cast.engine) as session:
        assert session.scalar(select(func.count()).select_from(BulkRecord)) == 0
    ping.post(f"/job/do/retry/{number}")
    work_off(app)
    assert job_of(cast, number).message == "这次批量办理已过期，请到列表重新选择。"
