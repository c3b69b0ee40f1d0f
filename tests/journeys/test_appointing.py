"""Accounts given out with their post: offices, schools, providers, and a training team out of a workbook (S0-03, S0-08 … S0-12, S0-17…19)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.base import utcnow
from models.org import Region
from models.violation import NotPermitted, OutOfReach
from rules.appointing import Person, appoint
from rules.errors import RuleViolation
from rules.grants import COURSE_PROVIDER, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TRAINING_EXPERT
from rules.issuing import new_account, policy, set_policy
from tests.cast import Cast
from tests.clients import Browser

Client = Callable[[str], Browser]
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
NUMBER, OTHER_NUMBER = "11010519491231002X", "440524198001010013"
WHO = {"name": "江若水", "phone": "13811112222", "id_number": "", "position": "主任", "school": ""}


def posts_of(cast: Cast, username: str) -> list[tuple[str, str]]:
    with Session(cast.engine) as session:
        asked = select(Post.role, Post.scope_path).join(Account, Post.account_id == Account.id)
        return [(role, path) for role, path in session.execute(asked.where(Account.username == username, Post.until.is_(None)))]


def team(*rows: tuple[str, ...]) -> BytesIO:
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([("姓名", "身份证号码", "手机号码", "职务"), *rows]):
            sheet.write_row(number, 0, row)
    content.seek(0)
    return content


def upload(browser: Browser, cast: Cast, *rows: tuple[str, ...], region: str = "福建省") -> Any:
    browser.get("/appoint/team")
    return browser.post("/appoint/team", region=str(cast.region[region]), file=(team(*rows), "研训团队.xlsx"))


@pytest.mark.parametrize(
    ("role", "where", "name"),
    [
        (COURSE_PROVIDER, {"region": "福建省"}, r"TrainingAdmin1"),
        (REGION_SPECIAL, {"region": "福建省"}, r"OrganAdmin5"),
        (REGION_SUPER, {"region": "厦门市"}, r"OrganAdmin5"),
    ],
)
def test_an_office_gets_a_numbered_account_and_a_password_once(
    app: Flask, client_of: Client, cast: Cast, role: str, where: dict[str, str], name: str
) -> None:
    """S0-08, S0-09: the account is numbered, its one-time password opens it and has to be changed (Z-12)."""
    province = client_of("福")
    assert "/appoint/" in province.get("/account/list/").text
    province.get("/appoint/")
    told = province.post("/appoint/", role=role, region=str(cast.region[where["region"]]), **WHO)
    assert told.status_code == 200, told.text
    password = re.search(r"<code[^>]*>([^<]+)</code>", told.text)
    assert re.search(rf"<dd>{name}</dd>", told.text) and password
    assert posts_of(cast, name) == [(role, cast.path[where["region"]])]
    fresh = Browser(app)
    fresh.sign_in(name, password[1])
    assert fresh.get("/account/list/").headers["Location"].endswith("/me/password")


def test_a_province_s_accounts_may_be_called_otherwise(app: Flask, client_of: Client, cast: Cast) -> None:
    """Z-05: the manuals name no format for a province, so an installation sets it; a city's stays as it is."""
    set_policy(replace(policy(), province_account="ProvinceAdmin"))
    province = client_of("福")
    province.get("/appoint/")
    for role, where, name in ((REGION_SPECIAL, "福建省", "ProvinceAdmin1"), (REGION_SUPER, "厦门市", "OrganAdmin5")):
        told = province.post("/appoint/", role=role, region=str(cast.region[where]), **WHO)
        assert f"<dd>{name}</dd>" in told.text
        assert posts_of(cast, name) == [(role, cast.path[where])]


def test_a_school_without_an_administrator_gets_one(client_of: Client, cast: Cast) -> None:
    """S0-10, and S3-04: one only."""
    province = client_of("福")
    province.get("/appoint/")
    told = province.post("/appoint/", role=SCHOOL_ADMIN, region="", **WHO | {"school": str(cast.school["城"])})
    assert "SchoolAdmin3" in told.text
    assert posts_of(cast, "SchoolAdmin3") == [(SCHOOL_ADMIN, cast.path["城"])]
    again = province.post("/appoint/", role=SCHOOL_ADMIN, region="", **WHO | {"school": str(cast.school["城"])})
    assert again.status_code == 422
    assert "已有管理员" in again.text


def test_an_expert_is_called_by_the_identity_number(app: Flask, client_of: Client, cast: Cast) -> None:
    """S0-12: and opens it with the default password."""
    province = client_of("福")
    province.get("/appoint/")
    wrong = province.post("/appoint/", role=TRAINING_EXPERT, region=str(cast.region["福建省"]), **WHO | {"id_number": "110105194912310021"})
    assert wrong.status_code == 422
    assert (
        province.post(
            "/appoint/", role=TRAINING_EXPERT, region=str(cast.region["福建省"]), **WHO | {"id_number": NUMBER.lower()}
        ).status_code
        == 303
    )
    assert posts_of(cast, NUMBER) == [(TRAINING_EXPERT, cast.path["福建省"])]
    Browser(app).sign_in(NUMBER, NUMBER[-6:] + "@Gd")


def test_a_team_comes_in_one_workbook(client_of: Client, cast: Cast) -> None:
    """S0-18: who has an account keeps it and gains the post."""
    mei = cast.username["梅"]
    province = client_of("福")
    answer = upload(province, cast, ("江若水", NUMBER, "13811112222", "研究员"), ("梅", mei, "13850000001", ""))
    assert answer.status_code == 303, answer.text
    assert "已开通 2 个研训专家账号" in province.get("/account/list/").text
    assert posts_of(cast, NUMBER) == [(TRAINING_EXPERT, cast.path["福建省"])]
    assert (TRAINING_EXPERT, cast.path["福建省"]) in posts_of(cast, mei)
    with Session(cast.engine) as session:
        number = session.scalars(select(Account.id).where(Account.username == NUMBER)).one()
    province.get(f"/account/show/{number}")
    assert province.post(f"/account/do/reset/{number}", confirmed="1").status_code == 303, "S0-19: by the unit that formed the team"


def test_one_wrong_line_keeps_the_whole_team_out(client_of: Client, cast: Cast) -> None:
    with Session(cast.engine) as session:
        before = session.scalar(select(func.count()).select_from(Account))
    rows = (("江若水", NUMBER, "13811112222", ""), ("白露", "123", "13811112223", ""), ("别人", cast.username["梅"], "13811112224", ""))
    answer = upload(client_of("福"), cast, *rows)
    assert answer.status_code == 422
    assert "第3行" in answer.text and "第4行：该证件号码已有账号，但姓名不同，请核对。" in answer.text
    with Session(cast.engine) as session:
        assert session.scalar(select(func.count()).select_from(Account)) == before


def test_who_only_claims_a_number_is_made_no_expert(client_of: Client, cast: Cast) -> None:
    """Registered by phone under somebody's number: a school certifies them first."""
    with Session(cast.engine) as session:
        session.add(Account(**(new_account("13700000001", "江若水", cast.path["北"], utcnow()) | {"id_number": NUMBER})))
        session.commit()
    answer = upload(client_of("福"), cast, ("江若水", NUMBER, "13811112222", "研究员"))
    assert answer.status_code == 422 and "该证件号码由本人自行注册，尚未通过学校认证" in answer.text
    assert posts_of(cast, "13700000001") == []


def test_the_template_is_what_the_upload_reads(client_of: Client, cast: Cast) -> None:
    province = client_of("福")
    book = load_workbook(BytesIO(province.get("/appoint/team/template").data))
    book.worksheets[0].append(["江若水", NUMBER, "13811112222", "研究员"])
    content = BytesIO()
    book.save(content)
    content.seek(0)
    province.get("/appoint/team")
    assert province.post("/appoint/team", region=str(cast.region["福建省"]), file=(content, "t.xlsx")).status_code == 303


@pytest.mark.parametrize("name", ["丹", "平", "梅", "林"])
@pytest.mark.parametrize("address", ["/appoint/", "/appoint/team", "/appoint/team/template"])
def test_nobody_else_finds_the_page(client_of: Client, name: str, address: str) -> None:
    browser = client_of(name)
    assert browser.get(address).status_code == 403
    if name != "林":
        assert "/appoint/" not in browser.get("/account/list/").text


@pytest.mark.parametrize(
    ("who", "role", "region", "refusal"),
    [
        ("福", REGION_SUPER, "思明区", RuleViolation),
        ("福", COURSE_PROVIDER, "厦门市", RuleViolation),
        ("福", "operator", "福建省", RuleViolation),
        ("运", REGION_SPECIAL, "福建省", RuleViolation),
        ("远", TRAINING_EXPERT, "厦门市", OutOfReach),
        ("丹", TRAINING_EXPERT, "思明区", NotPermitted),
    ],
)
def test_nobody_gives_what_is_not_theirs(cast: Cast, factory: Any, who: str, role: str, region: str, refusal: type[Exception]) -> None:
    with factory() as session, Session(cast.engine) as plain:
        unit = plain.get_one(Region, cast.region[region])
        with pytest.raises(refusal):
            appoint(session, cast.identity(who), role, unit, Person("江若水", "13811112222", NUMBER), now=NOW)
    assert posts_of(cast, NUMBER) == []
