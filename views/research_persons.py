"""学时进展, teacher by teacher: who is below the target, whose leader is to be reminded, and who is in no group (S0-31, S0-32)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.base import row_id, utcnow
from models.research import ResearchGroup
from models.violation import RuleViolation
from rules.closing import why_kept
from rules.follow_up import may_follow_up, remind_leaders
from rules.research_figures import of_groups
from rules.research_persons import Page, Wanted, page_of_persons, persons_of
from rules.ungrouped import ungrouped_of
from views.pages import PageView
from views.panel.cells import moment_text, text_of
from views.panel.list_page import pager
from views.panel.listing import ListState, read_state
from views.panel.pages import Button, ConfirmPage
from views.panel.words import refused
from views.research_progress import Seen, seen_of


class ResearchPersonsView(PageView):
    """The persons behind the figures of ``ResearchProgressView``."""

    route_base = "/research/progress"

    @expose("/<int:pk>/persons")
    @login_required
    def below(self, pk: int) -> Response:
        """Who has not reached the target, or everybody; of one school, or of those of its groups that the person answers for."""
        seen, state = seen_of(self, pk), read_state(request.args)
        page, state = self._persons(seen, state)
        named = select(ResearchGroup.id, ResearchGroup.name).where(*of_groups(seen.school, seen.group_ids)).order_by(ResearchGroup.name)
        return self._draw(
            "research/persons.html",
            seen,
            page=page,
            names={group_id: name for group_id, name in self.db.execute(named)},
            target=seen.limits.target,
            group=row_id(state.filters.get("group", "")),
            listing=state,
            pager=pager(state, page.found),
            moment_text=moment_text,
        )

    @expose("/<int:pk>/ungrouped")
    @login_required
    def ungrouped(self, pk: int) -> Response:
        """The school's certified teachers who are in no group, and so in no list of who is below the target (S0-31)."""
        seen, state = seen_of(self, pk), read_state(request.args)
        if seen.group_ids is not None:
            abort(404)
        found = [one for one in ungrouped_of(self.db, self.identity, seen.school) if one.name.startswith(state.search)]
        turned = pager(state, len(found))
        shown = found[(turned.page - 1) * turned.size : turned.page * turned.size]
        return self._draw("research/ungrouped.html", seen, persons=shown, listing=state, pager=turned)

    def _draw(self, template: str, seen: Seen, **context: Any) -> Response:
        may_remind = may_follow_up(self.identity, seen.school) and not why_kept(seen.school.state)
        said = {"school": seen.school, "whole": seen.group_ids is None, "may_remind": may_remind, "text_of": text_of}
        return self.render_template(template, **said, **context)  # type: ignore[no-any-return]

    @expose("/<int:pk>/remind", methods=["POST"])
    @login_required
    def remind(self, pk: int) -> Response:
        """提醒组长跟进: about one teacher, or everybody who is listed."""
        seen = seen_of(self, pk)
        if not may_follow_up(self.identity, seen.school):
            abort(403)
        state = read_state(request.form)
        ids = [number for text in request.form.getlist("teacher") if (number := row_id(text)) is not None]
        if request.form.get("all") == "1":
            below = replace(_wanted(state, seen), is_below=True)
            ids = [person.teacher_id for person in persons_of(self.db, self.identity, seen.school, seen.limits, below)]
            if ids and request.form.get("confirmed") != "1":
                return self._ask_all(pk, state, len(ids))
        try:
            count = remind_leaders(self.db, self.identity, seen.school, ids, now=utcnow())
            flash(_("已提醒组长跟进 %(count)s 名教师。", count=count), "success")
        except RuleViolation as refusal:
            flash(refused(refusal), "warning")
        return redirect(url_for(".below", pk=pk) + state.address(), 303)

    def _ask_all(self, pk: int, state: ListState, count: int) -> Response:
        """Before all their leaders are told: what the page's own dialog asks."""
        label, address = _("提醒全部组长跟进"), url_for(".remind", pk=pk)
        kept = [(name, value) for name, value in request.form.items() if name != "csrf_token"]
        page = ConfirmPage(
            label,
            _("将提醒这 %(count)s 名教师所在教研组的组长，每名教师每天最多提醒一次。确定提醒吗？", count=count),
            Button(label, address, kind="primary", method="post"),
            url_for(".below", pk=pk) + state.address(),
            values=kept,
        )
        return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]

    def _persons(self, seen: Seen, state: ListState) -> tuple[Page, ListState]:
        """The asked page of the persons listed, and what was asked; beyond the last page the first."""
        offset, wanted = (state.page - 1) * state.size, _wanted(state, seen)
        page = page_of_persons(self.db, self.identity, seen.school, seen.limits, wanted, limit=state.size, offset=offset)
        return (page, state) if page.persons or state.page == 1 else self._persons(seen, replace(state, page=1))


def _wanted(state: ListState, seen: Seen) -> Wanted:
    """The persons a page lists: those below the target unless everybody is asked for, of one group, of one name."""
    group = row_id(state.filters.get("group", ""))
    return Wanted(seen.group_ids, group, name=state.search, is_below="everybody" not in state.only)
