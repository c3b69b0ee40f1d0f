"""The measured databases: a million teachers each, made once by the commands an operator would use, and kept in DATA_DIR/bench."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from models.session import make_engine
from tests.bench.big_school import add_big_school
from tests.databases import postgresql_server

NAME, ASIDE = "yanxiu_bench", "yanxiu_bench_aside"


@dataclass(frozen=True)
class Measured:
    """One database; ``folder`` takes whatever the application writes beside it."""

    label: str
    url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the application on this database is started with."""
        return {**os.environ, "DATABASE_URL": self.url, "DATA_DIR": str(self.folder), "PYTHONWARNINGS": "ignore"}


def databases(folder: Path) -> list[Measured]:
    """SQLite, and PostgreSQL where a server answers."""
    found = [Measured("SQLite", f"sqlite:///{folder / 'yanxiu.db'}", folder)]
    if (server := postgresql_server()) is not None:
        _create(server.render_as_string(hide_password=False), NAME)
        found.append(Measured("PostgreSQL", server.set(database=NAME).render_as_string(hide_password=False), folder))
    return found


@contextmanager
def emptied(database: Measured) -> Iterator[Measured]:
    """Another database of the same kind with the small demonstration in it, gone afterwards."""
    with TemporaryDirectory() as folder:
        fresh = Measured(database.label, f"sqlite:///{folder}/yanxiu.db", Path(folder))
        server = postgresql_server() if database.label == "PostgreSQL" else None
        if server is not None:
            _create(server.render_as_string(hide_password=False), ASIDE)
            fresh = Measured(database.label, server.set(database=ASIDE).render_as_string(hide_password=False), Path(folder))
        try:
            _run(fresh, "setup")
            _run(fresh, "demo")
            yield fresh
        finally:
            if server is not None:
                _drop(server.render_as_string(hide_password=False), ASIDE)


def fill(database: Measured, teachers: int) -> None:
    """Bring the tables up to date, load the teachers and the large school; quick when they are there."""
    _run(database, "setup")
    if _teachers(database) < teachers:
        _run(database, "demo", "--teachers", str(teachers))
    engine = make_engine(database.url)
    add_big_school(engine)
    engine.dispose()
    if database.label == "PostgreSQL":
        # What autovacuum does some minutes after a load: without it no index answers alone.
        with create_engine(database.url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))


def _run(database: Measured, *command: str) -> None:
    subprocess.run([sys.executable, "-m", "flask", "--app", "app", *command], check=True, env=database.environment)


def _teachers(database: Measured) -> int:
    with create_engine(database.url, poolclass=NullPool).connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM teacher")) or 0


def _create(server: str, name: str) -> None:
    with create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        if connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}) is None:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"))


def _drop(server: str, name: str) -> None:
    with create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
