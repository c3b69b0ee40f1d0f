"""Fresh databases for tests, each made once and then copied or put back: an empty one and one with the cast in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from migrations.run import declared_metadata
from models.session import make_engine
from tests.cast import assemble

DEFAULT = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@cache
def postgresql_server() -> URL | None:
    """The server of TEST_DATABASE_URL, or the one next door; None when nobody answers."""
    url = make_url(os.environ.get("TEST_DATABASE_URL") or DEFAULT).set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args={"connect_timeout": 2})
    try:
        engine.connect().close()
    except OperationalError:
        return None
    finally:
        engine.dispose()
    return url


def _prepare(url: str, filled: bool, finish: Callable[[Engine], None]) -> None:
    engine = make_engine(url)
    declared_metadata().create_all(engine)
    if filled:
        assemble(engine)
    finish(engine)
    engine.dispose()


class SqliteFiles:
    """Databases as files in a folder; a copy takes a millisecond. The name of one that is gone is used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.idle: list[str] = []
        self.made = 0

    def fresh(self, filled: bool) -> str:
        """The address of a database nobody has touched."""
        template = self.folder / f"template-{filled}.db"
        if not template.exists():
            _prepare(f"sqlite:///{template}", filled, _fold_log)
        url = self.idle.pop() if self.idle else self.blank()
        shutil.copyfile(template, make_url(url).database or "")
        return url

    def blank(self) -> str:
        """The address of a database without a table."""
        self.made += 1
        return f"sqlite:///{self.folder / str(self.made)}.db"

    def copy(self, url: str) -> str:
        """The address of another with the same in it; nobody may be connected to the first."""
        twin = self.blank()
        shutil.copyfile(make_url(url).database or "", make_url(twin).database or "")
        return twin

    def drop(self, url: str) -> None:
        for path in self.folder.glob(Path(make_url(url).database or "").name + "*"):
            path.unlink()
        self.idle.append(url)


def _fold_log(engine: Engine) -> None:
    """Only the main file is copied, so nothing may be left in the write-ahead log."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


class PostgresqlDatabases:
    """Databases of a server; all carry this process's number.

    Making one costs the server some 100 ms, so a used one is kept and its rows are put back as they were (some 10 ms) from copies
    in its own schema ``pristine``. That takes a superuser, who may leave foreign keys aside.
    """

    def __init__(self, server: URL) -> None:
        self.server = server
        self.admin = create_engine(server, isolation_level="AUTOCOMMIT")
        self.idle: dict[bool, list[str]] = {True: [], False: []}
        self.kept: dict[str, bool] = {}
        self.made = 0

    def fresh(self, filled: bool) -> str:
        """The address of a database as nobody has touched it."""
        if self.idle[filled]:
            url = self.idle[filled].pop()
            _run(url, _put_back())
            return url
        url = self.blank()
        _prepare(url, filled, lambda engine: _run(url, _set_aside()))
        self.kept[url] = filled
        return url

    def blank(self) -> str:
        """The address of a database without a table."""
        return self._new("template0")

    def copy(self, url: str) -> str:
        """The address of another with the same in it; nobody may be connected to the first."""
        return self._new(make_url(url).database or "")

    def _new(self, template: str) -> str:
        self.made += 1
        name = f"yanxiu_test_{os.getpid()}_{self.made}"
        self._administer(f'DROP DATABASE IF EXISTS "{name}"')
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        # Nobody needs these rows after a crash, and a test should not wait for the disk.
        options = {"options": "-csynchronous_commit=off"}
        return self.server.set(database=name).update_query_dict(options).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Give the database back; whoever is still in the middle of something there no longer is."""
        name = make_url(url).database
        if url in self.kept:
            self._administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND state <> 'idle'")
            self.idle[self.kept[url]].append(url)
        else:
            self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        kept, self.kept = self.kept, {}
        for url in kept:
            self.drop(url)
        self.admin.dispose()

    def _administer(self, statement: str) -> None:
        with self.admin.connect() as connection:
            connection.execute(text(statement))


def _run(url: str, statements: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statements)


@cache
def _tables() -> dict[str, bool]:
    """The tables to put back, and whether they count their rows: those declared before any test declares one more."""
    return {table.name: "id" in table.c for table in declared_metadata().sorted_tables}


def _set_aside() -> str:
    return "CREATE SCHEMA pristine;" + "".join(f'CREATE TABLE pristine."{name}" AS TABLE public."{name}";' for name in _tables())


def _put_back() -> str:
    rows = [f'DELETE FROM "{name}"; INSERT INTO "{name}" SELECT * FROM pristine."{name}";' for name in _tables()]
    counters = [
        f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), coalesce(max(id), 0) + 1, false) FROM \"{name}\";"
        for name, counted in _tables().items()
        if counted
    ]
    return "".join(["SET LOCAL session_replication_role = replica;", *rows, *counters])
