"""The workbook of permission codes: given in the answer to issuing them, and nowhere else, ever again (S3-24, Z-14)."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import PermissionCode
from models.jobs import Job
from tests.cast import Cast
from tests.clients import Browser

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ISSUE = "/permission_code/issue"
ASKED = re.compile(r'name="asked" value="([^"]+)"')


def workbook_of(browser: Browser, *units: str) -> list[list[str]]:
    """The lines of the workbook that comes of issuing for these units, without its header."""
    browser.get(ISSUE)
    answer = browser.post(ISSUE, role="school_admin", units=list(units), days="7", format="xlsx")
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"], answer.text
    assert answer.headers["Cache-Control"] == "no-store", "no browser keeps it"
    rows = load_workbook(io.BytesIO(answer.data), read_only=True).worksheets[0].iter_rows(min_row=2, values_only=True)
    return [[str(cell) for cell in row] for row in rows]


def bind(browser: Browser, code: str) -> Any:
    browser.get("/bind/")
    return browser.post("/bind/", code=code, name="林", unit="城实验小学", position="主任", phone="13850000099")


def test_the_codes_of_a_batch_are_told_once(app: Any, cast: Cast, client_of: Any, tmp_path: Path) -> None:
    yuan, far = client_of("远"), f"s{cast.school['城']}"
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    [line] = workbook_of(yuan, far)
    assert line[0] == "城实验小学"
    code = line[2]
    assert len(code.replace("-", "")) >= 13, "at least 60 bits of an alphabet without look-alikes"
    with Session(cast.engine) as session:
        [number] = session.scalars(select(PermissionCode.id).filter_by(school_id=cast.school["城"], state="issued"))
        assert session.scalar(select(Job.id).filter_by(account_id=cast.account["远"], title="权限码")) is None
    prefix = code[:4]
    pages = (ISSUE, "/permission_code/list/", f"/permission_code/show/{number}", "/job/list/", "/notices/", "/")
    again = [yuan.get(page).text for page in pages]
    again += [yuan.post("/permission_code/export", scope="all", format="csv").text]
    again += [yuan.api("get", f"/api/v1/permission_code/{number}").text]
    for text in again:
        assert code not in text and code.replace("-", "") not in text
        assert code[4:].strip("-") not in text, "no more than what it is recognised by"
    assert any(prefix in text for text in again), "which says which it was"
    kept = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert not [path for path in kept if code.encode() in path.read_bytes()]


def test_issuing_again_is_no_second_copy(cast: Cast, client_of: Any) -> None:
    """Who lost the workbook issues anew: other codes, and the first are void from that moment on."""
    yuan, lin = client_of("远"), client_of("林")
    [[_unit, _role, first, *_]], [[_unit, _role, second, *_]] = (workbook_of(yuan, f"s{cast.school['城']}") for _time in range(2))
    assert first != second
    assert bind(lin, first).status_code == 422
    assert bind(lin, second).status_code == 303


@pytest.mark.parametrize("form", ["page", "xlsx"])
def test_the_answer_asked_for_again_issues_nothing(cast: Cast, client_of: Any, form: str) -> None:
    """A page refreshed after its codes were copied must not void them."""
    yuan, far = client_of("远"), f"s{cast.school['城']}"
    given = {"role": "school_admin", "units": [far], "days": "7", "format": form, "asked": asked_of(yuan)}
    assert yuan.post(ISSUE, **given).status_code == 200
    issued = codes_in(cast)
    again = yuan.post(ISSUE, **given)
    assert again.status_code == 303 and "这些权限码已经生成过" in yuan.get(again.headers["Location"]).text
    assert codes_in(cast) == issued, "none new, none void"
    assert re.search(rf'value="{far}"[^>]*><span[^>]*>城实验小学 <span[^>]*>已有未使用的权限码', yuan.get(ISSUE).text)
    assert yuan.post(ISSUE, **{**given, "asked": asked_of(yuan)}).status_code == 200 and codes_in(cast) != issued


def test_a_refused_form_may_be_sent_again(cast: Cast, client_of: Any) -> None:
    yuan = client_of("远")
    given = {"role": "school_admin", "units": [f"s{cast.school['城']}"], "format": "page", "asked": asked_of(yuan)}
    assert [yuan.post(ISSUE, **given, days="999").status_code for _again in range(2)] == [422, 422], "nothing was issued yet"
    assert yuan.post(ISSUE, **given, days="7").status_code == 200


def asked_of(browser: Browser) -> str:
    """What a fresh form sends along."""
    found = ASKED.search(browser.get(ISSUE).text)
    assert found
    return found[1]


def codes_in(cast: Cast) -> list[tuple[int, str]]:
    with Session(cast.engine) as session:
        codes = session.scalars(select(PermissionCode).order_by(PermissionCode.id))
        return [(code.id, code.state.value) for code in codes]
