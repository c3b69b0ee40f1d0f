"""Permission codes: who may issue one for whom, and how it makes its binder an administrator, once (S3-30…44, Z-14, Z-15).

A code is for one role at one unit. Its text is shown to who issues it and never again; the database keeps a keyed hash. The
one thing a newcomer gets wrong: a code is consumed by the bind that succeeds, not by trying, opening or mistyping it, so
everything that can still be refused is refused in the transaction that consumes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from models.access import Account, CodeState, PermissionCode, Post, in_office
from models.base import ZONE
from models.history import note
from models.notices import NoticeKind
from models.org import Region, School, SchoolKind
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Conflict, OutOfReach, Sentence
from rules.account_names import check_phone
from rules.acting import Unit, acting_post, level_of, take_turn, unit_of
from rules.code_issuers import check_may_issue, check_stands_above
from rules.code_text import FIELD, code_hash, code_prefix, new_code, normalise_code
from rules.errors import RuleViolation
from rules.grants import SCHOOL_ADMIN, role_label
from rules.notices import administrators_of, page_of, tell_accounts
from rules.throttle import clear, hit, take_back

LONGEST_DAYS = 365
LONGEST_CONTACT = 100
ACCOUNT_TRIES, ADDRESS_TRIES, TRIES_SECONDS = 10, 30, 900
"""A whole county may bind behind one address, so a success is no try of its address (Z-14)."""

REFUSED = "权限码无效：可能输入有误、已被使用、已过期或已作废。请核对后重试，或请上级管理员重新生成。"
"""The one answer for every code that does not open the door, so that guessing learns nothing."""

BOUND = "权限码 {prefix} 已被绑定，{unit}有了新的{role}。如有疑问，请核实后处理。"
CODES_HEADER = ("单位", "角色", "权限码", "有效期至", "绑定地址说明")
HOW_TO_BIND = "登录本平台，点击首页底部【管理系统】，在【权限绑定】页填写权限码和个人信息；没有账号请先注册。"


@dataclass(frozen=True)
class Target:
    """What a code is asked for: a role at a region or at a school."""

    role: str
    region_id: int | None = None
    school_id: int | None = None

    @classmethod
    def at(cls, role: str, unit: Unit) -> Target:
        """The role at ``unit``."""
        return cls(role, school_id=unit.id) if isinstance(unit, School) else cls(role, region_id=unit.id)


@dataclass(frozen=True)
class IssuedCode:
    """A fresh code as its issuer gets to see it, this once."""

    code_text: str
    prefix: str
    unit_name: str
    role: str
    expires_at: datetime
    permission_code_id: int


class Contact(NamedTuple):
    """By whom the superior reaches the unit's administrator (S3-34, S3-35)."""

    name: str
    unit: str
    position: str
    phone: str


# --- what is asked of the input: pure ---------------------------------------------------------------------------------


def check_days(days: int) -> None:
    """Refuse a validity of less than a day or more than a year."""
    if not 1 <= days <= LONGEST_DAYS:
        raise RuleViolation("有效期应为1至{most}天。", "days", most=LONGEST_DAYS)


def check_contact(contact: Contact) -> Contact:
    """The contact as it is kept: trimmed, complete, with a phone one can call (S3-35)."""
    for name, label, value in zip(Contact._fields, ("姓名", "工作单位", "职务", "手机号码"), contact, strict=True):
        if not value.strip():
            raise RuleViolation("请填写{label}。", name, label=label)
        if len(value.strip()) > LONGEST_CONTACT:
            raise RuleViolation("{label}最多{most}个字。", name, label=label, most=LONGEST_CONTACT)
    return Contact(contact.name.strip(), contact.unit.strip(), contact.position.strip(), check_phone(contact.phone))


# --- issuing -----------------------------------------------------------------------------------------------------------


def issue_codes(
    session: Session, identity: Identity, secret_key: bytes, targets: Sequence[Target], *, now: datetime, days: int, daily_cap: int
) -> list[IssuedCode]:
    """Issue a code for each target, all or none; an unused older code for the same role and unit is void from then on.

    At most ``daily_cap`` codes per issuer in a day of Shanghai's. Raises NotPermitted, OutOfReach, RuleViolation.
    """
    check_days(days)
    wanted = list(dict.fromkeys(targets))
    if not wanted:
        raise RuleViolation("请选择要生成权限码的单位。", "unit")
    _check_daily_cap(len(wanted), daily_cap)
    with acting_as(identity), transaction(session):
        identity.require("issue", "permission_code")
        units = _units_in_reach(session, identity, wanted)
        if not identity.everything:
            post = acting_post(session, identity)
            for target, unit in units.items():
                check_may_issue(post.role, post.scope_path, target.role, unit.scope_path, level_of(unit))
        with acting_as(identity.serving()):
            take_turn(session, units.values())
            _check_daily_cap(len(wanted) + _issued_today(session, identity.account_id, now), daily_cap)
            return write_codes(session, identity, secret_key, units, now=now, days=days)


def write_codes(
    session: Session, identity: Identity, secret_key: bytes, units: dict[Target, Unit], *, now: datetime, days: int
) -> list[IssuedCode]:
    """Write one code per target and void the older ones; a step of verbs that have asked their questions and taken their turn."""
    _check_no_administrator(session, units)
    texts = {target: new_code() for target in units}
    codes = {
        target: PermissionCode(
            prefix=code_prefix(texts[target]),
            digest=code_hash(secret_key, texts[target]),
            role=target.role,
            region_id=target.region_id,
            school_id=target.school_id,
            unit_name=unit.name,
            scope_path=unit.scope_path,
            expires_at=now + timedelta(days=days),
            issued_by_id=identity.account_id,
            created_at=now,
        )
        for target, unit in units.items()
    }
    older = _unused(session, units)
    session.add_all(codes.values())
    session.flush()
    for old in older:
        old.state = CodeState.REPLACED
        old.replaced_by_id = codes[Target(old.role, old.region_id, old.school_id)].id
    session.flush()
    return [IssuedCode(texts[t], c.prefix, c.unit_name, c.role, c.expires_at, c.id) for t, c in codes.items()]


def codes_workbook_rows(issued: Iterable[IssuedCode]) -> list[tuple[str, ...]]:
    """Header and rows of the workbook that hands the codes out, once (S3-24)."""
    rows = ((i.unit_name, role_label(i.role), i.code_text, f"{i.expires_at.astimezone(ZONE):%Y.%m.%d %H:%M}", HOW_TO_BIND) for i in issued)
    return [CODES_HEADER, *rows]


def revoke_code(session: Session, identity: Identity, code: PermissionCode, now: datetime) -> None:
    """Make an unused code void; who may replace the administrator may void the code. Raises Conflict when somebody was first."""
    with acting_as(identity), transaction(session):
        identity.require("revoke", "permission_code", code.scope_path)
        if not identity.everything:
            post = acting_post(session, identity)
            check_stands_above(post.role, post.scope_path, code.role, code.scope_path)
        with acting_as(identity.serving()):
            voided = _conclude(session, PermissionCode.id == code.id, state=CodeState.REVOKED, updated_at=now)
            if voided is None:
                raise Conflict("这个权限码已被使用或已作废，不能再次作废。")
            note(session, voided, "revoke", {"state": [CodeState.ISSUED.value, CodeState.REVOKED.value]})


def expire_codes(session: Session, now: datetime) -> int:
    """Mark what nobody has bound in time; a worker does so every minute. The time itself is what closes a code."""
    late = update(PermissionCode).where(PermissionCode.state == CodeState.ISSUED, PermissionCode.expires_at <= now)
    with transaction(session):
        values = {"state": CodeState.EXPIRED, "version": PermissionCode.version + 1, "updated_at": now}
        marked: Any = session.execute(late.values(values).execution_options(synchronize_session=False))
    return int(marked.rowcount)


# --- binding -----------------------------------------------------------------------------------------------------------


def bind_code(
    session: Session, identity: Identity, secret_key: bytes, text: str, contact: Contact, *, account: Account, address: str, now: datetime
) -> Post:
    """Make ``account`` the administrator the code is for; the code is consumed by that and by nothing else (S3-33, S3-34).

    Tries are counted per account and per network address; a faulty contact and an empty code are no tries.
    """
    contact = check_contact(contact)
    if not text.strip():
        normalise_code(text)
    account_key, address_key = f"bind:account:{account.id}", f"bind:address:{address}"
    _count_try(session, account_key, address_key, now)
    digest = code_hash(secret_key, text)
    with acting_as(identity.serving()), transaction(session):
        usable = (PermissionCode.digest == digest) & (PermissionCode.expires_at > now)
        # The unit before its codes, as whoever issues does: locked the other way round, a bind and an issue wait for each other.
        meant = session.scalars(select(PermissionCode).where(usable, PermissionCode.state == CodeState.ISSUED)).one_or_none()
        if meant is None:
            raise RuleViolation(REFUSED, FIELD)
        unit = unit_of(session, meant)
        take_turn(session, [unit])
        code = _conclude(session, usable, state=CodeState.USED, used_at=now, used_by_id=account.id, updated_at=now)
        if code is None:
            raise RuleViolation(REFUSED, FIELD)
        _check_vacant(session, code, unit, account)
        post = _appoint(session, code, unit, contact, account, now)
        note(session, code, "bind", {"state": [CodeState.ISSUED.value, CodeState.USED.value], "used_by_id": [None, account.id]})
        _tell_of_binding(session, code, post, now)
        clear(session, account_key)
        take_back(session, address_key)
        return post


def _count_try(session: Session, account_key: str, address_key: str, now: datetime) -> None:
    for key, limit in ((account_key, ACCOUNT_TRIES), (address_key, ADDRESS_TRIES)):
        if not hit(session, key, limit=limit, seconds=TRIES_SECONDS, now=now):
            raise RuleViolation("尝试次数过多，请{minutes}分钟后再试。", FIELD, minutes=TRIES_SECONDS // 60)


def _check_vacant(session: Session, code: PermissionCode, unit: Unit, account: Account) -> None:
    held = select(Post.account_id).where(Post.role == code.role, in_office())
    holders = session.scalars(held.where(Post.region_id == code.region_id, Post.school_id == code.school_id)).all()
    if account.id in holders:
        raise RuleViolation("您已经是{unit}的{role}，不需要再次绑定。", FIELD, unit=unit.name, role=role_label(code.role))
    if holders and code.role == SCHOOL_ADMIN:
        raise RuleViolation("{unit}已有管理员。如需更换，请联系上级管理员办理“更换管理员”。", FIELD, unit=unit.name)


def _appoint(session: Session, code: PermissionCode, unit: Unit, contact: Contact, account: Account, now: datetime) -> Post:
    post = Post(
        account_id=account.id,
        role=code.role,
        region_id=code.region_id,
        school_id=code.school_id,
        unit_name=unit.name,
        scope_path=unit.scope_path,
        since=now,
        source=f"code:{code.prefix}",
        contact_name=contact.name,
        contact_unit=contact.unit,
        contact_position=contact.position,
        contact_phone=contact.phone,
    )
    session.add(post)
    session.flush()
    return post


def _tell_of_binding(session: Session, code: PermissionCode, post: Post, now: datetime) -> None:
    """Who issued the code and who already administers the unit hear that it has a new administrator."""
    whom = {code.issued_by_id, *administrators_of(session, post.scope_path)} - {post.account_id}
    bound = Sentence(BOUND, prefix=code.prefix, unit=post.unit_name, role=role_label(post.role))
    tell_accounts(session, whom, bound, page_of(post), kind=NoticeKind.POST, now=now, place=post.scope_path)


# --- the questions and statements of both --------------------------------------------------------------------------------


def _units_in_reach(session: Session, identity: Identity, targets: Sequence[Target]) -> dict[Target, Unit]:
    regions = session.scalars(select(Region).where(Region.id.in_({t.region_id for t in targets} - {None})))
    schools = session.scalars(select(School).where(School.id.in_({t.school_id for t in targets} - {None})))
    known: dict[tuple[int | None, int | None], Unit] = {(region.id, None): region for region in regions}
    known |= {(None, school.id): school for school in schools}
    units: dict[Target, Unit] = {}
    for target in targets:
        unit = known.get((target.region_id, target.school_id))
        if unit is None:
            raise OutOfReach(f"unit of {target}")
        identity.require("issue", "permission_code", unit.scope_path)
        units[target] = unit
    return units


def _conclude(session: Session, which: ColumnElement[bool], **values: object) -> PermissionCode | None:
    """The unused code, brought to its end by one conditional statement; None if there is none, or another was first."""
    ended = update(PermissionCode).where(which, PermissionCode.state == CodeState.ISSUED)
    ended = ended.values(version=PermissionCode.version + 1, **values)
    fresh = {"synchronize_session": False, "populate_existing": True}
    return session.scalars(ended.returning(PermissionCode), execution_options=fresh).one_or_none()


def _unused(session: Session, units: Iterable[Target]) -> list[PermissionCode]:
    wanted = set(units)
    same_units = PermissionCode.region_id.in_({t.region_id for t in wanted} - {None}) | PermissionCode.school_id.in_(
        {t.school_id for t in wanted} - {None}
    )
    found = session.scalars(select(PermissionCode).where(PermissionCode.state == CodeState.ISSUED, same_units).with_for_update())
    return [code for code in found if Target(code.role, code.region_id, code.school_id) in wanted]


def _check_no_administrator(session: Session, units: dict[Target, Unit]) -> None:
    schools = {unit.id: unit for unit in units.values() if isinstance(unit, School)}
    if any(school.kind is SchoolKind.OTHER for school in schools.values()):
        raise RuleViolation("“其他”只是占位，没有管理员。请先新增学校，再为它生成权限码。", "unit")
    taken = select(Post.school_id).where(Post.role == SCHOOL_ADMIN, in_office(), Post.school_id.in_(schools))
    if names := [schools[found].name for found in session.scalars(taken.order_by(Post.school_id)) if found is not None]:
        raise RuleViolation("{units}已有管理员，请使用“更换管理员”。", "unit", units="、".join(names[:5]) + ("等" if names[5:] else ""))


def _issued_today(session: Session, account_id: int | None, now: datetime) -> int:
    """How many codes the account issued since midnight; on PostgreSQL its other requests wait until this one is done."""
    session.scalar(select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))
    midnight = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    issued = select(func.count()).select_from(PermissionCode)
    return session.scalar(issued.where(PermissionCode.issued_by_id == account_id, PermissionCode.created_at >= midnight)) or 0


def _check_daily_cap(count: int, daily_cap: int) -> None:
    if count > daily_cap:
        raise RuleViolation("每个账号每天最多生成{most}个权限码，请明天再生成，或减少数量。", "unit", most=daily_cap)
