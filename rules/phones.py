"""Which phone an account is bound to, and proving it with a code sent there (S4-38, S4-52).

For who registered alone the phone is the account; so changing it takes the phone that is given up. The one thing a newcomer
gets wrong: a try is counted, and stays counted, before the code is compared.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.orm import Session

from models.access import Account, OneTimeCode
from models.notices import NoticeKind
from models.scoping import Identity, acting_as, current_identity
from models.session import transaction
from models.violation import Sentence
from rules.account_names import check_phone
from rules.errors import RuleViolation
from rules.id_numbers import half_width
from rules.masks import mask_phone
from rules.notices import tell_accounts
from rules.sms import NOT_SENT, can_send, send_sms
from rules.throttle import hit

log = logging.getLogger("yanxiu.phones")
PHONE_CHANGE = "phone_change"
CODE_SECONDS = 600
TRIES = 5
CODES_PER_HOUR = 5
HOUR = 3600
WRONG = "验证码不正确或已失效，请核对或重新获取。"
BOUND = "您的账号已改为绑定手机 {phone}。如果不是您本人操作，请立即修改密码并联系管理员。"
GIVEN_UP = "【教师研修】您的账号已改为绑定手机 {phone}，本号码不再用于该账号。如果不是您本人申请，请立即联系客服。"
TEXT = "【教师研修】验证码{code}，用于{purpose}，{minutes}分钟内有效。请勿告诉他人；如非本人操作，请忽略本短信。"


# --- changing it ------------------------------------------------------------------------------------------------------


def start_phone_change(session: Session, account: Account, new_phone: str, now: datetime, *, secret_key: bytes) -> str:
    """Send a code to the phone the account has; answers that phone, masked. An earlier code is void.

    Where the account has none yet, the code goes to the new one.
    """
    phone = check_phone(new_phone)
    if phone == account.phone:
        raise RuleViolation("新手机号码与原手机号码相同。", "phone")
    receiver = account.phone or phone
    allow_message(session, f"account:{account.id}", now)
    allow_message(session, receiver, now)
    code = draw_code()
    with acting_as(current_identity().serving()), transaction(session):
        _void_codes(session, account, now)
        digest = digest_of(secret_key, PHONE_CHANGE, account.id, phone, code)
        expires = now + timedelta(seconds=CODE_SECONDS)
        session.add(OneTimeCode(account_id=account.id, purpose=PHONE_CHANGE, digest=digest, target=phone, expires_at=expires))
    send_code(receiver, code, "更换绑定手机号码")
    return mask_phone(receiver)


def confirm_phone_change(session: Session, account: Account, code: str, now: datetime, *, secret_key: bytes) -> None:
    """Bind the phone the code was asked for; five tries a code, one answer for wrong, used up and expired."""
    with acting_as(current_identity().serving()):
        sent = _count_try(session, account, now)
        if sent is None:
            raise RuleViolation(WRONG, "code")
        expected = digest_of(secret_key, PHONE_CHANGE, account.id, sent.target, half_width(code))
        if not hmac.compare_digest(expected, sent.digest):
            raise RuleViolation(WRONG, "code")
        with transaction(session):
            if not _void_codes(session, account, now):
                raise RuleViolation(WRONG, "code")
            _bind(session, account, sent.target)
            # The one act of one's own that is told as well: it may have been somebody at a forgotten screen.
            bound = Sentence(BOUND, phone=mask_phone(sent.target))
            tell_accounts(session, [account.id], bound, "/me/", kind=NoticeKind.ACCOUNT, now=now)


def rebind_phone(session: Session, identity: Identity, account: Account, new_phone: str, now: datetime) -> str:
    """Bind another phone for somebody who receives nothing at the old one, once customer service knows who asks (S4-39, S4-41).

    Answers the new phone, masked. Raises NotPermitted, OutOfReach, RuleViolation.
    """
    identity.require("rebind", "account", account.scope_path)
    with acting_as(identity.serving()), transaction(session):
        given_up = bind_another(session, account, new_phone, now)
    tell_given_up(given_up, new_phone)
    return mask_phone(check_phone(new_phone))


def bind_another(session: Session, account: Account, new_phone: str, now: datetime) -> str | None:
    """The account's new phone, told behind its bell and there; answers the one it had. Part of the caller's transaction."""
    phone = check_phone(new_phone)
    session.refresh(account)
    if phone == account.phone:
        raise RuleViolation("新手机号码与原手机号码相同。", "phone")
    given_up = account.phone
    _void_codes(session, account, now)
    _bind(session, account, phone)
    told = Sentence(BOUND, phone=mask_phone(phone))
    tell_accounts(session, [account.id], told, "/me/", kind=NoticeKind.ACCOUNT, now=now, by_phone=True)
    return given_up


def tell_given_up(given_up: str | None, new_phone: str) -> None:
    """A message to the phone an account has left, after the fact: whoever still reads there did not ask for it to be given up."""
    if given_up is None or not can_send():
        return
    try:
        send_sms(given_up, GIVEN_UP.format(phone=mask_phone(check_phone(new_phone))))
    except Exception:
        log.exception("the phone that was given up could not be told")


def _count_try(session: Session, account: Account, now: datetime) -> Any | None:
    """The account's last code with this try counted, for good; None when it has no live code."""
    last = select(func.max(OneTimeCode.id)).where(*_unused(account)).scalar_subquery()
    live = (OneTimeCode.id == last, OneTimeCode.used_at.is_(None), OneTimeCode.expires_at > now, OneTimeCode.tries < TRIES)
    with transaction(session):
        counted = (
            update(OneTimeCode)
            .where(*live)
            .values(tries=OneTimeCode.tries + 1)
            .returning(OneTimeCode.target, OneTimeCode.digest)
            .execution_options(synchronize_session=False)
        )
        return session.execute(counted).one_or_none()


def _void_codes(session: Session, account: Account, now: datetime) -> bool:
    """Spend the account's codes; whether there was one."""
    spent = update(OneTimeCode).where(*_unused(account)).values(used_at=now).execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", session.execute(spent)).rowcount > 0


def _unused(account: Account) -> tuple[Any, ...]:
    return OneTimeCode.account_id == account.id, OneTimeCode.purpose == PHONE_CHANGE, OneTimeCode.used_at.is_(None)


def _bind(session: Session, account: Account, phone: str) -> None:
    """The new phone takes the old one's place wherever it stood: as contact, and as the account's name."""
    session.refresh(account)
    other = select(Account.id).where(or_(Account.phone == phone, Account.username == phone), Account.id != account.id)
    if session.scalar(other.limit(1)) is not None:
        raise RuleViolation("该手机号码已绑定其他账号。", "phone")
    old, account.phone = account.phone, phone
    teacher = account.teacher
    if teacher is not None and teacher.phone == old:
        teacher.phone = phone
    if account.username == old:
        account.username = phone
        if teacher is not None:
            teacher.account_name = phone


# --- codes ------------------------------------------------------------------------------------------------------------


def draw_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(10**6):06d}"


def digest_of(secret_key: bytes, purpose: str, *parts: object) -> str:
    """What is kept or handed out instead of a code: useless to who has not the key, and for another purpose, person or phone."""
    text = "|".join(str(part) for part in (purpose, *parts))
    return hmac.new(secret_key, text.encode(errors="replace"), hashlib.sha256).hexdigest()


def allow_message(session: Session, receiver: str, now: datetime) -> None:
    """Refuse more than a few messages an hour to or for one receiver, and any while nothing can be sent.

    Asked before anything is changed that only the message would tell of; the asking is counted.
    """
    if not can_send():
        raise RuleViolation(NOT_SENT)
    if not hit(session, f"sms:{receiver}", limit=CODES_PER_HOUR, seconds=HOUR, now=now):
        raise RuleViolation("获取验证码过于频繁，请稍后再试。", "phone")


def send_code(phone: str, code: str, purpose: str) -> None:
    """Send a code in the platform's words."""
    send_sms(phone, TEXT.format(code=code, purpose=purpose, minutes=CODE_SECONDS // 60))
