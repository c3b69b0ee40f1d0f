"""The pages no table's generated screens have, found among the routes: what each is about, and who is let in (``observe``).

The one thing a newcomer gets wrong: a page is here by being there. One that is about a record names the kind of it in ``ABOUT``, or the
access table cannot be written; one that asks no grant stands in ``OF_EVERYBODY``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models.access import Post
from models.activities import Activity
from models.org import Region
from models.people import Teacher
from models.research import SchoolProgramme
from views.panel.screens import METHOD_ACTS

OF_EVERYBODY = {"BindingView", "FilesView", "LoginView", "MeView", "NoticesView", "RegistrationView", "ServiceView", "WorkbenchView"}
"""How one comes in, and what is one's own. A file is asked for at its record (tests/journeys/test_files.py)."""
OF_NO_SCREEN = {"UtilView", "appbuilder", "console", "static"}
IDLE = {"RoleModelView.action"}
"""What the framework answers by leading elsewhere, whoever asks: its acts are posted."""
ABOUT: dict[str, type[Any] | None] = {
    "ActivationView": Region,
    "ActivityPageView": Activity,
    "AppointingView": None,
    "DelegatesView": Post,
    "HoursView": Teacher,
    "OwnWorkView": None,
    "RemovingView": SchoolProgramme,
    "ResearchPersonsView": SchoolProgramme,
    "ResearchProgressView": SchoolProgramme,
    "RoleModelView": None,
    "SchoolResearchView": SchoolProgramme,
    "StatisticsView": Region,
    "SwaggerView": None,
    "TakingPartView": None,
}
"""View of hand-made pages → of what record its addresses carry the number."""
ASKED = {
    "ActivationView.export",
    "ResearchProgressView.export",
    "SchoolResearchView.submit",
    "StatisticsView.export",
    "hour_policy.changes",
}
"""What is only posted to and yet only asks or hands out. Other posts would be carried out: see the journeys."""
READ_BY_MORE = {"SchoolResearchView.team", "research_group.members"}
"""Pages that fewer may post to than may read: posted to with nobody chosen, which changes nothing. Their post is called with a ``!``."""
WORDS = {
    "ActivationView": {"what": "schools"},
    "ResearchProgressView": {"what": "activities"},
    "StatisticsView": {"what": "registrations", "key": "steps"},
    "SwaggerView": {"version": "v1"},
}


@dataclass(frozen=True)
class Page:
    """One page: ``name`` is what the access table calls it, ``rules`` are its routes."""

    name: str
    rules: tuple[Any, ...]
    is_posted: bool

    def addresses(self, values: dict[str, Any]) -> list[str]:
        """The addresses of the page about one record."""
        return [address_of(rule, values) for rule in self.rules]


def address_of(rule: Any, values: dict[str, Any]) -> str:
    """The route with these values in it."""
    return str(rule.build(values, append_unknown=False)[1])


def hand_made(app: Any) -> dict[str, list[Page]]:
    """Table, or view of pages, → its pages that ask a grant, by their names."""
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for subject, name, rule in routes(app):
        if "GET" in rule.methods or rule.endpoint in ASKED:
            found[subject, name].append(rule)
    pages: dict[str, list[Page]] = defaultdict(list)
    for (subject, name), rules in sorted(found.items()):
        pages[subject].append(Page(name, tuple(rules), is_posted=f"{subject}.{name}" in ASKED))
        if f"{subject}.{name}" in READ_BY_MORE:
            pages[subject].append(Page(f"{name}!", tuple(rules), is_posted=True))
    return pages


def routes(app: Any) -> Iterator[tuple[str, str, Any]]:
    """Table or view, name and rule of every route that asks a grant and is neither a generated screen, nor REST or the console."""
    for rule in app.url_map.iter_rules():
        subject, _dot, name = rule.endpoint.rpartition(".")
        generated = not subject or subject.endswith("Api") or subject.startswith("console_") or subject in OF_NO_SCREEN | OF_EVERYBODY
        if rule.endpoint not in IDLE and (name not in METHOD_ACTS if subject in app.extensions["panel"] else not generated):
            yield subject, name, rule


def routes_about(app: Any, table: str) -> list[tuple[Any, str]]:
    """The rules of those whose address carries the number of a row of ``table``, each with its table or view."""
    view = app.extensions["panel"][table]
    about = ((rule, subject) for subject, _name, rule in routes(app) if subject == table or ABOUT.get(subject) is view.model)
    return [(rule, subject) for rule, subject in about if {"pk", "region_id"} & rule.arguments]


def values_for(cast: Any, subject: str, row: int) -> dict[str, Any]:
    """What stands in an address of the page about ``row``."""
    return {"pk": row, "region_id": row, "teacher_id": cast.teacher["竹"], "comment": 1, **WORDS.get(subject, {})}
