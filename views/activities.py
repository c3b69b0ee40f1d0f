"""研修专题、研修活动、评课标准 and what comes of them: what their generated screens do differently (S0-59…62, S0-77…79, S0-127)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, g, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.activities import Activity, ActivityKind, Comment, Evaluation, Participation, Rubric, Topic
from models.base import utcnow
from models.fields import Field
from models.files import slots_of
from models.scoping import Identity, acting_as
from models.violation import RuleViolation
from rules.activities import OF_KIND, check_topic_takes_activities
from rules.groups import lacks_plan
from rules.page_views import day_of
from rules.taking_part import hide_comment
from views.panel.pages import Button, Cell, FileList
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import told
from views.research_tables import ResearchView

ITS_OWN = {"completed_at": ActivityKind.OFFLINE} | {name.removesuffix("_id"): kind for name, kind in OF_KIND.items()}
"""Fields of an activity that one kind alone has."""
ITS_OWN_FILES = {
    "lesson_video": ActivityKind.OBSERVATION,
    "lesson_reflection": ActivityKind.OBSERVATION,
    "evidence": ActivityKind.OFFLINE,
}
"""The same of its files."""
SHOWN_WITH = {"hours": ActivityKind.OFFLINE} | ITS_OWN
"""Fields of the activity's form that are filled in for one kind alone: what the others are worth is the policy's."""
WRITTEN_AFTERWARDS = ("minutes", "summary")
"""What the leader writes down of an activity; not yet when they add it (S0-38)."""
PHASES = {"草稿": "gray", "未开始": "yellow", "进行中": "green", "已结束": "gray"}
CRITERIA = (
    "教学目标明确，符合课程标准和学情",
    "教学过程完整，重点突出，难点有突破",
    "信息技术应用恰当，有助于教学",
    "学生参与充分，师生互动有效",
    "教学效果良好，目标达成",
)
"""What a new rubric starts with; its leader changes it as they like."""


def page_buttons(identity: Identity, row: Any, activity_id: int) -> list[Button]:
    """To the activity's own page; none for who reads a row of their own and the activity no more, having left its group."""
    if not identity.reaches("read", "activity", row.scope_path):
        return []
    return [Button(_("活动详情"), url_for("ActivityPageView.show", pk=activity_id), "calendar-event")]


class TopicView(ResearchView):
    """研修专题: where it is between its dates, and 添加活动 while it is in progress (S0-78, S0-127)."""

    model = Topic
    kept = frozenset({"edit", "delete", "withdraw"})

    def cell(self, field: Field, row: Any) -> Cell:
        if field.name != "state":
            return super().cell(field, row)
        phase = row.phase(day_of(utcnow()))
        return Cell(_(phase), badge=PHASES[phase])

    def record_notice(self, row: Any) -> str:
        """Topics follow the group's plan, which is a record of its own: its leader is told of one that is missing (S1-53)."""
        if not self._lacks_plan(row):
            return super().record_notice(row)
        return _("本教研组还没有研修计划。研修专题和活动应根据研修计划开展，请先填写研修计划（不必上传文件）。")

    def _lacks_plan(self, row: Any) -> bool:
        """Whether whoever looks writes the plan of the group, and there is none; asked once a page."""
        known = g.setdefault("lacks_plan", {})
        if row.group_id not in known:
            able = self.identity.reaches("add", "group_plan", row.scope_path) and not self.why_closed("edit", row)
            known[row.group_id] = able and lacks_plan(self.db, row.group_id)
        return bool(known[row.group_id])

    def record_buttons(self, row: Any) -> list[Button]:
        if self._lacks_plan(row):
            address = url_for("group_plan.add", group=row.group_id)
            return [*self._adding(row), Button(_("填写研修计划"), address, "clipboard-plus", "primary")]
        return self._adding(row)

    def _adding(self, row: Any) -> list[Button]:
        if not self.identity.reaches("add", "activity", row.scope_path):
            return super().record_buttons(row)
        address, why = url_for("activity.add", topic=row.id), current_app.extensions["panel"]["activity"].why_none_added(row)
        return [*super().record_buttons(row), Button(_("添加活动"), address, "plus", "primary", why=told(why))]


class ActivityView(ResearchView):
    """研修活动: the fields of its kind alone, and the way to its own page."""

    model = Activity
    kept = frozenset({"edit", "delete", "withdraw"})

    def why_none_added(self, above: Any | None = None) -> str:
        why = super().why_none_added(above)
        if why or above is None:
            return why
        try:
            check_topic_takes_activities(above, utcnow())
        except RuleViolation as refusal:
            return refusal.sentence
        return ""

    def open_fields(self, row: Any | None) -> list[Field]:
        fields = super().open_fields(row)
        if row is None:
            return [f for f in fields if f.name not in WRITTEN_AFTERWARDS]
        return [f for f in fields if SHOWN_WITH.get(f.name, row.kind) is row.kind]

    def record_fields(self, row: Any) -> list[Field]:
        return [f for f in super().record_fields(row) if ITS_OWN.get(f.name, row.kind) is row.kind]

    def record_files(self, row: Any) -> list[FileList]:
        own = {_(slot.label) for slot in slots_of(Activity) if ITS_OWN_FILES.get(slot.name, row.kind) is row.kind}
        return [one for one in super().record_files(row) if one.files or one.label in own]

    def _draw(self, title: str, form: Any, fields: list[Field], files: Any, *rest: Any, **more: Any) -> Response:
        for field in fields:
            if field.name in SHOWN_WITH and "kind" in form:
                shown = {"data-shown-with": f"kind={SHOWN_WITH[field.name].value}"}
                form[field.name].render_kw = {**(form[field.name].render_kw or {}), **shown}
        files.shown_with["lesson_video"] = f"kind={ITS_OWN_FILES['lesson_video'].value}"
        return super()._draw(title, form, fields, files, *rest, **more)

    def record_buttons(self, row: Any) -> list[Button]:
        return [*page_buttons(self.identity, row, row.id), *super().record_buttons(row)]

    def run_verb(self, verb: Verb, row: Any) -> Any:
        outcome = super().run_verb(verb, row)
        is_offline = verb.name == "publish" and row.kind is ActivityKind.OFFLINE
        return "已发布。请在“活动详情”中指定参与人员，活动开展后上传佐证材料。" if is_offline else outcome

    def row_buttons(self, row: Any) -> tuple[list[Button], list[Button]]:
        inline, menu = super().row_buttons(row)
        return inline, [*page_buttons(self.identity, row, row.id), *menu]


class RubricView(ResearchView):
    """评课标准: a new one begins with five usual criteria."""

    model = Rubric

    def _prefill(self, form: Any, fields: list[Field]) -> None:
        super()._prefill(form, fields)
        form.name.data, form.criteria.data = _("课堂教学评价表"), "\n".join(_(one) for one in CRITERIA)


class ParticipationView(ResearchView):
    """活动参与: the way to the activity."""

    model = Participation
    kept = frozenset({"return"})

    def record_buttons(self, row: Any) -> list[Button]:
        return [*page_buttons(self.identity, row, row.activity_id), *super().record_buttons(row)]


def _hide(session: Any, identity: Any, row: Any, values: Any, now: Any) -> str:
    hide_comment(session, identity, row, values.get("comment", ""), now=now)
    return "已隐藏。"


class CommentView(PanelView):
    """评课记录: hidden by the leader with a reason."""

    model = Comment
    verbs = (
        Verb(
            "hide",
            "隐藏",
            "moderate",
            _hide,
            "eye-off",
            "danger",
            "隐藏后其他成员看不到内容，作者会收到原因；由它完成的活动不受影响。",
            "required",
            "隐藏原因",
            shown=lambda row: row.hidden_at is None,
            bulk=False,
        ),
    )

    def record_buttons(self, row: Any) -> list[Button]:
        return [*page_buttons(self.identity, row, row.activity_id), *super().record_buttons(row)]


class EvaluationView(PanelView):
    """评课表: the stars, criterion by criterion."""

    model = Evaluation

    def record_buttons(self, row: Any) -> list[Button]:
        return [*page_buttons(self.identity, row, row.activity_id), *super().record_buttons(row)]

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        # Not through the row: who reads their own evaluation may have left the group, and the activity is none of theirs.
        theirs = select(Rubric).join(Activity, Activity.rubric_id == Rubric.id).where(Activity.id == row.activity_id)
        with acting_as(self.identity.serving()):
            rubric = self.db.scalars(theirs).one_or_none()
        given = list(zip(rubric.items, row.stars, strict=False)) if rubric is not None else []
        return [(_("评分"), "research/_stars_given.html", given)]
