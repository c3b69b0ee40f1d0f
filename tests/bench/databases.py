"""The measured databases: a million teachers each, made once by the commands an operator would use, and kept in DATA_DIR/bench."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.databases import postgresql_server

NAME = "yanxiu_bench"


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
        _create(server.render_as_string(hide_password=False))
        found.append(Measured("PostgreSQL", server.set(database=NAME).render_as_string(hide_password=False), folder))
    return found


def fill(database: Measured, teachers: int) -> None:
    """Bring the tables up to date and load the teachers; quick when they are there."""
    _run(database, "setup")
    if _teachers(database) < teachers:
        _run(database, "demo", "--teachers", str(teachers))
    if database.label == "PostgreSQL":
        # What autovacuum does some minutes after a load: without it no index answers alone.
        with create_engine(database.url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))


def _run(database: Measured, *command: str) -> None:
    subprocess.run([sys.executable, "-m", "flask", "--app", "app", *command], check=True, env=database.environment)


def _teachers(database: Measured) -> int:
    with create_engine(database.url, poolclass=NullPool).connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM teacher")) or 0


def _create(server: str) -> None:
    with create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        if connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": NAME}) is None:
            connection.execute(text(f"CREATE DATABASE {NAME} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"))
