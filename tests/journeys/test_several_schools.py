"""What somebody finds on the lists who looks after more than one school: whose row each is, the real schools first, and why nothing came."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import Session

from models.org import School, SchoolKind
from tests.cast import Cast

HEADING = re.compile(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)')
TICKED = re.compile(r'name="columns" value="(\w+)" checked')


def test_a_region_sees_whose_teacher_each_is(client_of: Any) -> None:
    for name in ("丹", "福"):
        page = client_of(name).get("/teacher/list/").text
        assert "学校" in [heading.strip() for heading in HEADING.findall(page)], name
        assert re.search(r">\s*北实验小学\s*<", page) and "school" in TICKED.findall(page)
    page = client_of("平").get("/teacher/list/").text
    assert "学校" not in [heading.strip() for heading in HEADING.findall(page)] and "school" not in TICKED.findall(page)
    assert "学段" in [heading.strip() for heading in HEADING.findall(page)]


def test_real_schools_come_before_the_placeholders_made_later(client_of: Any, cast: Cast) -> None:
    with Session(cast.engine) as session:
        for name in ("福建省", "厦门市", "莆田市"):
            number, path = cast.region[name], cast.path[name]
            session.add_all(
                School(code=f"OTHER{number}{n}", name="其他", region_id=number, kind=SchoolKind.OTHER, scope_path=f"{path}s9{number}{n}/")
                for n in range(4)
            )
        session.commit()
    page = client_of("福").get("/school/list/").text
    assert all(f"{name}实验小学" in page for name in "北南湖城"), "the first ten of a province"


def test_a_name_that_begins_otherwise_is_a_click_away(client_of: Any) -> None:
    dan = client_of("丹")
    page = dan.get("/school/list/?q=实验&f.kind=school").text
    assert "没有以“实验”开头的记录" in page and "在任意位置查找“实验”" in page
    found = re.search(r'href="(/school/list/\?[^"]*anywhere=1[^"]*)"', page)
    assert found
    page = dan.get(found[1].replace("&amp;", "&")).text
    assert "北实验小学" in page and "在任意位置查找" not in page
    assert "在任意位置查找" not in dan.get("/school/list/?q=无&anywhere=1").text


def test_somebody_who_registers_finds_a_school_by_part_of_its_name(client_of: Any) -> None:
    stranger = client_of("")

    def found(text: str, of: str = "schools") -> list[str]:
        return [one["text"] for one in stranger.get(f"/register/{of}?q={text}").json["results"]]

    assert len(found("实验")) == 4
    assert found("北实") == ["北实验小学（思明区）"] and found("验") == [] and found("%") == []
    assert [text[:3] for text in found("明区", "regions")] == ["思明区"]
