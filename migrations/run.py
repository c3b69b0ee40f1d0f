"""Bring a database to the tables this code declares, or back.

``upgrade`` may be called by any number of processes at once: one works, the others wait and find nothing to do; ``locked`` has
the rest of a set-up (permissions, reference data) take turns as well. The one thing a newcomer gets wrong: on SQLite a changed
table is copied and the old one dropped, which with foreign keys on would delete what points to it; so they are off while a
migration runs, and checked before it commits.

``python -m migrations.run revision "add venue"`` writes the next migration from the models. It is compared with a fresh database
that all earlier migrations made, never with somebody's own.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib
import pkgutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, MetaData, create_engine, make_url, text
from sqlalchemy.pool import NullPool

import models
from config import Settings
from models.base import Base
from models.session import make_engine

ROOT = Path(__file__).resolve().parent.parent
SET_UP, MIGRATE = 20261123, 20261124
"""The advisory locks' numbers on PostgreSQL: any numbers, the same in every process."""
PATIENCE = 600
"""Seconds to wait for another process that is migrating."""


def declared_metadata() -> MetaData:
    """The tables of every module of ``models``, and Flask-AppBuilder's."""
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"models.{module.name}")
    return Base.metadata


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Of all processes that set this database up, one at a time is inside; the others wait."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        with open(f"{url.database}.set-up", "w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        # Held until the connection closes, however this process ends.
        connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": SET_UP})
        yield


@contextmanager
def only_one(database_url: str) -> Iterator[Connection]:
    """A connection with a transaction that no other process migrates beside; committed at the end, or nothing happened."""
    engine = make_engine(database_url)
    try:
        with engine.connect() as connection:
            _take_turn(connection)
            yield connection
            _check_references(connection)
            connection.commit()
    finally:
        engine.dispose()


def _take_turn(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATE})


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise RuntimeError(f"the migration leaves rows of {broken[0]} without the {broken[2]} they point to; nothing was changed")


def run_alembic(verb: str, connection: Connection, *arguments: Any, **options: Any) -> None:
    """One of Alembic's commands over ``connection``."""
    # Imported here because every web process imports this module with the commands, and Alembic would be a tenth of its start.
    from alembic import command
    from alembic.config import Config

    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.attributes["connection"] = connection
    getattr(command, verb)(config, *arguments, **options)


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database up to ``revision``; does nothing, quickly, when it is there."""
    with only_one(database_url) as connection:
        run_alembic("upgrade", connection, revision)


def downgrade(database_url: str, revision: str = "base") -> None:
    """Take the database back to ``revision``; what later migrations added is lost."""
    with only_one(database_url) as connection:
        run_alembic("downgrade", connection, revision)


def write_revision(message: str) -> None:
    """Write the migration from what the migrations make to what the models declare; its name begins with the minute (Shanghai)."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/scratch.db"
        upgrade(url)
        with only_one(url) as connection:
            last = connection.scalar(text("SELECT version_num FROM alembic_version"))
            identifier = next_identifier(last, datetime.now(ZoneInfo("Asia/Shanghai")))
            run_alembic("revision", connection, message, autogenerate=True, rev_id=identifier)


def next_identifier(last: str, now: datetime) -> str:
    """The minute; where the last migration is not from before it, the number after that one's, so that names sort as they follow."""
    minute = f"{now:%Y_%m_%d_%H%M}"
    day, number = last[:-4], int(last[-4:])
    return minute if minute > last else f"{day}{number + 1:04d}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("upgrade")
    verbs.add_parser("downgrade").add_argument("revision")
    verbs.add_parser("revision").add_argument("message")
    given = parser.parse_args()
    if given.verb == "revision":
        write_revision(given.message)
    elif given.verb == "downgrade":
        downgrade(Settings.from_environment().database_url, given.revision)
    else:
        upgrade(Settings.from_environment().database_url)


if __name__ == "__main__":
    main()
