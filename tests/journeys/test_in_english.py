"""An English reader walks through the platform: every word on the pages is English, but for what people keep in the database."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import Engine, String, select

from models.base import Base
from tests.cast import Cast
from tests.clients import Browser
from views.messages import HAN

UNSEEN = re.compile(r"<script.*?</script>|<style.*?</style>|<!--.*?-->", re.DOTALL)
LANGUAGE_LINKS = re.compile(r'<nav class="languages".*?</nav>', re.DOTALL)
CHINESE_MARKS = re.compile(r"[\u4e00-\u9fff\u3001\u3002\uff01-\uff5e]")
WALKS = {
    "平": (
        "/", "/teacher/list/", "/teacher/list/?f.certification=pending&q=x", "/teacher/show/{梅}", "/teacher/edit/{兰}", "/teacher/add",
        "/teacher/import", "/certification/list/", "/account/list/", "/job/list/", "/me/", "/me/password", "/notices/",
        "/my-administrators/", "/service/", "/nowhere",
    ),
    "福": (
        "/region/list/", "/region/add", "/region/delete/2", "/school/list/", "/school/move/1", "/post/list/", "/permission_code/list/",
        "/permission_code/issue", "/activation/", "/activation/list/schools?activated=0",
        "/statistics/", "/statistics/applications", "/statistics/views", "/statistics/views?from=2026-03-02&to=2026-03-01",
    ),
    "运": ("/service_request/list/", "/service_request/show/1", "/roles/list/", "/stage/list/", "/console/id_type/", "/activation/"),
    "竹": ("/", "/me/", "/me/phone", "/me/school", "/me/certification"),
    "林": ("/", "/bind/", "/notices/"),
    "": ("/", "/login/", "/register/", "/register/student", "/service/", "/service/phone", "/service/status"),
}  # fmt: skip


def kept(engine: Engine) -> list[str]:
    """Every Chinese text in the database, the longest first."""
    with engine.connect() as connection:
        texts = [
            str(text)
            for table in Base.metadata.sorted_tables
            for column in table.c
            if isinstance(column.type, String)
            for text in connection.scalars(select(column).distinct())
        ]
    return sorted({text for text in texts if HAN.search(text)}, key=len, reverse=True)


@pytest.mark.parametrize("name", WALKS)
def test_no_word_is_left_in_chinese(cast: Cast, client_of: Callable[[str], Browser], name: str) -> None:
    browser = client_of(name)
    browser.get("/lang/en")
    names, left = kept(cast.engine), {}
    for address in WALKS[name]:
        answer = browser.get(address.format(**cast.teacher), follow_redirects=True)
        assert answer.status_code < 500, address
        page = unescape(LANGUAGE_LINKS.sub("", UNSEEN.sub("", answer.text)))
        for text in names:
            page = page.replace(text, "")
        left[address] = [line.strip() for line in page.splitlines() if CHINESE_MARKS.search(line)]
    assert {address: lines for address, lines in left.items() if lines} == {}


def test_signing_in_and_out_keeps_the_language(cast: Cast, client_of: Callable[[str], Browser]) -> None:
    browser = client_of("")
    back = browser.get("/lang/en?next=/login/")
    assert back.headers["Location"] == "/login/", "where the reader was"
    browser.sign_in(cast.username["平"], cast.password)
    assert 'lang="en"' in browser.get("/").text
    browser.post("/logout/")
    assert 'lang="en"' in browser.get("/login/").text
