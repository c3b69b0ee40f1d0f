"""Page views are counted in the process and written every few seconds, so that no request waits for it (S3-42).

Counted are pages a signed-in person has seen: successful HTML, nothing that answers a script, a program or a form. What a killed
process had not yet written, a few seconds of views, is lost; one that is told to stop writes it. The one thing a newcomer gets wrong:
an area is an entry of the menu with everything behind it, not an address.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import Counter

from flask import Flask, Response, g, request
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from models.base import utcnow
from models.scoping import current_identity
from rules.page_views import Seen, day_of, record
from rules.statistics import Area
from views.panel.menu import ENTRIES
from views.panel.security import Held

log = logging.getLogger("yanxiu.page_views")
OTHER = "other"
MOST_WAITING = 50_000
"""While the database cannot be written to no more different views than these are kept; what comes then is lost."""
HAND_MADE = {"WorkbenchView": "工作台", "MeView": "个人中心"}
"""Areas that are in no group of the menu, or were not when their views were counted."""


def areas(app: Flask) -> list[Area]:
    """Every area there is, as the menu calls it, in the reader's language."""
    own = [Area(key, _(label), _("其他")) for key, label in HAND_MADE.items()]
    tables = [Area(table, _(view.screen.label), _(view.screen.menu)) for table, view in app.extensions["panel"].items() if view.screen.menu]
    pages = [Area(entry.endpoint, _(entry.label), _(entry.group)) for entry in ENTRIES]
    return [*own, *tables, *pages, Area(OTHER, _("其他页面"), _("其他"))]


def area_keys(app: Flask) -> dict[str, str]:
    """The area of every endpoint that is an entry of the menu, and of every blueprint for its other pages."""
    tables = {table: table for table, view in app.extensions["panel"].items() if view.screen.menu}
    pages = {entry.endpoint: entry.endpoint for entry in ENTRIES}
    first = {endpoint.partition(".")[0]: endpoint for endpoint in reversed(pages)}
    return {key: key for key in HAND_MADE} | tables | first | pages


class PageViews:
    """The views of this process that are not written yet."""

    def __init__(self, app: Flask, seconds: float) -> None:
        self._new_session, self._seconds = app.extensions["db"].session_factory, seconds
        self._waiting: Counter[Seen] = Counter()
        self._lock, self._writing, self._over = threading.Lock(), threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._areas = area_keys(app)

    def see(self, response: Response) -> Response:
        """Count the page just answered, if it is one."""
        if is_page(response):
            seen = Seen(day_of(utcnow()), current_identity().account_id or 0, unit_path(), self._area())
            with self._lock:
                if seen in self._waiting or len(self._waiting) < MOST_WAITING:
                    self._waiting[seen] += 1
            if self._thread is None and self._seconds:
                self._start()
        return response

    def write(self) -> None:
        """Write what waits; where that fails it waits on."""
        with self._writing:
            with self._lock:
                batch, self._waiting = self._waiting, Counter()
            if not batch:
                return
            try:
                with self._new_session() as session:
                    record(session, batch)
            except SQLAlchemyError:
                log.warning("page views could not be written, they are kept for later", exc_info=True)
                with self._lock:
                    self._waiting.update(batch)

    def stop(self) -> None:
        """Write what waits, and nothing more by itself."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.write()

    def _area(self) -> str:
        blueprint = request.blueprint or ""
        # Each grid of the console is a blueprint of its own.
        names = (request.endpoint or "", blueprint, blueprint.partition("_")[0])
        return next((self._areas[name] for name in names if name in self._areas), OTHER)

    def _start(self) -> None:
        """At the first view, because a web process may be made by copying another, and threads are not copied."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._work, name="page-views", daemon=True)
        atexit.register(self.stop)
        self._thread.start()

    def _work(self) -> None:
        while not self._over.wait(self._seconds):
            self.write()


def is_page(response: Response) -> bool:
    """Whether the answer is a page that a signed-in person has now before them."""
    if request.method != "GET" or response.status_code != 200 or response.mimetype != "text/html" or request.path.startswith("/api/"):
        return False
    return current_identity().account_id is not None and "Content-Disposition" not in response.headers


def unit_path() -> str:
    """Where the person works at the moment; without any post, where their account is looked after."""
    held: list[Held] = g.get("posts", [])
    post = next((post for post in held if post.id == current_identity().post_id), None)
    return post.path if post else str(g.user.scope_path)


def count_page_views(app: Flask) -> None:
    """Have every page of ``app`` counted."""
    views = app.extensions["page_views"] = PageViews(app, app.extensions["settings"].view_seconds)
    app.after_request(views.see)
