"""研修考核、研修成果、个人提升计划: what their screens do beyond the generated ones.

Who reviews and what may be changed is asked in ``rules``; here it is only said. The one thing a newcomer gets wrong: an outcome is
reviewed at the bottom of its page (S0-124), so its buttons stand there and not at the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from sqlalchemy import or_, select
from werkzeug.wrappers import Response

from models.base import utcnow
from models.history import Decision
from models.outcomes import AbilitySummary, ImprovementPlan, Outcome, OutcomeState
from models.research import SchoolProgramme
from models.scoping import below
from rules.improvement_plans import lock_all, lock_plan, unlock_plan
from rules.members import teacher_of
from rules.outcomes import SUBMITTED, missing_parts, opinions_on
from rules.summaries import reassign
from views.panel.buttons import SEEN
from views.panel.cells import moment_text
from views.panel.pages import Button, ConfirmPage
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import listed, told
from views.research_tables import ResearchView


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


class OutcomeView(ResearchView):
    """研修成果: uploaded, changed and submitted by the leader, reviewed at the bottom of its page (S0-93…98, S0-113, S0-123…125)."""

    model = Outcome
    kept = frozenset({"edit", "delete", "submit", "withdraw", "return"})

    def why_closed(self, name: str, row: Any) -> str:
        """What is submitted is neither changed nor deleted."""
        is_submitted = name in ("edit", "delete") and row.state is not OutcomeState.SAVED
        return super().why_closed(name, row) or (SUBMITTED if is_submitted else "")

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        return [self.of_own_groups()] if "mine" in only else []

    def list_buttons(self) -> Sequence[Button]:
        mine = "only.mine" in request.args
        toggle = (
            Button(_("全部"), self.url("list"), "list") if mine else Button(_("本组成果"), self.url("list") + "?only.mine=1", "users-group")
        )
        both = bool(self.own_groups()) and self.may("review")
        return [*([toggle] if both else []), *super().list_buttons()]

    def row_buttons(self, row: Any) -> tuple[list[Button], list[Button]]:
        inline, menu = super().row_buttons(row)
        reviews = any(self._is_review(button, row) for button in inline)
        link = [Button(_("评审"), self.url("show", pk=row.id) + "#review", "edit", "primary")] if reviews else []
        return [*link, *(b for b in inline if not self._is_review(b, row))], menu

    def record_buttons(self, row: Any) -> list[Button]:
        buttons = super().record_buttons(row)
        g.review_buttons = [button for button in buttons if self._is_review(button, row) and not button.why]
        return [button for button in buttons if button not in g.review_buttons]

    def _is_review(self, button: Button, row: Any) -> bool:
        return button.url in (self.url("do", name=name, pk=row.id) for name in ("review", "return"))

    def record_notice(self, row: Any) -> str:
        missing = missing_parts(self.db, row) if row.state is OutcomeState.SAVED and not self.why_closed("submit", row) else []
        return _("还缺：%(parts)s。上传后才能提交。", parts=listed(_(part) for part in missing)) if missing else ""

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        said = [(decision, moment_text(decision.at)) for decision in opinions_on(self.db, self.identity, row)]
        box = ReviewBox(said, g.review_buttons[::-1], (("confirmed", "1"), (SEEN, str(row.version))))
        return [(_("评审"), "research/_review.html", box)] if box.said or box.buttons else ()
