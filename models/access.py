"""Who logs in, as what, and the codes that open the door.

An Account extends Flask-AppBuilder's user; a Post is an account's role at a unit; a PermissionCode makes its binder an
administrator. The one thing a newcomer gets wrong: an account carries no rights, its active posts do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_appbuilder.security.sqla.models import ApiKey as FabApiKey
from flask_appbuilder.security.sqla.models import Role as Role
from flask_appbuilder.security.sqla.models import User as FabUser
from sqlalchemy import BindParameter, Boolean, ColumnElement, ForeignKey, Index, Integer, String, false, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Choice, Json, Moment, Name, Record, Screen, UtcDateTime, check_declaration, choice, field, link, utcnow
from models.org import Region, School
from models.people import Teacher
from models.scoping import Internal, Own, Scoped


class AccountState(Choice):
    REQUESTED = "requested", "待审核", "yellow"
    ACTIVE = "active", "正常", "green"
    REFUSED = "refused", "未通过", "red"
    DISABLED = "disabled", "已停用", "gray"


class PersonKind(Choice):
    """An account's identities; one account may have several and switches between them (S4-42 … S4-46)."""

    TEACHER = "teacher", "教师"
    STUDENT = "student", "学生"
    PARENT = "parent", "家长"


class Account(Scoped, FabUser):
    """账号: who logs in. Its unit is where it is looked after; passwords and locks are written by ``rules.accounts`` alone.

    ``password`` is empty while the account is still on its default password, which is derived from the account's name, must be
    changed at the first login and stops working at ``default_password_until`` (Z-12).
    """

    __screen__ = Screen(
        "账号管理",
        menu="人员管理",
        icon="user-circle",
        list=("username", "first_name", "phone", "state", "last_login", "locked_until"),
        search=("first_name", "username"),
        facets=("state",),
        sort=("username",),
        show=(
            "username",
            "first_name",
            "phone",
            "id_number",
            "state",
            "last_login",
            "locked_until",
            "must_change_password",
            "default_password_until",
        ),
        acts=("read", "export"),
        extra_acts=("reveal", "reset", "unlock", "approve", "disable", "apply", "appoint", "rebind"),
        unit="个账号",
        rank=22,
        empty="还没有账号。新增或导入教师后，系统会自动生成账号。",
    )

    __subject__ = "account"

    phone: Mapped[str | None] = field("手机号码", String(20), mask="phone", readonly=True, unique=True)
    id_number: Mapped[str | None] = field("证件号码", String(30), mask="id_number", readonly=True, index=True)
    teacher_id: Mapped[int | None] = field("教师", ForeignKey("teacher.id", ondelete="SET NULL"), readonly=True, hidden=True, unique=True)
    state: Mapped[AccountState | None] = choice(AccountState, "账号状态", readonly=True, default=AccountState.ACTIVE)
    identities: Mapped[Json | None] = field("身份", readonly=True, hidden=True, default=list)
    identity: Mapped[PersonKind | None] = choice(PersonKind, "当前身份", readonly=True, hidden=True)
    must_change_password: Mapped[bool | None] = field("须修改密码", Boolean, readonly=True, default=False)
    default_password_until: Mapped[datetime | None] = field("默认密码有效期至", UtcDateTime, readonly=True)
    locked_until: Mapped[datetime | None] = field("锁定至", UtcDateTime, readonly=True)
    password_stamp: Mapped[str | None] = field("密码戳", String(32), readonly=True, hidden=True)
    version: Mapped[int | None] = field("版本", Integer, readonly=True, hidden=True, default=1)

    teacher: Mapped[Teacher | None] = relationship(Teacher, foreign_keys=[teacher_id])

    def get_id(self) -> str:
        """What a session remembers: the account and the stamp of its password, so that a new password ends other sessions."""
        return f"{self.id}.{self.password_stamp or ''}"

    def get_full_name(self) -> str:
        """The person's name, as it is written in Chinese."""
        return str(self.first_name)

    def __str__(self) -> str:
        return str(self.first_name)

    @property
    def is_active(self) -> bool:
        """Whether the account may be used at all (S2-12)."""
        return bool(self.active) and self.state is AccountState.ACTIVE


for _name, _details in {
    "id": {"label": "编号", "readonly": True},
    "username": {"label": "账号", "mask": "account", "act": "reveal", "readonly": True},
    "first_name": {"label": "姓名", "readonly": True},
    "last_login": {"label": "最近登录", "readonly": True},
}.items():
    FabUser.__table__.c[_name].info.update(_details)
# The one moment of Flask-AppBuilder that is shown: like all of ours it comes out of the database with its zone.
FabUser.__table__.c["last_login"].type = UtcDateTime()
check_declaration(Account)
Index("ix_ab_user_first_name_scope", Account.__table__.c.first_name, Account.__table__.c.scope_path, Account.__table__.c.id)
Index("ix_ab_user_state_scope", Account.__table__.c.state, Account.__table__.c.scope_path)
IS_REQUESTED = text("state = 'requested'")
"""The menu counts those who wait, on every page: among a million accounts they are a few."""
Index(
    "ix_ab_user_waiting", Account.__table__.c.scope_path, Account.__table__.c.id, sqlite_where=IS_REQUESTED, postgresql_where=IS_REQUESTED
)


HAS_CONTACT = text("contact_phone IS NOT NULL")
IS_DELEGATE = text("delegate_of_id IS NOT NULL")


class Post(Scoped, Record):
    """岗位: an account's role at a unit, from ``since`` until somebody ends it. One administrator a school (S3-04).

    A substitute's post (``delegate_of``) has its end from the beginning: ask ``in_force`` who may act now, ``in_office`` whose
    office it is. An office that has somebody who stands in for its holder is no second office.
    """

    __tablename__ = "post"
    __screen__ = Screen(
        "管理员",
        menu="基本管理",
        icon="user-shield",
        list=("account", "role", "unit_name", "contact_name", "contact_phone", "since", "until"),
        search=("contact_name", "unit_name"),
        facets=("role",),
        sort=("since",),
        acts=("read", "export"),
        extra_acts=("end", "reveal"),
        unit="个岗位",
        rank=13,
        empty="还没有管理员。请先生成权限码并发给对应单位。",
    )
    __table_args__ = (
        Index(
            "uq_post_one_school_admin",
            "school_id",
            unique=True,
            sqlite_where=text("role = 'school_admin' AND until IS NULL"),
            postgresql_where=text("role = 'school_admin' AND until IS NULL"),
        ),
        Index(
            "uq_post_one_group_leader",
            "scope_path",
            unique=True,
            sqlite_where=text("role = 'group_leader' AND until IS NULL"),
            postgresql_where=text("role = 'group_leader' AND until IS NULL"),
        ),
        Index(
            "uq_post_held_once",
            "scope_path",
            "role",
            "account_id",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
        Index("ix_post_role_path", "role", "scope_path"),
        # Administrators have one, the many posts of teachers have none.
        Index("ix_post_contact_phone", "contact_phone", sqlite_where=HAS_CONTACT, postgresql_where=HAS_CONTACT),
        Index("ix_post_delegate_of", "delegate_of_id", sqlite_where=IS_DELEGATE, postgresql_where=IS_DELEGATE),
    )

    account_id: Mapped[int] = field("账号", ForeignKey("ab_user.id", ondelete="CASCADE"), readonly=True, index=True, target=Account)
    role: Mapped[str] = field("角色", String(64), ForeignKey("ab_role.name"), readonly=True)
    region_id: Mapped[int | None] = link(Region, "区域", readonly=True)
    school_id: Mapped[int | None] = link(School, "学校", readonly=True)
    unit_name: Mapped[Name] = field("单位", readonly=True, default="", index=True)
    since: Mapped[Moment] = field("开始时间", readonly=True)
    until: Mapped[Moment | None] = field("结束时间", readonly=True)
    source: Mapped[str] = field("来源", String(40), readonly=True, default="system")
    contact_name: Mapped[Name | None] = field("联系人", readonly=True, index=True)
    contact_unit: Mapped[Name | None] = field("工作单位", readonly=True)
    contact_position: Mapped[Name | None] = field("职务", readonly=True)
    contact_phone: Mapped[str | None] = field("联系电话", String(20), mask="phone", readonly=True, help="供上级管理员联系使用。")
    delegate_of_id: Mapped[int | None] = link("post", "代理的岗位", readonly=True, hidden=True, ondelete="CASCADE", index=False)

    def __str__(self) -> str:
        return " · ".join(part for part in (self.contact_name, self.unit_name) if part) or super().__str__()

    def is_in_force(self, now: datetime) -> bool:
        """Whether its holder may act by it."""
        return self.until is None or self.until > now


def in_force(now: datetime | BindParameter[datetime] | None = None) -> ColumnElement[bool]:
    """The posts by which somebody may act at that moment (now), substitutes' among them."""
    return or_(Post.until.is_(None), Post.until > (utcnow() if now is None else now))


def in_office() -> ColumnElement[bool]:
    """The posts that are held without an end: whether an office is filled, and by whom, a substitute does not change."""
    return Post.until.is_(None)


class CodeState(Choice):
    ISSUED = "issued", "未使用", "blue"
    USED = "used", "已使用", "green"
    REVOKED = "revoked", "已作废", "gray"
    REPLACED = "replaced", "已被新码替换", "gray"
    EXPIRED = "expired", "已过期", "gray"


class PermissionCode(Scoped, Record):
    """权限码（激活码）: one-time code that makes its binder an administrator (Z-14). Its text is never stored, only a keyed hash."""

    __tablename__ = "permission_code"
    __screen__ = Screen(
        "激活码管理",
        menu="基本管理",
        icon="key",
        list=("prefix", "role", "unit_name", "state", "expires_at", "used_at", "created_at"),
        search=("unit_name", "prefix"),
        facets=("state", "role"),
        sort=("created_at", "expires_at"),
        acts=("read", "export"),
        extra_acts=("issue", "revoke"),
        unit="个权限码",
        rank=12,
        empty="还没有权限码。点击“生成权限码”为下级单位生成。",
    )

    prefix: Mapped[str] = field("权限码前四位", String(8), readonly=True, index=True)
    digest: Mapped[str] = field("密钥散列", String(64), readonly=True, hidden=True, unique=True)
    role: Mapped[str] = field("角色", String(64), ForeignKey("ab_role.name"), readonly=True)
    region_id: Mapped[int | None] = link(Region, "区域", readonly=True)
    school_id: Mapped[int | None] = link(School, "学校", readonly=True)
    unit_name: Mapped[Name] = field("单位", readonly=True, index=True)
    state: Mapped[CodeState] = choice(CodeState, "状态", readonly=True, default=CodeState.ISSUED)
    expires_at: Mapped[Moment] = field("有效期至", readonly=True)
    used_at: Mapped[Moment | None] = field("使用时间", readonly=True)
    used_by_id: Mapped[int | None] = field("使用账号", ForeignKey("ab_user.id", ondelete="SET NULL"), readonly=True, hidden=True)
    issued_by_id: Mapped[int | None] = field("签发账号", ForeignKey("ab_user.id", ondelete="SET NULL"), readonly=True, hidden=True)
    replaced_by_id: Mapped[int | None] = field("替换为", ForeignKey("permission_code.id", ondelete="SET NULL"), readonly=True, hidden=True)

    def __str__(self) -> str:
        return f"{self.prefix} · {self.unit_name}"


def _stamp_of_owner(context: Any) -> str | None:
    found: str | None = context.connection.scalar(
        select(Account.password_stamp).where(Account.id == context.get_current_parameters()["user_id"])
    )
    return found


class ApiKey(FabApiKey):
    """接口密钥: by which a program acts for an account. It ends with the password it was made under, as the account's sessions do."""

    password_stamp: Mapped[str | None] = mapped_column(String(32), default=_stamp_of_owner)
    account: Mapped[Account] = relationship(Account, foreign_keys=[FabApiKey.user_id], viewonly=True, lazy="joined")

    @property
    def is_active(self) -> bool:
        """Whether it opens anything: neither revoked nor expired, its account in use and the password still the same."""
        return super().is_active and self.account.is_active and self.password_stamp == self.account.password_stamp


class EndedSession(Internal, Base):
    """A session somebody signed out of, remembered until every cookie with its key has run out (``rules.sessions``)."""

    __tablename__ = "ended_session"
    __screen__ = None

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[Moment] = mapped_column(index=True)


class Throttle(Internal, Base):
    """How often something guessable was tried, counted in the database so that every process counts the same."""

    __tablename__ = "throttle"
    __screen__ = None

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    until: Mapped[Moment] = mapped_column(index=True)


class OneTimeCode(Internal, Base):
    """A short code sent to a phone; kept as a keyed hash, good for one purpose and a few tries (S4-38)."""

    __tablename__ = "one_time_code"
    __screen__ = None

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(40))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class SavedView(Own, Record):
    """常用视图: a name for a list's address."""

    __tablename__ = "saved_view"
    __screen__ = None
    __table_args__ = (Index("uq_saved_view_name", "account_id", "table_name", "name", unique=True),)

    table_name: Mapped[str] = mapped_column(String(60))
    name: Mapped[Name] = field("名称")
    query: Mapped[str] = field("筛选条件", String(1000))


def known_by(person: Iterable[tuple[str, Any]]) -> ColumnElement[bool]:
    """The accounts of a person known so; none for who is known by nothing."""
    columns = {"account": Account.id, "id_number": Account.id_number, "phone": Account.phone, "teacher": Account.teacher_id}
    return or_(false(), *(columns[kind] == value for kind, value in person if kind in columns))


def person_of(account: Account) -> frozenset[tuple[str, Any]]:
    """By what a person is known whatever account they use; two accounts that share an item are the same person's."""
    known = {"account": account.id, "id_number": account.id_number, "phone": account.phone, "teacher": account.teacher_id}
    return frozenset((kind, value) for kind, value in known.items() if value is not None)
