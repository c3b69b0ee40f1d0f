"""Somebody without a password asks customer service, is answered, and gets back in (S0-17, S0-24, S3-134)."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.access import Account
from models.service import RequestKind, ServiceRequest
from tests.bench.measuring import counted
from tests.cast import Cast
from tests.clients import Browser
from tests.inbox import Inbox

GIVEN = {"kind": "password", "name": "平", "unit_name": "北实验小学", "phone": "13700000001", "description": "换了手机，忘了密码"}
ClientOf = Callable[[str], Browser]


def ask(browser: Browser, **given: str) -> str:
    """Fill in the form; the number it is answered with."""
    browser.get("/service/")
    sent = browser.post("/service/", **{**GIVEN, **given})
    assert (sent.status_code, sent.headers.get("Location")) == (303, "/service/sent"), sent.text
    shown = re.search(r'id="number"[^>]*>([^<]+)<', browser.get("/service/sent").text)
    assert shown
    return shown[1]


def look(browser: Browser, phone: str, number: str) -> Any:
    browser.get("/service/status")
    return browser.post("/service/status", phone=phone, number=number)


def newest(cast: Cast) -> int:
    with Session(cast.engine) as session:
        return session.scalars(select(ServiceRequest.id).order_by(ServiceRequest.id.desc())).first() or 0


@pytest.mark.parametrize("address", ["/login/", "/register/", "/service/", "/service/status", "/nowhere"])
def test_customer_service_is_linked_where_somebody_stands_outside(app: Any, cast: Cast, address: str) -> None:
    assert 'href="/service/"' in Browser(app).get(address).text


@pytest.mark.parametrize("name", ["平", "梅", "林"])
def test_customer_service_is_linked_on_every_page_of_the_signed_in(client_of: ClientOf, name: str) -> None:
    browser = client_of(name)
    for address in ("/", "/me/", "/bind/", "/my-administrators/"):
        assert 'href="/service/"' in browser.get(address).text, address


def test_an_administrator_without_password_gets_back_in(app: Any, cast: Cast, client_of: ClientOf, inbox: Inbox) -> None:
    with Session(cast.engine) as session:
        session.execute(update(Account).where(Account.id == cast.account["平"]).values(phone="13700000001"))
        session.commit()
    outside, desk = client_of(""), client_of("运")
    number = ask(outside)
    assert number not in outside.get("/service/", follow_redirects=True).text
    assert outside.get("/service/sent").headers["Location"] == "/service/", "told once"
    assert "待处理" in look(outside, GIVEN["phone"], number).text

    row = newest(cast)
    page = desk.get(f"/service_request/show/{row}").text
    assert "北实验小学" in page and "137****0001" in page and "13700000001" not in page
    account = cast.account["平"]
    panel = page.split("可能是申请人的账号", 1)[1]
    assert f'/account/show/{account}"' in panel and "手机号码、姓名、单位" in panel
    desk.post(f"/account/do/reset_by_sms/{account}", confirmed="1")
    [(phone, text)] = inbox.messages
    once = re.search(r"一次性密码：([0-9A-Z-]+)", text)
    assert phone == "13700000001" and once
    assert "137****0001" in desk.get(f"/account/show/{account}").text
    told = desk.post(f"/service_request/do/answer/{row}", confirmed="1", comment=f"密码是{once[1]}")
    assert told.status_code == 422 and f"密码是{once[1]}</textarea>" in told.text, "nothing typed is lost"
    assert re.search(r'id="comment-error"[^>]*>.*不能写密码', told.text), "the sentence stands beside the field"
    desk.post(f"/service_request/do/answer/{row}", confirmed="1", comment="已核实，密码已发到您登记的手机。")

    history = desk.get(f"/service_request/show/{row}").text.split("变更历史", 1)[1]
    assert re.search(r"20\d\d\.\d\d\.\d\d \d\d:\d\d</ins>", history) and "+00:00" not in history, "moments as everywhere"

    answered = look(outside, GIVEN["phone"], number).text
    assert "已答复" in answered and "密码已发到您登记的手机" in answered and once[1] not in answered
    Browser(app).sign_in("SchoolAdmin1", once[1])


def test_the_asker_learns_of_no_account(app: Any, cast: Cast) -> None:
    """A known phone and an unknown one, a real name and an invented one: the same pages."""
    seen = set()
    for phone, name in (("13850000001", "梅"), ("13700000001", "没有这个人")):
        browser = Browser(app)
        number = ask(browser, phone=phone, name=name)
        status = look(browser, phone, number).text
        seen.add(re.sub(r"[0-9]{11}|[0-9A-Z]{4}-[0-9A-Z]{4}|nonce[^>]*|value=\"[^\"]*\"|20\d\d\.\d\d\.\d\d \d\d:\d\d", "", status))
    assert len(seen) == 1


def test_wrong_and_foreign_numbers_get_the_same_page(app: Any, cast: Cast) -> None:
    browser = Browser(app)
    foreign = ask(Browser(app), phone="13700000002")
    pages = [look(browser, GIVEN["phone"], number) for number in ("AAAA-AAAA", foreign)]
    assert [page.status_code for page in pages] == [422, 422]
    assert len({re.search(r'class="field-error"[^>]*>(.*?)</p>', page.text)[1] for page in pages}) == 1  # type: ignore[index]


def test_a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field(client_of: ClientOf) -> None:
    browser = client_of("")
    browser.get("/service/")
    answer = browser.post("/service/", **{**GIVEN, "phone": "123", "description": "字" * 501})
    assert answer.status_code == 422 and "最多 500 个字" in answer.text and 'value="北实验小学"' in answer.text
    answer = browser.post("/service/", **{**GIVEN, "phone": "123"})
    assert answer.status_code == 422 and 'id="phone-error"' in answer.text
    assert browser.post("/service/", **{**GIVEN, "kind": "root"}).status_code == 422


def test_hostile_text_stays_text(client_of: ClientOf, cast: Cast) -> None:
    hostile = "<script>alert(1)</script>{{7*7}}\r\n=HYPERLINK(1)"
    outside, desk = client_of(""), client_of("运")
    ask(outside, name="'\"><img src=x>", unit_name="../../" + "%00", position=hostile[:50], description=hostile, kind="other")
    for address in (f"/service_request/show/{newest(cast)}", "/service_request/list/"):
        page = desk.get(address)
        assert page.status_code == 200 and "<img src=x" not in page.text and "<script>alert" not in page.text
    assert "{{7*7}}" in unescape(desk.get(f"/service_request/show/{newest(cast)}").text)


def test_the_signed_in_are_known_and_see_what_they_asked(client_of: ClientOf) -> None:
    ping, rui = client_of("平"), client_of("锐")
    page = ping.get("/service/").text
    assert 'value="平"' in page and 'value="北实验小学"' in page
    ask(ping, description="平自己的问题")
    assert "平自己的问题" in ping.get("/service/").text
    assert "平自己的问题" not in rui.get("/service/").text and "平自己的问题" not in client_of("").get("/service/").text


def test_who_asks_for_their_administrator_is_answered_from_the_units_around(client_of: ClientOf, cast: Cast) -> None:
    """S3-134."""
    ask(client_of(""), kind=RequestKind.ADMINISTRATOR.value, name="新来的", phone="13700000005")
    page = client_of("运").get(f"/service_request/show/{newest(cast)}").text
    panel = page.split("该单位和上级单位的管理员", 1)[1]
    assert "学校管理员" in panel and "平" in panel and "区域专项管理员" in panel and "丹" in panel and "锐" not in panel


def test_waiting_requests_are_counted_in_the_operators_menu_alone(client_of: ClientOf) -> None:
    link = r'href="/service_request/list/"'
    assert re.search(link, client_of("运").get("/").text)
    for name in ("福", "平", "梅"):
        assert not re.search(link, client_of(name).get("/").text)


def test_the_pages_ask_the_database_little(app: Any, client_of: ClientOf, cast: Cast) -> None:
    ping, outside, desk = client_of("平"), client_of(""), client_of("运")
    ask(ping)
    addresses = ((ping, "/service/", 6), (outside, "/service/", 6), (ping, "/service/status", 6), (outside, "/service/status", 6))
    records = [(desk, f"/service_request/show/{newest(cast)}", 10)]
    ask(outside, kind="administrator")
    records.append((desk, f"/service_request/show/{newest(cast)}", 10))
    for browser, address, most in (*addresses, *records):
        with counted(app.extensions["engine"]) as sent:
            assert browser.get(address).status_code == 200
        assert len(sent) <= most, "\n".join((address, *sent))


def test_an_account_that_agrees_in_less_gets_another_phone_on_its_own_page(app: Any, cast: Cast, client_of: ClientOf, inbox: Inbox) -> None:
    """S4-39…41: who registered as a student has no identity number on record; customer service verifies them and does it there."""
    old, new, account = "13850000099", "13700000077", cast.account["林"]
    desk = client_of("运")
    assert "更换绑定手机" in desk.get(f"/account/show/{account}").text
    refused = desk.post(f"/account/do/rebind_phone/{account}", confirmed="1", comment="13850000001x")
    assert refused.status_code == 422 and "手机号码应为11位数字" in refused.text
    assert desk.post(f"/account/do/rebind_phone/{account}", confirmed="1", comment=new).status_code == 303
    assert not any("验证码" in text for _phone, text in inbox.messages), "the old phone is lost: no code goes anywhere"
    assert [phone for phone, _text in inbox.messages] == [old], "whoever still reads there is warned"
    Browser(app).sign_in(new, cast.password)
    assert Browser(app).try_sign_in(old, cast.password).status_code == 401
    assert "更换绑定手机" not in client_of("福").get(f"/account/show/{cast.account['梅']}").text
    assert client_of("福").post(f"/account/do/rebind_phone/{cast.account['梅']}", confirmed="1", comment=new).status_code in (403, 404)


def test_another_phone_is_asked_for_on_a_page_of_its_own(client_of: ClientOf) -> None:
    browser = client_of("")
    page = browser.get("/service/").text
    assert 'value="phone"' not in page and 'href="/service/phone"' in page
    assert browser.post("/service/", **{**GIVEN, "kind": "phone"}).status_code == 422
