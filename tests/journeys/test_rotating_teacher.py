"""A school notes where its rotating teacher serves, finds them again, and exchanges it by Excel (S0-20)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.base import utcnow
from models.people import Teacher
from rules.page_views import day_of
from tests.cast import Cast
from tests.clients import Browser
from tests.journeys.test_excel_doors import HEADER, MEI, Importing, figures, sheets_of, workbook

ALONE = "/teacher/list/?only.rotating=1"


def edit(browser: Browser, cast: Cast, name: str, **form: str) -> int:
    """The form as it stands, with these fields changed."""
    address = f"/teacher/edit/{cast.teacher[name]}"
    version = browser.version(address)
    with Session(cast.engine) as session:
        row = session.get_one(Teacher, cast.teacher[name])
        kept = {"name": row.name, "id_type": row.id_type_id, "id_number": row.id_number, "phone": row.phone or ""}
        kept |= {"title": row.title_id, "stage": row.stage_id, "subject": row.subject_id}
    return browser.post(address, _version=version, **kept, **form).status_code


def test_who_serves_elsewhere_stands_in_a_list_of_their_own(client_of: Any, cast: Cast) -> None:
    ping, until = client_of("平"), day_of(utcnow()) + timedelta(days=30)
    assert 'href="/teacher/list/?only.rotating=1"' in ping.get("/teacher/list/").text
    assert edit(ping, cast, "梅", rotation_unit="南实验小学", rotation_until=f"{until}") == 303
    assert edit(ping, cast, "兰", rotation_unit="湖实验小学", rotation_until=f"{until - timedelta(days=31)}") == 303
    listed = ping.get(ALONE).text
    assert "共 1 名教师" in listed and ">梅</a>" in listed and "仍由原单位管理" in listed
    assert ">南实验小学</td>" in listed and f">{until:%Y.%m.%d}</td>" in listed, "where, and until when"
    page = ping.get(f"/teacher/show/{cast.teacher['梅']}").text
    assert "正在“南实验小学”轮岗，仍由原单位管理。" in page and f"{until:%Y.%m.%d}" in page
    assert "轮岗，仍由" not in ping.get(f"/teacher/show/{cast.teacher['兰']}").text, "it is over"
    assert "南实验小学" in client_of("梅").get("/me/").text
    assert client_of("锐").get(f"/teacher/show/{cast.teacher['梅']}").status_code == 404


def test_a_day_without_a_unit_is_told_beside_its_field(client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    assert edit(ping, cast, "梅", rotation_until="2026-12-31") == 422
    assert edit(ping, cast, "梅", rotation_unit="", rotation_until="") == 303


def test_it_comes_in_and_goes_out_by_excel(client_of: Any, cast: Cast) -> None:
    ping = client_of("平")
    importing = Importing(ping)
    check, page = importing.check(workbook((*MEI, "湖实验小学", "2030.07.31"), header=(*HEADER, "轮岗单位", "轮岗至")))
    assert figures(page) == [0, 1, 0, 0]
    assert importing.apply(check).status_code == 303
    columns = ["name", "rotation_unit", "rotation_until"]
    out = ping.post("/teacher/export", query="only.rotating=1", scope="all", columns=columns)
    [rows, *_notes] = sheets_of(out).values()
    assert rows[0] == ("姓名", "轮岗单位", "轮岗至") and rows[1][:2] == ("梅", "湖实验小学") and len(rows) == 2
