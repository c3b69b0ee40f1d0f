"""Paths of units (``/350000/350200/350203/s17/``): what lies above one, and what at and below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, true

from models.expected import expected

ROOT = "/"


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """The given paths without those below another of them, sorted."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        kept += [] if kept and path.startswith(kept[-1]) else [path]
    return tuple(kept)


def ancestors(path: str) -> list[str]:
    """Paths of the units above ``path``, from the province down, without ``path`` itself."""
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[:n]) + "/" for n in range(1, len(parts))]


SHARES = (0.9, 0.3, 0.01, 0.0001, 0.000001)
"""What part of a table lies below a province, a city, a county, a school and anything deeper."""


def below(column: Any, path: str) -> ColumnElement[bool]:
    """At or below ``path``: a half-open range, so that an index answers it ("/" is followed by "0" in ASCII)."""
    if path == ROOT:
        return true()
    share = SHARES[min(path.count("/") - 2, len(SHARES) - 1)]
    return and_(expected(column >= path, 1.0), expected(column < path[:-1] + "0", share))
