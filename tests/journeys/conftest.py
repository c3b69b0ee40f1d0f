"""What the journeys share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.inbox import Inbox, listening


@pytest.fixture
def inbox(app: Flask) -> Iterator[Inbox]:
    """After the application, which chooses a gateway as it starts."""
    with listening() as inbox:
        yield inbox
