"""校本研修: a school in a programme, its research groups, what they do together, and what is handed in and reviewed.

A group is a unit of its own (``…/s17/g5/``): leader and members are posts there. The one thing a newcomer gets wrong: what a
teacher owns (a participation, a summary) is kept at the group's or school's path and reached by ``teacher_id``; so it stays with
the school when the teacher leaves (S1-43).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from models.access import Account
from models.base import Choice, Code, Count, Day, Hours, Json, LongText, Moment, Name, Record, Screen, Sentence, choice, field, link
from models.files import FileKind, FileSlot
from models.hours import HourPolicy, Programme
from models.org import School, Stage
from models.people import Subject, Teacher
from models.scoping import Personal, Published, Scoped, Shared

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
    """教研组: leader and members are posts at its path; deleted only while it has no plan, topic or activity (Z-02)."""

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
        rank=51,
        empty="还没有教研组。点击“新增教研组”创建，并指定组长。",
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
    __files__ = (FileSlot("plan", "计划文件", accept=DOCUMENTS, most=5, help="计划无需上传文件，也可以上传。"),)

    group_id: Mapped[int] = link(ResearchGroup, "教研组", fixed=True, unique=True, ondelete="CASCADE")
    title: Mapped[Name] = field("计划名称", index=True)
    content: Mapped[LongText] = field("计划内容", help="研修目标、安排与分工。")


# --- 研修专题、研修活动 (S0-59…62, S0-77…91, S1-06…20) ----------------------------------------------------------------


class TopicState(Choice):
    DRAFT = "draft", "草稿", "gray"
    PUBLISHED = "published", "已发布", "green"


class Topic(Scoped, Record):
    """研修专题: any number for each group; in progress between its dates once it is published (S0-127)."""

    __tablename__ = "topic"
    __owner__ = "group"
    __screen__ = Screen(
        "研修专题",
        menu="校本研修",
        icon="books",
        list=("title", "group", "state", "starts_on", "ends_on"),
        search=("title",),
        facets=("state",),
        filters=("group", "starts_on"),
        sort=("title", "starts_on"),
        form=("group", "title", "about", "starts_on", "ends_on"),
        acts=("read", "add", "edit", "delete", "export"),
        extra_acts=("publish",),
        related=("Activity.topic",),
        unit="个研修专题",
        rank=52,
        empty="还没有研修专题。由教研组组长添加并发布，数量不限。",
    )
    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="dates"), Index("ix_topic_title_scope", "title", "scope_path", "id"))
    __files__ = (FileSlot("materials", "专题材料", accept=EVIDENCE, most=20),)

    group_id: Mapped[int] = link(ResearchGroup, "教研组", fixed=True)
    title: Mapped[Name] = field("专题名称")
    about: Mapped[LongText | None] = field("专题内容")
    starts_on: Mapped[Day] = field("开始日期")
    ends_on: Mapped[Day] = field("结束日期")
    state: Mapped[TopicState] = choice(TopicState, "专题状态", readonly=True, default=TopicState.DRAFT)

    def phase(self, today: date) -> str:
        """The word for where the topic is: 草稿, 未开始, 进行中, 已结束 (S0-127)."""
        if self.state is TopicState.DRAFT:
            return "草稿"
        return "未开始" if today < self.starts_on else "已结束" if today > self.ends_on else "进行中"


class ActivityKind(Choice):
    """Exactly four (S1-06)."""

    DISCUSSION = "discussion", "教学研讨", "blue"
    HOMEWORK = "homework", "研修作业", "purple"
    OBSERVATION = "observation", "听课评课", "teal"
    OFFLINE = "offline", "线下活动", "orange"


class OfflineForm(Choice):
    """What was done offline (S1-17, Z-03)."""

    PREPARATION = "preparation", "集中备课"
    DISCUSSION = "discussion", "教学研讨"
    OBSERVATION = "observation", "听课评课"


class HomeworkKind(Choice):
    """What is to be handed in (S1-10)."""

    REFLECTION = "reflection", "教学反思"
    EXPERIENCE = "experience", "经验总结提炼"
    CASE = "case", "教学案例"


class ActivityState(Choice):
    DRAFT = "draft", "草稿", "gray"
    PUBLISHED = "published", "已发布", "green"
    COMPLETED = "completed", "已完成", "blue"


class Rubric(Scoped, Record):
    """评课标准: the criteria that lessons are given stars for; used once, it is frozen."""

    __tablename__ = "rubric"
    __owner__ = "group"
    __screen__ = Screen(
        "评课标准",
        icon="stars",
        list=("name", "group", "updated_at"),
        search=("name",),
        filters=("group",),
        acts=("read", "add", "edit", "delete"),
        unit="份评课标准",
        rank=56,
        empty="还没有评课标准。由教研组组长添加，听课评课活动使用。",
    )

    group_id: Mapped[int] = link(ResearchGroup, "教研组", fixed=True)
    name: Mapped[Name] = field("名称", index=True, example="课堂教学评价表")
    criteria: Mapped[LongText] = field("评价内容", help="每行一条，最多 20 条；每条评一至五星。开始评课后不能再修改。")

    @property
    def items(self) -> list[str]:
        """The criteria, one a line, in order."""
        return [line.strip() for line in self.criteria.splitlines() if line.strip()]


class Activity(Scoped, Record):
    """研修活动: something a group does together and earns hours with; hours of the three online kinds are fixed (S1-29)."""

    __tablename__ = "activity"
    __owner__ = "topic"
    __screen__ = Screen(
        "研修活动",
        menu="校本研修",
        icon="calendar-event",
        list=("title", "kind", "topic", "group", "hours", "state", "starts_at", "ends_at"),
        search=("title",),
        facets=("kind", "state"),
        filters=("group", "topic", "starts_at"),
        sort=("title", "starts_at"),
        form=(
            "topic",
            "kind",
            "title",
            "starts_at",
            "ends_at",
            "hours",
            "requirements",
            "homework_kind",
            "teaching_teacher",
            "rubric",
            "offline_form",
        ),
        acts=("read", "add", "edit", "delete", "export"),
        extra_acts=("publish", "join"),
        related=("Participation.activity", "Comment.activity", "Evaluation.activity"),
        unit="个研修活动",
        rank=53,
        empty="还没有研修活动。在已发布且进行中的研修专题下添加，数量不限。",
    )
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="dates"),
        CheckConstraint("hours > 0", name="hours"),
        Index("ix_activity_title_scope", "title", "scope_path", "id"),
        Index("ix_activity_starts_scope", "starts_at", "scope_path", "id"),
        Index("ix_activity_scope_facets", "scope_path", "kind", "state"),
    )
    __files__ = (
        FileSlot("materials", "活动材料", accept=EVIDENCE, most=20),
        FileSlot("lesson_video", "课堂视频", accept=(FileKind.VIDEO,), most=3, help="听课评课活动的课堂实录。"),
        FileSlot("evidence", "佐证材料", accept=EVIDENCE, most=50, readonly=True),
    )

    topic_id: Mapped[int] = link(Topic, "研修专题", fixed=True)
    group_id: Mapped[int] = link(ResearchGroup, "教研组", readonly=True)
    kind: Mapped[ActivityKind] = choice(ActivityKind, "活动类型", fixed=True)
    title: Mapped[Name] = field("活动名称")
    starts_at: Mapped[Moment] = field("开始时间")
    ends_at: Mapped[Moment] = field("结束时间")
    hours: Mapped[Decimal] = field(
        "学时", Numeric(8, 2), default=Decimal(0), help="教学研讨、研修作业、听课评课的学时是固定的，不必填写；线下活动由组长设定。"
    )
    requirements: Mapped[LongText | None] = field("活动要求")
    homework_kind: Mapped[HomeworkKind | None] = choice(HomeworkKind, "作业内容", help="只用于研修作业。")
    teaching_teacher: Mapped[Name | None] = field("执教教师", help="只用于听课评课。")
    rubric_id: Mapped[int | None] = link(Rubric, "评课标准", index=False, help="听课评课必须选择。")
    offline_form: Mapped[OfflineForm | None] = choice(OfflineForm, "线下形式", help="只用于线下活动。")
    policy_id: Mapped[int] = link(HourPolicy, "学时政策", readonly=True, index=False)
    state: Mapped[ActivityState] = choice(ActivityState, "活动状态", readonly=True, default=ActivityState.DRAFT)
    completed_at: Mapped[Moment | None] = field("完成时间", readonly=True)


class ParticipationState(Choice):
    JOINED = "joined", "已参与", "blue"
    COMPLETED = "completed", "已完成", "green"
    REMOVED = "removed", "已移除", "gray"


class Participation(Personal, Record):
    """参与: one teacher in one activity. Hours are credited when it is completed, never when it is joined (S1-25)."""

    __tablename__ = "participation"
    __owner__ = "activity"
    __screen__ = Screen(
        "活动参与",
        icon="user-check",
        list=("teacher", "activity", "state", "joined_at", "completed_at"),
        facets=("state",),
        filters=("activity", "teacher"),
        sort=("joined_at", "completed_at"),
        acts=("read", "export"),
        extra_acts=("return", "complete"),
        unit="人次",
        rank=57,
        empty="还没有人参与活动。",
    )
    __table_args__ = (
        UniqueConstraint("activity_id", "teacher_id", info={"sentence": "已参与这个活动。", "field": "teacher"}),
        Index("ix_participation_teacher_state", "teacher_id", "state"),
    )
    __files__ = (FileSlot("homework", "研修作业", accept=EVIDENCE, most=10, readonly=True),)

    activity_id: Mapped[int] = link(Activity, "研修活动", readonly=True, index=False)
    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True, index=False)
    state: Mapped[ParticipationState] = choice(ParticipationState, "参与状态", readonly=True, default=ParticipationState.JOINED)
    round: Mapped[Count] = field("第几次完成", readonly=True, hidden=True, default=1)
    joined_at: Mapped[Moment] = field("参与时间", readonly=True)
    completed_at: Mapped[Moment | None] = field("完成时间", readonly=True)


class Comment(Scoped, Record):
    """评课记录: a remark or an answer to one under an activity (S0-86)."""

    __tablename__ = "comment"
    __owner__ = "activity"
    __screen__ = Screen(
        "评课记录",
        icon="messages",
        list=("activity", "teacher", "body", "created_at", "hidden_at"),
        filters=("activity", "teacher"),
        sort=("created_at",),
        acts=("read", "export"),
        extra_acts=("moderate",),
        unit="条评课记录",
        rank=58,
        empty="还没有评课记录。",
    )
    __table_args__ = (Index("ix_comment_activity_created", "activity_id", "created_at"),)

    activity_id: Mapped[int] = link(Activity, "研修活动", readonly=True, index=False, ondelete="CASCADE")
    parent_id: Mapped[int | None] = link("comment", "回复", readonly=True, ondelete="CASCADE")
    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True)
    body: Mapped[str] = field("内容", String(2000), readonly=True)
    edited_at: Mapped[Moment | None] = field("修改时间", readonly=True)
    hidden_at: Mapped[Moment | None] = field("隐藏时间", readonly=True)
    hidden_reason: Mapped[Sentence | None] = field("隐藏原因", readonly=True)


class Evaluation(Personal, Record):
    """评课表: stars for every criterion, and a summary with advice (S0-87…90)."""

    __tablename__ = "evaluation"
    __owner__ = "activity"
    __screen__ = Screen(
        "评课表",
        icon="star",
        list=("activity", "teacher", "average", "summary", "updated_at"),
        filters=("activity", "teacher"),
        sort=("average",),
        acts=("read", "export"),
        unit="份评课表",
        rank=59,
        empty="还没有评课表。",
    )
    __table_args__ = (UniqueConstraint("activity_id", "teacher_id", info={"sentence": "已填写这个活动的评课表。", "field": "teacher"}),)

    activity_id: Mapped[int] = link(Activity, "研修活动", readonly=True, index=False, ondelete="CASCADE")
    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True)
    stars: Mapped[Json] = field("评分", readonly=True, hidden=True, default=list)
    """One to five for each line of the rubric, in its order."""
    average: Mapped[Decimal] = field("平均星级", Numeric(3, 2), readonly=True)
    summary: Mapped[LongText] = field("评价总结及建议", readonly=True)


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
        return str(self.teacher or self.people.get("teacher") or f"#{self.id}")  # type: ignore[attr-defined]


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
    reviewer_id: Mapped[int | None] = link(Teacher, "评审人", readonly=True, ondelete="SET NULL")
    """The member of the IT team it was given to; whoever else holds the right may decide as well."""
    reviewed_at: Mapped[Moment | None] = field("评审时间", readonly=True)

    def __str__(self) -> str:
        parts: tuple[Any, ...] = (self.teacher or self.people.get("teacher"), self.ability_point)  # type: ignore[attr-defined]
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
        key=("school_programme", "scale_item"),
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
