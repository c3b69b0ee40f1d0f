"""REST is the same platform by another door: tokens, masks, rules and versions."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import ZONE, utcnow
from models.outcomes import Outcome
from models.research import ResearchGroup, SchoolProgramme
from views.panel.cells import moment_text

API = "/api/v1/teacher/"


def test_list_get_add_change_delete(client_of: Any, cast: Any) -> None:
    ping = client_of("平")
    listed = ping.api("get", API + "?f.certification=pending").json
    assert listed["count"] == 1 and listed["result"][0]["name"] == "兰"
    new = {"name": "青", "id_type": 1, "id_number": "350203199203040012", "school": cast.school["北"]}
    added = ping.api("post", API, json.dumps(new))
    assert added.status_code == 201, added.json
    number = added.json["id"]
    read = ping.api("get", f"{API}{number}").json["result"]
    assert read["id_number"] == "350203199203040012" and read["school"]["text"] == "北实验小学"
    changed = ping.api("put", f"{API}{number}", json.dumps({"name": "青青", "version": read["version"]}))
    assert changed.status_code == 200 and changed.json["result"]["name"] == "青青"
    stale = ping.api("put", f"{API}{number}", json.dumps({"name": "迟", "version": read["version"]}))
    assert stale.status_code == 409
    assert ping.api("delete", f"{API}{number}").status_code == 200
    assert ping.api("get", f"{API}{number}").status_code == 404


def test_who_may_not_reveal_reads_masked_values(client_of: Any, cast: Any) -> None:
    told = client_of("丹").api("get", f"{API}{cast.teacher['梅']}").json["result"]
    assert told["id_number"] == "35*****0028" and told["phone"] == "138****0001"


def test_rules_answer_by_field(client_of: Any, cast: Any) -> None:
    refused = client_of("平").api("put", f"{API}{cast.teacher['竹']}", json.dumps({"id_number": "350203198811230061"}))
    assert refused.status_code == 422 and "校验码" in refused.json["errors"]["id_number"][0]


def test_states_and_unknown_fields_are_not_writable(client_of: Any, cast: Any) -> None:
    for body in ({"certification": "passed"}, {"scope_path": "/"}, {"school": 2}, {"nonsense": 1}, [], "x"):
        assert client_of("平").api("put", f"{API}{cast.teacher['竹']}", json.dumps(body)).status_code == 400


def test_a_cookie_is_not_a_token(client_of: Any, cast: Any) -> None:
    ping = client_of("平")
    ping.bearer = ""
    assert ping.api("get", API).status_code == 401
    assert ping.api("delete", f"{API}{cast.teacher['竹']}").status_code == 401


def test_openapi_and_swagger_are_served_here(client_of: Any) -> None:
    ping = client_of("平")
    spec = ping.api("get", "/api/v1/_openapi").json
    assert spec["paths"]["/api/v1/teacher/"]["post"]["requestBody"]["content"]["application/json"]["schema"]["required"] == [
        "name",
        "id_type",
        "id_number",
    ]
    for method in ("put", "delete"):
        asked = spec["paths"]["/api/v1/teacher/{pk}"][method]["parameters"]
        assert "confirmed" in [parameter["name"] for parameter in asked]
    page = ping.get("/swagger/v1")
    assert page.status_code == 200 and "//" not in [part[:2] for part in page.text.split('src="')[1:]]


def test_an_api_key_is_told_once_and_can_be_revoked(client_of: Any, cast: Any) -> None:
    ping = client_of("平")
    ping.get("/me/keys")
    page = ping.post("/me/keys", name="校务系统").text
    key = page.split("data-key>")[1].split("<")[0]
    assert 'value="校务系统"' not in page, "nobody makes a second one by the way"
    assert "密钥用途：请填写此项。" in re.sub(r"\s+", "", ping.post("/me/keys", name="").text)
    ping.bearer = key
    assert ping.api("get", API).json["count"] == 3
    assert key not in ping.get("/me/keys").text
    uuid = page.split("/me/keys/")[1].split("/revoke")[0]
    assert client_of("锐").post(f"/me/keys/{uuid}/revoke").status_code == 404
    assert ping.post(f"/me/keys/{uuid}/revoke").status_code == 303
    assert ping.api("get", API).status_code == 401


def test_the_times_of_a_key_are_shanghais(client_of: Any, cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework writes them by the clock of the machine, wherever it stands."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        ping = client_of("平")
        ping.get("/me/keys")
        before = utcnow().astimezone(ZONE)
        page = ping.post("/me/keys", name="校务系统").text
        made, _used, ends = re.findall(r">(\d{4}\.\d\d\.\d\d \d\d:\d\d|--)</td>", page)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert made in {moment_text(before), moment_text(before + timedelta(minutes=1))}
    assert ends.split()[0] == f"{before + timedelta(days=365):%Y.%m.%d}"


def test_a_group_kept_by_its_outcome_alone_says_so(cast: Any, client_of: Any) -> None:
    """Z-02."""
    with Session(cast.engine) as session:
        school = session.scalars(select(SchoolProgramme)).one()
        group = ResearchGroup(school_programme_id=school.id, name="北美术组", scope_path=school.scope_path)
        session.add(group)
        session.flush()
        number, group.scope_path = group.id, f"{school.scope_path}g{group.id}/"
        session.add(Outcome(group_id=number, title="画册", scope_path=group.scope_path))
        session.commit()
    ping = client_of("平")
    assert "该教研组有 1 份研修成果（如“画册”），不能删除。" in ping.get(f"/research_group/delete/{number}").text
    answer = ping.api("delete", f"/api/v1/research_group/{number}")
    assert (answer.status_code, answer.json["message"]) == (409, "该教研组有 1 份研修成果（如“画册”），不能删除。")


def test_a_school_that_has_said_where_it_lies_goes_on_saying_it(cast: Any, client_of: Any) -> None:
    """S3-111…113: as on the form; the region may leave it open, and asks a school anew that way."""
    address = f"/api/v1/school/{cast.school['北']}"
    ping, dan = client_of("平"), client_of("丹")
    for emptied in (None, ""):
        refused = ping.api("put", address, json.dumps({"area_type": emptied}))
        assert refused.status_code == 422 and refused.json["errors"] == {"area_type": ["请填写“学校所在地城乡类型”。"]}, refused.text
    assert ping.api("put", address, json.dumps({"area_type": "rural", "address": "环岛路1号"})).status_code == 200
    assert ping.api("put", address, json.dumps({"address": "环岛路2号"})).status_code == 200
    assert dan.api("put", address, json.dumps({"area_type": None})).status_code == 200
    assert ping.api("put", address, json.dumps({"address": "环岛路3号"})).status_code == 403, "first things first"
