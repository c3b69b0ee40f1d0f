"""校本首页、开启校本研修、信息化团队: the pages of a school's programme that no generated screen can be (S0-43…51, S0-68…71)."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.base import utcnow
from models.hours import Programme
from models.research import ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import Identity
from models.violation import RuleViolation
from rules.acceptance import why_failed
from rules.closing import why_kept
from rules.grants import IT_TEAM
from rules.members import holders
from rules.opening import (
    SCHOOL,
    WITH_NAMES,
    Stage,
    current_school_programme,
    form_team,
    leave_team,
    readiness_of,
    stages_of,
    team_candidates,
)
from rules.page_views import day_of
from rules.scale import scale_of
from rules.workflow import take
from views.pages import PageView
from views.panel.attaching import file_lists
from views.panel.cells import cell_of, moment_text
from views.panel.menu import ENTRIES, Entry
from views.panel.pages import Button, ConfirmPage
from views.panel.words import refused, told
from views.research_groups import MembersPage, change_members, question
from views.research_progress import oversees
from views.research_tables import BEGIN
from views.taking_part import has_own_page


class SchoolResearchView(PageView):
    """校本研修 of one school."""

    route_base = "/research"

    @expose("/")
    @login_required
    def home(self) -> Response:
        """The programme that began last at one's school; who takes part in none is told how to begin (S0-45, S0-46).

        Whoever works above the schools is led to all of them.
        """
        if not self.identity.may("read", "school_programme"):
            abort(403)
        if not _is_of_a_school(self.identity):
            return redirect(url_for("school_programme.list"))
        school = current_school_programme(self.db, self.identity)
        return self._home(school) if school is not None else self._nothing_yet()

    @expose("/<int:pk>/")
    @login_required
    def one(self, pk: int) -> Response:
        """The same of a school in reach."""
        return self._home(self._school(pk))

    def _nothing_yet(self) -> Response:
        able = self.identity.may("add", "school_programme")
        today = day_of(utcnow())
        running = select(Programme).where(Programme.ends_on >= today).order_by(Programme.starts_on.desc()).limit(20)
        programmes = self.db.scalars(running).all() if able else []
        return self.render_template("research/nothing_yet.html", able=able, programmes=programmes)  # type: ignore[no-any-return]

    def _home(self, school: SchoolProgramme) -> Response:
        programme = school.programme  # type: ignore[attr-defined]
        ready = readiness_of(self.db, school)
        stages = stages_of(school, ready, programme, utcnow())
        return self.render_template(  # type: ignore[no-any-return]
            "research/home.html",
            school=school,
            programme=programme,
            state=cell_of(self._panel("school_programme").state_field(), school),
            stages=[(stage, self._leads_to(stage, school)) for stage in stages],
            coming=next((stage for stage in stages if not stage.is_done and not why_kept(school.state)), None),
            files=file_lists(self.db, self.identity, school),
            mine=has_own_page(self.identity),
            pages=self._pages(school),
            failed=why_failed(self.db, self.identity, school),
            scale={"lines": scale_of(self.db, school)} if self.identity.may("read", "scale_score") else {},
            moment_text=moment_text,
            told=told,
        )

    def _pages(self, school: SchoolProgramme) -> list[Button]:
        """Where the person may go from here; first of all to the steps, until the school has begun (S0-46)."""
        able = self.identity.may
        return [
            *([Button(_("开始"), self._url("begin", school), "flag", "primary")] if self._is_beginning(school) else []),
            *(
                [Button(_("学时进展"), url_for("ResearchProgressView.one", pk=school.id), "chart-histogram")]
                if oversees(self.identity)
                else []
            ),
            *([Button(_("信息化团队"), self._url("team", school), "users")] if able("read", "ability_summary") else []),
            *(
                [Button(_("整校推进"), url_for("school_programme.show", pk=school.id), "building-community")]
                if oversees(self.identity)
                else []
            ),
        ]

    def _is_beginning(self, school: SchoolProgramme) -> bool:
        """Whether it is the person's to begin the school's research, and that is still to be done."""
        able = self.identity.reaches("open", "school_programme", school.scope_path)
        return able and school.state is SchoolState.PREPARING

    def _leads_to(self, stage: Stage, school: SchoolProgramme) -> str:
        """Where the person does it; empty for whoever may not."""
        back = {"from": BEGIN} if school.state is SchoolState.PREPARING else {}
        inside = {
            "plans": ("edit", url_for("school_programme.edit", pk=school.id, **back)),
            "theme": ("edit", url_for("school_programme.edit", pk=school.id)),
            "team": ("open", self._url("team", school)),
            "groups": ("open", self._url("begin", school)),
            "open": ("open", self._url("begin", school)),
            "acceptance": ("apply", url_for("school_programme.show", pk=school.id)),
        }
        lists = {
            "leaders": ("research_group", url_for("research_group.list") + "?only.without_leader=1"),
            "group_plans": ("research_group", url_for("research_group.list") + "?only.without_plan=1"),
            "improvement_plans": ("improvement_plan", url_for("improvement_plan.list")),
            "activities": ("activity", url_for("activity.list")),
            "reviews": ("ability_summary", url_for("ability_summary.list") + "?f.state=submitted"),
            "cases": ("outcome", url_for("outcome.list") + "?f.kind=teaching_case"),
        }
        if stage.name in inside:
            act, address = inside[stage.name]
            if act in ("edit", "open") and why_kept(school.state):
                return ""
            return address if self.identity.reaches(act, "school_programme", school.scope_path) else ""
        table, address = lists.get(stage.name, ("", ""))
        return address if table and self.identity.may("read", table) else ""

    # --- the wizard (S0-46…49) ----------------------------------------------------------------------------------------

    @expose("/<int:pk>/begin")
    @login_required
    def begin(self, pk: int) -> Response:
        """开始: what is still missing, the groups created so far, and 提交 once everything is there."""
        school = self._school(pk, "open")
        ready = readiness_of(self.db, school)
        groups = self.db.scalars(select(ResearchGroup).filter_by(school_programme_id=school.id).order_by(ResearchGroup.id)).all()
        stages = stages_of(school, ready, self.db.get_one(Programme, school.programme_id), utcnow())[:3]
        address = url_for("research_group.add", school_programme=school.id, **{"from": BEGIN})
        return self.render_template(  # type: ignore[no-any-return]
            "research/begin.html",
            school=school,
            groups=groups,
            stages=[(stage, self._leads_to(stage, school)) for stage in stages],
            ready=ready,
            is_open=school.state is not SchoolState.PREPARING,
            told=told,
            create=Button(_("创建教研组"), address, "plus", "normal" if groups else "primary", why=told(why_kept(school.state))),
            submit=self._submitting(school),
        )

    @expose("/<int:pk>/submit", methods=["POST"])
    @login_required
    def submit(self, pk: int) -> Response:
        """提交, after the question: from here on the school does its research (S0-49)."""
        school = self._school(pk, "open")
        if request.form.get("confirmed") != "1":
            button = self._submitting(school)
            page = ConfirmPage(_("开启校本研修"), button.confirm, button, self._url("begin", school))
            return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]
        try:
            take(self.db, self.identity, SCHOOL, school, "open", now=utcnow())
        except RuleViolation as refusal:
            flash(refused(refusal), "danger")
            return redirect(self._url("begin", school), 303)
        flash(_("本校已进入校本研修，可以开展活动了。"), "success")
        return redirect(self._url("one", school), 303)

    def _submitting(self, school: SchoolProgramme) -> Button:
        return Button(_("提交"), self._url("submit", school), "send", "primary", "post", told(SCHOOL.step("open").confirm))

    # --- the IT team --------------------------------------------------------------------------------------------------

    @expose("/<int:pk>/team", methods=["GET", "POST"])
    @login_required
    def team(self, pk: int) -> Response:
        """Form the school's IT team, or let a member go."""
        school = self._school(pk, "open" if request.method == "POST" else "read")
        if request.method == "POST":
            return change_members(
                self,
                self._url("team", school),
                lambda: holders(self.db, self.identity, school.scope_path, (IT_TEAM,)),
                lambda ids: form_team(self.db, self.identity, school, ids, now=utcnow()),
                lambda post: leave_team(self.db, self.identity, school, post, now=utcnow()),
            )
        able = self.identity.reaches("open", "school_programme", school.scope_path)
        search = request.args.get("q", "").strip()[:20]
        page = MembersPage(
            title=_("信息化团队"),
            breadcrumbs=[(_("校本研修"), self._url("one", school)), (_("信息化团队"), "")],
            members=holders(self.db, self.identity, school.scope_path, (IT_TEAM,)),
            candidates=team_candidates(self.db, self.identity, school, search) if able else (),
            search=search,
            url=self._url("team", school),
            can_change=able,
            back=Button(_("返回开启步骤"), self._url("begin", school), "arrow-left") if self._is_beginning(school) else None,
        )
        return self.render_template("research/members.html", page=page, question=question(), moment_text=moment_text)  # type: ignore[no-any-return]

    def _school(self, pk: int, act: str = "read") -> SchoolProgramme:
        """The school's programme within reach of the act: 404 out of reach, 403 without the act."""
        found = self.db.get(SchoolProgramme, pk, options=WITH_NAMES)
        if found is None:
            abort(404)
        if act != "read" and not self.identity.reaches(act, "school_programme", found.scope_path):
            abort(403)
        return found

    def _url(self, endpoint: str, school: SchoolProgramme) -> str:
        return url_for(f"SchoolResearchView.{endpoint}", pk=school.id)

    def _panel(self, table: str) -> Any:
        return current_app.extensions["panel"][table]


def _is_of_a_school(identity: Identity) -> bool:
    """Whether any of what they read lies inside a school: its path, unlike a region's, has a letter (``/350203/s17/``)."""
    return any("/s" in path for path in identity.paths("read", "school_programme"))


ENTRIES.append(Entry("校本研修", "校本首页", "home", "SchoolResearchView.home", 2, _is_of_a_school))
