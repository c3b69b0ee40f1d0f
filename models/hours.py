"""Programmes, the dated policies of their hours, and the one ledger in which every hour anybody earned is written.

The one thing a newcomer gets wrong: an entry is never changed. What was wrong is countered by another entry with a negative number;
what counts is computed from all of them (``rules.hours``), and limits are rows of ``HourPolicy``, not numbers in code.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped

from models.base import Choice, Count, Day, Hours, LongText, Moment, Name, Record, Screen, Sentence, choice, field, link
from models.files import FileKind, FileSlot
from models.org import Region
from models.people import Teacher
from models.scoping import Personal, Published

MENU = "校本研修"
SAME_DAY = "该研修项目在这一天已有一份学时政策，请选择其他生效日期。"


class Programme(Published, Record):
    """研修项目: what schools take part in, e.g. 能力提升工程2.0 of a year. Its first policy comes with it."""

    __tablename__ = "programme"
    __owner__ = "region"
    __screen__ = Screen(
        "研修项目",
        menu=MENU,
        icon="flag",
        list=("name", "year", "region", "starts_on", "ends_on"),
        search=("name",),
        facets=("year",),
        filters=("region",),
        sort=("name", "year", "starts_on", "ends_on"),
        order="-starts_on",
        acts=("read", "add", "edit", "delete", "export"),
        related=("HourPolicy.programme",),
        unit="个研修项目",
        rank=65,
        empty="还没有研修项目。点击“新增”添加，学时政策会随项目自动生成。",
    )
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="dates"),
        CheckConstraint("reviewers >= 1 AND reviewers <= 10", name="reviewers"),
        Index("ix_programme_year_scope", "year", "scope_path"),
    )
    __files__ = (
        FileSlot(
            "plan_template",
            "个人提升计划模板",
            accept=(FileKind.DOCUMENT, FileKind.TEXT),
            most=3,
            help="教师下载后填写并上传；学校另有模板时使用学校的。",
        ),
    )

    name: Mapped[Name] = field("项目名称", index=True, example="信息技术应用能力提升工程2.0")
    year: Mapped[Count] = field("年度", example="2026")
    region_id: Mapped[int] = link(Region, "所属区域", fixed=True, help="该区域及其下级的学校都可以参加。")
    starts_on: Mapped[Day] = field("开始日期")
    ends_on: Mapped[Day] = field("结束日期")
    introduction: Mapped[LongText | None] = field("项目说明")
    reviewers: Mapped[Count] = field("成果评审人数", default=1, help="研修成果需要几名信息化团队成员发布评审意见，1 至 10 人。")


class HourPolicy(Published, Record):
    """学时政策: what each kind of activity is worth, the target and the cap of a programme from a day on (S1-22…31, S1-47)."""

    __tablename__ = "hour_policy"
    __owner__ = "programme"
    __named_by__ = ("programme",)
    __screen__ = Screen(
        "学时政策",
        menu=MENU,
        icon="scale",
        list=("programme", "valid_from", "discussion", "homework", "observation", "offline_most", "target", "cap", "policy_ref"),
        filters=("programme",),
        sort=("valid_from",),
        order="-valid_from",
        acts=("read", "add", "edit", "delete", "export"),
        unit="份学时政策",
        rank=66,
        empty="还没有学时政策。新增研修项目时会自动生成第一份。",
    )
    __table_args__ = (
        UniqueConstraint("programme_id", "valid_from", info={"sentence": SAME_DAY, "field": "valid_from"}),
        CheckConstraint("discussion > 0 AND homework > 0 AND observation > 0 AND offline_most > 0", name="kinds"),
        CheckConstraint("target > 0 AND target <= cap", name="target"),
    )

    programme_id: Mapped[int] = link(Programme, "研修项目", fixed=True, ondelete="CASCADE", index=False)
    valid_from: Mapped[Day] = field("生效日期", help="从这一天起适用，直到下一份政策生效。")
    discussion: Mapped[Hours] = field("教学研讨学时", default=Decimal(2))
    homework: Mapped[Hours] = field("研修作业学时", default=Decimal(5))
    observation: Mapped[Hours] = field("听课评课学时", default=Decimal(5))
    offline_most: Mapped[Hours] = field("线下活动最高学时", default=Decimal(10), help="每次线下活动由组长设定，不能超过这个数。")
    target: Mapped[Hours] = field("达标学时", default=Decimal(25))
    cap: Mapped[Hours] = field("计入上限", default=Decimal(25), help="超出部分如实累计，但不计入。")
    policy_ref: Mapped[Sentence | None] = field("政策依据", default="粤教继函〔2020〕6号", example="粤教继函〔2020〕6号")

    def __str__(self) -> str:
        return f"{self.programme} · {self.valid_from:%Y.%m.%d}"  # type: ignore[attr-defined]


class HourCategory(Choice):
    DISCUSSION = "discussion", "教学研讨"
    HOMEWORK = "homework", "研修作业"
    OBSERVATION = "observation", "听课评课"
    OFFLINE = "offline", "线下活动"


class HourState(Choice):
    ACCRUED = "accrued", "已累计（未登记）", "blue", "未登记"
    REGISTERED = "registered", "已登记", "green"
    VOID = "void", "已冲销", "gray"


class HourEntry(Personal, Record):
    """学时台账: one number of hours of one teacher, from one piece of evidence, which no other entry can have (S1-21…51)."""

    __tablename__ = "hour_entry"
    __screen__ = Screen(
        "学时台账",
        menu=MENU,
        icon="clock-hour-4",
        list=("teacher", "programme", "category", "title", "hours", "earned_at", "state", "counted"),
        search=("title",),
        facets=("state", "category"),
        filters=("programme", "teacher", "earned_at"),
        sort=("earned_at",),
        order="-earned_at",
        acts=("read", "export"),
        unit="条学时记录",
        rank=60,
        empty="还没有学时。教师完成研修活动后，学时会自动记入。",
    )
    __table_args__ = (
        # With all that is summed up, so that a school's sums read no row.
        Index("ix_hour_entry_teacher", "teacher_id", "programme_id", "state", "hours", "counted"),
        Index("ix_hour_entry_programme", "programme_id", "state", "scope_path", "teacher_id"),
        Index("ix_hour_entry_scope_facets", "scope_path", "state", "category", "earned_at", "id"),
        Index("ix_hour_entry_earned_scope", "earned_at", "scope_path", "id"),
        Index("ix_hour_entry_title_scope", "title", "scope_path", "id"),
    )

    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True, index=False)
    programme_id: Mapped[int] = link(Programme, "研修项目", readonly=True, index=False)
    category: Mapped[HourCategory] = choice(HourCategory, "类型", readonly=True)
    title: Mapped[Name] = field("活动名称", readonly=True)
    hours: Mapped[Hours] = field("学时", readonly=True)
    earned_at: Mapped[Moment] = field("获得时间", readonly=True)
    policy_id: Mapped[int] = link(HourPolicy, "适用政策", readonly=True)
    evidence: Mapped[str] = field("依据", String(80), readonly=True, hidden=True, unique=True)
    counters_id: Mapped[int | None] = link("hour_entry", "冲销的记录", readonly=True)
    state: Mapped[HourState] = choice(HourState, "状态", readonly=True, default=HourState.ACCRUED)
    counted: Mapped[Decimal | None] = field("登记学时", Numeric(8, 2), readonly=True)
