"""What somebody finds on the lists who looks after more than one school: whose row each is, the real schools first, and why nothing came."""

from __future__ import annotations

import re
from typing import Any

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
