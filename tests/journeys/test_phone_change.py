"""Somebody whose old number is gone asks, signed out, for another phone, is called back, and signs in with it (S4-39…41)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.base import utcnow
from models.files import Attachment
from models.service import ServiceRequest
from rules.service import ASKS_PER_ADDRESS
from tests import samples
from tests.bench.measuring import counted
from tests.cast import Cast
from tests.clients import Browser
from tests.inbox import Inbox
from views.worker import collect_unused_files, forget_old_photos

NEW = "13700000077"
GIVEN = {"name": "梅", "id_number": "350203198503120028", "old_phone": "13850000001", "phone": NEW}
PORTRAIT = "手持身份证.png"
ClientOf = Callable[[str], Browser]


def send(browser: Browser, content: bytes | None = None, file_name: str = PORTRAIT, script: bool = False, **given: str) -> TestResponse:
    """What the form sends."""
    browser.get("/service/phone")
    photo = {"photo": (BytesIO(samples.png(40, 30) if content is None else content), file_name)} if file_name else {}
    headers = {"Accept": "application/json"} if script else {}
    return browser.client.post("/service/phone", data={"csrf_token": browser.token, **GIVEN, **given, **photo}, headers=headers)


def ask(browser: Browser, **given: str) -> tuple[str, str]:
    """Ask; the answer is the number."""
    sent = send(browser, **given)
    assert (sent.status_code, sent.headers.get("Location")) == (303, "/service/sent"), sent.text
    shown = re.search(r'id="number"[^>]*>([^<]+)<', browser.get("/service/sent").text)
    assert shown
    return shown[1], sent.headers["Location"]


def newest(cast: Cast) -> tuple[int, int]:
    """The request asked last and its photograph."""
    with Session(cast.engine) as session:
        row = session.scalars(select(ServiceRequest.id).order_by(ServiceRequest.id.desc())).first()
        photo = session.scalars(
            select(Attachment.id).where(Attachment.owner_table == "service_request", Attachment.owner_id == row)
        ).first()
        assert row and photo
        return row, photo


def stored(app: Any) -> list[Any]:
    return [path for path in (app.extensions["settings"].data_dir / "files").rglob("*") if path.is_file()]


def test_from_the_form_to_the_changed_phone(app: Any, cast: Cast, client_of: ClientOf, inbox: Inbox) -> None:
    outside, desk = client_of(""), client_of("运")
    assert 'href="/service/phone"' in outside.get("/service/").text
    page = outside.get("/service/phone").text
    assert all(label in page for label in ("姓名", "身份证号码", "原手机号码", "新手机号码", "手持身份证近照"))
    assert "仅限于中小学智慧教育平台账号换绑使用" in page and "图片，最大 30 MB" in page.replace("等图片", "图片")
    number, _location = ask(outside)
    row, photo = newest(cast)
    listed = desk.get("/service_request/list/").text
    assert "更换手机号码" in listed and PORTRAIT not in listed and "手持身份证" not in listed
    page = desk.get(f"/service_request/show/{row}").text
    assert "137****0077" in page and "138****0001" in page and "35*****0028" in page
    assert not any(item in page for item in (NEW, GIVEN["old_phone"], GIVEN["id_number"]))
    assert PORTRAIT in page and f"/files/{photo}/preview" in page and "预览和下载都会留下记录" in page
    panel = page.split("可能是申请人的账号", 1)[1]
    assert f'/account/show/{cast.account["梅"]}"' in panel and "原手机号码、姓名、身份证号码" in panel
    assert "登记回访" in page and f"/service_request/do/rebind/{row}" not in page
    early = desk.post(f"/service_request/do/rebind/{row}", confirmed="1", comment="")
    assert early.status_code == 422 and "当前状态是“待处理”" in early.text
    assert desk.post(f"/service_request/do/call_back/{row}", confirmed="1", comment=" ").status_code == 422
    assert desk.post(f"/service_request/do/call_back/{row}", confirmed="1", comment="14:05 本人接听，核对无误").status_code == 303
    page = desk.get(f"/service_request/show/{row}").text
    assert "已回访" in page and "14:05 本人接听，核对无误" in page and f"/service_request/do/rebind/{row}" in page
    assert "客服正在核实" in look(outside, number).text and "14:05" not in look(outside, number).text
    assert desk.post(f"/service_request/do/rebind/{row}", confirmed="1", comment="").status_code == 303
    answered = look(outside, number).text
    assert "已答复" in answered and "已改为绑定新手机号码" in answered
    assert [phone for phone, _text in inbox.messages] == [GIVEN["old_phone"]]
    again = desk.post(f"/service_request/do/rebind/{row}", confirmed="1", comment="")
    assert again.status_code == 422 and "当前状态是“已答复”" in again.text
    mei = Browser(app)
    mei.sign_in(cast.username["梅"], cast.password)
    assert "137****0077" in mei.get("/me/").text


def look(browser: Browser, number: str) -> TestResponse:
    browser.get("/service/status")
    return browser.post("/service/status", phone=NEW, number=number)


def test_a_refused_form_keeps_everything_typed_and_asks_for_the_photograph_again(client_of: ClientOf, app: Any) -> None:
    browser = client_of("")
    for content, name, sentence in (
        (samples.PROGRAM, "照片.png", "内容与名称的“.png”不符"),
        (samples.pdf(), "证件.pdf", "是文档，这里不能上传这种文件"),
        (samples.SVG, "照片.svg", "是文本，这里不能上传这种文件"),
        (b"", "照片.png", "是空文件"),
        (samples.PROGRAM, "照片.exe", "类型不支持。这里可以上传图片。"),
    ):
        answer = send(browser, content, name)
        assert answer.status_code == 422 and sentence in answer.text, name
        assert re.search(r'id="photo-error"[^>]*>.*?' + re.escape(sentence), answer.text), "beside the field"
        assert all(f'value="{value}"' in answer.text for value in GIVEN.values()), "nothing typed is lost"
    answer = send(browser, file_name="")
    assert answer.status_code == 422 and "请选择照片" in answer.text
    answer = send(browser, old_phone="12345")
    assert answer.status_code == 422 and 'id="old_phone-error"' in answer.text and "照片没有保留，请重新选择" in answer.text
    assert stored(app) == []


def test_a_script_is_led_on_and_refused_with_the_same_page(client_of: ClientOf) -> None:
    browser = client_of("")
    answer = send(browser, script=True)
    assert (answer.status_code, answer.json) == (200, {"url": "/service/sent"})
    assert re.search(r'id="number"[^>]*>', browser.get("/service/sent").text)
    refused = send(browser, samples.PROGRAM, script=True)
    assert refused.status_code == 422 and refused.mimetype == "text/html" and 'id="photo-error"' in refused.text


def test_it_needs_the_token_and_is_limited_like_every_request(client_of: ClientOf, app: Any) -> None:
    browser = client_of("")
    assert browser.client.post("/service/phone", data={**GIVEN, "photo": (BytesIO(samples.png()), PORTRAIT)}).status_code == 400
    for _ in range(ASKS_PER_ADDRESS):
        assert send(browser, samples.PROGRAM).status_code == 422
    answer = send(browser)
    assert answer.status_code == 422 and "操作过于频繁" in answer.text and stored(app) == []


def test_the_asker_learns_of_no_account(app: Any, cast: Cast) -> None:
    seen = set()
    for given in ({}, {"name": "没有这个人", "old_phone": "13900000000"}):
        browser = Browser(app)
        number, location = ask(browser, **given)
        seen.add((location, re.sub(r"nonce[^>]*|value=\"[^\"]*\"|20\d\d\.\d\d\.\d\d \d\d:\d\d", "", look(browser, number).text)))
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["福", "丹", "平", "梅", "林", ""])
def test_nobody_else_sees_the_photograph_at_any_address(client_of: ClientOf, cast: Cast, name: str) -> None:
    ask(client_of("梅"))
    row, photo = newest(cast)
    browser = client_of(name)
    for address in (f"/files/{photo}/{PORTRAIT}", f"/files/{photo}/preview", f"/files/{photo}/document", f"/files/{photo}/as-pdf"):
        assert browser.get(address).status_code in ((404,) if name else (302, 303)), address
    page = browser.get(f"/service_request/show/{row}")
    assert page.status_code != 200 and PORTRAIT not in page.text


def test_opening_it_is_noted_and_no_browser_keeps_it(client_of: ClientOf, cast: Cast) -> None:
    ask(client_of(""))
    row, photo = newest(cast)
    desk = client_of("运")
    record = f"/service_request/show/{row}"
    assert "查看完整信息" not in desk.get(record).text
    preview = desk.get(f"/files/{photo}/preview")
    assert preview.status_code == 200 and "<img src=" in preview.text
    assert "查看完整信息" not in desk.get(record).text, "the frame alone shows nothing yet"
    picture = desk.get(f"/files/{photo}/{PORTRAIT}")
    assert picture.data == samples.png(40, 30) and picture.headers["Cache-Control"] == "no-store"
    history = desk.get(record).text.split("变更历史", 1)[1]
    assert history.count("查看完整信息") == 1 and "手持身份证近照" in history and PORTRAIT not in history


def test_neither_list_nor_export_nor_rest_tell_of_it(client_of: ClientOf, cast: Cast) -> None:
    ask(client_of(""))
    row, photo = newest(cast)
    desk = client_of("运")
    desk.get("/service_request/list/")
    told = [
        desk.post("/service_request/export", scope="all", format="csv").text,
        desk.api("get", "/api/v1/service_request/").text,
        desk.api("get", f"/api/v1/service_request/{row}").text,
    ]
    assert all("更换手机号码" in text or '"phone"' in text for text in told)
    assert not any(word in text for text in told for word in (PORTRAIT, f"/files/{photo}", "files", "手持"))


def test_the_night_takes_the_photograph_of_what_was_decided_long_ago(app: Any, client_of: ClientOf, cast: Cast) -> None:
    ask(client_of(""))
    row, photo = newest(cast)
    desk = client_of("运")
    desk.get(f"/service_request/show/{row}")
    desk.post(f"/service_request/do/refuse/{row}", confirmed="1", comment="照片看不清，请重新申请。")
    forget_old_photos(app)
    collect_unused_files(app)
    assert len(stored(app)) == 1, "it is kept for some days"
    with Session(cast.engine) as session:
        session.get_one(ServiceRequest, row).answered_at = utcnow() - timedelta(days=app.extensions["settings"].photo_days, hours=1)
        session.commit()
    forget_old_photos(app)
    collect_unused_files(app)
    page = desk.get(f"/service_request/show/{row}").text
    assert stored(app) == [] and PORTRAIT not in page and "附件变动" in page.split("变更历史", 1)[1]
    assert desk.get(f"/files/{photo}/{PORTRAIT}").status_code == 404


def test_the_pages_ask_the_database_little(app: Any, client_of: ClientOf, cast: Cast) -> None:
    outside, desk = client_of(""), client_of("运")
    ask(outside)
    row, _photo = newest(cast)
    for browser, address, most in ((outside, "/service/phone", 6), (desk, "/service/phone", 6), (desk, f"/service_request/show/{row}", 10)):
        with counted(app.extensions["engine"]) as sent:
            assert browser.get(address).status_code == 200
        assert len(sent) <= most, "\n".join((address, *sent))
