"""A teacher reads every hour with its reason, an administrator a teacher's, and a new policy shows first whose hours it would change."""

from __future__ import annotations

import json
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.hours import HourCategory, HourEntry, HourPolicy, Programme
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.hour_ledger import Earned, credit
from tests.bench.measuring import counted
from tests.cast import TODAY, Cast

PAGE, RECORD = 6, 10


@pytest.fixture
def earned(cast: Cast, app: Any) -> Cast:
    """梅 has 27 hours."""
    with acting_as(SYSTEM), make_session_factory(cast.engine)() as session:
        programme = session.scalars(select(Programme).filter_by(name="能力提升工程2.0")).one()
        policy = session.scalars(select(HourPolicy).filter_by(programme_id=programme.id)).one()
        kinds = [(HourCategory.OFFLINE, "10"), (HourCategory.OFFLINE, "10"), (HourCategory.HOMEWORK, "5"), (HourCategory.DISCUSSION, "2")]
        credit(
            session,
            [
                Earned(
                    cast.teacher["梅"], programme.id, policy.id, kind, f"活动{n}", Decimal(h), TODAY, f"participation/{n}", cast.path["北"]
                )
                for n, (kind, h) in enumerate(kinds)
            ],
            now=TODAY,
        )
        session.commit()
    return cast


def test_a_teacher_reads_every_hour_and_why_it_does_not_count(earned: Cast, client_of: Any) -> None:
    """S1-48, Z-01."""
    page = client_of("梅").get("/hours/").text
    assert "计入 25 / 25 学时" in page and "超出 25 学时上限，2 学时不计入。" in page and "已达标" in page
    assert all(f"活动{n}" in page for n in range(4)) and "不需要个人操作" in page


def test_who_lacks_hours_is_told_whom_to_contact(earned: Cast, client_of: Any) -> None:
    """S0-41."""
    page = client_of("兰").get("/hours/").text
    assert "计入 2 / 25 学时" in page and "学时未达标时，请联系" in page and "平 · 学校管理员 · 北实验小学" in page


def test_the_page_is_for_teachers_and_the_same_page_for_who_answers_for_them(earned: Cast, client_of: Any) -> None:
    mei = earned.teacher["梅"]
    for who, status in (("平", 200), ("丹", 200), ("梅", 200), ("兰", 404), ("锐", 404), ("岚", 404)):
        assert client_of(who).get(f"/hours/{mei}").status_code == status, who
    ping = client_of("平")
    assert ping.get("/hours/").status_code == 404 and 'href="/hours/"' not in ping.get("/").text
    assert 'href="/hours/"' in client_of("梅").get("/").text
    assert "已达标" in ping.get(f"/teacher/show/{mei}").text
    assert ping.get("/hours/abc").status_code == 404


def test_the_pages_ask_the_database_rarely(earned: Cast, client_of: Any, app: Any) -> None:
    mei, ping, lan = earned.teacher["梅"], client_of("平"), client_of("兰")
    for client, address, most in ((lan, "/hours/", RECORD), (ping, f"/hours/{mei}", RECORD), (ping, f"/teacher/show/{mei}", RECORD)):
        with counted(app.extensions["engine"]) as sent:
            assert client.get(address).status_code == 200
        assert len(sent) <= most, "\n".join([address, *sent])


def form_of(session: Session, **values: str) -> dict[str, str]:
    usual = {"discussion": "2", "homework": "5", "observation": "5", "offline_most": "10", "target": "20", "cap": "20"}
    programme = session.scalars(select(Programme.id).filter_by(name="能力提升工程2.0")).one()
    return {"programme": str(programme), "valid_from": "2099-01-01", "policy_ref": "", **usual, **values}


def test_a_new_policy_shows_first_whose_hours_would_change(earned: Cast, client_of: Any) -> None:
    dan = client_of("丹")
    dan.get("/hour_policy/add")
    with Session(earned.engine) as session:
        form = form_of(session)
    asked = dan.post("/hour_policy/add", **form)
    assert asked.status_code == 200 and "1 名教师的计入学时或达标情况会变化" in asked.text and "<td>梅</td>" in asked.text
    with Session(earned.engine) as session:
        saved = select(HourPolicy).filter_by(programme_id=int(form["programme"]))
        assert len(session.scalars(saved).all()) == 1, "nothing is saved yet"
    sheet = load_workbook(BytesIO(dan.post("/hour_policy/changes", **form).data))
    assert [cell.value for cell in list(sheet.worksheets[0].iter_rows())[-1]][:4] == ["梅", "北实验小学", 25, 20]
    assert dan.post("/hour_policy/add", **form, confirmed="1").status_code == 303
    with Session(earned.engine) as session:
        assert {policy.cap for policy in session.scalars(saved)} == {20, 25}


def test_where_nobody_would_change_it_is_saved_at_once_and_nonsense_is_told_beside_its_field(earned: Cast, client_of: Any) -> None:
    dan = client_of("丹")
    dan.get("/hour_policy/add")
    with Session(earned.engine) as session:
        form = form_of(session, target="25", cap="25")
    wrong = dan.post("/hour_policy/add", **form | {"target": "26"})
    assert wrong.status_code == 422 and "达标学时不能超过计入上限 25。" in wrong.text
    assert dan.post("/hour_policy/add", **form).status_code == 303
    assert client_of("平").post("/hour_policy/changes", **form).status_code in (302, 403)


def test_no_form_touches_the_ledger(earned: Cast, client_of: Any) -> None:
    with Session(earned.engine) as session:
        entry = session.scalars(select(HourEntry.id)).first()
    operator = client_of("运")
    for address in ("/hour_entry/add", f"/hour_entry/edit/{entry}", f"/hour_entry/delete/{entry}", "/hour_entry/import"):
        assert operator.get(address).status_code in (302, 403, 404, 405), address
    assert operator.get(f"/hour_entry/show/{entry}").status_code == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "0.001", "1E+99"])
def test_what_is_no_number_of_hours_is_said_beside_the_field(client_of: Any, cast: Any, number: str) -> None:
    yun = client_of("运")
    yun.get("/hour_policy/add")
    given = {"programme": "1", "valid_from": "2027-01-01", "discussion": "2", "homework": "5", "observation": "5", "offline_most": "10"}
    for changed in ("discussion", "cap"):
        values = given | {"target": "25", "cap": "25"} | {changed: number}
        assert yun.post("/hour_policy/add", **values).status_code == 422
        refused = yun.api("post", "/api/v1/hour_policy/", json.dumps(values | {"programme": 1}))
        assert refused.status_code == 422 and list(refused.json["errors"]) == [changed], refused.text
