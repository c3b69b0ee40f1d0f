"""The access table: role × table × act as HTTP really answers. ``python -m tests.contract.observe`` writes it anew.

A change of it in a commit is a change of somebody's rights: read the diff.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.fields import fields_of
from models.scoping import Shared, acting_as
from models.session import make_session_factory
from tests.clients import Browser

TABLE = Path(__file__).with_name("access.csv")
PEOPLE = {"运": "operator", "福": "region_super", "丹": "region_special", "平": "school_admin", "梅": "teacher", "林": "no post"}
HEADER = ("role", "table", "acts")


def observe(app: Any, cast: Any) -> list[tuple[str, str, str]]:
    """One line per role and table: the acts HTTP lets through, on a row in the person's reach."""
    lines = []
    for name, role in PEOPLE.items():
        browser = Browser(app)
        browser.sign_in(cast.username[name], cast.password)
        for table, view in sorted(app.extensions["panel"].items()):
            acts = list(dict.fromkeys(open_acts(browser, view, row_in_reach(cast, name, view.model))))
            lines.append((role, table, " ".join(acts)))
    return lines


def row_in_reach(cast: Any, name: str, model: type[Any]) -> int:
    """A row this person reads, best one they own; else any row of the table, else a number that is none."""
    identity = cast.identity(name)
    with acting_as(identity), make_session_factory(cast.engine)() as session:
        query = select(model.id).order_by(model.scope_path.desc() if hasattr(model, "scope_path") else model.id)
        found = session.scalars(query).first() if identity.grants or issubclass(model, Shared) else None
    if found is not None:
        return int(found)
    with Session(cast.engine) as session:
        return session.scalars(select(model.__table__.c.id)).first() or 1


def open_acts(browser: Browser, view: Any, row: int) -> Iterator[str]:
    """The acts that are not refused. Nothing is carried out: forms are only opened, verbs only asked about."""
    base = f"/{view.table}"
    probes = {
        "read": f"{base}/show/{row}",
        "list": f"{base}/list/",
        "add": f"{base}/add",
        "edit": f"{base}/edit/{row}",
        "delete": f"{base}/delete/{row}",
        "import": f"{base}/import",
    }
    for act, address in probes.items():
        if browser.get(address).status_code == 200:
            yield act
    if browser.post(f"{base}/export", scope="page", format="csv").status_code == 200:
        yield "export"
    masked = next((f.name for f in fields_of(view.model).values() if f.mask and not f.hidden), None)
    if masked and browser.post(f"{base}/reveal/{row}/{masked}").status_code in (200, 302):
        yield "reveal"
    for verb in view._all_verbs().values():
        if browser.get(f"{base}/do/{verb.name}/{row}").status_code in (200, 405):
            yield f"{verb.name}!"


def write(lines: list[tuple[str, str, str]]) -> None:
    """Write the committed table."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *lines])


def main() -> None:
    """Observe a fresh platform with the cast in it, on SQLite."""
    import models.access
    import models.jobs  # noqa: F401
    from app import create_app
    from config import Settings
    from models.base import Base
    from models.session import make_engine
    from tests.cast import assemble, meet

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/observe.db"
        engine = make_engine(url)
        Base.metadata.create_all(engine)
        assemble(engine)
        settings = Settings(
            database_url=url, data_dir=Path(folder), secret_key="o" * 40, app_env="test", password_hash="pbkdf2:sha256:1000", view_seconds=0
        )
        write(observe(create_app(settings), meet(engine)))
        engine.dispose()


if __name__ == "__main__":
    main()
