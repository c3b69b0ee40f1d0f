"""Files over HTTP: sent in pieces or with a form, hung on a record by its form, handed out in ranges, looked at without danger."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.files import FileKind, FileSlot
from models.org import School
from tests import samples
from tests.cast import Cast
from tests.clients import Browser

SLOTS = (
    FileSlot("plans", "规划方案", accept=(FileKind.DOCUMENT, FileKind.IMAGE, FileKind.TEXT), most=2, help="学校自己的规划。"),
    FileSlot("films", "宣传片", accept=(FileKind.VIDEO,)),
)


@pytest.fixture(autouse=True)
def slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schools have files here."""
    monkeypatch.setattr(School, "__files__", SLOTS, raising=False)


@pytest.fixture
def ping(client_of: Callable[[str], Browser]) -> Browser:
    browser = client_of("平")
    browser.get("/me/password")
    return browser


def call(browser: Browser, method: str, address: str, **given: Any) -> TestResponse:
    """A request of the page's script."""
    headers = {"Accept": "application/json", "X-CSRFToken": browser.token}
    return browser.client.open(address, method=method, headers=headers, **given)


def send(browser: Browser, name: str, content: bytes, slot: str = "plans") -> TestResponse:
    """Upload like the script does, in two pieces; the last answer."""
    begun = call(browser, "POST", "/files/uploads", json={"name": name, "size": len(content), "table": "school", "slot": slot})
    if begun.status_code != 201:
        return begun
    address, half = f"/files/uploads/{begun.json['id']}", len(content) // 2
    for offset, piece in ((0, content[:half]), (half, content[half:])):
        assert call(browser, "PUT", f"{address}?offset={offset}", data=piece).status_code == 200
    return call(browser, "POST", f"{address}/finish", json={"table": "school", "slot": slot})


def form_of(browser: Browser, school: int, **changes: Any) -> dict[str, Any]:
    """What the form of the school sends."""
    version = browser.version(f"/school/edit/{school}")
    return {"_version": version, "name": "北实验小学", "kind": "school", "area_type": "urban", **changes}


@pytest.fixture
def attached(ping: Browser, cast: Cast) -> Callable[..., dict[str, Any]]:
    """``attached("规划.pdf", content)``: on the record of 北, as REST tells of it."""

    def attach(name: str, content: bytes) -> dict[str, Any]:
        file = send(ping, name, content).json
        saved = ping.post(f"/school/edit/{cast.school['北']}", **form_of(ping, cast.school["北"], **{"files.plans": ["", str(file["id"])]}))
        assert saved.status_code == 303, saved.text
        return file

    return attach


def test_a_file_goes_from_the_script_onto_the_record(ping: Browser, cast: Cast, attached: Any) -> None:
    north = cast.school["北"]
    form = ping.get(f"/school/edit/{north}").text
    assert "规划方案" in form and "最多 2 个文件；文档最大 200 MB" in form and 'accept=".pdf,.docx' in form
    file = attached("学校规划.pdf", samples.pdf())
    page = ping.get(f"/school/show/{north}").text
    assert "学校规划.pdf" in page and f"/files/{file['id']}/preview" in page and "附件变动" in page
    told = ping.api("get", f"/api/v1/school/{north}").json["result"]["files"]
    assert told == {"plans": [{k: file[k] for k in ("id", "name", "size", "kind", "media_type", "url")}], "films": []}
    listed = ping.api("get", "/api/v1/school/").json["result"]
    assert [row["files"]["plans"] for row in listed if row["id"] == north] == [told["plans"]]
    assert ping.post(f"/school/edit/{north}", **form_of(ping, north, **{"files.plans": ""})).status_code == 303
    assert ping.api("get", f"/api/v1/school/{north}").json["result"]["files"]["plans"] == []


def test_without_scripts_the_form_sends_the_files_itself(ping: Browser, cast: Cast) -> None:
    north = cast.school["北"]
    files = [(BytesIO(samples.pdf()), "甲.pdf"), (BytesIO(samples.png()), "乙.png")]
    assert ping.post(f"/school/edit/{north}", **form_of(ping, north, **{"files.plans": "", "upload.plans": files})).status_code == 303
    told = ping.api("get", f"/api/v1/school/{north}").json["result"]["files"]["plans"]
    assert [file["name"] for file in told] == ["甲.pdf", "乙.png"]
    keeps_one = form_of(ping, north, **{"files.plans": ["", str(told[1]["id"])]})
    assert ping.post(f"/school/edit/{north}", **keeps_one).status_code == 303
    assert [file["name"] for file in ping.api("get", f"/api/v1/school/{north}").json["result"]["files"]["plans"]] == ["乙.png"]


def test_a_refused_save_loses_no_file_and_attaches_none(ping: Browser, cast: Cast) -> None:
    north = cast.school["北"]
    sent = form_of(ping, north, area_type="", **{"files.plans": "", "upload.plans": (BytesIO(samples.pdf()), "甲.pdf")})
    answer = ping.post(f"/school/edit/{north}", **sent)
    assert answer.status_code == 422 and "甲.pdf" in answer.text
    kept = answer.text.split('name="files.plans" value="')[2].split('"')[0]
    assert ping.api("get", f"/api/v1/school/{north}").json["result"]["files"]["plans"] == []
    assert ping.post(f"/school/edit/{north}", **form_of(ping, north, **{"files.plans": ["", kept]})).status_code == 303
    assert len(ping.api("get", f"/api/v1/school/{north}").json["result"]["files"]["plans"]) == 1


def test_a_refused_file_is_told_beside_its_box_and_saves_nothing(ping: Browser, cast: Cast) -> None:
    north = cast.school["北"]
    sent = form_of(ping, north, address="改了", **{"files.plans": "", "upload.plans": (BytesIO(samples.PROGRAM), "甲.pdf")})
    answer = ping.post(f"/school/edit/{north}", **sent)
    assert answer.status_code == 422 and "“甲.pdf”的内容与名称的“.pdf”不符" in answer.text and 'href="#files-plans"' in answer.text
    assert ping.api("get", f"/api/v1/school/{north}").json["result"]["address"] is None
    three = [(BytesIO(f"{n}".encode()), f"{n}.txt") for n in range(3)]
    answer = ping.post(f"/school/edit/{north}", **form_of(ping, north, address="改了", **{"files.plans": "", "upload.plans": three}))
    assert answer.status_code == 422 and "最多 2 个文件。" in answer.text
    assert ping.api("get", f"/api/v1/school/{north}").json["result"]["address"] is None


def test_who_saves_on_an_older_version_is_shown_the_files_of_the_other(ping: Browser, cast: Cast, attached: Any) -> None:
    north = cast.school["北"]
    old = form_of(ping, north, **{"files.plans": ""})
    attached("对方的.pdf", samples.pdf())
    answer = ping.post(f"/school/edit/{north}", **old)
    assert answer.status_code == 409 and "对方的.pdf" in answer.text
    assert len(ping.api("get", f"/api/v1/school/{north}").json["result"]["files"]["plans"]) == 1


def test_a_form_that_does_not_mention_files_leaves_them(ping: Browser, cast: Cast, attached: Any) -> None:
    attached("规划.pdf", samples.pdf())
    assert ping.post(f"/school/edit/{cast.school['北']}", **form_of(ping, cast.school["北"], address="鼓浪屿")).status_code == 303
    assert len(ping.api("get", f"/api/v1/school/{cast.school['北']}").json["result"]["files"]["plans"]) == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("安装.exe", samples.PROGRAM, "类型不支持"),
        ("改名.pdf", samples.PROGRAM, "内容与名称的“.pdf”不符"),
        ("课堂.mp4", samples.MP4, "是视频，这里不能上传这种文件"),
    ],
)
def test_a_wrong_file_is_a_sentence_for_the_script(ping: Browser, name: str, content: bytes, sentence: str) -> None:
    answer = send(ping, name, content)
    assert answer.status_code == 400 and sentence in answer.json["message"]


def test_a_cut_connection_is_answered_with_where_to_go_on(ping: Browser) -> None:
    content = samples.pdf()
    begun = call(ping, "POST", "/files/uploads", json={"name": "教案.pdf", "size": len(content)}).json
    address = f"/files/uploads/{begun['id']}"
    call(ping, "PUT", f"{address}?offset=0", data=content[:100])
    assert call(ping, "PUT", f"{address}?offset=0", data=content[:100]).status_code == 409
    assert call(ping, "GET", address).json["arrived"] == 100
    assert call(ping, "PUT", f"{address}?offset=100", data=content[100:]).json["arrived"] == len(content)
    assert call(ping, "POST", f"{address}/finish").json["name"] == "教案.pdf"
    assert call(ping, "DELETE", address).status_code == 200 and call(ping, "GET", address).status_code == 404


def test_a_film_of_2_gb_is_announced_and_one_byte_more_is_not(ping: Browser) -> None:
    def begin(size: int) -> TestResponse:
        return call(ping, "POST", "/files/uploads", json={"name": "课堂.mp4", "size": size, "table": "school", "slot": "films"})

    assert begin(2 * 1024**3).status_code == 201
    assert "视频最大 2 GB" in begin(2 * 1024**3 + 1).json["message"]


def test_nonsense_is_refused_in_order(ping: Browser) -> None:
    for body in (None, {}, [], {"name": 1, "size": "x"}, {"name": "a.pdf", "size": None}):
        assert call(ping, "POST", "/files/uploads", json=body).status_code == 400
    begun = call(ping, "POST", "/files/uploads", json={"name": "a.pdf", "size": 9}).json
    for offset in ("", "-1", "x"):
        assert call(ping, "PUT", f"/files/uploads/{begun['id']}?offset={offset}", data=b"x").status_code == 400
    for pk in ("0", "-1", "x", "9" * 30):
        assert [call(ping, "GET", f"/files/{a}").status_code for a in (f"uploads/{pk}", f"{pk}/preview", f"{pk}/a.pdf")] == [404] * 3


# --- who may have it --------------------------------------------------------------------------------------------------


def test_a_file_is_reached_like_its_record(ping: Browser, cast: Cast, attached: Any, client_of: Any) -> None:
    file = attached("学校规划.pdf", samples.pdf())
    addresses = (file["url"], f"/files/{file['id']}/preview", f"/files/{file['id']}/document", f"/files/{file['id']}/as-pdf")
    assert [client_of("丹").get(a).status_code for a in addresses] == [200, 200, 404, 404]
    for stranger in ("锐", "林"):
        assert [client_of(stranger).get(a).status_code for a in addresses] == [404] * 4
    assert {client_of("").get(a).status_code for a in addresses} <= {302, 401}
    assert call(client_of("锐"), "DELETE", f"/files/{file['id']}").status_code in (400, 404)


def test_nobody_attaches_or_removes_what_is_not_theirs(cast: Cast, attached: Any, client_of: Any, ping: Browser) -> None:
    file, rui, south = attached("规划.pdf", samples.pdf()), client_of("锐"), cast.school["南"]
    form = {"_version": rui.version(f"/school/edit/{south}"), "name": "南实验小学", "kind": "school", "area_type": "town"}
    rui.post(f"/school/edit/{south}", **form, **{"files.plans": ["", str(file["id"])]})
    assert rui.api("get", f"/api/v1/school/{south}").json["result"]["files"]["plans"] == []
    assert rui.post(f"/school/edit/{cast.school['北']}", **form, **{"files.plans": ""}).status_code == 404
    assert len(ping.api("get", f"/api/v1/school/{cast.school['北']}").json["result"]["files"]["plans"]) == 1


# --- handing out ------------------------------------------------------------------------------------------------------


def test_a_download_keeps_its_chinese_name_and_runs_nothing(ping: Browser, attached: Any) -> None:
    file = attached("学校 规划（终稿）.pdf", samples.pdf())
    answer = ping.get(file["url"])
    assert answer.data == samples.pdf() and answer.mimetype == "application/pdf"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment") and f"filename*=UTF-8''{quote('学校 规划（终稿）.pdf', safe='')}" in disposition
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "private, no-cache"


def test_ranges_are_answered(ping: Browser, attached: Any) -> None:
    content = samples.pdf()
    url, size = attached("规划.pdf", content)["url"], len(content)
    whole = ping.client.get(url)
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.headers["Content-Length"] == str(size)
    for asked, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-5", size - 5, size),
        (f"bytes=5-{size * 2}", 5, size),
    ):
        part = ping.client.get(url, headers={"Range": asked})
        assert (part.status_code, part.data) == (206, content[start:end]), asked
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    beyond = ping.client.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    tag = whole.headers["ETag"]
    assert ping.client.get(url, headers={"Range": "bytes=0-9", "If-Range": tag}).status_code == 206
    changed = ping.client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (changed.status_code, changed.data) == (200, content)
    assert ping.client.get(url, headers={"If-None-Match": tag}).status_code == 304
    head = ping.client.head(url)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(size))


@pytest.mark.parametrize(("name", "content"), [("页面.html", samples.HTML), ("图.svg", samples.SVG)])
def test_hostile_html_and_svg_are_text_to_read(ping: Browser, attached: Any, name: str, content: bytes) -> None:
    file = attached(name, content)
    answer = ping.get(file["url"])
    assert answer.headers["Content-Disposition"].startswith("attachment") and "sandbox" in answer.headers["Content-Security-Policy"]
    page = ping.get(f"/files/{file['id']}/preview").text
    assert "&lt;script&gt;" in page and content.decode() not in page


def test_a_word_document_is_looked_at_in_a_closed_frame(ping: Browser, attached: Any) -> None:
    file = attached("设计.docx", samples.docx('<w:p><w:hyperlink r:id="evil"><w:r><w:t>教学设计</w:t></w:r></w:hyperlink></w:p>'))
    assert f'<iframe class="preview-frame" src="/files/{file["id"]}/document" sandbox ' in ping.get(f"/files/{file['id']}/preview").text
    frame = ping.get(f"/files/{file['id']}/document")
    assert "教学设计" in frame.text and "javascript:" not in frame.text
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'") and "script-src" not in policy


def test_a_zip_bomb_is_a_sentence_and_a_download(ping: Browser, attached: Any) -> None:
    file = attached("炸弹.docx", samples.docx(word__media__zeros=b"\0" * 40 * 1024 * 1024))
    page = ping.get(f"/files/{file['id']}/preview")
    assert page.status_code == 200 and "解压后异常大（40 MB）" in page.text and file["url"] in page.text


def test_a_broken_word_document_is_a_sentence_in_its_frame(ping: Browser, attached: Any) -> None:
    file = attached("坏的.docx", samples.docx("<w:p><w:unclosed></w:p>"))
    frame = ping.get(f"/files/{file['id']}/document")
    assert frame.status_code == 200 and "这个文件不能在浏览器里预览" in frame.text


def test_a_word_document_with_entities_is_a_sentence_and_a_download(ping: Browser, attached: Any) -> None:
    text = f'<!DOCTYPE x [<!ENTITY a "b">]><w:document xmlns:w="{samples.WORD}"><w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body></w:document>'
    file = attached("实体.docx", samples.replaced(samples.docx(), **{"word__document.xml": text.encode()}))
    page = ping.get(f"/files/{file['id']}/preview")
    assert page.status_code == 200 and "这个文件不能在浏览器里预览" in page.text and file["url"] in page.text
    assert "这个文件不能在浏览器里预览" in ping.get(f"/files/{file['id']}/document").text


def test_every_kind_says_how_it_is_shown(ping: Browser, attached: Any, cast: Cast) -> None:
    for name, content, shown in (
        ("规划.pdf", samples.pdf(), "data-pdf="),
        ("照片.png", samples.png(), "<img src="),
        ("说明.txt", "你好<b>".encode(), "你好&lt;b&gt;"),
        ("旧稿.doc", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "这个文件不能在浏览器里预览，请下载后查看。"),
    ):
        assert shown in ping.get(f"/files/{attached(name, content)['id']}/preview").text, name
    film = send(ping, "课堂.mp4", samples.MP4, "films").json
    assert "<video src=" in ping.get(f"/files/{film['id']}/preview").text


def test_a_file_that_is_no_longer_in_the_store_is_a_sentence(app: Flask, ping: Browser, attached: Any) -> None:
    file = attached("规划.pdf", samples.pdf())
    shutil.rmtree(app.extensions["settings"].data_dir / "files")
    answer = ping.get(file["url"])
    assert answer.status_code == 404 and "文件已不在存储中" in answer.text


def test_the_nightly_job_collects(app: Flask, ping: Browser, cast: Cast) -> None:
    from models.files import Attachment
    from views.worker import collect_unused_files

    file = send(ping, "没保存.pdf", samples.pdf()).json
    with Session(cast.engine) as session:
        session.get_one(Attachment, file["id"]).uploaded_at = cast.today.replace(year=2020)
        session.commit()
    collect_unused_files(app)
    assert ping.get(file["url"]).status_code == 404
    assert not [path for path in (app.extensions["settings"].data_dir / "files").rglob("*") if path.is_file()]
