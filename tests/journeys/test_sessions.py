"""What ends sessions, tokens and API keys: signing out, a new password, a closed account (Z-12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.access import Account, AccountState, EndedSession
from models.base import utcnow
from models.scoping import SYSTEM, acting_as
from rules.accounts import reset_many
from rules.sessions import LATE_ANSWERS, end_session, forget_sessions
from tests.bench.measuring import counted
from tests.clients import Browser
from views.worker import forget_old_sessions

TEACHERS = "/api/v1/teacher/"
NEW = "Chuntian2027"


def copied(browser: Browser) -> Browser:
    """Somebody with a copy of the session's cookie."""
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    thief = Browser(browser.client.application)
    thief.client.set_cookie("session", cookie.value)
    return thief


def key_of(browser: Browser) -> str:
    """A fresh API key."""
    browser.get("/me/keys")
    return browser.post("/me/keys", name="校务系统").text.split("data-key>")[1].split("<")[0]


def opens(app: Flask, bearer: str) -> int:
    """What the interface answers to who shows ``bearer``."""
    program = Browser(app)
    program.bearer = bearer
    return program.api("get", TEACHERS).status_code


def test_signing_out_ends_the_session_on_the_server(client_of: Any, cast: Any) -> None:
    ping = client_of("平")
    thief = copied(ping)
    assert thief.get("/teacher/list/").status_code == 200
    assert ping.post("/logout/").status_code == 303
    refused = thief.get("/teacher/list/")
    assert refused.status_code == 302 and "/login/" in refused.headers["Location"]
    assert "_user_id" not in refused.headers.get("Set-Cookie", "")
    with thief.client.session_transaction() as kept:
        assert "_user_id" not in kept, "a cookie that was refused is not renewed: it would outlive what is remembered of it"
    assert copied(client_of("平")).get("/teacher/list/").status_code == 200, "the next login is another session"


def test_signing_out_ends_no_other_session_and_no_token_or_key(app: Flask, client_of: Any, cast: Any) -> None:
    here, there = client_of("平"), client_of("平")
    key = key_of(here)
    here.post("/logout/")
    assert there.get("/teacher/list/").status_code == 200
    assert opens(app, here.bearer) == 200 and opens(app, key) == 200


def test_signing_out_twice_is_no_fault(client_of: Any) -> None:
    ping = client_of("平")
    ping.get("/")
    again = copied(ping)
    assert ping.post("/logout/").status_code == 303
    again.token = ping.token
    assert again.post("/logout/").status_code == 303


def test_an_answer_that_comes_after_signing_out_renews_nothing(app: Flask, client_of: Any) -> None:
    """The page was asked for before, so its answer carries the session's cookie once more."""
    ping = client_of("平")
    late = copied(ping)
    ping.post("/logout/")
    ping.client.set_cookie("session", late.client.get_cookie("session").value)  # type: ignore[union-attr]
    assert ping.get("/teacher/list/").status_code == 302


def test_a_cookie_without_a_key_is_nobodys(client_of: Any) -> None:
    ping = client_of("平")
    with ping.client.session_transaction() as kept:
        del kept["key"]
    assert ping.get("/teacher/list/").status_code == 302


def test_asking_whether_it_was_signed_out_takes_no_statement_more(app: Flask, client_of: Any) -> None:
    ping = client_of("平")
    ping.get("/teacher/list/")
    with counted(app.extensions["engine"]) as sent:
        ping.get("/teacher/list/")
    assert len([line for line in sent if "ended_session" in line]) == 1 and "ab_user" in next(x for x in sent if "ended_session" in x)


def test_what_was_signed_out_of_is_forgotten_when_no_cookie_is_good_any_more(app: Flask, cast: Any, factory: Any) -> None:
    now, day = utcnow(), timedelta(hours=12)
    with acting_as(SYSTEM), factory() as session:
        end_session(session, "a", now=now, lifetime=day)
        end_session(session, "a", now=now, lifetime=day)
        forget_sessions(session, now + day)
        assert session.scalar(select(func.count()).select_from(EndedSession)) == 1
        forget_sessions(session, now + day + LATE_ANSWERS)
        assert session.scalar(select(func.count()).select_from(EndedSession)) == 0
        end_session(session, "b", now=now - timedelta(days=2), lifetime=day)
    forget_old_sessions(app)
    with acting_as(SYSTEM), factory() as session:
        assert session.scalar(select(func.count()).select_from(EndedSession)) == 0


def by_oneself(app: Flask, cast: Any, client_of: Any) -> None:
    mei = client_of("梅")
    mei.get("/me/password")
    assert mei.post("/me/password", old=cast.password, password=NEW, again=NEW).status_code == 303


def by_the_school(app: Flask, cast: Any, client_of: Any) -> None:
    assert client_of("平").post(f"/account/do/reset/{cast.account['梅']}", confirmed="1").status_code == 303


def by_all_being_reset(app: Flask, cast: Any, client_of: Any) -> None:
    with app.app_context():
        reset_many(app.extensions["db"](), cast.identity("平"), cast.path["北"], utcnow())


def by_closing(app: Flask, cast: Any, client_of: Any) -> None:
    with Session(cast.engine) as session:
        session.execute(update(Account).where(Account.id == cast.account["梅"]).values(state=AccountState.DISABLED))
        session.commit()


def by_closing_and_opening_again(app: Flask, cast: Any, client_of: Any) -> None:
    fu, address = client_of("福"), "/account/do/{}/" + str(cast.account["梅"])
    for step in ("disable", "enable"):
        assert fu.post(address.format(step), confirmed="1").status_code == 303
    with Session(cast.engine) as session:
        assert session.get_one(Account, cast.account["梅"]).state is AccountState.ACTIVE


@pytest.mark.parametrize("change", [by_oneself, by_the_school, by_all_being_reset, by_closing, by_closing_and_opening_again])
def test_a_new_password_and_a_closed_account_end_sessions_tokens_and_keys(app: Flask, cast: Any, client_of: Any, change: Any) -> None:
    mei = client_of("梅")
    key = key_of(mei)
    login = {"username": cast.username["梅"], "password": cast.password, "provider": "db", "refresh": True}
    renewal = mei.client.post("/api/v1/security/login", json=login).json["refresh_token"]
    assert opens(app, mei.bearer) == opens(app, key) == 200
    change(app, cast, client_of)
    assert mei.get("/me/").status_code == 302
    assert opens(app, mei.bearer) == 401
    assert opens(app, key) == 401
    refreshed = Browser(app).client.post("/api/v1/security/refresh", headers={"Authorization": f"Bearer {renewal}"})
    assert refreshed.status_code == 401, refreshed.json


def test_keys_of_the_old_password_are_not_listed_and_new_ones_work(app: Flask, cast: Any, client_of: Any) -> None:
    mei = client_of("梅")
    key_of(mei)
    assert "校务系统" in mei.get("/me/keys").text
    by_oneself(app, cast, client_of)
    fresh = Browser(app)
    fresh.sign_in(cast.username["梅"], NEW)
    assert "校务系统" not in fresh.get("/me/keys").text
    assert opens(app, key_of(fresh)) == 200


def test_a_token_can_be_renewed_while_the_password_stays(app: Flask, cast: Any) -> None:
    login = {"username": cast.username["平"], "password": cast.password, "provider": "db", "refresh": True}
    program = Browser(app)
    renewal = program.client.post("/api/v1/security/login", json=login).json["refresh_token"]
    renewed = program.client.post("/api/v1/security/refresh", headers={"Authorization": f"Bearer {renewal}"})
    assert renewed.status_code == 200, renewed.json
    assert opens(app, renewed.json["access_token"]) == 200
