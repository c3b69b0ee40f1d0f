"""What surrounds a page: the menu of what this person may do, with counts of what waits, and their workbenches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request, url_for
from flask_babel import gettext as _

from models.scoping import Identity, current_identity
from rules.approvals import WORKFLOWS
from rules.workflow_waiting import waiting
from views.panel.pages import MenuItem, Shell
from views.panel.security import workbenches


@dataclass(frozen=True)
class Entry:
    """A hand-made page in the menu; ``open`` says who sees it."""

    group: str
    label: str
    icon: str
    endpoint: str
    rank: int
    open: Callable[[Identity], bool]


GROUPS: tuple[tuple[str, str], ...] = (
    ("基本管理", "layout-dashboard"),
    ("人员管理", "users"),
    ("校本研修", "school"),
    ("专项管理", "certificate"),
    ("系统管理", "settings"),
    ("基础数据", "database"),
)
ENTRIES: list[Entry] = []
"""Hand-made pages register here; generated screens are in the menu by their declaration."""
PAGES_OF: dict[str, str] = {}
"""Hand-made view → the table under whose entry its pages stand."""


def shell() -> Shell | None:
    """The surroundings of a signed-in person's page, made once a request; None when signed out."""
    if not getattr(g, "posts", None) and not getattr(g.get("user"), "is_authenticated", False):
        return None
    if "shell" not in g:
        g.shell = _shell()
    return g.shell  # type: ignore[no-any-return]


def _shell() -> Shell:
    identity, db = current_identity(), current_app.extensions["db"]()
    gate = g.get("gate", "")
    address = url_for("school.edit", pk=g.gate_school) if gate else ""
    return Shell(
        menu=_menu(db, identity),
        workbenches=workbenches(),
        account_label=str(g.user),
        banner=_(gate) if gate else "",
        banner_url=address,
        notices=g.get("unread", 0),
        notices_url=url_for("NoticesView.all"),
    )


def _menu(db: Any, identity: Identity) -> list[MenuItem]:
    counts = waiting(db, identity, WORKFLOWS) if identity.grants else {}
    above = PAGES_OF.get(request.blueprint or "", "")
    found: dict[str, list[tuple[int, MenuItem]]] = {}
    for table, view in current_app.extensions["panel"].items():
        if view.screen.menu and view.in_menu(identity):
            item = MenuItem(
                _(view.screen.label),
                url_for(f"{table}.list"),
                view.screen.icon,
                table == above or request.path.startswith(f"/{table}/"),
                counts.get(table, 0),
            )
            found.setdefault(view.screen.menu, []).append((view.screen.rank, item))
    by_hand = [(entry, url_for(entry.endpoint)) for entry in ENTRIES if entry.open(identity)]
    here = _nearest([address for _entry, address in by_hand]) if not above else ""
    for entry, address in by_hand:
        item = MenuItem(_(entry.label), address, entry.icon, address == here)
        found.setdefault(entry.group, []).append((entry.rank, item))
    home = MenuItem(_("工作台"), url_for("WorkbenchView.home"), "layout-dashboard", request.endpoint == "WorkbenchView.home")
    return [home, *(_group(label, icon, found[label]) for label, icon in GROUPS if label in found)]


def _nearest(addresses: list[str]) -> str:
    """The page asked for, else the one it lies below: ``/research/activities/7`` belongs to ``/research/activities/``."""
    return max((a for a in addresses if request.path == a or (a.endswith("/") and request.path.startswith(a))), key=len, default="")


def _group(label: str, icon: str, items: list[tuple[int, MenuItem]]) -> MenuItem:
    children = [item for _rank, item in sorted(items, key=lambda pair: pair[0])]
    return MenuItem(_(label), "", icon, any(c.active for c in children), sum(c.waiting for c in children), children)
