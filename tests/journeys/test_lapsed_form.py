"""A form whose token is no longer good: nothing typed is lost, nothing is done by itself, and no other site gains anything."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.clients import Browser

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
OURS = {"Origin": "http://localhost"}


def sent(browser: Browser, address: str, headers: dict[str, str], /, **form: Any) -> TestResponse:
    """A form whose token belongs to a session that is over."""
    return browser.client.post(address, data={"csrf_token": "old", **form}, headers=headers)


def kept_in(page: TestResponse) -> dict[str, str]:
    form = re.search(r'<form method="post" action="([^"]+)" enctype.*?</form>', page.text, re.S)
    assert form, page.text
    return {name: unescape(value) for name, value in HIDDEN.findall(form[0])}


def asked_to_go_on(page: TestResponse) -> bool:
    return page.status_code == 400 and "继续提交" in page.text


def test_what_was_typed_is_sent_again_only_by_pressing_the_button(client_of: Any, cast: Any) -> None:
    ping, address, shown = client_of("平"), f"/school/edit/{cast.school['北']}?from=list", f"/school/show/{cast.school['北']}"
    typed = {"_version": ping.version(address), "area_type": "town", "address": "湖滨路 1 号 <b>"}
    page = sent(ping, address, OURS, **typed, note="第一行\n第二行")
    assert asked_to_go_on(page) and f'action="{address}"' in page.text
    kept = kept_in(page)
    assert {**kept, "csrf_token": ""} == {"csrf_token": "", **typed, "note": "第一行\n第二行"}
    assert "湖滨路" not in ping.get(shown).text, "nothing is done by itself"
    assert ping.client.post(address, data={"name": "北实验小学", "kind": "school", **kept}, headers=OURS).status_code == 303
    assert "湖滨路 1 号 &lt;b&gt;" in ping.get(shown).text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Referer": "http://localhost.elsewhere.example/"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
        {**OURS, "Accept": "application/json"},
    ],
)
def test_a_form_from_elsewhere_is_refused_as_ever(client_of: Any, headers: dict[str, str]) -> None:
    page = sent(client_of("梅"), "/question/add", headers, title="他人")
    assert page.status_code == 400 and "继续提交" not in page.text and "他人" not in page.text


def test_a_referrer_of_ours_is_enough_where_there_is_nothing_better(client_of: Any) -> None:
    assert asked_to_go_on(sent(client_of("梅"), "/question/add", {"Referer": "http://localhost/question/add"}, title="甲"))


def test_signed_out_one_signs_in_beside_it_and_goes_on(client_of: Any, cast: Any) -> None:
    mei = client_of("梅")
    mei.get("/question/add")
    mei.post("/logout/")
    page = sent(mei, "/question/add", OURS, title="登录过期")
    assert asked_to_go_on(page) and "登录已经过期" in page.text and 'target="_blank"' in page.text
    early = mei.client.post("/question/add", data=kept_in(page), headers=OURS)
    assert asked_to_go_on(early), "pressed before signing in nothing is lost"
    mei.token = ""
    mei.sign_in(cast.username["梅"], cast.password)
    again = mei.client.post("/question/add", data=kept_in(early), headers=OURS)
    assert asked_to_go_on(again) and kept_in(again)["title"] == "登录过期" and "登录已经过期" not in again.text


def test_a_password_is_never_repeated(app: Any, client_of: Any, cast: Any) -> None:
    stranger = Browser(app)
    answer = sent(stranger, "/login/?next=/me/", OURS, username=cast.username["梅"], password=cast.password)
    assert answer.status_code == 303 and answer.headers["Location"] == "/login/?next=/me/"
    page = stranger.get("/login/?next=/me/").text
    assert "页面打开得太久" in page and cast.password not in page
    answer = sent(client_of("梅"), "/me/password", OURS, old=cast.password, password="Chuntian2027", again="Chuntian2027")
    assert answer.status_code == 303 and answer.headers["Location"] == "/me/password"


def test_the_page_that_refuses_a_form_has_scripts_too(client_of: Any) -> None:
    page = sent(client_of("梅"), "/question/add", {})
    nonce = re.search(r'nonce="([^"]+)"', page.text)
    assert nonce and f"'nonce-{nonce[1]}'" in page.headers["Content-Security-Policy"]
