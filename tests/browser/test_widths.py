"""Pages whose longest words decide how wide they are, and a chart of shares."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.hours import Programme
from models.research import SchoolProgramme

LONG = "中小学教师信息技术应用能力提升工程整校推进示范项目（二期）"


def test_a_programme_with_a_long_name_fits_a_phone(cast: Any, person: Any) -> None:
    with Session(cast.engine) as session:
        session.execute(update(Programme).values(name=LONG))
        session.commit()
    rui = person(width=390)
    page = rui.sign_in(cast.username["锐"], cast.password)
    page.goto("/research/")
    assert LONG in page.inner_text("main")
    rui.look("research-nothing-yet")


def test_the_list_of_teachers_of_a_county_fits_its_place(cast: Any, person: Any) -> None:
    dan = person(width=1280)
    page = dan.sign_in(cast.username["丹"], cast.password)
    page.goto("/teacher/list/")
    dan.look("teachers-of-a-county")
    table = page.locator("main .table-responsive").first
    assert table.evaluate("one => one.scrollWidth - one.clientWidth") <= 0, "no column is out of sight"


def test_shares_are_drawn_up_to_a_hundred_percent(cast: Any, person: Any) -> None:
    with Session(cast.engine) as session:
        programme = session.scalars(select(Programme)).first()
        assert programme is not None
        there = set(session.scalars(select(SchoolProgramme.school_id)))
        for key in ("北", "南"):
            if cast.school[key] not in there:
                row = SchoolProgramme(programme_id=programme.id, school_id=cast.school[key], name=key)
                row.scope_path = cast.path[key]
                session.add(row)
        session.commit()
    dan = person()
    page = dan.sign_in(cast.username["丹"], cast.password)
    page.goto("/research/progress/")
    page.wait_for_selector("[data-chart] svg text")
    assert "100%" in page.locator("[data-chart] svg text").all_text_contents()
    dan.look("shares-of-schools")
