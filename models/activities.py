"""研修专题、研修活动: what a research group does together, and who takes part in it with what.

The one thing a newcomer gets wrong: a participation belongs to the group and is about a teacher; its hours are entries of the
ledger (``models.hours``), credited when it is completed.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, Numeric, String, UniqueConstraint
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped

from models.base import Choice, Count, Day, Json, LongText, Moment, Name, Record, Screen, Sentence, choice, field, link
from models.files import FileKind, FileSlot
from models.hours import HourPolicy
from models.people import Teacher
from models.research import EVIDENCE, ResearchGroup
from models.scoping import Personal, Scoped

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
        add_label="添加专题",
        delete_confirm_label="确认",
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

    kept_to = "delete"

    @hybrid_property
    def is_kept(self) -> bool:
        """A draft: for its leader, and for the school, which takes topics away (S0-59)."""
        return self.state == TopicState.DRAFT

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

    PREPARATION = "preparation", "集中备课", "", "", ("集中备考",)
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
            "guest_teacher",
            "rubric",
            "offline_form",
            "minutes",
            "summary",
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
        # With the state, so that a school's activities are counted from it alone.
        Index("ix_activity_group_state", "group_id", "state"),
        # With the path: else SQLite believes a whole school's activities to be fewer than those of a topic.
        Index("ix_activity_topic_scope", "topic_id", "scope_path", "id"),
        Index("ix_activity_title_scope", "title", "scope_path", "id"),
        Index("ix_activity_starts_scope", "starts_at", "scope_path", "id"),
        Index("ix_activity_scope_facets", "scope_path", "kind", "state"),
    )
    __files__ = (
        FileSlot("materials", "活动材料", accept=EVIDENCE, most=20),
        FileSlot("lesson_video", "课堂视频", accept=(FileKind.VIDEO,), most=3, help="听课评课活动的课堂实录。"),
        FileSlot("lesson_reflection", "教学设计和教学反思", accept=EVIDENCE, most=10, readonly=True),
        FileSlot("evidence", "佐证材料", accept=EVIDENCE, most=50, readonly=True),
    )

    topic_id: Mapped[int] = link(
        Topic, "研修专题", fixed=True, index=False, help="已发布且进行中的专题；没有列出的，请先发布或修改专题的日期。"
    )
    group_id: Mapped[int] = link(ResearchGroup, "教研组", readonly=True, index=False)
    kind: Mapped[ActivityKind] = choice(ActivityKind, "活动类型", fixed=True)
    title: Mapped[Name] = field("活动名称")
    starts_at: Mapped[Moment] = field("开始时间")
    ends_at: Mapped[Moment] = field("结束时间")
    hours: Mapped[Decimal] = field(
        "学时",
        Numeric(8, 2),
        default=Decimal(0),
        help="教学研讨、研修作业、听课评课的学时是固定的，不必填写；线下活动由组长设定，大于 0，不超过学时政策的上限（一般为 10）。",
    )
    requirements: Mapped[LongText | None] = field("活动要求")
    homework_kind: Mapped[HomeworkKind | None] = choice(HomeworkKind, "作业内容", help="只用于研修作业。")
    teaching_teacher_id: Mapped[int | None] = link(Teacher, "执教教师", help="只用于听课评课：本教研组的组长或成员。")
    guest_teacher: Mapped[Name | None] = field("外请执教教师", help="只用于听课评课：执教的不是本教研组成员时填写姓名。")
    rubric_id: Mapped[int | None] = link(Rubric, "评课标准", index=False, help="听课评课必须选择。")
    offline_form: Mapped[OfflineForm | None] = choice(OfflineForm, "线下形式", help="只用于线下活动。")
    minutes: Mapped[LongText | None] = field("活动记录", help="活动中和结束后都可以填写，整校验收后不能再改；记录文件可以放在活动材料中。")
    summary: Mapped[LongText | None] = field("活动总结")
    policy_id: Mapped[int] = link(HourPolicy, "学时政策", readonly=True, index=False)
    state: Mapped[ActivityState] = choice(ActivityState, "活动状态", readonly=True, default=ActivityState.DRAFT)
    completed_at: Mapped[Moment | None] = field("完成时间", readonly=True)

    kept_to = "edit"

    @hybrid_property
    def is_kept(self) -> bool:
        """A draft: its leader's alone."""
        return self.state == ActivityState.DRAFT


class ParticipationState(Choice):
    JOINED = "joined", "已参与", "blue"
    COMPLETED = "completed", "已完成", "green"
    REMOVED = "removed", "已移除", "gray"


class AtActivity:
    """What one teacher did in one activity is called by both."""

    __named_by__: ClassVar[tuple[str, ...]] = ("teacher", "activity")

    def __str__(self: Any) -> str:
        parts = (self.teacher or self.called.get("teacher"), self.activity)
        return " · ".join(str(part) for part in parts if part is not None) or f"#{self.id}"


class Participation(AtActivity, Personal, Record):
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
        Index("ix_participation_scope_facets", "scope_path", "state", "teacher_id", "id"),
    )
    __files__ = (FileSlot("homework", "研修作业", accept=EVIDENCE, most=10, readonly=True),)

    activity_id: Mapped[int] = link(Activity, "研修活动", readonly=True, index=False)
    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True, index=False)
    state: Mapped[ParticipationState] = choice(ParticipationState, "参与状态", readonly=True, default=ParticipationState.JOINED)
    round: Mapped[Count] = field("第几次完成", readonly=True, hidden=True, default=1)
    joined_at: Mapped[Moment] = field("参与时间", readonly=True)
    completed_at: Mapped[Moment | None] = field("完成时间", readonly=True)


class Comment(AtActivity, Scoped, Record):
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

    kept_to = "moderate"

    @hybrid_property
    def is_kept(self) -> bool:
        """Hidden: for its author and whoever moderates there."""
        return self.hidden_at != None  # noqa: E711  (it is SQL as well)


class Evaluation(AtActivity, Personal, Record):
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
