"""What is handed in and reviewed: improvement plans, summaries of ability points, and the outcomes of groups.

The one thing a newcomer gets wrong: an outcome is a group's and reviewed by the IT team alone; a summary is a teacher's own and the
school reviews it as well.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped

from models.access import Account
from models.base import Choice, Code, Count, LongText, Moment, Name, Record, Screen, Sentence, choice, field, link
from models.files import FileKind, FileSlot
from models.people import Teacher
from models.research import DOCUMENTS, EVIDENCE, ResearchGroup, SchoolProgramme
from models.scoping import Personal, Scoped, Shared

# --- 个人提升计划、能力点提升总结 (S0-39, S0-42, S0-63…66, S0-120…122) ------------------------------------------------


class ImprovementPlan(Personal, Record):
    """个人提升计划: a teacher's own, replaced until it is locked (S0-39, S0-75, S0-76)."""

    __tablename__ = "improvement_plan"
    __owner__ = "school_programme"
    __screen__ = Screen(
        "个人提升计划",
        menu="校本研修",
        icon="target-arrow",
        list=("teacher", "school_programme", "handed_in_at", "locked_at"),
        filters=("school_programme", "teacher"),
        sort=("handed_in_at",),
        acts=("read", "export"),
        extra_acts=("lock", "hand_in"),
        unit="份计划",
        rank=56,
        empty="还没有教师上传个人提升计划。",
    )
    __table_args__ = (UniqueConstraint("school_programme_id", "teacher_id", info={"sentence": "已上传个人提升计划。", "field": "teacher"}),)
    __files__ = (FileSlot("plan", "个人提升计划", accept=DOCUMENTS, most=3, required=True, readonly=True),)

    school_programme_id: Mapped[int] = link(SchoolProgramme, "整校推进", readonly=True, index=False)
    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True)
    handed_in_at: Mapped[Moment] = field("上传时间", readonly=True)
    locked_at: Mapped[Moment | None] = field("锁定时间", readonly=True)

    def __str__(self) -> str:
        return str(self.teacher or self.called.get("teacher") or f"#{self.id}")  # type: ignore[attr-defined]


class AbilityPoint(Shared, Record):
    """能力点: what a summary can be about (S0-42)."""

    __tablename__ = "ability_point"
    __screen__ = Screen(
        "能力点",
        menu="基础数据",
        icon="bulb",
        list=("code", "name", "rank", "is_active"),
        search=("name", "code"),
        order="rank",
        key=("code",),
        console=True,
        rank=94,
    )

    code: Mapped[Code] = field("代码", unique=True, fixed=True, example="A1")
    name: Mapped[Name] = field("名称", unique=True)
    rank: Mapped[Count] = field("排序", default=0)
    is_active: Mapped[bool] = field("启用", default=True)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class SummaryState(Choice):
    SUBMITTED = "submitted", "待评审", "yellow"
    PASSED = "passed", "通过", "green"
    FAILED = "failed", "不通过", "red"
    VOID = "void", "已作废", "gray"


class AbilitySummary(Personal, Record):
    """能力点提升总结: one for each teacher and ability point; reviewed by the school or its IT team, never by its author (S0-121)."""

    __tablename__ = "ability_summary"
    __owner__ = "school_programme"
    __screen__ = Screen(
        "研修考核",
        menu="校本研修",
        icon="checklist",
        list=("teacher", "ability_point", "state", "handed_in_at", "reviewer", "reviewed_at"),
        facets=("state",),
        filters=("ability_point", "teacher", "school_programme"),
        sort=("handed_in_at", "reviewed_at"),
        acts=("read", "export"),
        extra_acts=("review", "hand_in"),
        unit="份总结",
        rank=54,
        empty="还没有教师提交能力点提升总结。",
    )
    __table_args__ = (
        UniqueConstraint(
            "school_programme_id",
            "teacher_id",
            "ability_point_id",
            name="uq_ability_summary_teacher_point",
            info={"sentence": "这个能力点的总结已经上传。", "field": "ability_point"},
        ),
        Index("ix_ability_summary_state_scope", "state", "scope_path"),
    )
    __files__ = (FileSlot("summary", "提升总结", accept=EVIDENCE, most=5, required=True, readonly=True),)

    school_programme_id: Mapped[int] = link(SchoolProgramme, "整校推进", readonly=True, index=False)
    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True)
    ability_point_id: Mapped[int] = link(AbilityPoint, "能力点", readonly=True, index=False)
    state: Mapped[SummaryState] = choice(SummaryState, "考核结果", readonly=True, default=SummaryState.SUBMITTED)
    handed_in_at: Mapped[Moment] = field("提交时间", readonly=True)
    reviewer_id: Mapped[int | None] = link(Teacher, "指派评审人", readonly=True, ondelete="SET NULL")
    """The member of the IT team it was given to; whoever else holds the right may decide as well."""
    reviewed_at: Mapped[Moment | None] = field("评审时间", readonly=True)

    def __str__(self) -> str:
        parts: tuple[Any, ...] = (self.teacher or self.called.get("teacher"), self.ability_point)  # type: ignore[attr-defined]
        return " · ".join(str(part) for part in parts if part is not None)


# --- 研修成果 (S0-36, S0-93…98, S0-123…125, S0-130, S0-133) -----------------------------------------------------------


class OutcomeKind(Choice):
    OUTCOME = "outcome", "研修成果"
    TEACHING_CASE = "teaching_case", "教学案例"


class OutcomeState(Choice):
    SAVED = "saved", "已上传", "gray"
    SUBMITTED = "submitted", "待评审", "yellow"
    REVIEWED = "reviewed", "已评审", "green"


IS_CASE = text("kind = 'teaching_case'")


class Outcome(Scoped, Record):
    """研修成果: what a group has made; a teaching case is one for each group and complete with three parts (S0-36)."""

    __tablename__ = "outcome"
    __owner__ = "group"
    __screen__ = Screen(
        "研修成果",
        menu="校本研修",
        icon="trophy",
        list=("title", "kind", "group", "state", "submitted_at", "reviewed_at"),
        search=("title",),
        facets=("state", "kind"),
        filters=("group",),
        sort=("title", "submitted_at"),
        form=("group", "kind", "title", "about"),
        acts=("read", "add", "edit", "delete", "export"),
        extra_acts=("submit", "review"),
        unit="份研修成果",
        add_label="上传成果",
        edit_label="修改",
        rank=55,
        empty="还没有研修成果。由教研组组长上传。",
    )
    __table_args__ = (
        Index(
            "uq_outcome_one_case",
            "group_id",
            unique=True,
            sqlite_where=IS_CASE,
            postgresql_where=IS_CASE,
            info={"sentence": "本教研组已有教学案例，每组一份。", "field": "kind"},
        ),
        Index("ix_outcome_state_scope", "state", "scope_path"),
        Index("ix_outcome_title_scope", "title", "scope_path", "id"),
    )
    __files__ = (
        FileSlot("video", "教学视频", accept=(FileKind.VIDEO,), most=3),
        FileSlot("design", "教学设计", accept=DOCUMENTS, most=5),
        FileSlot("reflection", "教学反思", accept=DOCUMENTS, most=5),
        FileSlot("others", "其他材料", accept=EVIDENCE, most=20),
    )

    group_id: Mapped[int] = link(ResearchGroup, "教研组", fixed=True)
    kind: Mapped[OutcomeKind] = choice(OutcomeKind, "成果类型", fixed=True, default=OutcomeKind.OUTCOME)
    title: Mapped[Name] = field("成果名称")
    about: Mapped[LongText | None] = field("成果简介")
    state: Mapped[OutcomeState] = choice(OutcomeState, "成果状态", readonly=True, default=OutcomeState.SAVED)
    submitted_at: Mapped[Moment | None] = field("提交时间", readonly=True)
    submitted_by_id: Mapped[int | None] = field(
        "提交账号", ForeignKey("ab_user.id", ondelete="SET NULL"), readonly=True, hidden=True, target=Account
    )
    submitted_by_teacher_id: Mapped[int | None] = field(
        "提交人", ForeignKey("teacher.id", ondelete="SET NULL"), readonly=True, hidden=True, target=Teacher
    )
    reviewed_at: Mapped[Moment | None] = field("评审时间", readonly=True)
    opinion: Mapped[Sentence | None] = field("评审意见", readonly=True)

    kept_to = "edit"

    @hybrid_property
    def is_kept(self) -> bool:
        """Not submitted, or taken back: its leader's alone."""
        return self.state == OutcomeState.SAVED
