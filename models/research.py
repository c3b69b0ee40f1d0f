"""校本研修: a school in a programme, its research groups, its removal requests and the performance scale.

A group is a unit of its own (``…/s17/g5/``): leader and members are posts there. The one thing a newcomer gets wrong: what a
teacher owns (a participation, a summary) is kept at the group's or school's path and reached by ``teacher_id``; so it stays with
the school when the teacher leaves (S1-43).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from models.access import Account
from models.base import Choice, Count, Hours, LongText, Moment, Name, Record, Screen, Sentence, choice, field, link
from models.files import FileKind, FileSlot
from models.hours import Programme
from models.org import School, Stage
from models.people import Subject, Teacher
from models.scoping import Personal, Published, Scoped

DOCUMENTS = (FileKind.DOCUMENT, FileKind.TEXT)
MEDIA = (FileKind.IMAGE, FileKind.VIDEO, FileKind.AUDIO)
LongName = String(210).with_variant(String(210, collation="C"), "postgresql")
EVIDENCE = (*DOCUMENTS, *MEDIA)
"""What was done offline is shown by pictures, recordings and papers (S1-18…20, S1-56)."""

# --- 整校推进 (S0-44…51, S1-02, S1-49…52) -----------------------------------------------------------------------------


class SchoolState(Choice):
    PREPARING = "preparing", "准备中", "gray"
    OPEN = "open", "进行中", "blue"
    APPLIED = "applied", "待验收", "yellow"
    PASSED = "passed", "验收通过", "green"
    FAILED = "failed", "验收不通过", "red"


class SchoolProgramme(Published, Record):
    """整校推进: one school in a programme, from the two plans it hands in to its acceptance."""

    __tablename__ = "school_programme"
    __owner__ = "school"
    __screen__ = Screen(
        "整校推进",
        menu="校本研修",
        icon="building-community",
        list=("name", "school", "programme", "state", "theme", "opened_at", "applied_at", "accepted_at"),
        search=("name",),
        facets=("state",),
        filters=("programme", "school"),
        sort=("name", "opened_at", "applied_at"),
        form=("programme", "school", "theme", "about"),
        acts=("read", "add", "edit", "delete", "export"),
        extra_acts=("open", "apply", "accept"),
        related=("ResearchGroup.school_programme",),
        unit="所学校",
        rank=62,
        empty="还没有学校参加。学校管理员在“校本研修”页面提交两案后会出现在这里。",
    )
    __table_args__ = (
        UniqueConstraint("school_id", "programme_id", info={"sentence": "本校已参加这个研修项目。", "field": "programme"}),
        Index("ix_school_programme_state_scope", "state", "scope_path"),
        Index("ix_school_programme_name_scope", "name", "scope_path", "id"),
    )
    __files__ = (
        FileSlot("development_plan", "信息化教育教学发展规划方案", accept=DOCUMENTS, most=5),
        FileSlot("assessment_plan", "校本研修与考核方案", accept=DOCUMENTS, most=5),
        FileSlot("plan_template", "个人提升计划模板", accept=DOCUMENTS, most=3, help="本校教师下载后填写；没有时使用研修项目的模板。"),
    )

    name: Mapped[str] = field("名称", LongName, readonly=True, default="")
    """School and programme in one, kept by ``rules.school_programmes``: what lists, choices and sheets call it."""
    programme_id: Mapped[int] = link(Programme, "研修项目", fixed=True)
    school_id: Mapped[int] = link(School, "学校", fixed=True, index=False)
    state: Mapped[SchoolState] = choice(SchoolState, "整校验收", readonly=True, default=SchoolState.PREPARING)
    theme: Mapped[Name | None] = field("校本主题")
    about: Mapped[LongText | None] = field("主题简介")
    opened_at: Mapped[Moment | None] = field("开展时间", readonly=True)
    applied_at: Mapped[Moment | None] = field("申请验收时间", readonly=True)
    applied_by_id: Mapped[int | None] = field(
        "申请账号", ForeignKey("ab_user.id", ondelete="SET NULL"), readonly=True, hidden=True, target=Account
    )
    accepted_at: Mapped[Moment | None] = field("验收时间", readonly=True)


# --- 教研组 (S0-52…58, S1-38, S1-39) ----------------------------------------------------------------------------------


class ResearchGroup(Scoped, Record):
    """教研组: leader and members are posts at its path; deleted only while it has no plan, topic, activity, outcome or rubric (Z-02)."""

    __tablename__ = "research_group"
    __owner__ = "school_programme"
    __segment__ = "g{id}"
    __screen__ = Screen(
        "教研组",
        menu="校本研修",
        icon="users-group",
        list=("name", "stage", "subject", "leader", "school_programme", "created_at"),
        search=("name",),
        facets=("stage",),
        filters=("subject", "school_programme"),
        sort=("name", "created_at"),
        key=("school_programme", "name"),
        form=("school_programme", "name", "leader", "stage", "subject", "about"),
        extra_acts=("members",),
        related=("GroupPlan.group", "Topic.group", "Rubric.group", "Outcome.group"),
        unit="个教研组",
        add_label="创建教研组",
        delete_confirm_label="确认",
        rank=51,
        empty="还没有教研组。点击“创建教研组”创建，并指定组长。",
    )
    __table_args__ = (
        UniqueConstraint("school_programme_id", "name", info={"sentence": "本校已有同名的教研组。", "field": "name"}),
        Index("ix_research_group_name_scope", "name", "scope_path", "id"),
    )

    school_programme_id: Mapped[int] = link(SchoolProgramme, "整校推进", fixed=True, index=False)
    name: Mapped[Name] = field("教研组名称", example="小学数学教研组")
    stage_id: Mapped[int | None] = link(Stage, "学段", index=False)
    subject_id: Mapped[int | None] = link(Subject, "学科", index=False)
    leader_id: Mapped[int | None] = link(Teacher, "组长", ondelete="SET NULL", help="须为本校已通过认证的教师。")
    about: Mapped[LongText | None] = field("教研组简介")


class GroupPlan(Scoped, Record):
    """研修计划: one for each group; the file is optional (S1-38, S1-39)."""

    __tablename__ = "group_plan"
    __owner__ = "group"
    __screen__ = Screen(
        "研修计划",
        icon="clipboard-list",
        list=("group", "title", "updated_at"),
        search=("title",),
        filters=("group",),
        form=("group", "title", "content"),
        acts=("read", "add", "edit", "export"),
        unit="份研修计划",
        rank=53,
        empty="还没有研修计划。每个教研组制定一份，由组长填写。",
    )
    __table_args__ = (
        Index("ix_group_plan_group_id", "group_id", unique=True, info={"sentence": "每个教研组只有一份研修计划。", "field": "group"}),
    )
    __files__ = (FileSlot("plan", "计划文件", accept=DOCUMENTS, most=5, help="计划无需上传文件，也可以上传。"),)

    group_id: Mapped[int] = link(ResearchGroup, "教研组", fixed=True, index=False, ondelete="CASCADE")
    title: Mapped[Name] = field("计划名称", index=True)
    content: Mapped[LongText] = field("计划内容", help="研修目标、安排与分工。")


# --- 移除、评分量表 (S0-28, S1-43…45, Z-13) ---------------------------------------------------------------------------


class RemovalState(Choice):
    PENDING = "pending", "待审批", "yellow"
    APPROVED = "approved", "已移除", "red"
    REFUSED = "refused", "未同意", "gray"
    WITHDRAWN = "withdrawn", "已撤回", "gray"


IS_ASKED = text("state = 'pending'")


class RemovalRequest(Personal, Record):
    """移除申请: the school asks to take a reassigned teacher out; once decided, their records no longer count (S1-44, S1-45)."""

    __tablename__ = "removal_request"
    __named_by__ = ("teacher", "school_programme")
    __owner__ = "school_programme"
    __screen__ = Screen(
        "移除申请",
        menu="校本研修",
        icon="user-minus",
        list=("teacher", "school_programme", "reason", "state", "created_at", "decided_at"),
        facets=("state",),
        filters=("school_programme", "teacher"),
        sort=("created_at",),
        acts=("read", "export"),
        extra_acts=("apply", "decide"),
        unit="条移除申请",
        rank=61,
        empty="没有移除申请。教师调岗后原则上可以继续在原单位研修；确需移除时由学校管理员申请。",
    )
    __table_args__ = (
        Index(
            "uq_removal_request_one_pending",
            "school_programme_id",
            "teacher_id",
            unique=True,
            sqlite_where=IS_ASKED,
            postgresql_where=IS_ASKED,
        ),
        Index("ix_removal_request_state_scope", "state", "scope_path"),
    )

    school_programme_id: Mapped[int] = link(SchoolProgramme, "整校推进", readonly=True)
    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True)
    reason: Mapped[Sentence] = field("移除原因", readonly=True)
    lost_hours: Mapped[Hours] = field("将作废的学时", readonly=True, default=Decimal(0))
    asked_by_id: Mapped[int | None] = field(
        "申请账号", ForeignKey("ab_user.id", ondelete="SET NULL"), readonly=True, hidden=True, target=Account
    )
    state: Mapped[RemovalState] = choice(RemovalState, "审批状态", readonly=True, default=RemovalState.PENDING)
    decided_at: Mapped[Moment | None] = field("审批时间", readonly=True)

    def __str__(self) -> str:
        parts: tuple[Any, ...] = (self.teacher or self.called.get("teacher"), self.school_programme)  # type: ignore[attr-defined]
        return " · ".join(str(part) for part in parts if part is not None) or f"#{self.id}"


class ScaleItem(Published, Record):
    """绩效考核评分项: one line of the whole-school performance scale of a programme (S0-28)."""

    __tablename__ = "scale_item"
    __owner__ = "programme"
    __screen__ = Screen(
        "绩效考核量表",
        menu="校本研修",
        icon="list-check",
        list=("programme", "name", "most", "rank"),
        search=("name",),
        filters=("programme",),
        order="rank",
        key=("programme", "name"),
        unit="项",
        rank=63,
        empty="还没有评分项。由研修项目的管理员添加或从 Excel 导入。",
    )
    __table_args__ = (
        UniqueConstraint("programme_id", "name", info={"sentence": "量表中已有同名的评分项。", "field": "name"}),
        CheckConstraint("most > 0", name="most"),
    )

    programme_id: Mapped[int] = link(Programme, "研修项目", fixed=True, index=False)
    name: Mapped[Name] = field("评分项", index=True, example="校本研修网络空间建设")
    most: Mapped[Count] = field("满分", default=10)
    rank: Mapped[Count] = field("排序", default=0)
    about: Mapped[Sentence | None] = field("评分说明")


class ScaleScore(Scoped, Record):
    """绩效考核评分: what the IT team gives its school for one line of the scale (S0-28)."""

    __tablename__ = "scale_score"
    __owner__ = "school_programme"
    __screen__ = Screen(
        "绩效考核评分",
        menu="校本研修",
        icon="chart-bar",
        list=("school_programme", "scale_item", "points", "remark", "updated_at"),
        filters=("school_programme", "scale_item"),
        acts=("read", "add", "edit", "delete", "export"),
        unit="项评分",
        rank=64,
        empty="还没有评分。由信息化团队逐项评分。",
    )
    __table_args__ = (
        UniqueConstraint("school_programme_id", "scale_item_id", info={"sentence": "这一项已经评分。", "field": "scale_item"}),
        CheckConstraint("points >= 0", name="points"),
    )

    school_programme_id: Mapped[int] = link(SchoolProgramme, "整校推进", fixed=True, index=False)
    scale_item_id: Mapped[int] = link(ScaleItem, "评分项", fixed=True)
    points: Mapped[Count] = field("得分")
    remark: Mapped[Sentence | None] = field("评分依据")
