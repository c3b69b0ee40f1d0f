"""GET /healthz says which of database, queue and file store does not answer, and nothing about it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.session import make_engine
from views.worker import prepare_jobs

NOWHERE = "127.0.0.1:1"
FINE = {"database": "ok", "queue": "ok", "files": "ok"}


def away(app: Any, folder: Path, what: str) -> None:
    """Let one of the three be where nobody answers."""
    settings = app.extensions["settings"]
    (folder / "no-folder").write_text("a file", encoding="utf-8")
    if what == "database":
        engine = make_engine(f"postgresql+psycopg://keeper:secret@{NOWHERE}/yanxiu")
        app.extensions["db"].session_factory.configure(bind=engine)
    elif what == "queue":
        app.extensions["settings"] = replace(settings, redis_url=f"redis://:secret@{NOWHERE}/0")
        prepare_jobs(app)
    else:
        app.extensions["settings"] = replace(settings, file_store_url=f"file://{folder}/no-folder/files")
        prepare_jobs(app)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("what", FINE)
def test_what_does_not_answer_is_named_and_told_as_503(app: Any, cast: Any, client_of: Any, tmp_path: Path, what: str) -> None:
    nobody = client_of("")
    assert (nobody.client.get("/healthz").status_code, nobody.client.get("/healthz").json) == (200, FINE)
    away(app, tmp_path, what)
    answer = nobody.client.get("/healthz")
    assert (answer.status_code, answer.json) == (503, {**FINE, what: "failed"})
    assert not re.search(r"secret|127\.0\.0\.1|Error|no-folder", answer.text)
