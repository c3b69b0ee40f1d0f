"""Customer service: asking it, reading its answer, and what it looks up (S0-17, S0-24, S3-134).

The operator decides in ``rules.approvals``; who asks for another phone is in ``rules.phone_requests``. The one thing a newcomer gets wrong: nothing here tells the asker whether an account
exists, and no password goes to a phone that somebody merely typed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select, union_all
from sqlalchemy.orm import Session, joinedload

from models.access import Account, Post, in_force
from models.org import Region, School, SchoolKind
from models.scoping import ROOT, Identity, acting_as
from models.service import RequestKind, ServiceRequest
from models.session import transaction
from rules.account_names import check_phone
from rules.accounts import PERSONAL_ROLES, reset_password
from rules.code_text import ALPHABET
from rules.errors import RuleViolation
from rules.id_numbers import half_width, one_line
from rules.masks import mask_phone
from rules.passwords import SUFFIX
from rules.phones import allow_message, digest_of
from rules.sms import send_sms
from rules.throttle import hit, take_back

ASKING = Identity(label="联系客服", everything=True)
PURPOSE = "service_request"
HOUR = 3600
ASKS_PER_ADDRESS = 20
LOOKS_PER_ADDRESS = 20
ID_TAIL = re.compile(r"[0-9]{3}[0-9X]")
# With 23 letters 36 bits, good for one phone only and behind limited tries.
NUMBER_LENGTH = 8
MOST_OWN = 20
MOST_MATCHES = 10
NOT_FOUND = "没有查到。请核对查询号，以及提交申请时填写的手机号码。"
TOO_OFTEN = "操作过于频繁，请稍后再试。"
RESET_ONCE = "【教师研修】您的账号{account}的密码已重置，一次性密码：{password}，登录后须立即修改。请勿告诉他人。"
RESET_DEFAULT = "【教师研修】您的账号{account}的密码已重置为默认密码（账号后六位+{suffix}），登录后须立即修改。请勿告诉他人。"


@dataclass(frozen=True)
class Asked:
    """What somebody typed."""

    kind: RequestKind
    name: str
    unit: str
    phone: str
    position: str = ""
    id_tail: str = ""
    description: str = ""


@dataclass(frozen=True)
class Match:
    """An account that may be the one asked for, its active posts, and the labels of what agrees with the request."""

    account: Account
    posts: Sequence[Post]
    agrees: Sequence[str]


# --- asking -----------------------------------------------------------------------------------------------------------


def ask_service(session: Session, asked: Asked, *, account: Account | None, address: str, now: datetime, secret_key: bytes) -> str:
    """Store a request; answers its number, ``AC3D-4EF6``, which is told this once."""
    phone, number, unit = check_phone(asked.phone), draw_number(), one_line(asked.unit)
    if not unit:
        raise RuleViolation("请填写“{label}”。", "unit_name", label="单位")
    values = {
        "kind": asked.kind,
        "name": one_line(asked.name),
        "unit_name": unit,
        "position": one_line(asked.position) or None,
        "phone": phone,
        "id_tail": _checked_tail(asked),
        "description": _checked_description(asked),
        "account_id": account.id if account is not None else None,
        "digest": digest_of_request(secret_key, phone, number),
    }
    count_asking(session, address, now)
    with acting_as(ASKING), transaction(session):
        session.add(ServiceRequest(**values, **_owner(session, unit)))
    return number


def count_asking(session: Session, address: str, now: datetime) -> None:
    """One more request from this address; RuleViolation when there are too many in an hour, whatever they ask for."""
    _count(session, f"service-ask:{address}", ASKS_PER_ADDRESS, now)


def _checked_tail(asked: Asked) -> str | None:
    tail = half_width(asked.id_tail).upper()
    if tail and not ID_TAIL.fullmatch(tail):
        raise RuleViolation("请填写证件号码的最后四位，或留空。", "id_tail")
    return tail or None


def _checked_description(asked: Asked) -> str | None:
    text = asked.description.strip()
    if asked.kind is RequestKind.OTHER and not half_width(text):
        raise RuleViolation("请填写“{label}”。", "description", label="问题描述")
    return text or None


def _owner(session: Session, name: str) -> dict[str, Any]:
    """The one unit that is called so; a request about none, or about several, is the platform's."""
    schools = select(School).where(School.name == name, School.kind != SchoolKind.OTHER).limit(2)
    found = [*session.scalars(schools), *session.scalars(select(Region).where(Region.name == name).limit(2))]
    if len(found) != 1:
        return {"scope_path": ROOT}
    [unit] = found
    return {"scope_path": unit.scope_path, "school_id" if isinstance(unit, School) else "region_id": unit.id}


def draw_number() -> str:
    """A request's number, drawn at random."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(NUMBER_LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"


def digest_of_request(secret_key: bytes, phone: str, number: str) -> str:
    """What is kept of a request's number: nothing without the phone and the key."""
    typed = "".join(char for char in half_width(number).upper() if char.isalnum())
    return digest_of(secret_key, PURPOSE, phone, typed)


def _count(session: Session, key: str, limit: int, now: datetime) -> None:
    if not hit(session, key, limit=limit, seconds=HOUR, now=now):
        raise RuleViolation(TOO_OFTEN)


# --- reading the answer -----------------------------------------------------------------------------------------------


def find_request(session: Session, phone: str, number: str, *, address: str, now: datetime, secret_key: bytes) -> ServiceRequest:
    """The request that was stored under this phone and number; the same refusal for a wrong, a foreign and a missing one."""
    phone, key = check_phone(phone), f"service-look:{address}"
    _count(session, key, LOOKS_PER_ADDRESS, now)
    with acting_as(ASKING), transaction(session):
        found = session.scalars(
            select(ServiceRequest).where(ServiceRequest.digest == digest_of_request(secret_key, phone, number))
        ).one_or_none()
        if found is None:
            raise RuleViolation(NOT_FOUND, "number")
        take_back(session, key)
    return found


def own_requests(session: Session, account: Account) -> list[ServiceRequest]:
    """What the account has asked, newest first."""
    with acting_as(ASKING):
        mine = select(ServiceRequest).where(ServiceRequest.account_id == account.id).order_by(ServiceRequest.id.desc())
        return list(session.scalars(mine.limit(MOST_OWN)))


# --- what customer service looks up -----------------------------------------------------------------------------------


def matching_accounts(session: Session, identity: Identity, request: ServiceRequest) -> list[Match]:
    """Accounts within reach that share phone, number, name or office with the request, those that share most first; two statements."""
    active = in_force()
    phones = [phone for phone in (request.phone, request.old_phone) if phone]
    likely: list[Select[Any]] = [
        select(Account.id).where(or_(Account.phone.in_(phones), Account.username.in_(phones))),
        select(Post.account_id).where(active, Post.contact_phone.in_(phones)),
    ]
    if request.unit_name:
        likely.append(select(Post.account_id).where(active, Post.unit_name == request.unit_name, Post.role.not_in(PERSONAL_ROLES)))
    if request.id_number:
        likely.append(select(Account.id).where(Account.id_number == request.id_number))
    namesakes: list[Select[Any]] = [
        select(Account.id).where(Account.first_name == request.name),
        select(Post.account_id).where(active, Post.contact_name == request.name),
    ]
    query = select(Account).where(Account.id.in_(union_all(*likely, *namesakes)))
    first = Account.id.in_(union_all(*likely)).desc()
    with acting_as(identity):
        likeliest = query.options(joinedload(Account.teacher)).order_by(first, Account.id).limit(MOST_MATCHES)
        accounts = session.scalars(likeliest).all()
        posts = session.scalars(select(Post).where(Post.account_id.in_([a.id for a in accounts]), active).order_by(Post.id)).all()
    found = [_match(request, account, [post for post in posts if post.account_id == account.id]) for account in accounts]
    return sorted(found, key=lambda match: len(match.agrees), reverse=True)


def _match(request: ServiceRequest, account: Account, posts: list[Post]) -> Match:
    phones = {account.phone, account.username, *(post.contact_phone for post in posts)}
    recorded = account.teacher.phone if account.phone is None and account.teacher is not None else None
    agrees = {
        "手机号码": request.phone in phones,
        "原手机号码": request.old_phone is not None and request.old_phone in phones,
        "教师信息中的手机号码": request.old_phone is not None and request.old_phone == recorded,
        "姓名": request.name in {account.first_name, *(post.contact_name for post in posts)},
        "身份证号码": request.id_number is not None and request.id_number == account.id_number,
        "单位": request.unit_name in {post.unit_name for post in posts},
        "证件号码后四位": bool(request.id_tail) and (account.id_number or "").endswith(request.id_tail or ""),
    }
    return Match(account, posts, [label for label, same in agrees.items() if same])


def reset_by_sms(session: Session, identity: Identity, account: Account, now: datetime) -> str:
    """Reset a password and send it to the phone on the account's own record; answers that phone, masked (S0-17, Z-12).

    Raises NotPermitted, OutOfReach like ``reset_password``, and RuleViolation where the account has no phone.
    """
    identity.require("reset", "account")
    if account.phone is None:
        raise RuleViolation("该账号没有登记手机号码，请用“重置密码”，并当面或以其他可靠方式告知本人。")
    allow_message(session, account.phone, now)
    once = reset_password(session, identity, account, now)
    text = RESET_DEFAULT if once is None else RESET_ONCE
    send_sms(account.phone, text.format(account=account.username, password=once, suffix=SUFFIX))
    return mask_phone(account.phone)
