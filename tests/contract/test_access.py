"""What every role may really do to every table, observed over HTTP and compared with the committed table.

After a wanted change: ``python -m tests.contract.observe``, and read the diff.
"""

from __future__ import annotations

import csv
from typing import Any

import pytest

from tests.contract.observe import HEADER, TABLE, observe


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_access_is_what_the_committed_table_says(app: Any, cast: Any) -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        header, *committed = [tuple(line) for line in csv.reader(file)]
    assert header == HEADER
    assert observe(app, cast) == committed
