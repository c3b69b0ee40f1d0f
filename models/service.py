"""What people ask of customer service: accounts and passwords nobody else can give back, and who their administrator is.

The one thing a newcomer gets wrong: most who ask are signed out, and what they write proves nothing. A request says what somebody
claims; an account's own record says what is so.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped

from models.access import Account
from models.base import Choice, Moment, Name, Record, Screen, Sentence, choice, field, link
from models.files import FileKind, FileSlot
from models.org import Region, School
from models.scoping import Scoped


class RequestKind(Choice):
    """What is asked for; ``PHONE`` by who cannot receive at the old number any more (S4-39)."""

    ACCOUNT = "account", "忘记账号"
    PASSWORD = "password", "忘记密码"
    ADMINISTRATOR = "administrator", "查询管理员"
    PHONE = "phone", "更换手机号码"
    OTHER = "other", "其他问题"


class RequestState(Choice):
    """``CALLED`` is for who asks for another phone alone: customer service has talked to them (S4-41)."""

    WAITING = "waiting", "待处理", "yellow"
    CALLED = "called", "已回访", "blue"
    ANSWERED = "answered", "已答复", "green"
    REFUSED = "refused", "无法核实", "red"


class ServiceRequest(Scoped, Record):
    """客服申请: somebody asks customer service for help, signed in or not (S0-17, S0-24, S3-134).

    It belongs to the unit its author named, where exactly one is called so, and to the platform otherwise; who asks for another phone
    names none. Its number is told to its author alone; stored is a keyed hash of phone and number together.
    """

    __tablename__ = "service_request"
    __keeps_owner__: ClassVar[bool] = False
    __screen__ = Screen(
        "客服申请",
        menu="人员管理",
        icon="headset",
        list=("name", "kind", "unit_name", "position", "phone", "state", "created_at"),
        search=("name", "unit_name"),
        facets=("state", "kind"),
        filters=("created_at",),
        sort=("created_at",),
        show=(
            "kind",
            "state",
            "name",
            "unit_name",
            "position",
            "phone",
            "old_phone",
            "id_number",
            "id_tail",
            "description",
            "region",
            "school",
            "account",
            "created_at",
            "answer",
            "answered_at",
        ),
        acts=("read", "export"),
        extra_acts=("reveal", "answer"),
        unit="条客服申请",
        rank=24,
        empty="还没有客服申请。有人在“联系客服”页面提交后会出现在这里。",
    )
    __files__ = (FileSlot("photo", "手持身份证近照", accept=(FileKind.IMAGE,), most=1, readonly=True, act="answer"),)
    __table_args__ = (Index("ix_service_request_state_scope", "state", "scope_path"),)

    kind: Mapped[RequestKind] = choice(RequestKind, "申请事项", fixed=True)
    name: Mapped[Name] = field("姓名", fixed=True, index=True)
    unit_name: Mapped[Name | None] = field("单位", fixed=True, index=True)
    position: Mapped[Name | None] = field("职务", fixed=True)
    phone: Mapped[str] = field("手机号码", String(20), mask="phone", fixed=True)
    old_phone: Mapped[str | None] = field("原手机号码", String(20), mask="phone", fixed=True)
    id_number: Mapped[str | None] = field("身份证号码", String(30), mask="id_number", fixed=True)
    id_tail: Mapped[str | None] = field("证件号码后四位", String(4), act="reveal", fixed=True)
    description: Mapped[Sentence | None] = field("问题描述", fixed=True)
    region_id: Mapped[int | None] = link(Region, "所属区域", readonly=True, ondelete="SET NULL")
    school_id: Mapped[int | None] = link(School, "学校", readonly=True, ondelete="SET NULL")
    account_id: Mapped[int | None] = field(
        "提交账号", ForeignKey("ab_user.id", ondelete="SET NULL"), readonly=True, index=True, target=Account
    )
    digest: Mapped[str] = field("查询号散列", String(64), readonly=True, hidden=True, unique=True)
    state: Mapped[RequestState] = choice(RequestState, "处理状态", readonly=True, default=RequestState.WAITING)
    answer: Mapped[Sentence | None] = field("答复", readonly=True)
    answered_at: Mapped[Moment | None] = field("答复时间", readonly=True)
