"""Tables of school research: what an accepted school no longer allows is closed with the sentence that says so, on every screen.

The one thing a newcomer gets wrong: this only says it. ``rules.closing`` asks behind every door.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g, request, url_for
from sqlalchemy import ColumnElement, false, func, or_, select

from models.base import row_id, utcnow
from models.hours import Programme
from models.research import GroupPlan, ResearchGroup, ScaleScore, SchoolProgramme
from models.scoping import acting_as, below
from rules.closing import ADDED, school_of, schools_to_write_to, why_closed_around, why_kept, why_none_added
from rules.groups import without_plan
from views.panel.pages import Button
from views.panel.screens import PanelView

BEGIN = "begin"
"""``?from=begin``: the form was opened in the wizard, and leads back to it."""


class ResearchView(PanelView):
    """A table whose rows belong to a school's part in a programme."""

    kept: ClassVar[frozenset[str]] = frozenset({"edit", "delete"})
    """What cannot be done to a row once its school is accepted: ``edit``, ``delete``, and names of steps."""
    begun: ClassVar[frozenset[str]] = frozenset({"publish"})
    """What begins something, and cannot be done after the programme either."""

    def leads_back(self, row: Any | None = None) -> str:
        """To the steps of the wizard, for whoever came from there (S0-46…49)."""
        if request.args.get("from") != BEGIN:
            return ""
        given = row_id(request.args.get("school_programme", ""))
        pk = row.id if isinstance(row, SchoolProgramme) else getattr(row, "school_programme_id", given)
        return url_for("SchoolResearchView.home") if pk is None else url_for("SchoolResearchView.begin", pk=pk)

    def why_closed(self, name: str, row: Any) -> str:
        if name not in self.kept | self.begun:
            return ""
        school = self._school(row)
        if name in self.kept:
            return why_kept(school.state)
        with acting_as(self.identity.serving()):
            return why_closed_around(self.db, school, utcnow())

    def why_none_added(self, above: Any | None = None) -> str:
        if self.model not in ADDED:
            return ""
        schools = [school for school, _programme in self._written_to()] if above is None else [self._school(above)]
        return why_none_added(self.db, self.identity, self.model, schools, utcnow())

    def bulk_buttons(self) -> Sequence[Button]:
        """Without what is closed for every school where the person writes such rows."""
        schools = [school for school, _programme in self._written_to()]
        is_closed = bool(schools) and all(why_kept(school.state) for school in schools)
        return [b for b in super().bulk_buttons() if not (is_closed and dict(b.values).get("verb") in self.kept | self.begun)]

    def own_groups(self) -> list[str]:
        """The paths of the groups one belongs to."""
        return sorted({path for act, table, path in self.identity.grants if (act, table) == ("read", self.table) and "/g" in path})

    def of_own_groups(self) -> ColumnElement[bool]:
        """The condition that a row belongs to one of them."""
        return or_(false(), *(below(self.model.scope_path, path) for path in self.own_groups()))

    def _written_to(self) -> list[tuple[SchoolProgramme, Programme]]:
        """Where the person adds such rows, or does to them what is closed once a school is accepted; none where they do neither.

        Asked once a request; kept, so that what is at hand is not asked for again.
        """
        known = g.setdefault("written_to", {})
        if self.table not in known:
            act = self._writing_act()
            known[self.table] = schools_to_write_to(self.db, self.identity, act, self.model) if act else []
        return known[self.table]  # type: ignore[no-any-return]

    def _writing_act(self) -> str:
        adding = ["add"] if self.model in ADDED else []
        closed = [verb.act for verb in self.bulk_verbs().values() if verb.name in self.kept | self.begun]
        return next((act for act in (*adding, *closed) if self.may(act)), "")

    def _school(self, row: Any) -> SchoolProgramme:
        """The school's programme a row belongs to, asked once a request for all rows of a group."""
        known = g.setdefault("schools", {})
        # A school's path is that of all its parts in programmes, a group's path its own.
        key = row.id if isinstance(row, SchoolProgramme) else getattr(row, "school_programme_id", row.scope_path)
        if key not in known:
            self._written_to()
            with acting_as(self.identity.serving()):
                known[key] = school_of(self.db, row)
        return known[key]  # type: ignore[no-any-return]


class GroupPlanView(ResearchView):
    """研修计划: a second one is not offered where there is one (S1-38)."""

    model = GroupPlan

    def why_none_added(self, above: Any | None = None) -> str:
        why = super().why_none_added(above)
        return why or ("每个教研组只有一份研修计划。" if self._all_planned(above) else "")

    def _all_planned(self, group: ResearchGroup | None) -> bool:
        """Whether the group, or every group whose plan the person writes, has its plan; none at all is no reason."""
        ours = [below(ResearchGroup.scope_path, path) for path in self.identity.paths("add", self.table)]
        asked = ResearchGroup.id == group.id if group is not None else or_(false(), *ours)
        count = select(func.count(), func.count().filter(without_plan())).select_from(ResearchGroup).where(asked)
        with acting_as(self.identity.serving()):
            groups, lacking = self.db.execute(count).one()
        return bool(groups) and not lacking


class ScaleScoreView(ResearchView):
    """绩效考核评分."""

    model = ScaleScore
