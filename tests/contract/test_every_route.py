"""What holds of every route: unsafe ones need the form's token, pages keep the content policy, errors show no data."""

from __future__ import annotations

import re
from typing import Any

import pytest

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


PAGES = (
    "/",
    "/teacher/list/",
    "/teacher/add",
    "/school/list/",
    "/region/list/",
    "/permission_code/list/",
    "/permission_code/issue",
    "/post/list/",
    "/account/list/",
    "/job/list/",
    "/activation/",
    "/statistics/",
    "/statistics/applications",
    "/statistics/views",
    "/me/",
    "/me/password",
    "/notices/",
    "/bind/",
    "/my-administrators/",
    "/swagger/v1",
    "/roles/list/",
    "/login/",
    "/register/",
    "/service/",
    "/service/phone",
    "/service/status",
    "/service_request/list/",
    "/nowhere",
)


@pytest.mark.parametrize("address", PAGES)
def test_pages_keep_the_content_policy(client_of: Any, address: str) -> None:
    answer = client_of("运").get(address)
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce and "default-src 'self'" in policy and "object-src 'none'" in policy
    for tag in re.findall(r"<script[^>]*>", answer.text):
        assert f'nonce="{nonce[1]}"' in tag, tag
    assert not re.search(r"<[^>]+\son[a-z]+=", answer.text), "an inline event handler"
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text), "something from another host"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


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
    session = next(cookie for cookie in jar.values() if cookie.key == "session")
    assert session.http_only and session.same_site == "Lax"
