"""What every test may ask for: a fresh database on each engine, the cast in it, the application, a client for each of the cast.

``database_url`` runs a test twice, on SQLite and on PostgreSQL (skipped where no server answers). A test that asks for ``cast``
finds the cast in its database, every other an empty one. The one thing a newcomer gets wrong: never push an application context
around clients; Flask would share ``g``, and with it the user, between them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from config import Settings
from models.session import PlatformSession, make_engine, make_session_factory
from rules import sms
from rules.issuing import Policy, set_policy
from tests.cast import Cast, meet
from tests.clients import Browser
from tests.databases import PostgresqlDatabases, SqliteFiles, postgresql_server
from views.messages import CHINESE, ENGLISH, path_of, read_catalogue

QUICK_HASH = "pbkdf2:sha256:1000"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser of this machine, or the one CHROMIUM names."""
    return os.environ.get("CHROMIUM") or next((path for name in CHROMIUM if (path := shutil.which(name))), None)


def pytest_report_header() -> list[str]:
    server = postgresql_server()
    address = server.render_as_string() if server else "not reachable, its tests are skipped (TEST_DATABASE_URL names a server)"
    return [f"PostgreSQL: {address}", f"Chromium: {chromium() or 'not found, browser tests are skipped'}"]


@pytest.fixture(autouse=True)
def installation() -> None:
    """Every test begins with what a development installation sets for its process, whatever application the test before it made."""
    sms.set_gateway(sms.LogGateway())
    set_policy(Policy(hash_method=QUICK_HASH))


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """``make`` compiles the catalogues; whoever runs pytest alone gets them here."""
    for locale in (ENGLISH, CHINESE):
        source, target = path_of(locale), path_of(locale).with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            with target.open("wb") as file:
                write_mo(file, read_catalogue(source))


@pytest.fixture
def _push_request_context() -> None:
    """pytest-flask would push one context around the whole test, and every client in it would be the same user."""


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgresqlDatabases | None]:
    server = postgresql_server()
    databases = PostgresqlDatabases(server) if server else None
    yield databases
    if databases:
        databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, sqlite_files: SqliteFiles, postgresql_databases: PostgresqlDatabases | None
) -> Iterator[str]:
    """The address of a fresh database with all tables; with the cast in it when the test asks for ``cast``."""
    databases = sqlite_files if request.param == "sqlite" else postgresql_databases
    if databases is None:
        pytest.skip("no PostgreSQL server answers")
    url = databases.fresh(filled="cast" in request.fixturenames)
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def engines() -> dict[str, Engine]:
    """Every database's engine: one that is used again knows its statements already."""
    return {}


@pytest.fixture
def new_engine(engines: dict[str, Engine], database_url: str) -> Iterator[Callable[[], Engine]]:
    """Makes an engine that shares connections with others on this database, but no listeners and nothing remembered."""
    kept = engines.setdefault(database_url, make_engine(database_url))
    yield kept.execution_options
    if kept.dialect.name == "sqlite":
        kept.dispose()


@pytest.fixture
def engine(new_engine: Callable[[], Engine]) -> Engine:
    return new_engine()


@pytest.fixture
def factory(engine: Engine) -> sessionmaker[PlatformSession]:
    return make_session_factory(engine)


@pytest.fixture
def cast(engine: Engine) -> Cast:
    return meet(engine)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application of this process: making one takes longer than most tests. Its database is none."""
    from app import create_app  # the rules' own tests need no application, and start without it

    return create_app(
        Settings(
            database_url="sqlite://",
            data_dir=tmp_path_factory.mktemp("platform"),
            secret_key="t" * 40,
            app_env="test",
            password_hash=QUICK_HASH,
            view_seconds=0,
        )
    )


@pytest.fixture
def app(platform: Flask, new_engine: Callable[[], Engine], database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The platform on the test's database, outside every context; it remembers nothing of the test before."""
    from views.worker import prepare_jobs

    settings, config = platform.extensions["settings"], dict(platform.config)
    engine = new_engine()
    platform.extensions.update(settings=replace(settings, database_url=database_url, data_dir=tmp_path), engine=engine)
    platform.extensions["db"].session_factory.configure(bind=engine)
    platform.extensions["appbuilder"].sm.limiter.reset()
    prepare_jobs(platform)
    yield platform
    platform.extensions["page_views"].write()
    platform.extensions["settings"] = settings
    platform.config.clear()
    platform.config.update(config)


@pytest.fixture
def client_of(app: Flask, cast: Cast) -> Callable[[str], Browser]:
    """``client_of("平")``: a client of its own, signed in as one of the cast over HTTP; ``client_of("")`` is signed out."""

    def sign_in(name: str) -> Browser:
        browser = Browser(app)
        if name:
            browser.sign_in(cast.username[name], cast.password)
        return browser

    return sign_in
