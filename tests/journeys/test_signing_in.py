"""Signing in, being locked out, having to choose a password, and sessions that end (S0-04, S0-07, S0-15, Z-11, Z-12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.access import Account
from models.base import utcnow
from models.org import School
from tests.clients import Browser

REFUSED = "账号或密码不正确"


def test_the_fourth_wrong_password_locks_for_a_quarter_of_an_hour(app: Any, cast: Any) -> None:
    browser = Browser(app)
    for _try in range(4):
        assert browser.try_sign_in(cast.username["平"], "wrong").status_code == 401
    locked = browser.try_sign_in(cast.username["平"], cast.password)
    assert locked.status_code == 401 and REFUSED in locked.text, "the right password does not open a locked account"
    assert not browser.bearer, "nor does the API's login"
    with Session(cast.engine) as session:
        session.execute(update(Account).where(Account.username == cast.username["平"]).values(locked_until=utcnow() - timedelta(seconds=1)))
        session.commit()
    assert browser.try_sign_in(cast.username["平"], cast.password).status_code == 303


def test_an_unknown_account_is_answered_like_a_wrong_password(app: Any, cast: Any) -> None:
    browser = Browser(app)
    unknown, wrong = (browser.try_sign_in(name, "wrong") for name in ("nobody-at-all", cast.username["平"]))
    assert unknown.status_code == wrong.status_code == 401
    assert REFUSED in unknown.text and REFUSED in wrong.text


def test_an_e_mail_address_is_no_name_to_sign_in_with(app: Any, cast: Any) -> None:
    """Every account has one, as the framework asks; it opens neither the page nor the API (S0-15, S2-07)."""
    with Session(cast.engine) as session:
        email = session.get_one(Account, cast.account["平"]).email
    for typed in (email, email.upper(), f" {email}"):
        browser = Browser(app)
        assert browser.try_sign_in(typed, cast.password).status_code == 401
        assert not browser.bearer
    with Session(cast.engine) as session:
        assert not session.get_one(Account, cast.account["平"]).fail_login_count, "nobody is locked out by their address"
    Browser(app).sign_in(cast.username["平"], cast.password)


def test_the_superior_unlocks(app: Any, cast: Any, client_of: Any) -> None:
    for _try in range(4):
        Browser(app).try_sign_in(cast.username["梅"], "wrong")
    ping = client_of("平")
    assert ping.post(f"/account/do/unlock/{cast.account['梅']}", confirmed="1").status_code == 303
    Browser(app).sign_in(cast.username["梅"], cast.password)


def test_a_reset_password_is_the_default_one_and_must_be_changed(app: Any, cast: Any, client_of: Any) -> None:
    mei = client_of("梅")
    ping = client_of("平")
    assert ping.post(f"/account/do/reset/{cast.account['梅']}", confirmed="1").status_code == 303
    assert mei.get("/teacher/list/").status_code == 302, "the old session has ended"
    fresh = Browser(app)
    fresh.sign_in(cast.username["梅"], cast.username["梅"][-6:] + "@Gd")
    assert fresh.get("/teacher/list/").headers["Location"].endswith("/me/password")
    assert fresh.api("get", "/api/v1/teacher/").status_code == 403, "nor by the API"
    page = fresh.get("/me/password")
    assert "默认密码" in page.text
    changed = fresh.post("/me/password", old=cast.username["梅"][-6:] + "@Gd", password="Chuntian2027", again="Chuntian2027")
    assert changed.status_code == 303, changed.text
    assert fresh.get("/teacher/list/").status_code == 200


def test_a_password_change_ends_other_sessions_and_tokens(cast: Any, client_of: Any) -> None:
    here, there = client_of("平"), client_of("平")
    here.get("/me/password")
    assert here.post("/me/password", old=cast.password, password="Chuntian2027", again="Chuntian2027").status_code == 303
    assert here.get("/teacher/list/").status_code == 200
    assert there.get("/teacher/list/").status_code == 302
    assert there.api("get", "/api/v1/teacher/").status_code == 401


def test_two_clients_never_share_a_user(client_of: Any, cast: Any) -> None:
    """Flask reuses an outer context; no fixture may push one (style.md)."""
    ping, rui = client_of("平"), client_of("锐")
    for _round in range(3):
        assert "梅" in ping.get("/teacher/list/").text
        assert "菊" in rui.get("/teacher/list/").text
        assert Browser(ping.client.application).get("/teacher/list/").status_code == 302


def test_the_next_page_is_one_of_ours(app: Any, cast: Any) -> None:
    for evil in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil.example"):
        browser = Browser(app)
        browser.get("/login/")
        answer = browser.client.post(
            f"/login/?next={evil}", data={"csrf_token": browser.token, "username": cast.username["平"], "password": cast.password}
        )
        assert answer.headers["Location"] == "/", evil


def test_the_switcher_refuses_a_foreign_post(client_of: Any, cast: Any) -> None:
    shuang = client_of("双")
    assert shuang.get("/school/list/").status_code == 200
    assert shuang.post("/workbench/personal").status_code == 303
    assert "个人" in shuang.get("/me/").text
    for foreign in ("1", "99999", "x"):
        assert client_of("锐").post(f"/workbench/{foreign}").status_code == 403


def test_who_has_no_rights_is_led_to_binding(client_of: Any) -> None:
    """S3-32: a prompt, not an error."""
    home = client_of("林").get("/")
    assert home.status_code == 200 and "/bind/" in home.text and "还没有管理后台的权限" in home.text


def test_a_school_says_first_where_it_lies(app: Any, cast: Any, client_of: Any) -> None:
    """S3-111, S3-112: the way is open once the school's area type is filled in."""
    with Session(cast.engine) as session:
        session.execute(update(School).where(School.id == cast.school["北"]).values(area_type=None))
        session.commit()
    ping, north = client_of("平"), cast.school["北"]
    assert ping.get("/teacher/list/").headers["Location"] == f"/school/edit/{north}"
    assert ping.api("get", "/api/v1/teacher/").status_code == 403
    assert "学校所在地城乡类型" in ping.get("/").text
    saved = ping.post(
        f"/school/edit/{north}", _version=ping.version(f"/school/edit/{north}"), name="北实验小学", kind="school", area_type="urban"
    )
    assert saved.status_code == 303
    assert ping.get("/teacher/list/").status_code == 200
    assert "请前往" not in ping.get("/").text


def test_all_passwords_are_reset_as_a_project_starts(app: Any, cast: Any, client_of: Any) -> None:
    """S0-06: personal accounts of the unit only, never an administrator's."""
    ping = client_of("平")
    assert "统一重置密码" in ping.get("/account/list/").text
    assert ping.get("/account/reset-all").status_code == 200
    assert ping.post("/account/reset-all", confirmed="1").status_code == 303
    Browser(app).sign_in(cast.username["梅"], cast.username["梅"][-6:] + "@Gd")
    Browser(app).sign_in(cast.username["平"], cast.password)
    Browser(app).sign_in(cast.username["菊"], cast.password)
    assert client_of("丹").get("/account/reset-all").status_code == 403


def test_an_administrator_without_id_number_gets_a_password_told_once(app: Any, cast: Any, client_of: Any) -> None:
    """S0-17: by who stands above every post of theirs; the page is never kept."""
    fu = client_of("福")
    told = fu.post(f"/account/do/reset/{cast.account['丹']}", confirmed="1")
    assert told.status_code == 200 and "密码只显示这一次" in told.text
    once = told.text.split('user-select-all">')[1].split("<")[0]
    Browser(app).sign_in(cast.username["丹"], once)
    assert client_of("福").post(f"/account/do/reset/{cast.account['运']}", confirmed="1").status_code in (403, 404)


def test_the_signed_out_are_led_to_the_login(app: Any, cast: Any) -> None:
    stranger = Browser(app)
    for address in ("/", "/me/", "/bind/", "/activation/", "/statistics/", "/teacher/list/", "/workbench/", "/roles/list/", "/console/"):
        answer = stranger.get(address)
        assert answer.status_code == 302 and "/login/" in answer.headers["Location"], address


def test_the_signed_out_are_asked_in_their_language(app: Any, cast: Any) -> None:
    page = Browser(app).get("/me/", follow_redirects=True)
    assert page.request.path == "/login/" and "请先登录，再打开这个页面。" in page.text and "Please log in" not in page.text
