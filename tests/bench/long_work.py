"""What is measured in a process of its own: a large export with its memory (run as a module), and the start of a web process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select

from app import create_app
from config import Settings
from models.access import Account
from models.base import utcnow
from models.scoping import SYSTEM, acting_as
from tests.bench.databases import Measured
from tests.bench.measuring import memory
from tests.bench.tasks import PROVINCE, USERNAMES
from views.panel.excel.exporting import Asked, Export
from views.panel.security import held_posts, identity_at, workbench_key

ROWS = 147_000
COLUMNS = ("account_name", "name", "id_type", "id_number", "title", "stage", "subject", "certification")
STARTS = 3


def export_cost(database: Measured) -> dict[str, float]:
    """Seconds, and megabytes of memory more at the peak than before, of exporting ``ROWS`` teachers with eight columns."""
    command = [sys.executable, "-m", "tests.bench.long_work"]
    done = subprocess.run(command, check=True, env=database.environment, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def start_cost(database: Measured) -> tuple[float, float]:
    """Seconds until a web process could serve, and until one with the same libraries and nothing of ours could."""
    bare = "import flask_admin.contrib.sqla, flask_appbuilder, flask_talisman, gunicorn.app.wsgiapp, huey, xlsxwriter"
    return _seconds(database, "-m", "gunicorn", "--check-config"), _seconds(database, "-c", bare)


def _seconds(database: Measured, *arguments: str) -> float:
    taken = []
    for _ in range(STARTS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, env=database.environment, capture_output=True)
        taken.append(time.perf_counter() - start)
    return median(taken)


def main() -> None:
    """Export as the province's administrator, and say what it took."""
    app = create_app(Settings.from_environment())
    with app.test_request_context(), TemporaryDirectory() as folder:
        session = app.extensions["db"]()
        with acting_as(SYSTEM):
            account = session.scalars(select(Account).where(Account.username == USERNAMES[PROVINCE])).one()
            posts = held_posts(session, account.id)
        with acting_as(identity_at(account, posts, workbench_key(posts[0]))):
            _write(app, Path(folder), 1000)
            before = memory()
            seconds, size, peak = _write(app, Path(folder), ROWS)
            bare = _bare(session)
        session.rollback()
    print(json.dumps({"seconds": seconds, "megabytes": peak - before, "size": size, "bare": bare}))


def _write(app: Any, folder: Path, rows: int) -> tuple[float, float, float]:
    """Seconds, megabytes of the file, and of memory at the peak."""
    asked, target, taken = Asked(scope="page", size=rows, columns=COLUMNS), folder / "teachers.xlsx", [memory()]
    start = time.perf_counter()
    export = Export(app.extensions["panel"]["teacher"], asked)
    count = export.write(target, now=utcnow(), on_progress=lambda _done: taken.append(memory()))
    assert count == rows, count
    return time.perf_counter() - start, target.stat().st_size / 1e6, max(taken)


def _bare(session: Any) -> float:
    """Only reading the same rows, by the driver, one after the other."""
    names = "teacher.account_name, teacher.name, id_type.name, id_number, title.name, stage.name, subject.name, certification"
    joins = " ".join(f"LEFT JOIN {table} ON {table}.id = teacher.{table}_id" for table in ("id_type", "title", "stage", "subject"))
    start = time.perf_counter()
    for _row in session.connection().exec_driver_sql(f"SELECT {names} FROM teacher {joins} ORDER BY scope_path LIMIT {ROWS}"):
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
