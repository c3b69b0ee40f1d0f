"""个人提升计划、个人提升总结: the pages on which teachers hand in their own; who reviews it works with ``views.review_screens``.

The one thing a newcomer gets wrong: these pages are found by the person, not by the reach of a post, because whoever has moved away
still hands in at the old school (S1-43).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.base import row_id, utcnow
from models.files import Attachment
from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan, SummaryState
from models.research import SchoolProgramme
from models.scoping import Identity
from models.violation import RuleViolation
from rules.closing import why_not_handed_in
from rules.files import files_of
from rules.handing_in import handed_in_last, taken_part_in
from rules.improvement_plans import LOCKED, hand_in_plan, plan_of, templates_of
from rules.members import teacher_of
from rules.summaries import hand_in_summary, last_opinions, points_of
from views.pages import PageView
from views.panel.attaching import Attaching, file_line
from views.panel.cells import moment_text
from views.panel.menu import ENTRIES, Entry
from views.panel.pages import Cell, FileLine
from views.panel.words import told


@dataclass(frozen=True)
class OwnSummary:
    """A summary as its author sees it: how it stands, its files, and what was said when it was not passed."""

    row: AbilitySummary
    point: AbilityPoint
    state: Cell
    at: str
    files: Sequence[FileLine]
    opinion: str
    url: str
    """Where it is replaced; empty once it is passed."""


@dataclass(frozen=True)
class MineReviews:
    """What 我的校本 says of one's plan and summaries; addresses lead to where they are handed in."""

    plan: ImprovementPlan | None
    plan_told: str
    plan_url: str
    is_open: bool
    """Whether anything can be handed in now."""
    summaries: Sequence[tuple[str, Cell]]
    summaries_url: str


class OwnWorkView(PageView):
    """个人提升计划 and 个人提升总结: downloaded, filled in, uploaded (S0-39, S0-42, S0-75, S0-76, S0-92, S0-103, S0-112, S0-116, S0-119)."""

    route_base = "/research"

    @expose("/plan/", methods=["GET", "POST"])
    @login_required
    def plan(self) -> Response:
        """The template, one's plan, and the box to upload or replace it, in the programme asked for or the newest."""
        teacher, schools, school = self._where("improvement_plan")
        plan = plan_of(self.db, self.identity, school, teacher) if school is not None else None
        is_locked = plan is not None and plan.locked_at is not None
        files, form = Attaching(self.db, self.identity, ImprovementPlan, plan, only=["plan"]), FlaskForm(meta={"csrf": False})
        if request.method == "POST" and school is not None and not files.errors:
            try:
                hand_in_plan(self.db, self.identity, school, [a.id for a in files.chosen["plan"]], now=utcnow())
            except RuleViolation as refusal:
                files.place(form, refusal)
            else:
                flash(_("个人提升计划已上传。"), "success")
                return redirect(url_for("OwnWorkView.plan", school=school.id), 303)
        return self._page(
            "research/plan.html",
            school,
            schools,
            files,
            form,
            plan=plan,
            at=moment_text(plan.handed_in_at) if plan is not None else "",
            locked=told(LOCKED) if is_locked else "",
            templates=[file_line(a) for a in templates_of(self.db, school)] if school is not None else [],
        )

    @expose("/summaries/", methods=["GET", "POST"])
    @login_required
    def summaries(self) -> Response:
        """One's summaries by ability point, and the box to upload another or replace one (S0-42)."""
        teacher, schools, school = self._where("ability_summary")
        points = points_of(self.db, self.identity, school, teacher) if school is not None else []
        mine = [summary for _point, summary in points if summary is not None]
        asked = row_id(request.values.get("ability_point", ""))
        chosen = next((summary for summary in mine if summary.ability_point_id == asked), None)
        files, form = Attaching(self.db, self.identity, AbilitySummary, chosen, only=["summary"]), FlaskForm(meta={"csrf": False})
        if request.method == "POST" and school is not None and not files.errors:
            try:
                ids = [a.id for a in files.chosen["summary"]]
                hand_in_summary(self.db, self.identity, school, asked or 0, ids, now=utcnow())
            except RuleViolation as refusal:
                files.place(form, refusal)
            else:
                flash(_("个人提升总结已上传，由信息化团队评审。"), "success")
                return redirect(url_for("OwnWorkView.summaries", school=school.id), 303)
        return self._page(
            "research/summaries.html",
            school,
            schools,
            files,
            form,
            mine=self._own(mine),
            points=[point for point, summary in points if point.is_active and (summary is None or point.id == asked)],
            asked=asked,
            replaced=chosen is not None,
        )

    def _own(self, mine: Sequence[AbilitySummary]) -> list[OwnSummary]:
        hung = files_of(self.db, mine)
        said = last_opinions(self.db, self.identity, mine)
        return [self._told(summary, hung[summary.id], said.get(summary.id, "")) for summary in mine]

    def _told(self, summary: AbilitySummary, hung: Sequence[Attachment], opinion: str) -> OwnSummary:
        return OwnSummary(
            summary,
            summary.ability_point,  # type: ignore[attr-defined]
            Cell(_(summary.state.label), badge=summary.state.colour),
            moment_text(summary.handed_in_at),
            [file_line(attachment) for attachment in hung],
            opinion,
            ""
            if summary.state is SummaryState.PASSED
            else url_for("OwnWorkView.summaries", school=summary.school_programme_id, ability_point=summary.ability_point_id) + "#upload",
        )

    def _where(self, table: str) -> tuple[int, Sequence[SchoolProgramme], SchoolProgramme | None]:
        """Who hands in, where they may, and where they do: the programme the address names, else the newest."""
        if not self.identity.may("hand_in", table):
            abort(403)
        teacher = teacher_of(self.identity)
        if teacher is None:
            abort(404)
        schools = taken_part_in(self.db, self.identity, teacher)
        asked = row_id(request.args.get("school", ""))
        if asked is None:
            return teacher, schools, schools[0] if schools else None
        return teacher, schools, next((school for school in schools if school.id == asked), None) or abort(404)

    def _page(
        self, template: str, school: SchoolProgramme | None, schools: Sequence[SchoolProgramme], files: Attaching, form: Any, **context: Any
    ) -> Response:
        errors = [*(("", error) for error in form.form_errors), *files.summary()]
        page = self.render_template(
            template,
            school=school,
            schools=schools,
            why=told(why_not_handed_in(school)) if school is not None else "",
            box=files.boxes()[0],
            errors=errors,
            **context,
        )
        return page, 422 if errors else 200  # type: ignore[return-value]


def mine_reviews(db: Session, identity: Identity) -> MineReviews | None:
    """What ``research/_mine_reviews.html`` shows of a person's newest programme; None for who hands in nothing. One statement."""
    teacher = teacher_of(identity)
    if teacher is None or not hands_in(identity, "ability_summary"):
        return None
    mine = handed_in_last(db, identity, teacher)
    if mine is None:
        return None
    return MineReviews(
        mine.plan,
        _("已于 %(at)s 上传", at=moment_text(mine.plan.handed_in_at)) if mine.plan is not None else _("还没有上传"),
        url_for("OwnWorkView.plan", school=mine.school.id),
        not why_not_handed_in(mine.school),
        [(str(one.ability_point), Cell(_(one.state.label), badge=one.state.colour)) for one in mine.summaries],  # type: ignore[attr-defined]
        url_for("OwnWorkView.summaries", school=mine.school.id),
    )


def hands_in(identity: Identity, table: str) -> bool:
    """Whether the person hands something in themselves: a teacher does, the operator, who may do everything, does not."""
    return teacher_of(identity) is not None and identity.may("hand_in", table)


ENTRIES.append(
    Entry("校本研修", "我的提升计划", "target-arrow", "OwnWorkView.plan", 4, lambda identity: hands_in(identity, "improvement_plan"))
)
ENTRIES.append(
    Entry("校本研修", "我的提升总结", "bulb", "OwnWorkView.summaries", 5, lambda identity: hands_in(identity, "ability_summary"))
)
