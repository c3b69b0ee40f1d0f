"""What somebody may send who wishes the platform ill: it is answered, tells nothing, and leads nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from time import monotonic
from typing import Any
from urllib.parse import quote

import pytest

from models.people import Teacher
from models.scoping import Identity
from tests.cast import Cast
from tests.clients import Browser
from views.panel.listing import Listing, ListState
from views.panel.security import TRIES_PER_ADDRESS

HUGE = "9" * 25
ODD = ("²", HUGE, "-", "x" * 2000, "9999-12-31", "0001-01-01", "1E+999999", "//[", "<script>", "%", "\U0010ffff", "2147483648", "\r\nX: y")
UNSEEN = re.compile(r"pbkdf2:|scrypt:|password_stamp|Traceback|SELECT |psycopg|sqlite3")


# --- addresses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "//elsewhere.example",
        "http://localhost//elsewhere.example",
        "http://localhost/\\elsewhere.example",
        "/\\elsewhere.example",
        "/\t/elsewhere.example",
        "http://localhost@elsewhere.example/",
        "http://elsewhere.example/",
        "javascript:alert(1)",
        "//[",
        "http://[",
        "/teacher/list/\r\nX-Ours: no",
    ],
)
def test_no_next_leads_elsewhere_or_crashes(app: Any, cast: Cast, address: str) -> None:
    answer = Browser(app).get(f"/lang/en?next={quote(address, safe='')}")
    assert answer.status_code == 302 and answer.headers["Location"] == "/"


def test_next_leads_to_a_page_of_the_platform(app: Any, cast: Cast) -> None:
    for address in ("/teacher/list/?q=%E6%A2%85", "http://localhost/teacher/list/?q=%E6%A2%85"):
        assert Browser(app).get(f"/lang/en?next={quote(address, safe='')}").headers["Location"] == "/teacher/list/?q=%E6%A2%85"


def test_a_redirect_does_not_repeat_the_host_somebody_made_up(app: Any, cast: Cast) -> None:
    answer = Browser(app).get("/login?next=/me/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 308 and answer.headers["Location"] == "/login/?next=/me/"


def test_a_number_no_row_can_have_is_no_address(client_of: Any) -> None:
    yun = client_of("运")
    for number in ("2147483648", HUGE):
        for address in ("/teacher/import/{}", "/activation/{}", "/activation/{}/list/schools", "/statistics/views/{}"):
            assert yun.get(address.format(number)).status_code == 404, address


def test_nobody_s_browser_keeps_a_page(app: Any, cast: Cast, client_of: Any) -> None:
    ping, stranger = client_of("平"), Browser(app)
    for address in (
        "/teacher/list/",
        f"/teacher/show/{cast.teacher['梅']}",
        "/me/keys",
        "/teacher/export",
        f"/job/{HUGE}/file",
        "/nowhere",
    ):
        assert ping.get(address).headers["Cache-Control"] == "no-store", address
    assert ping.api("get", "/api/v1/teacher/").headers["Cache-Control"] == "no-store"
    for address in ("/login/", "/service/status", "/register/"):
        assert stranger.get(address).headers["Cache-Control"] == "no-store", address
    assert "no-store" not in stranger.get("/static/app.css").headers["Cache-Control"]


def test_the_way_back_carries_no_second_header(client_of: Any, cast: Cast) -> None:
    ping, more = client_of("平"), "\r\nX-Ours: no"
    done = ping.post(f"/account/do/unlock/{cast.account['梅']}", confirmed="1", back=f"/account/list/{more}")
    assert done.status_code == 303 and done.headers["Location"] == f"/account/show/{cast.account['梅']}"
    done = ping.post("/teacher/bulk", verb="leave", id=str(cast.teacher["竹"]), confirmed="1", query=f"q=a{more}")
    assert done.status_code == 303 and done.headers["Location"].startswith("/teacher/list/?q=a") and "X-Ours" not in done.headers


# --- every page, odd parameters -----------------------------------------------------------------------------------------


def addresses(app: Any, turn: int) -> Iterator[str]:
    """Every page that can be got, with an odd value in its address or in every parameter it may listen to: another at each turn."""
    panel = app.extensions["panel"]
    for number, rule in enumerate(app.url_map.iter_rules(), turn):
        if "GET" not in (rule.methods or ()) or rule.endpoint.endswith("static"):
            continue
        words = rule.rule.strip("/").split("/")
        table = words[2] if words[0] == "api" and len(words) > 2 else words[0]
        names = [
            "q",
            "page",
            "size",
            "sort",
            "next",
            "id",
            "query",
            "columns",
            "from",
            "to",
            "days",
            "_flt_0_name",
            "_oc_RoleModelView",
            "search",
        ]
        if table in panel:
            screen = panel[table].screen
            named = {*screen.facets, *screen.filters, *screen.list}
            names += [f"f.{name}{end}" for name in sorted(named) for end in ("", ".from", ".to", ".x")] + sorted(named)
        odd = quote(ODD[number % len(ODD)][:200], safe="")
        asked = "&".join(f"{name}={odd}" for name in names)
        if number // len(ODD) % 2:
            yield re.sub(r"<[^>]+>", odd, rule.rule) + f"?{asked}"
        else:
            yield re.sub(r"<[^>]+>", "1", rule.rule) + f"?anywhere=1&format=csv&{asked}"


@pytest.mark.parametrize("name", ["运", "福", "平", "梅", ""])
def test_no_page_crashes_on_odd_parameters_or_tells_what_it_keeps(app: Any, cast: Cast, client_of: Any, name: str) -> None:
    browser = client_of(name)
    every = 1 if cast.engine.dialect.name == "sqlite" else 3
    for address in islice(addresses(app, turn=5 * ord(name or "-")), None, None, every):
        answer = browser.api("get", address) if address.startswith("/api/") else browser.get(address)
        assert answer.status_code < 500, address
        if answer.mimetype in ("text/html", "application/json"):
            assert not UNSEEN.search(answer.text), address


@pytest.mark.parametrize("value", ["9999-12-31", "0001-01-01", "2024-01-01"])
def test_filters_a_field_does_not_know_are_ignored_and_days_at_the_end_of_time_find_nothing(client_of: Any, value: str) -> None:
    fu = client_of("福")
    everybody, dated = (fu.api("get", f"/api/v1/teacher/{q}").json["count"] for q in ("", "?f.applied_at.from=1999-01-01"))
    for name in ("certification.from", "school.to", "applied_at.x", "certification.x"):
        assert fu.api("get", f"/api/v1/teacher/?f.{name}={value}").json["count"] == everybody, name
    for name in ("applied_at", "applied_at.from", "applied_at.to"):
        assert fu.api("get", f"/api/v1/teacher/?f.{name}={value}").json["count"] in (0, dated), name


@pytest.mark.parametrize("value", ["²", HUGE, "99999999999"])
def test_an_export_of_nonsense_is_an_export_of_nothing(client_of: Any, value: str) -> None:
    for query in (f"f.school={value}", f"scope=selection&id={value}"):
        answer = client_of("平").get(f"/teacher/export?format=csv&{query}")
        assert answer.status_code == 200 and answer.text.count("\n") == 1, query


def test_a_view_with_too_long_a_name_or_query_is_refused_in_words(client_of: Any) -> None:
    ping = client_of("平")
    ping.get("/teacher/list/")
    for form in ({"name": "长" * 101, "query": ""}, {"name": "多", "query": "&".join(f"f.{n}={'é' * 20}" for n in range(40))}):
        assert ping.post("/teacher/views", **form).status_code == 303
        assert "个字" in ping.get("/teacher/list/").text


# --- JSON ---------------------------------------------------------------------------------------------------------------

BROKEN = ['"\\ud800"', "[" * 100_000, '{"a":' * 50_000, "[" * 500 + "]" * 500]


@pytest.mark.parametrize("text", BROKEN, ids=["half a character", "lists", "objects", "deep"])
def test_json_that_nothing_can_hold_is_a_bad_request(client_of: Any, cast: Cast, text: str) -> None:
    ping = client_of("平")
    body = f'{{"name": {text}, "username": {text}, "password": "x", "provider": "db"}}'
    for method, address in (
        ("put", f"/api/v1/teacher/{cast.teacher['竹']}"),
        ("post", "/api/v1/teacher/"),
        ("post", "/api/v1/security/login"),
    ):
        assert ping.api(method, address, body).status_code == 400, address


def test_json_with_any_character_is_stored(client_of: Any, cast: Cast) -> None:
    answer = client_of("平").api("put", f"/api/v1/teacher/{cast.teacher['竹']}", json.dumps({"name": "竹𠮷"}))
    assert answer.status_code == 200 and answer.json["result"]["name"] == "竹𠮷"


# --- what no text holds, and what is too much ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["q=%00", "q=a&q=%00", "id=1&id=%00", "f.name%00=1", "query=q%3D%2500", "q=a&query=&query=f.name%3D%2500"]
)
def test_a_nul_is_refused_wherever_it_stands(client_of: Any, query: str) -> None:
    ping = client_of("平")
    ping.get("/teacher/list/")
    form = {"data": f"csrf_token={quote(ping.token)}&name=a&{query}", "content_type": "application/x-www-form-urlencoded"}
    for answer in (
        ping.get(f"/teacher/list/?{query}"),
        ping.client.post("/teacher/views", **form),
        ping.client.post("/teacher/bulk", **form),
    ):
        assert answer.status_code == 400 and "请求中含有不能识别的字符。" in answer.text
    assert ping.post("/teacher/views", name="百分", query=f"q={quote('50%00')}").status_code == 303, "a text may look like one"


@pytest.mark.parametrize("body", [{"name": "竹\0"}, {"name\0": "竹"}, {"name": [{"a": ["b", "\0"]}]}])
def test_a_nul_in_json_is_a_bad_request(app: Any, client_of: Any, cast: Cast, body: Any) -> None:
    assert client_of("平").api("put", f"/api/v1/teacher/{cast.teacher['竹']}", json.dumps(body)).status_code == 400
    assert Browser(app).client.post("/api/v1/security/login", json={**body, "provider": "db"}).status_code == 400


@pytest.mark.parametrize("how", ["form", "JSON", "JSON that says it is text", "JSON of unknown length"])
def test_a_request_without_files_is_of_a_bounded_size(app: Any, cast: Cast, how: str) -> None:
    stranger, large = Browser(app), "e\u0300\u0316" * 300_000
    if how == "form":
        answer = stranger.post("/login/", username=large, password="x")
        assert answer.status_code == 413 and 'class="error-code">413' in answer.text and "提交的内容太大，没有处理。" in answer.text
        return
    more: dict[str, Any] = {"content_type": "text/plain" if "text" in how else "application/json"}
    if "unknown" in how:
        more |= {"headers": {"Transfer-Encoding": "chunked"}, "environ_overrides": {"wsgi.input_terminated": True}}
    body = json.dumps({"username": large, "password": "x", "provider": "db"}).encode()
    answer = stranger.client.post("/api/v1/security/login", input_stream=BytesIO(body), **more)
    assert answer.status_code == 413 and answer.json["message"]


def test_long_names_and_numbers_are_answered_at_once(app: Any, cast: Cast) -> None:
    """Six seconds each, were the marks put in order."""
    stranger, marks = Browser(app), "a" + "\u0300\u0316" * 50_000
    login = json.dumps({"username": marks, "password": "x", "provider": "db"}, ensure_ascii=False)
    begun = monotonic()
    assert stranger.try_sign_in(marks, "x").status_code == 401
    assert stranger.api("post", "/api/v1/security/login", login).status_code == 401
    assert monotonic() - begun < 5


# --- guessing -----------------------------------------------------------------------------------------------------------


def test_one_address_may_not_try_a_password_on_everybody_by_the_api_either(app: Any, cast: Cast) -> None:
    stranger = Browser(app)
    login = {"password": "wrong", "provider": "db"}
    for n in range(TRIES_PER_ADDRESS):
        stranger.client.post("/api/v1/security/login", json={**login, "username": f"SchoolAdmin{100 + n}"})
    assert stranger.try_sign_in(cast.username["平"], cast.password).status_code == 401, "by neither door"
    assert not stranger.bearer


def test_who_signs_in_does_not_use_up_the_tries_of_their_address(app: Any, cast: Cast) -> None:
    for _time in range(TRIES_PER_ADDRESS // 2 + 1):
        browser = Browser(app)
        browser.sign_in(cast.username["平"], cast.password)
        assert browser.get("/teacher/list/").status_code == 200


def test_a_masked_field_stays_closed_where_only_one_of_several_posts_opens_it(cast: Cast, factory: Any) -> None:
    north = frozenset({("read", "teacher", cast.path["北"]), ("reveal", "teacher", cast.path["北"])})
    with factory() as session:
        for grants, is_open in ((north, True), (north | {("read", "teacher", cast.path["南"])}, False)):
            listing = Listing(session, Identity(account_id=1, grants=grants), Teacher, ListState())
            assert listing.open(listing.fields["phone"]) is is_open


@pytest.mark.parametrize("value", [HUGE, "-1", "x", "²"])
def test_the_console_fails_on_no_address(client_of: Any, value: str) -> None:
    yun = client_of("运")
    for asked in (
        f"?page={value}&sort={value}&page_size={value}",
        f"edit/?id={value}",
        f"details/?id={value}",
        f"export/csv/?sort={value}",
    ):
        assert yun.get(f"/console/title/{asked}").status_code in (200, 302), asked


@pytest.mark.parametrize("name", ["export_type", "endpoint", "self", "_method", "context"])
def test_the_console_s_lists_hand_no_stranger_s_parameter_on(client_of: Any, name: str) -> None:
    yun = client_of("运")
    for table in ("title", "change"):
        assert yun.get(f"/console/{table}/?{name}=x").status_code == 400, table
        assert yun.get(f"/console/{table}/details/?id=1&url=//[").status_code == 400, table


def test_the_console_s_csv_runs_nothing(client_of: Any) -> None:
    yun = client_of("运")
    assert yun.api("post", "/api/v1/title/", json.dumps({"code": "formula", "name": "=1+1"})).status_code == 201
    sheet = yun.get("/console/title/export/csv/").text
    assert "'=1+1" in sheet and ",=1+1" not in sheet
