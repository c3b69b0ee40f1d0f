"""A hundred thousand teachers imported through the pages and the worker, one row in a hundred broken (run as a module).

In a process and on a database of its own, made anew each time, so that the measured million stays as it is. The one thing a newcomer
gets wrong: the rows are judged twice, when they are checked and again before they are written, and both are in the figures.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlsxwriter
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select

from app import create_app
from config import Settings
from models.org import School
from models.people import Teacher
from models.scoping import SYSTEM, acting_as
from rules.demo import PASSWORD
from rules.id_numbers import check_digit
from tests.bench.databases import Measured, emptied
from tests.bench.measuring import memory
from tests.bench.tasks import OPERATOR, USERNAMES
from tests.clients import Browser

ROWS, BROKEN_EVERY = 100_000, 100
HEADER = ("学校", "姓名", "证件类型", "证件号码", "手机号码", "职称", "学段", "学科领域")
FAULTS = (
    {"证件号码": "350203198503120029"},
    {"手机号码": "12345"},
    {"学段": "大学前"},
    {"姓名": None},
    {"学校": "没有这所学校"},
)
"""What is wrong with the broken rows, in turn."""


def import_cost(database: Measured) -> dict[str, float]:
    """Seconds of the check, of the import, megabytes more at the peak, and the broken rows the returned workbook names."""
    with emptied(database) as fresh:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.importing"], check=True, env=fresh.environment, capture_output=True, text=True
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Import as the operator, and say what it took."""
    app = create_app(Settings.from_environment())
    browser = Browser(app)
    browser.sign_in(USERNAMES[OPERATOR], PASSWORD)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "teachers.xlsx"
        _write(path, _school(app))
        before, start = memory(), time.perf_counter()
        check = _check(app, browser, path)
        checked = time.perf_counter()
        applied = browser.post(f"/teacher/import/{check}/apply", mode="good").location
        _work_off(app)
        done = time.perf_counter()
        named = _named(browser, applied)
    with app.app_context(), acting_as(SYSTEM):
        written = app.extensions["db"]().scalar(select(func.count()).select_from(Teacher).where(Teacher.name.like("导入%")))
    broken = ROWS // BROKEN_EVERY
    assert (written, named) == (ROWS - broken, broken), (written, named)
    print(json.dumps({"check": checked - start, "apply": done - checked, "megabytes": memory("VmHWM") - before, "named": named}))


def _school(app: Flask) -> str:
    with app.app_context(), acting_as(SYSTEM):
        return str(app.extensions["db"]().scalar(select(School.name).where(School.name == "福州第一中学")))


def _write(path: Path, school: str) -> None:
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((HEADER, *_rows(school))):
            sheet.write_row(number, 0, row)


def _rows(school: str) -> Iterator[tuple[Any, ...]]:
    for number in range(ROWS):
        seventeen = f"350102{19600101 + number // 900 % 28 + number // 25_200 * 10_000}{number % 900 + 100}"
        person = (school, f"导入{number}", "居民身份证", seventeen + check_digit(seventeen), f"137{number:08}", "一级教师", "小学", "语文")
        row = dict(zip(HEADER, person, strict=True))
        if number % BROKEN_EVERY == 0:
            row |= FAULTS[number // BROKEN_EVERY % len(FAULTS)]
        yield tuple(row.values())


def _check(app: Flask, browser: Browser, path: Path) -> int:
    """Upload and have it checked; the number of the check."""
    browser.get("/teacher/import")
    form = {"csrf_token": browser.token, "file": (io.BytesIO(path.read_bytes()), path.name)}
    page = browser.client.post("/teacher/import", data=form, content_type="multipart/form-data").text
    chosen = {"token": re.findall(r'name="token" value="([^"]+)"', page)[0]}
    for name, options in re.findall(r'<select class="form-select" name="(column\.\d+)"(.*?)</select>', page, re.S):
        chosen[name] = re.findall(r'value="([^"]*)" selected', options)[0]
    asked = browser.post("/teacher/import/check", **chosen)
    _work_off(app)
    return int(asked.location.rsplit("/", 1)[1])


def _work_off(app: Flask) -> None:
    huey = app.extensions["queue"]().huey
    while (task := huey.dequeue()) is not None:
        huey.execute(task)


def _named(browser: Browser, job: str) -> int:
    """The rows of the returned workbook that say what is wrong with them."""
    answer = browser.get(job.replace("/show", "") + "/file")
    assert answer.status_code == 200, answer.text
    rows = load_workbook(io.BytesIO(answer.data), read_only=True).worksheets[0].iter_rows(values_only=True)
    header = next(rows)
    return sum(1 for row in rows if len(row) > len(HEADER) and row[header.index(header[-1])])


if __name__ == "__main__":
    main()
