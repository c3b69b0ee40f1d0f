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

from models.base import table_name
from models.fields import fields_of
from models.scoping import Identity, Shared, acting_as
from models.session import make_session_factory
from tests.clients import Browser
from tests.contract.colleagues import engage
from tests.contract.hand_made import ABOUT, Page, hand_made, values_for

TABLE = Path(__file__).with_name("access.csv")
PEOPLE = {
    "运": "operator",
    "福": "region_super",
    "丹": "region_special",
    "平": "school_admin",
    "供": "course_provider",
    "研": "training_expert",
    "梅": "teacher",
    "兰": "group_leader",
    "竹": "group_member",
    "信": "it_team",
    "林": "no post",
}
HEADER = ("role", "table", "acts")
BRIEFLY = {"Accept": "application/json"}
"""A refusal in one line, without a page and its menu around it."""


def observe(app: Any, cast: Any) -> list[tuple[str, str, str]]:
    """One line per role and table: the acts HTTP lets through, on a row in the person's reach; then one per view of hand-made pages."""
    cast, pages = engage(cast.engine), hand_made(app)
    tables = sorted(app.extensions["panel"])
    lines = []
    for name, role in PEOPLE.items():
        browser, identity = Browser(app), cast.identity(name)
        browser.sign_in(cast.username[name], cast.password)
        browser.get("/me/")
        for subject in [*tables, *sorted(pages.keys() - tables)]:
            view = app.extensions["panel"].get(subject)
            model = view.model if view is not None else ABOUT[subject]
            row = row_in_reach(cast, identity, model) if model is not None else 1
            acts = [*(open_acts(browser, view, row) if view is not None else ())]
            acts += [page.name for page in pages.get(subject, ()) if is_open(browser, page, values_for(cast, subject, row))]
            lines.append((role, subject, " ".join(dict.fromkeys(acts))))
    return lines


def row_in_reach(cast: Any, identity: Identity, model: type[Any]) -> int:
    """A row this person reads, best one they own; else any row of the table, else a number that is none."""
    if not identity.may("read", table_name(model)) and not issubclass(model, Shared):
        return any_row(cast, model)
    with acting_as(identity), make_session_factory(cast.engine)() as session:
        query = select(model.id).order_by(model.scope_path.desc() if hasattr(model, "scope_path") else model.id)
        found = session.scalars(query).first()
    return int(found) if found is not None else any_row(cast, model)


def any_row(cast: Any, model: type[Any]) -> int:
    """The last row there is, or a number that is none."""
    with Session(cast.engine) as session:
        return session.scalars(select(model.__table__.c.id).order_by(model.__table__.c.id.desc())).first() or 1


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
    if view.screen.console:
        probes["console"] = f"/console{base}/"
    for act, address in probes.items():
        if asked(browser, address) == 200:
            yield act
    if posted(browser, f"{base}/export", scope="page", format="csv") == 200:
        yield "export"
    masked = next((f.name for f in fields_of(view.model).values() if f.mask and not f.hidden), None)
    if masked and posted(browser, f"{base}/reveal/{row}/{masked}") == 200:
        yield "reveal"
    # The address of verbs refuses whoever does not read the table before it looks at which verb.
    verbs = view._all_verbs().values() if asked(browser, f"{base}/do/none/{row}") != 403 else ()
    for verb in verbs:
        if asked(browser, f"{base}/do/{verb.name}/{row}") in (200, 405):
            yield f"{verb.name}!"


def is_open(browser: Browser, page: Page, values: dict[str, Any]) -> bool:
    """Whether one of the page's addresses answers; what is posted with nothing in it may be a bad request, and is let in."""
    ask, welcome = (posted, (200, 303, 400)) if page.is_posted else (asked, (200, 302))
    return any(ask(browser, address) in welcome for address in page.addresses(values))


def asked(browser: Browser, address: str) -> int:
    return browser.get(address, headers=BRIEFLY).status_code


def posted(browser: Browser, address: str, **form: str) -> int:
    data = {"csrf_token": browser.token, **form}
    return browser.client.post(address, data=data, headers=BRIEFLY).status_code


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
