"""What the journeys share, and on which database each is made: in turn on the one and the other, where both are there.

The services below the pages are tested on both (``tests/services``). The one thing a newcomer gets wrong: a journey asked for by
its full name runs there, whichever database its turn is; ``-k postgresql`` runs those whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import pytest
from flask import Flask

from tests.databases import postgresql_server
from tests.inbox import Inbox, listening

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def inbox(app: Flask) -> Iterator[Inbox]:
    """After the application, which chooses a gateway as it starts."""
    with listening() as inbox:
        yield inbox


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if postgresql_server() is None:
        return
    ids = {item.nodeid for item in items}
    left_out = [item for item in items if "/journeys/" in item.nodeid and _is_made_elsewhere(item, ids)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _is_made_elsewhere(item: pytest.Item, ids: set[str]) -> bool:
    """Whether the same journey is among the tests on the other database, and it is that one's turn."""
    here = next((name for name in DATABASES if f"[{name}" in item.nodeid), None)
    if here is None:
        return False
    there = DATABASES[1 - DATABASES.index(here)]
    turn = DATABASES[crc32(item.nodeid.replace(f"[{here}", "[", 1).encode()) % 2]
    return item.nodeid.replace(f"[{here}", f"[{there}", 1) in ids and turn != here
