"""移除申请: whom a school asks to take out of its research, and what that would take from them, before it asks (S1-43…45)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from models.base import utcnow
from models.research import RemovalRequest, RemovalState, SchoolProgramme
from models.violation import RuleViolation
from rules.closing import why_kept
from rules.opening import current_school_programme
from rules.removal import AtStake, ask_removal, at_stake, removable, teacher_taking_part
from views.pages import PageView
from views.panel.cells import text_of
from views.panel.menu import PAGES_OF
from views.panel.pages import Button
from views.panel.verbs import Verb
from views.panel.words import refused, told
from views.research_tables import ResearchView


class RemovingView(PageView):
    """Choose a teacher, read what would be lost, ask."""

    route_base = "/research/removing"

    @expose("/<int:pk>")
    @login_required
    def choose(self, pk: int) -> Response:
        """Who takes part in the school's programme, by name."""
        school = self._school(pk)
        search = request.args.get("q", "").strip()[:20]
        teachers = removable(self.db, self.identity, school, search)
        closed = told(why_kept(school.state))
        return self.render_template("research/removing.html", school=school, teachers=teachers, search=search, closed=closed)  # type: ignore[no-any-return]

    @expose("/<int:pk>/<int:teacher_id>", methods=["GET", "POST"])
    @login_required
    def ask_for(self, pk: int, teacher_id: int) -> Response:
        """The warning, and the reason; a refusal stands on the page with the reason kept."""
        school, refusal, reason = self._school(pk), "", ""
        name = self._name_of(school, teacher_id)
        if request.method == "POST":
            reason = request.form.get("reason", "")
            try:
                asked = ask_removal(self.db, self.identity, school, teacher_id, reason, now=utcnow())
            except RuleViolation as refused_:
                refusal = refused(refused_)
            else:
                flash(_("已提交移除申请，请等待上级审批。"), "success")
                return redirect(url_for("removal_request.show", pk=asked.id), 303)
        school = self._school(pk)
        lost = at_stake(self.db, school, teacher_id)
        page = self.render_template(
            "research/remove.html",
            school=school,
            name=name,
            teacher_id=teacher_id,
            lost=lost_in_words(lost),
            is_nothing=lost.is_nothing,
            kept=kept_in_words(lost),
            reason=reason,
            refusal=refusal,
        )
        return page, 422 if refusal else 200  # type: ignore[return-value]

    def _school(self, pk: int) -> SchoolProgramme:
        if not self.identity.may("apply", "removal_request"):
            abort(403)
        found = self.db.get(SchoolProgramme, pk)
        if found is None or not self.identity.reaches("apply", "removal_request", found.scope_path):
            abort(404)
        return found

    def _name_of(self, school: SchoolProgramme, teacher_id: int) -> str:
        """Whoever takes part is named, also when they have left the school meanwhile; nobody else is there."""
        teacher = teacher_taking_part(self.db, self.identity, school, teacher_id)
        return teacher.name if teacher is not None else abort(404)


def lost_in_words(lost: AtStake) -> list[str]:
    """What an approval would take, one line each."""
    told = [
        (lost.hours, _("未登记的 %(hours)s 学时作废", hours=text_of(lost.hours))),
        (lost.completed, _("%(count)s 个已完成的活动不再计入", count=lost.completed)),
        (lost.joined, _("%(count)s 个正在参与的活动终止", count=lost.joined)),
        (lost.posts, _("%(count)s 个教研组岗位结束", count=lost.posts)),
    ]
    return [line for number, line in told if number]


def kept_in_words(lost: AtStake) -> list[str]:
    """What stays for the audit and no longer counts."""
    told = [
        (lost.plans, _("%(count)s 份个人提升计划", count=lost.plans)),
        (lost.summaries, _("%(count)s 份能力点提升总结", count=lost.summaries)),
    ]
    return [line for number, line in told if number]


class RemovalRequestView(ResearchView):
    """移除申请: asked for by the school, decided by the superior, who reads first what would be lost."""

    model = RemovalRequest
    kept = frozenset({"approve"})
    asked_on_a_page = frozenset({"approve"})

    def foretold(self, verb: Verb, row: Any) -> Sequence[str]:
        school = self.db.get(SchoolProgramme, row.school_programme_id) if verb.name == "approve" else None
        return lost_in_words(at_stake(self.db, school, row.teacher_id)) if school is not None else ()

    def list_buttons(self) -> Sequence[Button]:
        school = current_school_programme(self.db, self.identity) if self.may("apply") else None
        if school is None or not self.identity.reaches("apply", self.table, school.scope_path):
            return super().list_buttons()
        address, why = url_for("RemovingView.choose", pk=school.id), told(why_kept(school.state))
        return [*super().list_buttons(), Button(_("申请移除教师"), address, "user-minus", "primary", why=why)]

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        if row.state is not RemovalState.PENDING:
            return ()
        school = self.db.get(SchoolProgramme, row.school_programme_id)
        if school is None:
            return ()
        lost = at_stake(self.db, school, row.teacher_id)
        return [(_("同意后将失去"), "research/_lost.html", {"lost": lost_in_words(lost), "kept": kept_in_words(lost)})]


PAGES_OF["RemovingView"] = "removal_request"
