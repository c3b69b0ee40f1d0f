"""The measurements as a page for docs/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.measuring import Cost
from tests.bench.tasks import Reach, Task

HEAD = """# Budgets, measured

Written by `make bench`; do not edit. The budgets are those of the architecture, in milliseconds.

Pages are asked for by a signed-in client and rendered whole, in one process, on the database of `flask --app app demo --teachers
{teachers}`. *ms* is the median on the clock, *own* the part of it this process worked itself (on SQLite the database is in it, on
PostgreSQL it is not). *SQL* counts the statements of one request, the one that loads the account with its posts and grants
included. *bare* is the time of only the rows (and for a list their number), selected by the driver for nobody in particular;
*ratio* compares the page with it and, unlike milliseconds, means the same on another machine.
"""
COLUMNS = ("what", "who", "ms", "own", "budget", "SQL", "bare", "ratio")


@dataclass(frozen=True)
class Line:
    """One measured task; ``bare`` is in seconds, zero where there is nothing to compare with."""

    task: Task
    cost: Cost
    bare: float


@dataclass(frozen=True)
class Chapter:
    """Everything measured on one database."""

    label: str
    column: int
    """Of the budgets."""
    schools: int
    reaches: Sequence[Reach]
    lines: Sequence[Line]
    export: dict[str, float]
    imported: dict[str, float]
    start: tuple[float, float]
    load: float
    """How busy the machine was, per core."""


def page(chapters: Sequence[Chapter], teachers: int) -> str:
    """The whole page."""
    return "\n".join([HEAD.format(teachers=teachers), *(line for chapter in chapters for line in _chapter(chapter))]) + "\n"


def over(chapters: Sequence[Chapter]) -> list[str]:
    """What was over its budget."""
    return [
        f"{chapter.label}: {line.task.what} ({line.task.who}) took {line.cost.seconds * 1000:.1f} ms, {line.task.budget[chapter.column]} allowed"
        for chapter in chapters
        for line in chapter.lines
        if line.task.budget and line.cost.seconds * 1000 > line.task.budget[chapter.column]
    ]


def _chapter(chapter: Chapter) -> Iterator[str]:
    reach = "; ".join(f"the {r.who}'s administrator reaches {r.teachers:,}" for r in chapter.reaches)
    busy = (
        ""
        if chapter.load < 0.5
        else f" The machine was busy with other things, {chapter.load:.1f} processes per core: milliseconds are too high."
    )
    yield f"## {chapter.label}\n"
    yield f"{chapter.schools:,} schools; of the teachers {reach}.{busy}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for line in chapter.lines:
        yield f"| {' | '.join(_cells(line, chapter.column))} |"
    yield ""
    yield from _long_work(chapter)


def _cells(line: Line, column: int) -> Iterator[str]:
    task, cost = line.task, line.cost
    yield from (task.what, task.who, f"{cost.seconds * 1000:.1f}", f"{cost.own * 1000:.1f}")
    yield str(task.budget[column]) if task.budget else ""
    yield str(cost.statements)
    yield f"{line.bare * 1000:.1f}" if line.bare else ""
    yield f"{cost.seconds / line.bare:.2g}" if line.bare > 0.0005 else ""


def _long_work(chapter: Chapter) -> Iterator[str]:
    export, imported, (start, libraries) = chapter.export, chapter.imported, chapter.start
    yield "| what | measured | budget | bare | ratio |"
    yield "|---|--:|--:|--:|--:|"
    ratio = f"{export['seconds'] / export['bare']:.2g}"
    yield f"| export of 147 000 rows with 8 columns ({export['size']:.1f} MB) | {export['seconds']:.2f} s | 2.5 s | {export['bare']:.2f} s | {ratio} |"
    yield f"| memory it takes | {export['megabytes']:.0f} MB | 40 MB | | |"
    yield f"| import of 100 000 teachers, {imported['named']:.0f} of them broken and named: check | {imported['check']:.1f} s | | | |"
    yield f"| … the good rows written, checked once more | {imported['apply']:.1f} s | 60 s | | |"
    yield f"| start of a web process | {start:.2f} s | 1.5 s | {libraries:.2f} s | {start / libraries:.2g} |"
    yield ""
