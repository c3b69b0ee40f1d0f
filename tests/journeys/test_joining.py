"""Coming to the platform: registering, asking for an account, binding, changing the phone, the school and the identity."""

from __future__ import annotations

import datetime
import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account, AccountState, PersonKind
from models.people import CertificationState, IdType, Teacher
from rules.id_numbers import make_resident_id
from tests.clients import Browser
from tests.inbox import Inbox

PHONE, PASSWORD = "13911112222", "Chuntian2027"
NUMBER = make_resident_id("350203", datetime.date(1993, 4, 5), 7)


def register(app: Any, cast: Any, inbox: Inbox, **details: str) -> Browser:
    """Register as a teacher at North, as the form asks."""
    browser = Browser(app)
    browser.get("/register/")
    assert browser.post("/register/", phone=PHONE).status_code == 303
    browser.get("/register/details")
    with Session(cast.engine) as session:
        resident = session.scalars(select(IdType.id).filter_by(code="resident")).one()
    given = {
        "code": inbox.code(),
        "identity": "teacher",
        "name": "方",
        "password": PASSWORD,
        "id_type": str(resident),
        "id_number": NUMBER,
    }
    answer = browser.post("/register/details", **{**given, "school": str(cast.school["北"]), **details})
    assert answer.status_code == 303, re.findall(r"invalid-feedback[^>]*>([^<]+)|alert[^>]*>\s*<[^>]*>\s*([^<]+)", answer.text)
    return browser


def test_a_registered_teacher_applies_and_is_seen_by_the_school(app: Any, cast: Any, inbox: Inbox, client_of: Any) -> None:
    """S4-14, S4-34, S4-52, S4-78."""
    browser = register(app, cast, inbox)
    browser.sign_in(PHONE, PASSWORD)
    with Session(cast.engine) as session:
        teacher = session.scalars(select(Teacher).filter_by(id_number=NUMBER)).one()
        assert (teacher.school_id, teacher.certification, teacher.phone) == (cast.school["北"], CertificationState.NONE, PHONE)
    page = browser.get("/me/").text
    assert "您的信息还不完整" in page and "申请认证" in page
    assert "方" in client_of("平").get("/teacher/list/").text
    assert "/teacher/show/" not in client_of("锐").get("/teacher/list/?q=方").text


def test_the_school_list_is_public_and_never_stale(app: Any, cast: Any) -> None:
    """S4-37: whoever registers finds a school that was added a minute ago."""
    found = Browser(app).get("/register/schools?q=北")
    assert found.json["results"] == [{"id": cast.school["北"], "text": "北实验小学（思明区）"}]
    assert found.headers["Cache-Control"] == "no-store"


def test_a_student_or_parent_becomes_a_teacher_on_the_same_account(app: Any, cast: Any, inbox: Inbox) -> None:
    """S4-42 … S4-46."""
    browser = register(app, cast, inbox, identity="parent", id_number="", school="")
    browser.sign_in(PHONE, PASSWORD)
    assert "切换为教师" in browser.get("/me/").text
    assert browser.post("/me/identity/teacher").headers["Location"] == "/me/teach"
    browser.get("/me/teach")
    with Session(cast.engine) as session:
        resident = session.scalars(select(IdType.id).filter_by(code="resident")).one()
    assert browser.post("/me/teach", id_type=str(resident), id_number=NUMBER, school=str(cast.school["南"])).status_code == 303
    with Session(cast.engine) as session:
        account = session.scalars(select(Account).filter_by(phone=PHONE)).one()
        assert account.identity is PersonKind.TEACHER and set(account.identities) == {"parent", "teacher"}


def test_a_requested_account_opens_when_the_school_approves(app: Any, cast: Any, client_of: Any) -> None:
    """S2-11, S2-12, S2-23: unusable until then, and then on its default password."""
    browser = Browser(app)
    browser.get("/register/request")
    assert browser.post("/register/request", name="袁", id_number=NUMBER, school=str(cast.school["北"])).status_code == 303
    assert browser.try_sign_in(NUMBER, NUMBER[-6:] + "@Gd").status_code == 401
    with Session(cast.engine) as session:
        account = session.scalars(select(Account).filter_by(username=NUMBER)).one()
        assert account.state is AccountState.REQUESTED
    ping = client_of("平")
    assert "账号管理" in ping.get("/").text
    assert ping.post(f"/account/do/approve/{account.id}").status_code == 303
    browser.sign_in(NUMBER, NUMBER[-6:] + "@Gd")
    assert browser.get("/").headers["Location"] == "/me/password"


def test_the_phone_is_changed_by_a_code_to_the_old_one(cast: Any, inbox: Inbox, client_of: Any) -> None:
    """S4-38."""
    mei = client_of("梅")
    mei.get("/me/phone")
    with Session(cast.engine) as session:
        session.get_one(Account, cast.account["梅"]).phone = "13850000001"
        session.commit()
    assert mei.post("/me/phone", phone="13922223333").status_code == 303
    assert inbox.messages[-1][0] == "13850000001"
    mei.get("/me/phone/confirm")
    wrong = "000000" if inbox.code() != "000000" else "111111"
    assert mei.post("/me/phone/confirm", code=wrong).status_code == 422
    assert mei.post("/me/phone/confirm", code=inbox.code()).status_code == 303
    with Session(cast.engine) as session:
        assert session.get_one(Account, cast.account["梅"]).phone == "13922223333"


def test_leaving_and_joining_a_school(cast: Any, client_of: Any) -> None:
    """S4-47, S4-48, S4-53, S4-54: leave first, then choose, then be recognised anew."""
    mei = client_of("梅")
    mei.get("/me/school")
    closed = mei.post("/me/school", school=str(cast.school["南"]))
    assert closed.status_code == 422, "certified teachers leave first"
    asked = mei.post(f"/teacher/do/leave/{cast.teacher['梅']}")
    assert asked.status_code == 200 and "影响证书发放" in asked.text
    assert mei.post(f"/teacher/do/leave/{cast.teacher['梅']}", confirmed="1").status_code == 303
    assert mei.post("/me/school", school=str(cast.school["南"])).status_code == 303
    with Session(cast.engine) as session:
        teacher = session.get_one(Teacher, cast.teacher["梅"])
        assert (teacher.school_id, teacher.certification) == (cast.school["南"], CertificationState.NONE)
    assert "/teacher/show/" in client_of("锐").get("/teacher/list/?q=梅").text
    assert client_of("平").get(f"/teacher/show/{cast.teacher['梅']}").status_code == 404


def test_a_code_is_guessed_in_vain(cast: Any, client_of: Any) -> None:
    """One answer for wrong and foreign, and after some tries another: later (S3-34)."""
    lin = client_of("林")
    lin.get("/bind/")
    form = {"name": "林", "unit": "南实验小学", "position": "主任", "phone": "13850000099"}
    answers = {lin.post("/bind/", code="ABCD", **form).status_code for _try in range(12)}
    assert answers == {422}
    assert "尝试次数过多" in lin.post("/bind/", code="ABCD", **form).text


def test_handover_moves_the_workbench_to_the_next_administrator(cast: Any, client_of: Any) -> None:
    """S3-133: one act ends the old post and issues the new code."""
    from models.access import Post

    with Session(cast.engine) as session:
        post = session.scalars(select(Post).filter_by(account_id=cast.account["锐"])).one()
    dan, rui, lin = client_of("丹"), client_of("锐"), client_of("林")
    asked = dan.post(f"/post/do/hand_over/{post.id}")
    assert "原管理员的岗位立即结束" in asked.text
    page = dan.post(f"/post/do/hand_over/{post.id}", confirmed="1").text
    code = re.search(r"data-code>([^<]+)<", page)
    assert code, page
    assert rui.get("/teacher/list/").status_code == 403
    lin.get("/bind/")
    bound = lin.post("/bind/", code=code[1], name="林", unit="南实验小学", position="主任", phone="13850000099")
    assert bound.status_code == 303
    assert "菊" in lin.get("/teacher/list/").text


def test_a_school_is_moved_by_the_level_above_both_regions(cast: Any, client_of: Any) -> None:
    """Z-06, S3-138: cross-county by the city or above, and everything below goes along."""
    north, lake = cast.school["北"], cast.region["湖里区"]
    dan, fu = client_of("丹"), client_of("福")
    dan.get(f"/school/move/{north}")
    assert dan.post(f"/school/move/{north}", target=str(lake), confirmed="1").status_code == 422
    nothing = fu.post(f"/school/move/{north}", target="")
    assert nothing.status_code == 422 and "请选择转入的区域。" in nothing.text
    asked = fu.post(f"/school/move/{north}", target=str(lake))
    assert asked.status_code == 200 and "北实验小学：思明区 → 湖里区，3 名教师随之调动。" in asked.text
    assert dan.get(f"/teacher/show/{cast.teacher['梅']}").status_code == 200, "nothing has moved yet"
    moved = fu.post(f"/school/move/{north}", target=str(lake), confirmed="1")
    assert moved.status_code == 303 and moved.headers["Location"] == f"/school/show/{north}"
    assert "已调动 北实验小学：思明区 → 湖里区" in fu.get(moved.headers["Location"]).text
    assert client_of("岚").get(f"/teacher/show/{cast.teacher['梅']}").status_code == 200
    assert dan.get(f"/teacher/show/{cast.teacher['梅']}").status_code == 404
