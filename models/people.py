"""Teachers, their applications to be recognised by their school, and the reference data about them."""

from __future__ import annotations

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from models.base import Choice, Code, Count, Day, Moment, Name, Record, Screen, Sentence, choice, field, link
from models.files import FileKind, FileSlot
from models.inside import indexes_inside
from models.org import School, Stage
from models.scoping import Personal, Scoped, Shared


class IdType(Shared, Record):
    """证件类型 (S3-120)."""

    __tablename__ = "id_type"
    __screen__ = Screen(
        "证件类型",
        menu="基础数据",
        icon="id",
        list=("code", "name", "rank", "is_active"),
        search=("name",),
        order="rank",
        key=("code",),
        console=True,
        rank=90,
    )

    code: Mapped[Code] = field("代码", unique=True, fixed=True)
    name: Mapped[Name] = field("名称", unique=True)
    rank: Mapped[Count] = field("排序", default=0)
    is_active: Mapped[bool] = field("启用", default=True)


class Title(Shared, Record):
    """职称 (S3-116)."""

    __tablename__ = "title"
    __screen__ = Screen(
        "职称",
        menu="基础数据",
        icon="award",
        list=("code", "name", "rank", "is_active"),
        search=("name",),
        order="rank",
        key=("code",),
        console=True,
        rank=92,
    )

    code: Mapped[Code] = field("代码", unique=True, fixed=True)
    name: Mapped[Name] = field("名称", unique=True)
    rank: Mapped[Count] = field("排序", default=0)
    is_active: Mapped[bool] = field("启用", default=True)


class Subject(Shared, Record):
    """学科领域 (S3-110)."""

    __tablename__ = "subject"
    __screen__ = Screen(
        "学科领域",
        menu="基础数据",
        icon="books",
        list=("code", "name", "rank", "is_active"),
        search=("name",),
        order="rank",
        key=("code",),
        console=True,
        rank=93,
    )

    code: Mapped[Code] = field("代码", unique=True, fixed=True)
    name: Mapped[Name] = field("名称", unique=True)
    rank: Mapped[Count] = field("排序", default=0)
    is_active: Mapped[bool] = field("启用", default=True)


TAKEN = "该证件号码已在平台登记。如教师由其他学校调入，请由本人在“个人中心”更换任教学校，不能重复新增。"
"""A transferred teacher is moved, not entered twice (S0-21, S0-22)."""


class CertificationState(Choice):
    NONE = "none", "未认证", "gray"
    PENDING = "pending", "待审核", "yellow", "未审核"
    PASSED = "passed", "认证通过", "green", "已通过"
    FAILED = "failed", "未通过", "red"


IS_WAITING = text("certification = 'pending'")
"""The menu counts those who wait, on every page, without the own application."""
IS_SENT = text("rotation_unit IS NOT NULL")


class Teacher(Scoped, Record):
    """教师: a person who teaches or is trained; belongs to a school, or to a region while between schools (S4-47)."""

    __tablename__ = "teacher"
    __owner__ = "school"
    __segment__ = "t{id}"
    __screen__ = Screen(
        "教师管理",
        menu="人员管理",
        icon="users",
        list=("account_name", "name", "id_type", "id_number", "title", "stage", "subject", "applied_at", "certification"),
        search=("name",),
        facets=("certification", "title", "stage"),
        filters=("subject", "school", "applied_at"),
        sort=("name", "applied_at"),
        order="scope_path",
        key=("id_type", "id_number"),
        form=("name", "id_type", "id_number", "phone", "school", "title", "stage", "subject", "rotation_unit", "rotation_until"),
        extra_acts=("reveal", "certify", "certify_above", "leave", "apply"),
        related=("Certification.teacher",),
        unit="名教师",
        rank=20,
        empty="本校还没有教师。点击“新增教师”逐个添加，或用“批量导入”一次导入全校教师。",
    )
    __table_args__ = (
        UniqueConstraint("id_type_id", "id_number", info={"sentence": TAKEN, "field": "id_number"}),
        Index("ix_teacher_scope_facets", "scope_path", "certification", "title_id", "stage_id"),
        Index("ix_teacher_name_scope", "name", "scope_path", "id"),
        Index("ix_teacher_applied_scope", "applied_at", "scope_path", "id"),
        Index(
            "ix_teacher_waiting", "scope_path", "phone", "id_number", "certification", sqlite_where=IS_WAITING, postgresql_where=IS_WAITING
        ),
        Index("ix_teacher_rotating", "scope_path", sqlite_where=IS_SENT, postgresql_where=IS_SENT),
        *indexes_inside("teacher", "name"),
    )

    account_name: Mapped[str | None] = field("账号", String(128), mask="account", readonly=True, index=True)
    name: Mapped[Name] = field("姓名", example="王一")
    id_type_id: Mapped[int] = link(IdType, "证件类型")
    id_number: Mapped[str] = field(
        "证件号码", String(30), mask="id_number", example="11010519491231002X", help="居民身份证须为 18 位，字母 X 大写。"
    )
    phone: Mapped[str | None] = field("手机号码", String(20), mask="phone", example="13800000000")
    school_id: Mapped[int | None] = link(School, "学校", fixed=True)
    title_id: Mapped[int | None] = link(Title, "职称", index=False)
    stage_id: Mapped[int | None] = link(Stage, "学段", index=False)
    subject_id: Mapped[int | None] = link(Subject, "学科领域", index=False)
    rotation_unit: Mapped[Name | None] = field("轮岗单位", help="轮岗期间实际任教的单位。教师仍由本校管理，学校不变。")
    rotation_until: Mapped[Day | None] = field("轮岗至", help="轮岗的最后一天，未定可不填。")
    applied_at: Mapped[Moment | None] = field("申请时间", readonly=True)
    certification: Mapped[CertificationState] = choice(CertificationState, "审核状态", readonly=True, default=CertificationState.NONE)


class CertificationOutcome(Choice):
    PENDING = "pending", "待审核", "yellow"
    PASSED = "passed", "通过", "green"
    FAILED = "failed", "不通过", "red"
    WITHDRAWN = "withdrawn", "已撤回", "gray"


class Certification(Personal, Record):
    """教师认证审核: one application of a teacher to be recognised; who was failed applies anew with another row (S3-123)."""

    __tablename__ = "certification"
    __owner__ = "teacher"
    __screen__ = Screen(
        "认证申请记录",
        menu="人员管理",
        icon="user-check",
        list=("teacher", "school", "applied_at", "outcome", "decided_at", "comment"),
        facets=("outcome",),
        filters=("applied_at",),
        sort=("applied_at",),
        acts=("read", "export"),
        unit="条申请",
        rank=21,
        empty="还没有认证申请。",
    )
    __files__ = (
        FileSlot(
            "evidence",
            "证明材料",
            accept=(FileKind.DOCUMENT, FileKind.IMAGE),
            most=10,
            help="如聘书、任职证明、教师资格证，可以不传。",
            readonly=True,
        ),
    )
    __table_args__ = (
        Index("ix_certification_scope_facets", "scope_path", "outcome"),
        Index("ix_certification_applied_scope", "applied_at", "scope_path", "id"),
    )

    teacher_id: Mapped[int] = link(Teacher, "教师", readonly=True, ondelete="CASCADE")
    school_id: Mapped[int] = link(School, "学校", readonly=True)
    applied_at: Mapped[Moment] = field("申请时间", readonly=True)
    outcome: Mapped[CertificationOutcome] = choice(CertificationOutcome, "结果", readonly=True, default=CertificationOutcome.PENDING)
    decided_at: Mapped[Moment | None] = field("审核时间", readonly=True)
    comment: Mapped[Sentence | None] = field("审核意见", readonly=True)

    def __str__(self) -> str:
        return str(self.teacher or super().__str__())  # type: ignore[attr-defined]
