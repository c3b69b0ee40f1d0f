"""A teacher reads every hour with its reason, an administrator a teacher's, and a new policy shows first whose hours it would change."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.history import Change
from models.hours import HourCategory, HourEntry, HourPolicy, Programme
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.hour_ledger import Earned, credit
from rules.hour_policies import KINDS
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
    assert asked.status_code == 200 and "1 名教师的计入学时或达标情况会变化" in asked.text and 'lead-cell">梅</td>' in asked.text
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


@pytest.fixture
def later(earned: Cast) -> HourPolicy:
    """A policy that nobody has used yet: 25 / 25 from 2099 on."""
    with acting_as(SYSTEM), make_session_factory(earned.engine)(expire_on_commit=False) as session:
        programme = session.scalars(select(Programme).filter_by(name="能力提升工程2.0")).one()
        policy = HourPolicy(programme=programme, valid_from=date(2099, 1, 1))
        session.add(policy)
        session.commit()
        return policy


def limits_of(cast: Cast) -> dict[int, Decimal]:
    """Year in which a policy begins → its cap."""
    with Session(cast.engine) as session:
        query = select(HourPolicy).join(Programme, Programme.id == HourPolicy.programme_id).where(Programme.name == "能力提升工程2.0")
        return {policy.valid_from.year: policy.cap for policy in session.scalars(query)}


def typed(**values: str) -> dict[str, str]:
    kinds = {"discussion": "2", "homework": "5", "observation": "5", "offline_most": "10"}
    return {"valid_from": "2099-01-01", "policy_ref": "粤教〔2099〕1号", "target": "10", "cap": "10"} | kinds | values


def test_a_changed_policy_shows_first_whose_hours_would_change(earned: Cast, later: HourPolicy, client_of: Any) -> None:
    dan, address, before = client_of("丹"), f"/hour_policy/edit/{later.id}", limits_of(earned)
    form = typed(_version=dan.version(address))
    asked = dan.post(address, **form)
    assert asked.status_code == 200 and "1 名教师的计入学时或达标情况会变化" in asked.text and ">梅</td>" in asked.text
    assert all(f'name="{name}" value="{value}"' in asked.text for name, value in form.items()), "nothing typed is lost"
    assert f"/hour_policy/show/{later.id}" in asked.text and limits_of(earned) == before
    changed = dan.post(address, **form, revise="1")
    assert changed.status_code == 200 and "粤教〔2099〕1号" in changed.text and limits_of(earned) == before
    assert f'name="_version" value="{form["_version"]}"' in changed.text
    sheet = load_workbook(BytesIO(dan.post(f"/hour_policy/changes?policy={later.id}&act=edit", **form).data))
    assert [cell.value for cell in list(sheet.worksheets[0].iter_rows())[-1]][:4] == ["梅", "北实验小学", 25, 10]
    stale = dan.post(address, **form | {"_version": "0"}, confirmed="1")
    assert stale.status_code == 409 and limits_of(earned) == before
    assert dan.post(address, **form, confirmed="1").status_code == 303
    assert limits_of(earned) == before | {2099: 10}
    same = typed(_version=dan.version(address), policy_ref="")
    assert dan.post(address, **same).status_code == 303, "nobody changes: saved at once"


def test_a_deleted_policy_shows_first_whose_hours_would_change(earned: Cast, later: HourPolicy, client_of: Any) -> None:
    dan, address = client_of("丹"), f"/hour_policy/delete/{later.id}"
    usual = dan.get(address).text
    assert "名教师的计入学时" not in usual and "删除后不能恢复" in usual, "the same limits as before: the usual question"
    with acting_as(SYSTEM), make_session_factory(earned.engine)() as session:
        session.get_one(HourPolicy, later.id).target = session.get_one(HourPolicy, later.id).cap = Decimal(10)
        session.commit()
    before = limits_of(earned)
    for asked in (dan.get(address), dan.post(address)):
        assert asked.status_code == 200 and "1 名教师的计入学时或达标情况会变化" in asked.text and "还没有删除" in asked.text
    sheet = load_workbook(BytesIO(dan.post(f"/hour_policy/changes?policy={later.id}&act=delete").data))
    assert [cell.value for cell in list(sheet.worksheets[0].iter_rows())[-1]][:4] == ["梅", "北实验小学", 10, 25]
    assert limits_of(earned) == before
    refused = dan.post("/hour_policy/bulk", verb="delete", id=str(later.id), confirmed="1")
    assert refused.status_code in (403, 404) and limits_of(earned) == before, "several at once would ask nobody"
    assert client_of("平").get(address).status_code in (302, 403)
    assert dan.post(address, confirmed="1").status_code == 303
    assert limits_of(earned) == {year: cap for year, cap in before.items() if year != 2099}


def test_a_policy_in_use_is_refused_without_a_question(earned: Cast, later: HourPolicy, client_of: Any) -> None:
    dan = client_of("丹")
    with Session(earned.engine) as session:
        used = session.scalars(select(HourEntry.policy_id)).first()
        begun = session.get_one(HourPolicy, used).valid_from
    address = f"/hour_policy/edit/{used}"
    refused = dan.post(address, **typed(valid_from=begun.isoformat(), _version=dan.version(address)))
    assert refused.status_code == 422 and "已在使用，不能修改或删除" in refused.text
    assert "已在使用，不能修改或删除" in dan.get(f"/hour_policy/delete/{used}").text
    listed = dan.post(f"/hour_policy/changes?policy={used}&act=delete")
    assert listed.status_code == 400 and "已在使用" in listed.text
    page, rows = dan.get(f"/hour_policy/show/{used}").text, dan.get("/hour_policy/list/").text
    assert f'href="{address}"' not in page + rows
    assert "<b>删除、编辑</b>这份学时政策已在使用，不能修改或删除" in page, "closed, and says why"
    assert f'href="/hour_policy/edit/{later.id}"' in dan.get(f"/hour_policy/show/{later.id}").text


def test_rest_asks_too(earned: Cast, later: HourPolicy, client_of: Any) -> None:
    dan, address, before = client_of("丹"), f"/api/v1/hour_policy/{later.id}", limits_of(earned)
    lower = json.dumps({"target": 10, "cap": 10})
    new = json.dumps(typed(valid_from="2098-01-01") | {"programme": later.programme_id})
    for method, where, body in (("put", address, lower), ("post", "/api/v1/hour_policy/", new)):
        asked = dan.api(method, where, body)
        assert asked.status_code == 409 and "1 名教师" in asked.json["message"] and "confirmed=1" in asked.json["message"], asked.text
        assert limits_of(earned) == before
    assert dan.api("put", f"{address}?confirmed=1", lower).status_code == 200
    assert limits_of(earned) == before | {2099: 10}
    assert dan.api("delete", address).status_code == 409 and 2099 in limits_of(earned)
    assert dan.api("delete", f"{address}?confirmed=1").status_code == 200
    assert dan.api("post", "/api/v1/hour_policy/?confirmed=1", new).status_code == 201
    assert limits_of(earned)[2098] == 10


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


@pytest.mark.parametrize("name", KINDS)
def test_a_number_of_a_policy_is_changed_and_never_emptied(later: HourPolicy, client_of: Any, name: str) -> None:
    dan, address = client_of("丹"), f"/hour_policy/edit/{later.id}"
    answer = dan.post(address, **typed(_version=dan.version(address)) | {name: ""}, confirmed="1")
    assert answer.status_code == 422 and "请填写“" in answer.text
    answer = dan.api("put", f"/api/v1/hour_policy/{later.id}?confirmed=1", json.dumps({name: None}))
    assert answer.status_code == 422 and [*answer.json["errors"]] == [name] and "请填写“" in answer.json["errors"][name][0]


def test_rest_answers_a_number_as_it_is_read_again(later: HourPolicy, client_of: Any, cast: Cast) -> None:
    """And history has it so too."""
    dan, address = client_of("丹"), f"/api/v1/hour_policy/{later.id}"
    for given, kept in (("2e1", "20.00"), (20.5, "20.50"), ("0.300e1", "3.00")):
        changed = dan.api("put", f"{address}?confirmed=1", json.dumps({"offline_most": given}))
        assert changed.status_code == 200, changed.text
        assert changed.json["result"]["offline_most"] == dan.api("get", address).json["result"]["offline_most"] == kept
    with Session(cast.engine) as session:
        told = session.scalars(select(Change.changes).filter_by(table_name="hour_policy", row_id=later.id, act="edit")).all()
    assert [line["offline_most"][1] for line in told] == ["20.00", "20.50", "3.00"]
