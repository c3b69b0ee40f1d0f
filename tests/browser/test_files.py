"""The upload box and the preview in a real browser: several at once, a cut connection, by keyboard, and nothing hostile runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from models.files import FileKind, FileSlot
from models.org import School
from tests import samples

SLOTS = (
    FileSlot(
        "plans",
        "规划方案",
        accept=(FileKind.DOCUMENT, FileKind.IMAGE, FileKind.TEXT, FileKind.VIDEO, FileKind.AUDIO),
        most=5,
        help="学校自己的规划。",
    ),
)


@pytest.fixture(autouse=True)
def slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schools have files here."""
    monkeypatch.setattr(School, "__files__", SLOTS, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What 平 has on their computer."""
    files = {
        "学校三年规划（终稿）.pdf": samples.pdf(),
        "校门.png": samples.png(300, 200),
        "教学设计.docx": samples.docx("<w:p><w:r><w:t>教学设计第一页</w:t></w:r></w:p>"),
        "带脚本.html": samples.HTML,
        "带脚本.svg": samples.SVG,
        "课堂录音.wav": samples.wav(),
        "程序.pdf": samples.PROGRAM,
        "课堂.mp4": samples.MP4 + b"\0" * (9 * 1024 * 1024),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def choose(page: Page, folder: Path, *names: str) -> None:
    page.set_input_files("#upload-plans", [folder / name for name in names])


@pytest.mark.parametrize("width", [1280, 390])
def test_files_are_uploaded_saved_looked_at_and_removed(person: Any, cast: Any, folder: Path, width: int) -> None:
    ping = person(width)
    page, north = ping.sign_in(cast.username["平"], cast.password), cast.school["北"]
    page.goto(f"/school/edit/{north}")
    choose(page, folder, "学校三年规划（终稿）.pdf", "校门.png", "教学设计.docx", "带脚本.html", "程序.pdf")
    box = page.locator("#files-plans")
    expect(box.locator("input[name='files.plans'][value]:not([value=''])")).to_have_count(4)
    expect(box.locator("[data-error]")).to_contain_text("“程序.pdf”的内容与名称的“.pdf”不符")
    ping.look("files-form")
    page.click("button.form-main")
    page.wait_for_url("**/school/show/*")
    line = page.locator(".file", has_text="终稿")
    line.locator("a", has_text="预览").focus()
    expect(line.locator(".file-acts")).to_have_css("opacity", "1")
    ping.look("files-record")
    page.keyboard.press("Enter")
    frame = page.frame_locator("dialog.dialog-preview iframe")
    expect(frame.locator("canvas[data-drawn]")).to_have_count(1)
    ping.look("files-preview-pdf")
    page.keyboard.press("Escape")
    expect(line.locator("a", has_text="预览")).to_be_focused()
    for name, shown in (("校门", "img"), ("带脚本", "pre")):
        look_at(page, name)
        expect(frame.locator(f".preview-body > {shown}")).to_be_visible()
        page.keyboard.press("Escape")
    look_at(page, "教学设计")
    expect(frame.frame_locator("iframe").locator("p")).to_have_text("教学设计第一页")
    ping.look("files-preview-docx")
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.locator(".file", has_text="终稿").hover()
        page.locator(".file", has_text="终稿").locator("a", has_text="下载").click()
    assert download.value.suggested_filename == "学校三年规划（终稿）.pdf"
    page.goto(f"/school/edit/{north}")
    page.locator(".file", has_text="校门").locator("button", has_text="移除").click()
    page.click("button.form-main")
    page.wait_for_url("**/school/show/*")
    expect(page.locator(".file")).to_have_count(3)


def look_at(page: Page, name: str) -> None:
    line = page.locator(".file", has_text=name)
    line.hover()
    line.locator("a", has_text="预览").click()


def test_a_cut_connection_goes_on_by_itself(person: Any, cast: Any, folder: Path) -> None:
    ping = person()
    page = ping.sign_in(cast.username["平"], cast.password)
    page.goto(f"/school/edit/{cast.school['北']}")
    offsets: list[str] = []

    def cut_once(route: Any) -> None:
        offsets.append(route.request.url.partition("offset=")[2])
        if len(offsets) == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/files/uploads/*?offset=*", cut_once)
    choose(page, folder, "课堂.mp4")
    expect(page.locator("#files-plans input[name='files.plans']")).to_have_count(2, timeout=20_000)
    assert offsets == ["0", str(8 * 1024 * 1024), str(8 * 1024 * 1024)], "only the piece that was cut is sent again"


def test_what_is_chosen_before_the_script_has_come_is_taken_up(person: Any, cast: Any, folder: Path) -> None:
    ping = person()
    page = ping.sign_in(cast.username["平"], cast.password)
    held: list[Any] = []
    page.route("**/files.js*", lambda route: held.append(route))
    page.goto(f"/school/edit/{cast.school['北']}", wait_until="commit")
    page.wait_for_selector("#upload-plans", state="attached")
    choose(page, folder, "学校三年规划（终稿）.pdf")
    assert page.locator("#files-plans .file").count() == 0
    held[0].continue_()
    page.unroute("**/files.js*")
    expect(page.locator("#files-plans input[name='files.plans'][value]:not([value=''])")).to_have_count(1)
    page.click("button.form-main")
    page.wait_for_url("**/school/show/*")
    expect(page.locator(".file", has_text="终稿")).to_have_count(1)


@pytest.mark.parametrize(("name", "script"), [("带脚本.html", "document.title = 'hostile'"), ("带脚本.svg", "alert(1)")])
def test_nothing_of_a_hostile_file_runs(person: Any, cast: Any, folder: Path, name: str, script: str) -> None:
    """Neither where its address is opened nor in its preview."""
    ping = person()
    page = ping.sign_in(cast.username["平"], cast.password)
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message) if dialog.type == "alert" else None, dialog.accept()))
    page.goto(f"/school/edit/{cast.school['北']}")
    choose(page, folder, name)
    address = page.locator("#files-plans a", has_text="下载").get_attribute("href")
    with page.expect_download():
        page.evaluate("address => { location.href = address; }", address)
    page.goto(page.locator("#files-plans a", has_text="预览").get_attribute("href") or "")
    expect(page.locator("pre")).to_contain_text(f"<script>{script}</script>")
    assert ("hostile" in page.title(), said) == (False, [])


def test_a_recording_is_listened_to(person: Any, cast: Any, folder: Path) -> None:
    """Asked for in ranges, so that whoever goes to a later minute need not wait for the ones before."""
    ping = person()
    page = ping.sign_in(cast.username["平"], cast.password)
    page.goto(f"/school/edit/{cast.school['北']}")
    choose(page, folder, "课堂录音.wav")
    with page.expect_response(lambda answer: answer.request.resource_type == "media") as asked:
        page.locator("#files-plans a", has_text="预览").click()
    answer = asked.value
    assert (answer.status, answer.header_value("content-range")) == (206, "bytes 0-24043/24044")
    sound = page.frame_locator("dialog.dialog-preview iframe").locator("audio")
    assert sound.evaluate("sound => sound.duration") == 3
    sound.focus()
    page.keyboard.press("Space")
    expect(sound).to_have_js_property("paused", False)
    sound.evaluate("sound => { sound.currentTime = 2.5; }")
    expect(sound).to_have_js_property("ended", True)
    ping.look("files-preview-audio")


def test_an_upload_shows_how_far_it_has_come(person: Any, cast: Any, folder: Path) -> None:
    """On a slow line: the bar moves, the number is read, and what is on its way keeps the form from being saved."""
    ping = person()
    page = ping.sign_in(cast.username["平"], cast.password)
    page.goto(f"/school/edit/{cast.school['北']}")
    line = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 4 * 1024 * 1024}
    line.send("Network.emulateNetworkConditions", slow)
    choose(page, folder, "课堂.mp4")
    box = page.locator("#files-plans")
    bar, note = box.locator("progress"), box.locator(".file .file-size")
    expect(note).to_have_text(re.compile(r"^[1-9]\d?%$"))
    first = bar.evaluate("bar => bar.value / bar.max")
    assert 0 < first < 0.85, "within a piece, not only from one to the next"
    ping.look("files-progress")
    page.click("button.form-main")
    expect(box.locator("[data-error]")).to_have_text("还有文件正在上传，请等上传完成后再保存。")
    page.wait_for_function("before => document.querySelector('#files-plans progress').value > before", arg=bar.evaluate("bar => bar.value"))
    expect(box.locator("input[name='files.plans'][value]:not([value=''])")).to_have_count(1, timeout=20_000)
    expect(bar).to_have_count(0)


def test_without_scripts_the_box_is_a_file_input(chrome: Any, site: str, cast: Any, folder: Path) -> None:
    context = chrome.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=username]", cast.username["平"])
    page.fill("[name=password]", cast.password)
    page.press("[name=password]", "Enter")
    page.goto(f"/school/edit/{cast.school['北']}")
    choose(page, folder, "校门.png")
    page.click("button.form-main")
    expect(page.locator(".file-name")).to_have_text("校门.png")
    page.goto(f"/school/edit/{cast.school['北']}")
    page.locator(".file", has_text="校门").get_by_label("保留").uncheck()
    page.click("button.form-main")
    expect(page.locator(".file")).to_have_count(0)
    context.close()
