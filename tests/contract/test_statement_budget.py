"""How often a page asks the database: never once a row, whatever the table (architecture.md, Budgets).

A list and a form ask at most six times, a list once more for every facet, a record page ten times. The one thing a newcomer gets
wrong: this counts statements, not time; ``make bench`` measures time, at a million teachers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from models.base import declared, table_name
from tests.bench.measuring import counted
from tests.clients import Browser
from tests.contract.observe import row_in_reach

PAGE, RECORD = 6, 10
PEOPLE = {"平": "a school's administrator", "丹": "a county's", "福": "a province's"}


def pages(cast: Any, name: str, view: Any) -> Iterator[tuple[str, int]]:
    """The screens of a table with the statements each may take."""
    row = row_in_reach(cast, cast.identity(name), view.model)
    yield f"/{view.table}/list/", PAGE + len(view.screen.facets)
    yield f"/{view.table}/list/?size=100&page=2", PAGE + len(view.screen.facets)
    yield f"/{view.table}/add", PAGE
    yield f"/{view.table}/edit/{row}", PAGE
    yield f"/{view.table}/show/{row}", RECORD


@pytest.mark.parametrize("name", PEOPLE, ids=list(PEOPLE.values()))
def test_no_page_asks_the_database_too_often(app: Any, cast: Any, name: str) -> None:
    browser = Browser(app)
    browser.sign_in(cast.username[name], cast.password)
    over = []
    for model in declared():
        for address, most in pages(cast, name, app.extensions["panel"][table_name(model)]):
            with counted(app.extensions["engine"]) as sent:
                status = browser.get(address).status_code
            if len(sent) > most:
                over.append("\n  ".join([f"{address} ({status}) asks {len(sent)} times, {most} are allowed:", *sent]))
    assert not over, "\n\n".join(over)
