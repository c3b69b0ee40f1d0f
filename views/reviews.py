"""研修考核、研修成果、个人提升计划: what their screens do beyond the generated ones, and the pages on which teachers hand in their own.

Who reviews and what may be changed is asked in ``rules``; here it is only said. The one thing a newcomer gets wrong: a teacher's own
pages are found by the person, not by the reach of a post, because whoever has moved away still hands in at the old school (S1-43).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from flask_login import login_required
from flask_wtf import FlaskForm
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.base import row_id, utcnow
from models.files import Attachment
from models.history import Decision
from models.research import AbilityPoint, AbilitySummary, ImprovementPlan, Outcome, OutcomeState, SchoolProgramme, SummaryState
from models.scoping import Identity, below
from models.violation import RuleViolation
from rules.files import files_of
from rules.handing_in import taken_part_in, why_not_handed_in
from rules.improvement_plans import LOCKED, hand_in_plan, lock_all, lock_plan, plan_of, templates_of, unlock_plan
from rules.members import teacher_of
from rules.outcomes import missing_parts, opinions_on
from rules.summaries import hand_in_summary, last_opinions, reassign, summaries_of
from views.pages import PageView
from views.panel.attaching import Attaching, file_line
from views.panel.buttons import SEEN
from views.panel.cells import moment_text
from views.panel.menu import ENTRIES, Entry
from views.panel.pages import Button, Cell, ConfirmPage, FileLine
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import listed, told

# --- screens ----------------------------------------------------------------------------------------------------------


class AbilitySummaryView(PanelView):
    """研修考核: 查看总结, 通过, 不通过; what was given to me, or all; giving out anew (S0-63…66, S0-120…122)."""

    model = AbilitySummary
    extra_method_acts = {"reassign": "review"}

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        teacher = teacher_of(self.identity)
        return [AbilitySummary.reviewer_id == teacher] if "mine" in only and teacher is not None else []

    def list_buttons(self) -> Sequence[Button]:
        if not self.may("review"):
            return super().list_buttons()
        mine = "only.mine" in request.args
        toggle = (
            Button(_("全部"), self.url("list"), "list")
            if mine
            else Button(_("指派给我的"), self.url("list") + "?only.mine=1", "user-check")
        )
        anew = Button(_("重新分配"), self.url("reassign"), "arrows-shuffle", "normal", "post", told(ANEW))
        return [*([toggle] if teacher_of(self.identity) is not None else []), anew, *super().list_buttons()]

    def list_notice(self) -> str:
        return _("下面是指派给您评审的总结，其他有权限的人员也可以办理。") if "only.mine" in request.args else ""

    def row_buttons(self, row: Any) -> tuple[list[Button], list[Button]]:
        inline, menu = super().row_buttons(row)
        return [Button(_("查看总结"), self.url("show", pk=row.id), "eye"), *inline], menu

    @expose("/reassign", methods=["GET", "POST"])
    @has_access
    def reassign(self) -> Response:
        """Give out anew what waits in the schools one reviews for."""
        button = Button(_("重新分配"), self.url("reassign"), "arrows-shuffle", "primary", "post")
        if request.method != "POST" or request.form.get("confirmed") != "1":
            page = ConfirmPage(_("重新分配"), told(ANEW), button, self.url("list"))
            return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]
        paths = self.identity.paths("review", self.table)
        ours = select(SchoolProgramme).where(or_(*(below(SchoolProgramme.scope_path, path) for path in paths)))
        schools = self.db.scalars(ours.order_by(SchoolProgramme.id)).all()
        count = sum(reassign(self.db, self.identity, school, now=utcnow()) for school in schools)
        flash(_("已重新分配 %(count)s 份总结的评审人。", count=count), "success")
        return redirect(self.url("list"), 303)


ANEW = "待评审的总结将按信息化团队现在的成员重新平均分配：不会分给本人，尽量避免两人互评。"


class ImprovementPlanView(PanelView):
    """个人提升计划: locked and unlocked by the school, one by one or all at once."""

    model = ImprovementPlan
    extra_method_acts = {"lock_all": "lock"}
    verbs = (
        Verb(
            "lock",
            "锁定",
            "lock",
            lambda session, identity, row, values, now: lock_plan(session, identity, row, now=now) or "已锁定。",
            "lock",
            confirm="锁定后教师不能再更换个人提升计划。",
            shown=lambda row: row.locked_at is None,
        ),
        Verb(
            "unlock",
            "解锁",
            "lock",
            lambda session, identity, row, values, now: unlock_plan(session, identity, row) or "已解锁。",
            "lock-open",
            shown=lambda row: row.locked_at is not None,
        ),
    )

    def list_buttons(self) -> Sequence[Button]:
        if not self.may("lock"):
            return super().list_buttons()
        return [Button(_("全部锁定"), self.url("lock_all"), "lock", "normal", "post", told(LOCKING)), *super().list_buttons()]

    @expose("/lock-all", methods=["GET", "POST"])
    @has_access
    def lock_all(self) -> Response:
        """Every plan of the school at once."""
        if request.method != "POST" or request.form.get("confirmed") != "1":
            button = Button(_("全部锁定"), self.url("lock_all"), "lock", "primary", "post")
            page = ConfirmPage(_("全部锁定"), told(LOCKING), button, self.url("list"))
            return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]
        count = sum(lock_all(self.db, self.identity, path, now=utcnow()) for path in self.identity.paths("lock", self.table))
        flash(_("已锁定 %(count)s 份个人提升计划。", count=count), "success")
        return redirect(self.url("list"), 303)


LOCKING = "锁定后本单位所有教师都不能再更换个人提升计划，可以逐份解锁。确定全部锁定吗？"


@dataclass(frozen=True)
class ReviewBox:
    """The bottom of an outcome's page: what reviewers have said so far, and the box to say it in (S0-124, S0-125)."""

    said: Sequence[tuple[Decision, str]]
    buttons: Sequence[Button]
    values: Sequence[tuple[str, str]]


class OutcomeView(PanelView):
    """研修成果: uploaded, changed and submitted by the leader, reviewed at the bottom of its page (S0-93…98, S0-113, S0-123…125)."""

    model = Outcome

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        return [or_(*(below(Outcome.scope_path, path) for path in paths))] if "mine" in only and (paths := self._groups()) else []

    def list_buttons(self) -> Sequence[Button]:
        mine = "only.mine" in request.args
        toggle = (
            Button(_("全部"), self.url("list"), "list") if mine else Button(_("本组成果"), self.url("list") + "?only.mine=1", "users-group")
        )
        both = bool(self._groups()) and self.may("review")
        upload = [Button(_("上传成果"), self.url("add"), "upload", "primary")] if self.may("add") else []
        return [*([toggle] if both else []), *upload]

    def _groups(self) -> list[str]:
        """The paths of the groups one belongs to."""
        return sorted({path for act, table, path in self.identity.grants if (act, table) == ("read", self.table) and "/g" in path})

    def row_buttons(self, row: Any) -> tuple[list[Button], list[Button]]:
        inline, menu = super().row_buttons(row)
        reviews = any(self._is_review(button, row) for button in inline)
        link = [Button(_("评审"), self.url("show", pk=row.id) + "#review", "edit", "primary")] if reviews else []
        return [*link, *(b for b in inline if not self._is_review(b, row))], [b for b in menu if self._is_open(b, row)]

    def record_buttons(self, row: Any) -> list[Button]:
        buttons = [b for b in super().record_buttons(row) if self._is_open(b, row)]
        g.review_buttons = [button for button in buttons if self._is_review(button, row) and not button.why]
        return [button for button in buttons if button not in g.review_buttons]

    def _is_review(self, button: Button, row: Any) -> bool:
        return button.url in (self.url("do", name=name, pk=row.id) for name in ("review", "return"))

    def _is_open(self, button: Button, row: Any) -> bool:
        """What is submitted is neither changed nor deleted."""
        return row.state is OutcomeState.SAVED or button.url not in (self.url(name, pk=row.id) for name in ("edit", "delete"))

    def record_notice(self, row: Any) -> str:
        missing = missing_parts(self.db, row) if row.state is OutcomeState.SAVED else []
        return _("还缺：%(parts)s。上传后才能提交。", parts=listed(_(part) for part in missing)) if missing else ""

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        said = [(decision, moment_text(decision.at)) for decision in opinions_on(self.db, self.identity, row)]
        box = ReviewBox(said, g.review_buttons[::-1], (("confirmed", "1"), (SEEN, str(row.version))))
        return [(_("评审"), "research/_review.html", box)] if box.said or box.buttons else ()


# --- one's own plan and summaries -------------------------------------------------------------------------------------


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
        mine = summaries_of(self.db, self.identity, school, teacher) if school is not None else []
        points = self.db.scalars(select(AbilityPoint).where(AbilityPoint.is_active).order_by(AbilityPoint.rank, AbilityPoint.id)).all()
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
        taken = {summary.ability_point_id for summary in mine}
        return self._page(
            "research/summaries.html",
            school,
            schools,
            files,
            form,
            mine=self._own(mine, points),
            points=[point for point in points if point.id not in taken or point.id == asked],
            asked=asked,
            replaced=chosen is not None,
        )

    def _own(self, mine: Sequence[AbilitySummary], points: Sequence[AbilityPoint]) -> list[OwnSummary]:
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
    """What ``research/_mine_reviews.html`` shows of a person's newest programme; None for who hands in nothing. Three statements."""
    teacher = teacher_of(identity)
    if teacher is None or not identity.may("hand_in", "ability_summary"):
        return None
    schools = taken_part_in(db, identity, teacher)
    if not schools:
        return None
    plan = plan_of(db, identity, schools[0], teacher)
    mine = summaries_of(db, identity, schools[0], teacher)
    return MineReviews(
        plan,
        _("已于 %(at)s 上传", at=moment_text(plan.handed_in_at)) if plan is not None else _("还没有上传"),
        url_for("OwnWorkView.plan", school=schools[0].id),
        [(str(one.ability_point), Cell(_(one.state.label), badge=one.state.colour)) for one in mine],  # type: ignore[attr-defined]
        url_for("OwnWorkView.summaries", school=schools[0].id),
    )


ENTRIES.append(
    Entry("校本研修", "我的提升计划", "target-arrow", "OwnWorkView.plan", 4, lambda identity: identity.may("hand_in", "improvement_plan"))
)
ENTRIES.append(
    Entry("校本研修", "我的提升总结", "bulb", "OwnWorkView.summaries", 5, lambda identity: identity.may("hand_in", "ability_summary"))
)
