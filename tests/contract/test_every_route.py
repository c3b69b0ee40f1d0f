"""What holds of every route: unsafe ones need the form's token, pages keep the content policy, errors show no data."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from config import Settings
from tests.clients import TOKEN

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
WITHOUT_COOKIE = ("/api/v1/",)
"""REST takes tokens only; a cookie means nothing there, so there is nothing to forge."""


def routes(app: Any, methods: set[str]) -> list[tuple[str, str]]:
    """(method, address with sample values) of every route that takes one of ``methods``."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & methods):
            found.append((method, re.sub(r"<[^>]+>", "1", rule.rule)))
    return found


def test_every_unsafe_route_refuses_a_request_without_the_form_token(app: Any, cast: Any, client_of: Any) -> None:
    yun = client_of("运")
    for method, address in routes(app, UNSAFE):
        if address.startswith(WITHOUT_COOKIE):
            assert yun.client.open(address, method=method, json={}).status_code in (400, 401, 404, 405, 422), f"{method} {address}"
        else:
            assert yun.client.open(address, method=method).status_code == 400, f"{method} {address}"


def test_no_route_crashes_on_nonsense(app: Any, cast: Any, client_of: Any) -> None:
    yun = client_of("运")
    for nonsense in ("0", "-1", "999999999999999999999", "x", "1'--", "%00", "é"):
        for table in app.extensions["panel"]:
            for address in (
                f"/{table}/show/{nonsense}",
                f"/{table}/edit/{nonsense}",
                f"/{table}/delete/{nonsense}",
                f"/{table}/choices/{nonsense}",
                f"/api/v1/{table}/{nonsense}",
            ):
                assert yun.get(address).status_code < 500, address
            query = f"?q={nonsense}&page={nonsense}&size={nonsense}&sort={nonsense}&f.certification={nonsense}&f.school={nonsense}&f.applied_at.from={nonsense}&only.x=1"
            assert yun.get(f"/{table}/list/{query}").status_code == (400 if nonsense == "%00" else 200), table


SAMPLES = {"what": "schools", "version": "v1", "uuid": "none", "name": "none", "filename": "none"}
ONLY_ONE_REPORT_EACH = ("/statistics/", "/statistics/applications", "/statistics/views", "/nowhere")
NOT_OURS = ("/api/", "/static/", "/console", "/admin/")
"""What is no page, and the console, whose own policy is in tests/journeys/test_console.py."""


def pages(app: Any) -> list[str]:
    """The address of every page, about the first record where it is about one."""
    rules = [rule.rule for rule in app.url_map.iter_rules() if "GET" in rule.methods and not rule.rule.startswith(NOT_OURS)]
    filled = [re.sub(r"<(?:\w+:)?(\w+)>", lambda part: SAMPLES.get(part[1], "1"), rule) for rule in rules]
    return [*(address for address in filled if "/static/" not in address), *ONLY_ONE_REPORT_EACH]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("name", "least"), [("运", 150), ("", 6)])
def test_every_page_keeps_the_content_policy(app: Any, cast: Any, client_of: Any, name: str, least: int) -> None:
    """Signed in and signed out, the page itself and the page that says why not."""
    browser, seen = client_of(name), 0
    for address in pages(app):
        answer = browser.get(address)
        if answer.mimetype == "text/html" and answer.status_code not in (301, 302, 303, 308):
            keeps_the_policy(address, answer)
            seen += answer.status_code == 200
    assert seen >= least


def keeps_the_policy(address: str, answer: Any) -> None:
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src [^;]*'nonce-([^']+)'", policy)
    assert nonce and "default-src 'self'" in policy and "object-src 'none'" in policy, address
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0], address
    for tag in re.findall(r"<script[^>]*>", answer.text):
        assert f'nonce="{nonce[1]}"' in tag, f"{address}: {tag}"
    assert "<style" not in answer.text, f"{address}: a style of its own"
    assert not re.search(r"<[^>]+\son[a-z]+=", answer.text), f"{address}: an inline event handler"
    assert not re.search(r"""(?:src|href|action)=["'](?:(?:https?:)?//|javascript:)""", answer.text), f"{address}: something from elsewhere"
    assert answer.headers["X-Content-Type-Options"] == "nosniff", address


def test_a_crash_shows_a_reference_and_no_data(app: Any, cast: Any, client_of: Any, monkeypatch: Any) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("SELECT secret FROM teacher WHERE id_number = '350203198503120028'")

    monkeypatch.setattr("views.workbench.shell", broken)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client_of("平").get("/")
    assert answer.status_code == 500
    assert re.search(r"\b[0-9A-F]{8}\b", answer.text) and "SELECT" not in answer.text and "350203" not in answer.text


def test_cookies_are_closed(client_of: Any) -> None:
    jar = client_of("平").client._cookies
    assert [(c.key, c.http_only, c.same_site, c.secure) for c in jar.values()] == [("session", True, "Lax", False)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_in_production_no_cookie_travels_where_others_may_read_it(app: Any, cast: Any, tmp_path: Path) -> None:
    secret = secrets.token_urlsafe(48)
    url = cast.engine.url.render_as_string(hide_password=False)
    production = create_app(Settings(url, tmp_path, secret, app_env="production", password_hash="pbkdf2:sha256:1000"))
    client, site = production.test_client(), {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/login/"}}
    page = client.get("/login/", **site)
    form = {"csrf_token": TOKEN.search(page.text)[1], "username": cast.username["平"], "password": cast.password}  # type: ignore[index]
    answer = client.post("/login/", data=form, **site)
    assert answer.status_code == 303
    given = [*page.headers.getlist("Set-Cookie"), *answer.headers.getlist("Set-Cookie")]
    assert given and all({"Secure", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")} for cookie in given)
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert client.get("/teacher/list/", **site).status_code == 200
    production.extensions["engine"].dispose()
