"""GET /healthz: whether the database, the job queue and the file store answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, jsonify
from sqlalchemy import select

from models.scoping import SYSTEM, acting_as


def health() -> tuple[Response, int]:
    """``{"database": "ok", "queue": "ok", "files": "ok"}``; 503 when one of them does not answer. No details are given away."""
    checks: dict[str, Callable[[], Any]] = {"database": _database, **current_app.extensions.get("health", {})}
    answers = {name: _answer(check) for name, check in checks.items()}
    return jsonify(answers), 200 if all(answer == "ok" for answer in answers.values()) else 503


def _answer(check: Callable[[], Any]) -> str:
    try:
        check()
    except Exception:
        current_app.logger.exception("health check failed")
        return "failed"
    return "ok"


def _database() -> None:
    with acting_as(SYSTEM):
        current_app.extensions["db"]().scalar(select(1))
