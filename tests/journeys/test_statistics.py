"""数据统计 by those who may see it, each in their own reach; and which pages are counted (S3-42)."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from models.base import utcnow
from models.scoping import SYSTEM, acting_as
from models.statistics import EVERYWHERE, PageViewCount
from rules.account_counts import recount_accounts
from rules.page_views import Seen, day_of, record
from tests.bench.measuring import counted
from tests.cast import Cast
from tests.clients import Browser
from tests.contract.test_statement_budget import PAGE
from views.page_views import OTHER, PageViews, areas

REPORTS = ("registrations", "applications", "views")


@pytest.fixture
def filled(factory: sessionmaker[Any], cast: Cast) -> None:
    """平 and 锐 worked in 思明区 today, 双 in 湖里区 yesterday, 榕 in 城厢区; the accounts are counted."""
    today = day_of(utcnow())
    with acting_as(SYSTEM), factory() as session:
        record(
            session,
            {
                Seen(today, cast.account["平"], cast.path["北"], "teacher"): 40,
                Seen(today, cast.account["锐"], cast.path["南"], "teacher"): 1,
                Seen(today - timedelta(days=1), cast.account["双"], cast.path["湖"], "school"): 6,
                Seen(today, cast.account["榕"], cast.path["榕"], "MeView"): 2,
            },
        )
        recount_accounts(session, now=utcnow())


def rows_of(browser: Browser, address: str) -> list[list[str]]:
    """The lines of a table's workbook."""
    browser.get("/statistics/")
    answer = browser.post(address)
    assert answer.status_code == 200, answer.text
    book = load_workbook(io.BytesIO(answer.data), read_only=True)
    return [[str(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)]


# --- who may see it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", REPORTS)
def test_only_who_was_granted_it_and_only_of_their_own_regions(cast: Cast, client_of: Callable[[str], Browser], what: str) -> None:
    fu, yuan, yun = client_of("福"), client_of("远"), client_of("运")
    for browser in (fu, yuan, yun):
        assert browser.get(f"/statistics/{what}").status_code == 200
        assert 'href="/statistics/"' in browser.get("/").text
    assert fu.get(f"/statistics/{what}/{cast.region['思明区']}").status_code == 200
    for out_of_reach in (cast.region["厦门市"], cast.region["思明区"], cast.region["福建省"], 10**6):
        assert yuan.get(f"/statistics/{what}/{out_of_reach}").status_code == 404
        yuan.get(f"/statistics/{what}")
        key = {"registrations": "steps", "applications": "areas", "views": "days"}[what]
        assert yuan.post(f"/statistics/{what}/{out_of_reach}/export/{key}").status_code == 404
    for name in ("丹", "平", "梅", "林"):
        browser = client_of(name)
        assert browser.get(f"/statistics/{what}").status_code == 403, name
        assert browser.get(f"/statistics/{what}/{cast.region['思明区']}").status_code == 403, name
        assert 'href="/statistics/"' not in browser.get("/").text
    assert client_of("").get(f"/statistics/{what}").status_code == 302


def test_a_region_that_is_not_there_is_not_found_by_anybody_who_may_ask(client_of: Callable[[str], Browser]) -> None:
    """Whatever the number: who lacks the act hears of that first (403)."""
    for name in ("福", "远", "运"):
        browser = client_of(name)
        for what in REPORTS:
            for number in ("999999", "0", "99999999999999999999"):
                assert browser.get(f"/statistics/{what}/{number}").status_code == 404, (name, what, number)
                assert browser.post(f"/statistics/{what}/{number}/export/areas").status_code == 404, (name, what, number)
    assert client_of("丹").get("/statistics/views/999999").status_code == 403


def test_what_there_is_not_is_not_found(client_of: Callable[[str], Browser]) -> None:
    fu = client_of("福")
    assert fu.get("/statistics/nothing").status_code == 404
    fu.get("/statistics/")
    assert fu.post("/statistics/views/export/nothing").status_code == 404
    assert fu.post("/statistics/nothing/export/days").status_code == 404


# --- the figures ------------------------------------------------------------------------------------------------------


def test_views_by_region_lead_one_level_down(filled: None, cast: Cast, client_of: Callable[[str], Browser]) -> None:
    fu = client_of("福")
    assert rows_of(fu, "/statistics/views/export/regions") == [
        ["区域", "浏览次数", "占比", "访客数", "人均浏览"],
        ["合计", "49", "100.0%", "4", "12.3"],
        ["厦门市", "47", "95.9%", "3", "15.7"],
        ["莆田市", "2", "4.1%", "1", "2.0"],
    ]
    assert f'href="/statistics/views/{cast.region["厦门市"]}?' in fu.get("/statistics/views").text
    assert rows_of(fu, f"/statistics/views/{cast.region['厦门市']}/export/regions?days=7")[2:] == [
        ["思明区", "41", "87.2%", "2", "20.5"],
        ["湖里区", "6", "12.8%", "1", "6.0"],
    ]
    today = day_of(utcnow()).isoformat()
    assert rows_of(fu, f"/statistics/views/export/regions?from={today}&to={today}")[1] == ["合计", "43", "100.0%", "3", "14.3"]


def test_a_person_sees_the_figures_of_their_own_region_alone(filled: None, client_of: Callable[[str], Browser]) -> None:
    assert rows_of(client_of("远"), "/statistics/views/export/regions")[1:] == [
        ["合计", "2", "100.0%", "1", "2.0"],
        ["城厢区", "2", "100.0%", "1", "2.0"],
    ]
    assert rows_of(client_of("远"), "/statistics/applications/export/areas")[1:] == [["个人中心", "其他", "2", "100.0%", "1", "2.0"]]


def test_applications_are_told_by_the_names_of_the_menu(filled: None, client_of: Callable[[str], Browser]) -> None:
    assert rows_of(client_of("运"), "/statistics/applications/export/areas") == [
        ["应用", "所属模块", "浏览次数", "占比", "访客数", "人均浏览"],
        ["教师管理", "人员管理", "41", "83.7%", "2", "20.5"],
        ["学校管理", "基本管理", "6", "12.2%", "1", "6.0"],
        ["个人中心", "其他", "2", "4.1%", "1", "2.0"],
    ]


def test_accounts_by_region_add_up_to_the_total(filled: None, client_of: Callable[[str], Browser]) -> None:
    rows = rows_of(client_of("福"), "/statistics/registrations/export/regions")
    assert [row[0] for row in rows] == ["区域", "合计", "本级及直属学校", "厦门市", "莆田市"]
    assert int(rows[1][2]) == sum(int(row[2]) for row in rows[2:]) > 0
    steps = rows_of(client_of("福"), "/statistics/registrations/export/steps?days=7&by=week")
    assert steps[0] == ["时间", "新增账号", "教师", "学生", "家长", "管理员及其他"] and steps[1][0] == "合计"
    assert steps[1][1] == rows[1][1], "everybody in the tests came today"


def test_a_period_that_is_none_keeps_what_was_typed_and_says_why_beside_it(filled: None, client_of: Callable[[str], Browser]) -> None:
    fu = client_of("福")
    answer = fu.get("/statistics/views?from=2026-03-02&to=2026-03-01")
    assert answer.status_code == 422 and 'value="2026-03-02"' in answer.text and 'aria-describedby="period-from-error"' in answer.text
    assert "开始日期不能晚于结束日期。" in answer.text
    assert fu.post("/statistics/views/export/days?from=2026-03-02&to=2026-03-01").status_code == 400
    year = "?from=2025-03-01&to=2026-02-28"
    assert fu.get(f"/statistics/registrations{year}").status_code == 200
    assert "时间范围最多 92 天。" in fu.get(f"/statistics/applications{year}").text


def test_an_empty_platform_says_so(client_of: Callable[[str], Browser]) -> None:
    page = client_of("福").get("/statistics/applications").text
    assert "这段时间还没有数据" in page


@pytest.mark.parametrize("what", REPORTS)
def test_a_report_asks_the_database_at_most_six_times(
    app: Any, cast: Cast, filled: None, client_of: Callable[[str], Browser], what: str
) -> None:
    for name, region in (("福", ""), ("福", f"/{cast.region['思明区']}"), ("运", "")):
        browser = client_of(name)
        with counted(app.extensions["engine"]) as sent:
            assert browser.get(f"/statistics/{what}{region}").status_code == 200
        assert len(sent) <= PAGE, "\n".join([f"{name} {what}{region}", *sent])


# --- what is counted --------------------------------------------------------------------------------------------------


def written(app: Any, cast: Cast) -> Counter[str]:
    """Views by area, after the process has written what it counted."""
    app.extensions["page_views"].write()
    with Session(cast.engine) as session:
        found = select(PageViewCount.area, PageViewCount.views).where(PageViewCount.scope_path == "/", PageViewCount.area != EVERYWHERE)
        views: Counter[str] = Counter()
        for area, count in session.execute(found):
            views[area] += count
        return views


def test_pages_a_signed_in_person_has_seen_are_counted_and_nothing_else(app: Any, cast: Cast, client_of: Callable[[str], Browser]) -> None:
    ping, nobody = client_of("平"), client_of("")
    before = written(app, cast)
    for address in ("/teacher/list/", "/teacher/add", "/my-administrators/", "/me/"):
        assert ping.get(address).status_code == 200
    assert ping.get("/swagger/v1").status_code == 200
    ping.get("/teacher/facets")
    ping.get("/teacher/choices/title")
    ping.get("/static/app.css")
    ping.get("/teacher/show/999999")
    ping.get("/region/add")
    ping.get("/workbench/")
    ping.get("/healthz")
    ping.api("get", "/api/v1/teacher/")
    ping.post("/teacher/export", scope="all", format="csv")
    nobody.get("/login/")
    nobody.get("/teacher/list/")
    assert written(app, cast) - before == Counter({"teacher": 2, "BindingView.administrators": 1, "MeView.home": 1, OTHER: 1})


def test_no_request_pays_a_statement_for_being_counted(app: Any, cast: Cast, client_of: Callable[[str], Browser]) -> None:
    ping = client_of("平")
    with counted(app.extensions["engine"]) as sent:
        ping.get("/teacher/list/")
    assert sent and not [line for line in sent if "page_v" in line]


def test_views_are_counted_where_the_person_works(app: Any, cast: Cast, client_of: Callable[[str], Browser]) -> None:
    written(app, cast)
    client_of("双").get("/teacher/list/")
    client_of("林").get("/me/")
    written(app, cast)
    with Session(cast.engine) as session:
        found = select(PageViewCount.scope_path).where(PageViewCount.area == "teacher")
        assert set(session.scalars(found)) == {"/", cast.path["福建省"], cast.path["厦门市"], cast.path["湖里区"]}


def test_what_cannot_be_written_waits(app: Any, cast: Cast, client_of: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    browser = client_of("平")
    before = written(app, cast)
    browser.get("/teacher/list/")
    with monkeypatch.context() as patch:
        patch.setattr("views.page_views.record", busy)
        app.extensions["page_views"].write()
    browser.get("/teacher/list/")
    assert written(app, cast) - before == Counter({"teacher": 2})


def test_a_process_writes_by_itself_and_once_more_when_it_ends(
    app: Any, cast: Cast, client_of: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, views = client_of("平"), PageViews(app, 3600)
    monkeypatch.setitem(app.after_request_funcs, None, [*app.after_request_funcs[None], views.see])
    browser.get("/teacher/list/")
    assert [thread.name for thread in threading.enumerate()].count("page-views") == 1
    views.stop()
    with Session(cast.engine) as session:
        assert session.scalars(select(PageViewCount.views).where(PageViewCount.scope_path == cast.path["思明区"])).all() == [1, 1]
    assert "page-views" not in [thread.name for thread in threading.enumerate()]


def test_every_entry_of_the_menu_is_an_area_by_its_own_name(app: Any) -> None:
    with app.test_request_context("/"):
        found = areas(app)
    assert len({area.key for area in found}) == len(found)
    assert {"teacher", "ActivationView.progress", "StatisticsView.show", "console.index", "RoleModelView.list"} <= {
        area.key for area in found
    }
    assert all(area.label and area.group and len(area.key) <= 60 for area in found)
