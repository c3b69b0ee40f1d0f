"""What the tests of services share: a session, the cast at its desk, every phone at hand, and hashes that take no time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import sessionmaker

from models.session import PlatformSession
from tests.cast import Cast
from tests.inbox import Inbox, listening
from tests.services.desk import Desk


@pytest.fixture
def session(factory: sessionmaker[PlatformSession]) -> Iterator[PlatformSession]:
    with factory() as session:
        yield session


@pytest.fixture
def desk(cast: Cast, session: PlatformSession) -> Desk:
    return Desk(cast, session)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with listening() as inbox:
        yield inbox
