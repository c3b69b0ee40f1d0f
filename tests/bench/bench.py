"""``make bench``: is every page inside its budget at a million teachers? A report (docs/bench.md), never a test.

The one thing a newcomer gets wrong: a busy machine doubles every figure. Look at the ratios, or measure again when it is quiet.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine, func, select

import tests.bench.remark  # noqa: F401  (declares its table before the application is made)
from app import create_app
from config import Settings
from models.access import Account, Post
from models.org import School
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.demo import PASSWORD
from tests.bench.databases import Measured, databases, fill
from tests.bench.importing import import_cost
from tests.bench.long_work import export_cost, start_cost
from tests.bench.measuring import cost_of
from tests.bench.report import Chapter, Line, over, page
from tests.bench.tasks import COUNTY, PROVINCE, SCHOOL, USERNAMES, Task, reaches, tasks
from tests.clients import Browser
from views.panel import counting

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "bench.md"


def main() -> None:
    """Fill the databases, measure, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--teachers", type=int, default=1_000_000)
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), action="append", help="only this one; the page is printed, not kept"
    )
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    folder = Path(os.environ.get("DATA_DIR") or "var").resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [database for database in databases(folder) if not given.database or database.label.lower() in given.database]
    for database in chosen:
        fill(database, given.teachers)
    chapters = [chapter_of(database) for database in chosen]
    text = page(chapters, given.teachers)
    print(text)
    if not given.database:
        PAGE.write_text(text, encoding="utf-8")
    print("\n".join(over(chapters)) or "everything is inside its budget")


def chapter_of(database: Measured) -> Chapter:
    """Measure one database."""
    busy = os.getloadavg()[0]
    app = create_app(Settings(database_url=database.url, data_dir=database.folder, secret_key="b" * 40, app_env="test"))
    engine = app.extensions["engine"]
    # As gunicorn.conf.py does.
    gc.freeze()
    found = reaches(engine, _paths(engine))
    lines = list(_measure(app, engine, list(tasks(engine, found))))
    with acting_as(SYSTEM), make_session_factory(engine)() as session:
        schools = session.scalar(select(func.count()).select_from(School)) or 0
    engine.dispose()
    column = 0 if engine.dialect.name == "sqlite" else 1
    exported, imported, started = export_cost(database), import_cost(database), start_cost(database)
    return Chapter(database.label, column, schools, found, lines, exported, imported, started, busy / (os.cpu_count() or 1))


def _paths(engine: Engine) -> dict[str, str]:
    """Visitor → the path of their post."""
    posts = (
        select(Account.username, Post.scope_path).join(Post, Post.account_id == Account.id).where(Account.username.in_(USERNAMES.values()))
    )
    with acting_as(SYSTEM), make_session_factory(engine)() as session:
        path = {name: path for name, path in session.execute(posts)}
    return {who: path[USERNAMES[who]] for who in (PROVINCE, COUNTY, SCHOOL)}


def _measure(app: Flask, engine: Engine, wanted: list[Task]) -> Iterator[Line]:
    browsers = {who: Browser(app) for who in USERNAMES}
    for who, browser in browsers.items():
        browser.sign_in(USERNAMES[who], PASSWORD)
    for task in wanted:
        cost = cost_of(engine, lambda task=task: _visit(browsers[task.who], task), counting.forget if task.fresh else lambda: None)
        bare = sum(_bare(engine, statement) for statement in task.bare)
        yield Line(task, cost, bare)


def _visit(browser: Browser, task: Task) -> Any:
    answer = browser.client.get(task.address)
    assert answer.status_code == 200, (task.address, answer.status_code)
    return answer


def _bare(engine: Engine, statement: str) -> float:
    with engine.connect() as connection:
        return cost_of(engine, lambda: connection.exec_driver_sql(statement).fetchall()).seconds


if __name__ == "__main__":
    main()
