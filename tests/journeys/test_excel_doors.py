"""A person exports and imports: what goes out, what comes in, and what becomes of work that takes long (issue 2, Export, Import)."""

from __future__ import annotations

import csv
import io
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import Workbook, load_workbook
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.access import Post
from models.base import utcnow
from models.fields import fields_of
from models.history import Change
from models.jobs import Job, JobKind, JobState
from models.people import Teacher
from models.scoping import SYSTEM, acting_as
from rules.jobs import STILL_AFTER, take_up
from tests.cast import TEACHERS, Cast
from tests.clients import Browser
from views import worker
from views.panel.excel import doors
from views.panel.excel.import_pages import _other_names
from views.worker import forget_old_files, give_out_again, run_job

HEADER = ("姓名", "证件类型", "证件号码", "手机号码", "职称", "学段", "学科领域")
MEI = ("梅", "居民身份证", "350203198503120028", "13850000001", "一级教师", "小学", "语文")
NEW = ("新", "居民身份证", "11010519491231002X", "13800000099", "高级教师", "小学", "语文")
BROKEN = ("坏", "居民身份证", "123", None, "一级教师", "小学", "语文")


def workbook(*rows: Sequence[Any], header: Sequence[str] = HEADER) -> bytes:
    book = Workbook()
    for row in (header, *rows):
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def sheets_of(answer: TestResponse) -> dict[str, list[tuple[Any, ...]]]:
    assert answer.status_code == 200, answer.text
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in load_workbook(io.BytesIO(answer.data))}


@dataclass
class Importing:
    """One person going through the three pages of an import."""

    browser: Browser
    table: str = "teacher"

    def upload(self, content: bytes, name: str = "教师.xlsx") -> TestResponse:
        self.browser.get(f"/{self.table}/import")
        form = {"csrf_token": self.browser.token, "file": (io.BytesIO(content), name)}
        return self.browser.client.post(f"/{self.table}/import", data=form, content_type="multipart/form-data")

    def matched(self, page: TestResponse) -> dict[str, str]:
        """The second page's form as it was filled in for the person."""
        assert page.status_code == 200, page.text
        chosen = {"token": re.search(r'name="token" value="([^"]+)"', page.text)[1]}  # type: ignore[index]
        for name, options in re.findall(r'<select class="form-select" name="(column\.\d+)"(.*?)</select>', page.text, re.S):
            found = re.search(r'value="([^"]*)" selected', options)
            chosen[name] = found[1] if found else ""
        return chosen

    def check(self, content: bytes, name: str = "教师.xlsx") -> tuple[int, TestResponse]:
        """Both first pages; the number of the check and its page."""
        answer = self.browser.post(f"/{self.table}/import/check", **self.matched(self.upload(content, name)))
        assert answer.status_code == 303, answer.text
        return int(answer.location.rsplit("/", 1)[1]), self.browser.get(answer.location)

    def apply(self, check: int, mode: str = "all") -> TestResponse:
        return self.browser.post(f"/{self.table}/import/{check}/apply", mode=mode)


def figures(page: TestResponse) -> list[int]:
    """新增, 修改, 未变化, 未通过"""
    return [int(number) for number in re.findall(r'class="stat-figure[^"]*">(\d+)<', page.text)]


def teachers(cast: Cast) -> set[str]:
    with Session(cast.engine) as session:
        return set(session.scalars(select(Teacher.name)))


def job_of(cast: Cast, number: int | None = None) -> Job:
    with Session(cast.engine) as session:
        return session.scalars(select(Job).where(Job.id == number if number else True).order_by(Job.id.desc()).limit(1)).one()


def work_off(app: Flask) -> None:
    """A worker that does what waits in the queue, and goes home."""
    queue = app.extensions["queue"]().huey
    while (task := queue.dequeue()) is not None:
        queue.execute(task)


# --- exports ----------------------------------------------------------------------------------------------------------


def test_a_school_exports_its_teachers_in_full(client_of: Any, cast: Cast) -> None:
    answer = client_of("平").post("/teacher/export", scope="all", columns=["name", "id_number", "phone", "certification", "school"])
    assert "filename*=UTF-8''%E6%95%99%E5%B8%88%E7%AE%A1%E7%90%86_" in answer.headers["Content-Disposition"]
    sheets = sheets_of(answer)
    rows = sheets["教师管理"]
    assert rows[0] == ("姓名", "证件号码", "手机号码", "学校", "审核状态")
    assert rows[1] == ("梅", "350203198503120028", "13850000001", "北实验小学", "认证通过")
    assert [row[0] for row in rows[1:]] == ["梅", "兰", "竹"]
    note = dict(sheets["说明"])
    assert (note["导出人"], note["岗位"], note["行数"], note["筛选条件"]) == ("平", "学校管理员 · 北实验小学", "3", "无")


def test_a_region_exports_them_masked(client_of: Any, cast: Cast) -> None:
    rows = sheets_of(client_of("丹").post("/teacher/export", scope="all", columns=["name", "id_number", "phone", "account_name"]))[
        "教师管理"
    ]
    assert ("35*****0028", "梅", "35*****0028", "138****0001") in rows and len(rows) == 6


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"scope": "all", "query": "f.certification=pending"}, ["兰"]),
        ({"scope": "page", "query": "sort=name", "page": "1", "size": "10"}, ["兰", "梅", "竹"]),
        ({"scope": "page", "page": "2", "size": "10"}, []),
        ({"scope": "nonsense", "format": "nonsense", "columns": "nonsense"}, ["梅", "兰", "竹"]),
    ],
)
def test_the_page_or_all_that_matches(client_of: Any, asked: dict[str, str], names: list[str]) -> None:
    rows = sheets_of(client_of("平").post("/teacher/export", **asked))["教师管理"]
    at = rows[0].index("姓名")
    assert sorted(row[at] for row in rows[1:]) == sorted(names)


def test_the_selection_and_nothing_out_of_reach(client_of: Any, cast: Cast) -> None:
    chosen = [str(cast.teacher[name]) for name in ("竹", "菊", "榕")]
    sheets = sheets_of(client_of("平").post("/teacher/export", scope="selection", id=chosen, columns=["name"]))
    assert sheets["教师管理"] == [("姓名",), ("竹",)]
    assert dict(sheets["说明"])["范围"] == "所选记录"


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(client_of: Any, cast: Cast) -> None:
    with Session(cast.engine) as session:
        session.execute(update(Teacher).where(Teacher.name == "竹").values(name="=1+1"))
        session.commit()
    answer = client_of("平").post("/teacher/export", scope="all", format="csv", columns=["name", "id_number"])
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert [row[0] for row in csv.reader(answer.data.decode("utf-8-sig").splitlines())] == ["姓名", "梅", "兰", "'=1+1"]


def test_an_export_is_noted(client_of: Any, cast: Cast) -> None:
    client_of("平").post("/teacher/export", scope="all", query="f.certification=pending&q=兰")
    with Session(cast.engine) as session:
        line = session.scalars(select(Change).where(Change.act == "export")).one()
    assert (line.table_name, line.account_id, line.post) == ("teacher", cast.account["平"], "学校管理员 · 北实验小学")
    assert line.comment == "1 行；筛选条件：以“兰”开头；审核状态：待审核"


def test_an_address_is_enough_for_a_small_export(client_of: Any) -> None:
    assert len(sheets_of(client_of("平").get("/teacher/export?f.certification=pending"))["教师管理"]) == 2


def test_without_the_act_there_is_no_door(client_of: Any) -> None:
    mei = client_of("梅")
    for address in ("/teacher/export", "/teacher/import", "/teacher/import/template", "/teacher/import/1"):
        assert mei.get(address).status_code == 403
    assert mei.post("/teacher/export", scope="all").status_code == 403
    assert mei.post("/teacher/import/1/apply", mode="all").status_code == 403


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows are many."""
    monkeypatch.setattr(doors, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(worker, "DONE_AT_ONCE", 2)


@pytest.mark.usefixtures("large")
def test_a_large_export_is_a_job_found_again(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    assert "后台任务" in ping.get("/teacher/export").text
    answer = ping.post("/teacher/export", scope="all", columns=["name", "phone"])
    number = int(answer.location.rsplit("/", 1)[1])
    assert ping.get(f"/job/{number}/state").json == {
        "state": "waiting",
        "label": "排队中",
        "colour": "gray",
        "done": 0,
        "total": 3,
        "message": "正在排队，马上开始。",
        "url": f"/job/show/{number}",
    }
    assert "data-progress-url" in ping.get(answer.location).text
    work_off(app)
    assert ping.get(f"/job/{number}/state").json["state"] == "done"
    assert sheets_of(ping.get(f"/job/{number}/file"))["教师管理"][1] == ("梅", "13850000001")
    assert "教师管理导出" in ping.get("/job/list/").text
    for other in ("锐", "丹", "梅"):
        assert client_of(other).get(f"/job/{number}/file").status_code == 404
        assert client_of(other).get(f"/job/{number}/state").status_code == 404


@pytest.mark.usefixtures("large")
def test_a_post_that_has_ended_makes_no_files_and_reads_none(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    first, second = (int(ping.post("/teacher/export", scope="all").location.rsplit("/", 1)[1]) for _time in range(2))
    run_job(app, first)
    with Session(cast.engine) as session:
        session.execute(update(Post).where(Post.account_id == cast.account["平"]).values(until=cast.today))
        session.commit()
    work_off(app)
    failed = job_of(cast, second)
    assert (failed.state, failed.message, failed.file_key) == (JobState.FAILED, "创建任务时的岗位已经结束，任务没有执行。", None)
    assert job_of(cast, first).file_key and ping.get(f"/job/{first}/file").status_code == 403


@pytest.mark.usefixtures("large")
def test_old_files_are_cleared_away(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    number = int(ping.post("/teacher/export", scope="all").location.rsplit("/", 1)[1])
    work_off(app)
    key = job_of(cast, number).file_key
    forget_old_files(app)
    assert job_of(cast, number).file_key == key
    store = app.extensions["files"]
    old = Path(store._path(key))
    old.parent.rename(old.parent.with_name("20200101"))
    with Session(cast.engine) as session:
        session.execute(update(Job).values(created_at=cast.today - timedelta(days=900)))
        session.commit()
    forget_old_files(app)
    assert not old.parent.with_name("20200101").exists()
    assert ping.get(f"/job/{number}/file").status_code == 404


# --- imports ----------------------------------------------------------------------------------------------------------


def test_a_template_is_filled_in_checked_and_applied(client_of: Any, cast: Cast) -> None:
    ping = Importing(client_of("平"))
    template = load_workbook(io.BytesIO(ping.browser.get("/teacher/import/template").data))
    sheet = template.active
    assert [cell.value for cell in sheet[1]] == [
        "*姓名",
        "*证件类型",
        "*证件号码",
        "手机号码",
        "职称",
        "学段",
        "学科领域",
        "轮岗单位",
        "轮岗至",
    ]
    for at, cell in enumerate(NEW, 1):
        sheet.cell(3, at, cell)
    kept = io.BytesIO()
    template.save(kept)
    check, page = ping.check(kept.getvalue())
    assert figures(page) == [1, 0, 0, 0] and "11010519491231002X" in page.text
    assert teachers(cast) == set(TEACHERS)
    answer = ping.browser.get(ping.apply(check).location)
    assert "新增 1 行" in answer.text and teachers(cast) == {*TEACHERS, "新"}
    with Session(cast.engine) as session:
        assert session.scalars(select(Change.batch).where(Change.comment == "导入：教师.xlsx")).all() == [f"job-{job_of(cast).id}"]


def test_good_rows_only_or_none_at_all(client_of: Any, cast: Cast) -> None:
    ping = Importing(client_of("平"))
    check, page = ping.check(workbook(MEI, NEW, BROKEN))
    assert figures(page) == [1, 0, 1, 1] and "身份证号码应为18位" in page.text
    rows = sheets_of(ping.browser.get(f"/job/{check}/file"))["Sheet"]
    assert rows[0][-1] == "导入结果" and [row[-1] for row in rows[1:]] == [None, None, "身份证号码应为18位，现在是3位。"]
    assert ping.apply(check, "all").status_code == 409 and teachers(cast) == set(TEACHERS)
    done = ping.apply(check, "good")
    assert done.status_code == 303 and teachers(cast) == {*TEACHERS, "新"}
    assert ping.apply(check, "good").status_code == 409
    returned = ping.browser.get(f"/job/{job_of(cast).id}/file")
    assert sheets_of(returned)["Sheet"][3][-1].startswith("身份证号码")


def test_the_same_file_again_changes_nothing_and_says_so(client_of: Any, cast: Cast) -> None:
    ping, content = Importing(client_of("平")), workbook(NEW)
    ping.apply(ping.check(content)[0])
    _check, page = ping.check(content)
    assert figures(page) == [0, 0, 1, 0] and "导入过一次" in page.text and "没有需要写入的变化" in page.text


def test_an_export_is_imported_as_it_is(client_of: Any) -> None:
    ping = Importing(client_of("平"))
    names = [
        "account_name",
        "name",
        "id_type",
        "id_number",
        "phone",
        "school",
        "title",
        "stage",
        "subject",
        "applied_at",
        "certification",
        "created_at",
    ]
    for kind in ("xlsx", "csv"):
        content = ping.browser.post("/teacher/export", scope="all", columns=names, format=kind).data
        assert figures(ping.check(content, f"教师.{kind}")[1]) == [0, 0, 3, 0]


@pytest.mark.parametrize(("there", "here"), [("en", "zh_CN"), ("zh_CN", "en")])
def test_an_export_in_one_language_is_imported_in_the_other(client_of: Any, there: str, here: str) -> None:
    ping = Importing(client_of("平"))
    ping.browser.get(f"/lang/{there}")
    names = ["account_name", "name", "id_type", "id_number", "phone", "school", "title", "stage", "subject", "applied_at", "certification"]
    content = ping.browser.post("/teacher/export", scope="all", columns=names).data
    header = next(load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True))
    assert ("姓名" in header) is (there == "zh_CN")
    ping.browser.get(f"/lang/{here}")
    page = ping.upload(content)
    assert [name for at, name in ping.matched(page).items() if at != "token"] == names
    assert figures(ping.check(content)[1]) == [0, 0, 3, 0]


def test_a_heading_that_would_mean_two_fields_means_none(app: Flask) -> None:
    with app.test_request_context():
        named = [field for field in fields_of(Teacher).values() if field.name in ("name", "phone", "stage")]
        twice = [replace(field, aliases=("联系",)) if field.name != "stage" else field for field in named]
        known = _other_names(twice)
    assert "联系" not in known and known["name"] == known["姓名"] == "姓名"


def test_what_changed_since_the_check_is_noticed(client_of: Any, cast: Cast) -> None:
    ping = Importing(client_of("平"))
    check, _page = ping.check(workbook(NEW, ("梅", *MEI[1:4], "高级教师", *MEI[5:])))
    with Session(cast.engine) as session:
        session.execute(update(Teacher).where(Teacher.name == "梅").values(title_id=2, version=9))
        session.commit()
    ping.apply(check)
    failed = job_of(cast)
    assert (failed.state, failed.kind) == (JobState.FAILED, JobKind.IMPORT_APPLY) and "重新检查" in failed.message
    assert teachers(cast) == set(TEACHERS)


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "教师.xlsx", "文件是空的"),
        (b"MZ\x90\x00\x03", "教师.xlsx", "不是 Excel 工作簿"),
        (b"PK\x03\x04 nothing", "教师.xlsx", "工作簿"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "教师.xls", ".xls"),
    ],
)
def test_what_is_no_workbook_gets_a_sentence(client_of: Any, content: bytes, name: str, sentence: str) -> None:
    answer = Importing(client_of("平")).upload(content, name)
    assert answer.status_code == 422 and sentence in answer.text


@pytest.mark.parametrize(
    ("name", "shown"), [("..", "upload.xlsx"), ("C:\\\\资料\\\\教师\t.xls", "教师.xlsx"), ("../../etc/passwd", "passwd.xlsx")]
)
def test_a_files_name_is_only_a_name(client_of: Any, name: str, shown: str) -> None:
    page = Importing(client_of("平")).upload(workbook(NEW), name)
    assert page.status_code == 200 and f"“{shown}”" in page.text


def test_another_tables_template_is_told_so(client_of: Any) -> None:
    content = client_of("福").get("/school/import/template").data
    answer = Importing(client_of("平")).upload(content)
    assert answer.status_code == 422 and "学校管理" in answer.text


def test_columns_are_matched_by_hand_where_they_must_be(client_of: Any) -> None:
    ping = Importing(client_of("平"))
    page = ping.upload(workbook(NEW, header=("教师名字", "证件类型", "号码", "手机号码", "职称", "学段", "姓 名*")))
    chosen = ping.matched(page)
    assert [chosen[f"column.{at}"] for at in (0, 1, 2, 6)] == ["", "id_type", "", "name"]
    assert "没有对应的字段" in page.text
    refused = ping.browser.post("/teacher/import/check", **chosen)
    assert refused.status_code == 422 and "缺少用于识别记录的列：证件号码" in refused.text
    again = ping.browser.post("/teacher/import/check", **{**chosen, "column.0": "name", "column.2": "id_number"})
    assert again.status_code == 422 and "不止一列" in again.text
    done = ping.browser.post(
        "/teacher/import/check", **{**chosen, "column.0": "name", "column.2": "id_number", "column.6": "", "column.99": "account_name"}
    )
    assert figures(ping.browser.get(done.location)) == [1, 0, 0, 0]


def test_nobody_goes_on_with_another_persons_upload(client_of: Any, cast: Cast) -> None:
    ping, rui = Importing(client_of("平")), Importing(client_of("锐"))
    chosen = ping.matched(ping.upload(workbook(NEW)))
    rui.browser.get("/teacher/import")
    assert rui.browser.post("/teacher/import/check", **chosen).status_code == 404
    assert rui.browser.post("/teacher/import/check", **{**chosen, "token": "forged"}).status_code == 400
    check, _page = ping.check(workbook(NEW))
    assert rui.browser.get(f"/teacher/import/{check}").status_code == 404
    assert rui.apply(check).status_code == 404 and teachers(cast) == set(TEACHERS)


@pytest.mark.usefixtures("large")
def test_a_large_import_is_two_jobs(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = Importing(client_of("平"))
    content = workbook(NEW, MEI, BROKEN)
    check, page = ping.check(content)
    assert page.status_code == 302 and job_of(cast, check).state is JobState.WAITING
    assert ping.apply(check).status_code == 409
    work_off(app)
    assert figures(ping.browser.get(f"/teacher/import/{check}")) == [1, 0, 1, 1]
    ping.apply(check, "good")
    work_off(app)
    assert job_of(cast).message == "新增 1 行，修改 0 行，未变化 1 行，未通过 1 行。" and "新" in teachers(cast)


# --- jobs that do not go well -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("large")
def test_a_job_is_stopped_and_started_again(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    number = int(ping.post("/teacher/export", scope="all").location.rsplit("/", 1)[1])
    ping.post(f"/job/do/stop/{number}", confirmed="1")
    work_off(app)
    assert job_of(cast, number).state is JobState.STOPPED
    ping.post(f"/job/do/retry/{number}")
    assert job_of(cast, number).state is JobState.WAITING
    work_off(app)
    assert job_of(cast, number).state is JobState.DONE
    assert client_of("锐").post(f"/job/do/retry/{number}").status_code == 404


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(("kind", "state"), [(JobKind.EXPORT, JobState.WAITING), (JobKind.IMPORT_APPLY, JobState.STOPPED)])
def test_a_lost_worker_is_noticed(app: Flask, client_of: Any, cast: Cast, kind: JobKind, state: JobState) -> None:
    number = int(client_of("平").post("/teacher/export", scope="all").location.rsplit("/", 1)[1])
    app.extensions["queue"]().huey.flush()
    with app.extensions["db"].session_factory() as session, acting_as(SYSTEM):
        assert take_up(session, number, now=cast.today) is not None
        session.execute(update(Job).where(Job.id == number).values(kind=kind, beat_at=cast.today - STILL_AFTER))
        session.commit()
    give_out_again(app)
    assert job_of(cast, number).state is state
    work_off(app)
    assert job_of(cast, number).state is (JobState.DONE if state is JobState.WAITING else state)


def test_a_crash_shows_a_number_and_no_data(app: Flask, client_of: Any, cast: Cast) -> None:
    ping = Importing(client_of("平"))
    check, _page = ping.check(workbook(NEW))
    with Session(cast.engine) as session:
        details = {**job_of(cast, check).details, "mapping": {"0": "name", "x": "phone"}}
        session.execute(update(Job).where(Job.id == check).values(details=details, state=JobState.WAITING))
        session.commit()
    run_job(app, check)
    told = job_of(cast, check)
    assert told.state is JobState.FAILED
    assert re.fullmatch(r"处理时出错，没有写入任何数据。错误编号 [0-9A-F]{8}，可以重试，或把编号告诉平台运营。", told.message)


KILLED_AT_HALF = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from app import create_app
from config import Settings
from models.invariants import on_added
from models.people import Teacher
from views.worker import run_job

batches = []

@on_added(Teacher)
def die_in_the_second_batch(session, teachers):
    batches.append(len(teachers))
    if len(batches) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

app = create_app(Settings(database_url={url!r}, data_dir=Path({folder!r}), secret_key="t" * 40, app_env="test"))
run_job(app, {job})
"""


@pytest.mark.usefixtures("large")
def test_a_worker_killed_at_half_leaves_nothing_and_can_go_on(
    app: Flask, client_of: Any, cast: Cast, database_url: str, tmp_path: Path
) -> None:
    ping = Importing(client_of("平"))
    rows = [(f"师{number}", "护照", f"E{number:08d}", None, None, None, None) for number in range(2000)]
    check, _page = ping.check(workbook(*rows))
    work_off(app)
    ping.apply(check)
    number = job_of(cast).id
    app.extensions["queue"]().huey.flush()
    script = KILLED_AT_HALF.format(root=str(Path(__file__).parents[2]), url=database_url, folder=str(tmp_path), job=number)
    killed = subprocess.run([sys.executable, "-c", script], timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert teachers(cast) == set(TEACHERS) and job_of(cast, number).state is JobState.RUNNING
    with Session(cast.engine) as session:
        session.execute(update(Job).where(Job.id == number).values(beat_at=utcnow() - 2 * STILL_AFTER))
        session.commit()
    give_out_again(app)
    stopped = job_of(cast, number)
    assert (stopped.state, stopped.message) == (JobState.STOPPED, "处理被中断，没有写入任何数据。点击“重试”从头再来。")
    ping.browser.post(f"/job/do/retry/{number}")
    work_off(app)
    assert job_of(cast, number).state is JobState.DONE and len(teachers(cast)) == len(TEACHERS) + 2000


def test_health_answers_for_queue_and_files(client_of: Any) -> None:
    assert client_of("").get("/healthz").json == {"database": "ok", "queue": "ok", "files": "ok"}
