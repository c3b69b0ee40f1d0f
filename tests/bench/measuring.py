"""How something is measured: warmed up, repeated for a second or two, the median told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, event

REPEATS, PATIENCE = 25, 2.0
"""At most so often, and not longer than so many seconds."""


@dataclass(frozen=True)
class Cost:
    """Medians: seconds on the clock, seconds of this process's own work (a database server's is not in it), statements."""

    seconds: float
    own: float
    statements: int


def cost_of(engine: Engine, action: Callable[[], Any], before: Callable[[], Any] = lambda: None) -> Cost:
    """What ``action`` costs once everything is warm; ``before`` is done each time and not measured."""
    action()
    taken: list[tuple[float, float]] = []
    start = time.perf_counter()
    with counted(engine) as sent:
        while not taken or (len(taken) < REPEATS and time.perf_counter() - start < PATIENCE):
            before()
            sent.clear()
            clock, own = time.perf_counter(), time.process_time()
            action()
            taken.append((time.perf_counter() - clock, time.process_time() - own))
        return Cost(median(seconds for seconds, _own in taken), median(own for _seconds, own in taken), len(sent))


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements sent to the database inside the block."""
    sent: list[str] = []

    def keep(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        sent.append(f"{' '.join(statement.split())}  {parameters}")

    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def memory(what: str = "RssAnon") -> float:
    """Megabytes this process has for itself (SQLite's view of its file is the system's cache, not in it), or any such line of proc(5)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024
