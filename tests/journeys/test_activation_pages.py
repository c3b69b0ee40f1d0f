"""激活进度 as its readers meet it: one level down at a time, its lists, its workbook, and no region out of reach (S3-45 … S3-57)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from openpyxl import load_workbook

from rules.activation import HEADER
from tests.cast import Cast
from tests.clients import Browser

Client = Callable[[str], Browser]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def printed(page: str) -> list[list[str]]:
    """The lines of the page's table."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.S) for line in body.split("</tr>") if "<t" in line]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in line] for line in cells]


def exported(browser: Browser, address: str) -> list[list[str]]:
    browser.get("/activation/")
    answer = browser.post(f"{address}/export")
    assert answer.status_code == 200, answer.text
    rows = load_workbook(io.BytesIO(answer.data), read_only=True).worksheets[0].iter_rows(values_only=True)
    return [[str(cell) for cell in row] for row in rows]


def test_every_name_leads_one_level_down_to_the_county(cast: Cast, client_of: Client) -> None:
    fu, page = client_of("福"), "/activation/"
    for place, below in (("福建省", ["厦门市", "莆田市"]), ("厦门市", ["思明区", "湖里区"]), ("思明区", [])):
        text = fu.get(page).text
        names = [line[0] for line in printed(text)]
        assert names == [place, *below]
        for name in below:
            assert f'href="/activation/{cast.region[name]}"' in text
        page = f"/activation/{cast.region[below[0]]}" if below else page
    assert client_of("丹").get(page).status_code == 200, "the county's own"


def test_the_workbook_says_what_the_page_prints(cast: Cast, client_of: Client) -> None:
    for who, address in (
        ("福", "/activation"),
        ("福", f"/activation/{cast.region['厦门市']}"),
        ("丹", "/activation"),
        ("运", "/activation"),
    ):
        browser = client_of(who)
        page = browser.get(address if address != "/activation" else "/activation/").text
        assert exported(browser, address) == [list(HEADER), *printed(page)], (who, address)


def test_the_lists_lead_from_the_page_and_stay_in_the_region(cast: Cast, client_of: Client) -> None:
    fu = client_of("福")
    city = cast.region["莆田市"]
    assert f"/activation/{city}/list/schools?activated=0" in fu.get(f"/activation/{city}").text
    lacking = fu.get(f"/activation/{city}/list/schools?activated=0").text
    assert "城实验小学" in lacking and "北实验小学" not in lacking
    assert "北实验小学" in fu.get("/activation/list/schools?activated=1").text
    assert "城厢区" in fu.get(f"/activation/{city}/list/regions?activated=0").text
    assert fu.get("/activation/list/teachers").status_code == 404


@pytest.mark.parametrize(
    ("who", "region", "status"),
    [
        *(("丹", name, 404) for name in ("湖里区", "厦门市", "福建省")),
        *(("远", name, 404) for name in ("厦门市", "思明区", "福建省")),
        *((who, "思明区", 403) for who in ("平", "梅")),
        ("林", "思明区", 404),
        ("", "思明区", 302),
    ],
)
def test_out_of_reach_there_is_no_page_no_list_and_no_workbook(cast: Cast, client_of: Client, who: str, region: str, status: int) -> None:
    browser, number = client_of(who), cast.region[region]
    browser.get("/login/" if not who else "/me/")
    for address in (
        f"/activation/{number}",
        *(f"/activation/{number}/list/{what}?activated={n}" for what in ("schools", "regions") for n in (0, 1)),
    ):
        assert browser.get(address).status_code == status, address
    assert browser.post(f"/activation/{number}/export").status_code == (403 if who == "林" else status)
    if who in ("平", "梅", "林"):
        assert browser.get("/activation/").status_code == browser.post("/activation/export").status_code == 403
