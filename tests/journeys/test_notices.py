"""The bell: what others decided is counted at the top of every page, opened, read, and nobody else's."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.access import Post
from models.base import utcnow
from models.notices import Notice, NoticeKind
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from models.violation import Sentence
from rules.grants import REGION_SPECIAL
from rules.notices import KEPT_DAYS, tell_accounts
from tests.bench.measuring import counted
from tests.cast import TODAY, Cast
from views.worker import forget_old_notices, send_texts

SENTENCE = "{unit}的通知"


def tell(cast: Cast, name: str, address: str = "/me/", place: str | None = None, times: int = 1) -> list[int]:
    """Put notices behind somebody's bell, each a minute after the one before; their numbers."""
    with acting_as(SYSTEM), make_session_factory(cast.engine)() as session:
        before = len(session.scalars(select(Notice.id)).all())
        for n in range(times):
            said, now = Sentence(SENTENCE, unit=f"{name}{n}号"), TODAY + timedelta(minutes=before + n)
            tell_accounts(session, [cast.account[name]], said, address, kind=NoticeKind.POST, now=now, place=place)
        session.commit()
        return list(session.scalars(select(Notice.id).where(Notice.account_id == cast.account[name]).order_by(Notice.id)))


def unread(cast: Cast, name: str) -> int:
    with Session(cast.engine) as session:
        return len(session.scalars(select(Notice.id).where(Notice.account_id == cast.account[name], Notice.read_at.is_(None))).all())


def bell(text: str) -> str:
    """What a screen reader says of the bell."""
    found = re.search(r'href="/notices/".*?<span class="visually-hidden">(.*?)</span></a>', text, re.DOTALL)
    assert found, "the page has no bell"
    return found[1]


def test_a_teacher_hears_of_the_schools_decision(cast: Cast, client_of: Any) -> None:
    lan, ping = client_of("兰"), client_of("平")
    assert bell(lan.get("/").text) == "消息通知"
    ping.get("/teacher/list/")
    teacher = cast.teacher["兰"]
    answer = ping.post(f"/teacher/do/fail/{teacher}", confirmed="1", comment="证件号码与本人不符")
    assert answer.status_code in (302, 303), answer.text
    page = lan.get("/notices/").text
    assert "“教师认证审核”的办理结果：不通过。审核意见：证件号码与本人不符" in page and bell(page) == "消息通知：1 条未读"
    assert bell(lan.get("/me/").text) == "消息通知：1 条未读"
    [address] = re.findall(r'formaction="(/notices/\d+/open)"', page)
    opened = lan.post(address)
    assert (opened.status_code, opened.location) == (303, "/me/")
    assert bell(lan.get("/notices/").text) == "消息通知"
    assert bell(ping.get("/").text) == "消息通知"


def test_it_is_said_in_the_readers_language(cast: Cast, client_of: Any) -> None:
    lan, ping = client_of("兰"), client_of("平")
    ping.get("/teacher/list/")
    ping.post(f"/teacher/do/fail/{cast.teacher['兰']}", confirmed="1", comment="证件号码与本人不符")
    lan.get("/lang/en")
    page = lan.get("/notices/").text
    assert "was decided: Fail" in page and "证件号码与本人不符" in page and "办理结果" not in page
    assert bell(page) == "Notices: 1 unread"


def test_nobody_sees_or_opens_anothers(cast: Cast, client_of: Any) -> None:
    [number] = tell(cast, "梅")
    for name in ("平", "福", "运", "锐", "林"):
        browser = client_of(name)
        assert "梅0号" not in browser.get("/notices/").text, name
        assert browser.post(f"/notices/{number}/open").status_code == 404, name
        assert browser.post("/notices/read", upto=str(number)).status_code == 303, name
        assert bell(browser.get("/").text) == "消息通知", name
        assert browser.get(f"/api/v1/notice/{number}").status_code == 404
        assert browser.get("/notice/list/").status_code == 404
    stranger = client_of("")
    stranger.get("/login/")
    assert stranger.get("/notices/").status_code == 302 and stranger.post(f"/notices/{number}/open").status_code == 302
    assert unread(cast, "梅") == 1


@pytest.mark.parametrize("number", ["0", "x", "999999999999", "-1"])
def test_nonsense_is_not_there(client_of: Any, number: str) -> None:
    mei = client_of("梅")
    assert mei.post(f"/notices/{number}/open").status_code == 404
    assert mei.get(f"/notices/?page={number}").status_code == 200
    assert mei.post("/notices/read", upto=number).status_code == 303


def test_reading_takes_the_forms_token(cast: Cast, client_of: Any) -> None:
    [number] = tell(cast, "梅")
    mei = client_of("梅")
    assert mei.client.post(f"/notices/{number}/open").status_code == 400
    assert mei.client.post("/notices/read", data={"upto": number}).status_code == 400
    assert mei.get(f"/notices/{number}/open").status_code == 405
    assert unread(cast, "梅") == 1


def test_many_are_paged_newest_first_and_read_at_once(app: Any, cast: Cast, client_of: Any) -> None:
    tell(cast, "梅", times=25)
    mei = client_of("梅")
    first = mei.get("/notices/").text
    shown = re.findall(r"梅(\d+)号的通知", first)
    assert shown == [str(n) for n in range(24, 14, -1)] and first.count("is-unread") == 10
    assert "共 25 条 · 25 条未读" in first
    with counted(app.extensions["engine"]) as sent:
        last = mei.get("/notices/?page=3").text
    assert len(sent) <= 6, sent
    assert re.findall(r"梅(\d+)号的通知", last) == ["4", "3", "2", "1", "0"]
    assert re.findall(r"梅(\d+)号的通知", mei.get("/notices/?page=99").text) == ["4", "3", "2", "1", "0"]
    upto = re.search(r'name="upto" value="(\d+)"', last)
    assert upto
    tell(cast, "梅")
    mei.post("/notices/read", upto=upto[1])
    after = mei.get("/notices/").text
    assert unread(cast, "梅") == 1 and after.count("is-unread") == 1 and "已将 25 条消息标为已读。" in after


def test_who_has_none_is_told_what_will_be_here(client_of: Any) -> None:
    page = client_of("林").get("/notices/").text
    assert "还没有消息" in page and "180 天" in page and "全部标为已读" not in page


def test_a_sentence_is_text_not_html(cast: Cast, client_of: Any) -> None:
    with acting_as(SYSTEM), make_session_factory(cast.engine)() as session:
        said = Sentence(SENTENCE, unit="<script>alert(1)</script>{template}%(x)s")
        tell_accounts(session, [cast.account["梅"]], said, kind=NoticeKind.POST, now=TODAY)
        session.commit()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{template}%(x)s的通知" in client_of("梅").get("/notices/").text


def test_opening_leads_to_the_workbench_that_reaches_the_page(cast: Cast, client_of: Any) -> None:
    """丹 looks after 思明区 and now 湖里区 too: a notice about a school there opens at that workbench."""
    with acting_as(SYSTEM), make_session_factory(cast.engine)() as session:
        place = cast.path["湖里区"]
        session.add(
            Post(
                account_id=cast.account["丹"],
                role=REGION_SPECIAL,
                region_id=cast.region["湖里区"],
                unit_name="湖里区",
                scope_path=place,
                since=TODAY,
            )
        )
        session.commit()
    school = f"/school/show/{cast.school['湖']}"
    [number] = tell(cast, "丹", address=school, place=cast.path["湖"])
    dan = client_of("丹")
    assert dan.get(school).status_code == 404
    assert dan.post(f"/notices/{number}/open").location == school
    assert dan.get(school).status_code == 200
    north = f"/school/show/{cast.school['北']}"
    number = tell(cast, "丹", address="/me/")[-1]
    dan.post(f"/notices/{number}/open")
    assert dan.get(school).status_code == 200 and dan.get(north).status_code == 404, "a notice about no unit changes no workbench"


def test_a_worker_rings_the_phone_of_a_locked_account_and_forgets_what_is_old(app: Any, cast: Cast, client_of: Any, caplog: Any) -> None:
    tell(cast, "梅")
    with Session(cast.engine) as session:
        session.execute(update(Notice).values(made_at=utcnow() - timedelta(days=KEPT_DAYS + 1)))
        session.commit()
    guesser = client_of("")
    for _try in range(5):
        assert "锁定" not in guesser.try_sign_in(cast.username["梅"], "Wrong2026x").text
    with caplog.at_level(logging.INFO, logger="yanxiu.sms"):
        send_texts(app)
        send_texts(app)
    [record] = [record for record in caplog.records if record.name == "yanxiu.sms"]
    assert record.getMessage().startswith("138****0001: 【教师研修】您的账号因密码连续输错，已锁定15分钟。")
    assert unread(cast, "梅") == 2
    forget_old_notices(app)
    assert unread(cast, "梅") == 1
