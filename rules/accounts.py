"""Logging in and passwords: who gets in, what locks an account, who gives whom a new password (S0-04 … S0-19, S2-09, S2-19, Z-11, Z-12).

Accounts come with teachers (``rules.teacher_accounts``) or are registered (``rules.registration``). The one thing a newcomer gets
wrong: whoever fails to log in is told nothing, not even by the clock, so every refusal here is the same ``None``.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, case, func, literal, or_, select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

# Importing them makes what they register hold: no account is missing because a door forgot.
import rules.teacher_accounts  # noqa: F401
from models.access import Account, AccountState, Post, in_force
from models.base import UtcDateTime, table_name
from models.history import Change, note
from models.notices import NoticeKind
from models.scoping import SYSTEM, Identity, acting_as, below, current_identity
from models.session import insert_from, transaction
from models.violation import Conflict, NotPermitted, OutOfReach, Sentence
from rules.account_names import check_phone
from rules.errors import RuleViolation
from rules.grants import ROLES
from rules.issuing import (
    Policy,
    account_for_admin,
    active_posts,
    chosen,
    create_operator,
    given,
    hashed,
    may_be_on_default,
    one_time_password,
    policy,
    set_policy,
    write,
)
from rules.notices import tell_accounts, tell_accounts_where
from rules.passwords import check_password, default_password, lock_after, normalise_login_name, normalise_typed_password
from rules.superiors import ABOVE, is_superior, offices_of

__all__ = [
    "Policy",
    "account_for_admin",
    "authenticate",
    "change_password",
    "create_operator",
    "policy",
    "reset_many",
    "reset_password",
    "set_policy",
    "unlock",
    "write",
]

HashCheck = Callable[[str, str], bool]
LOCKED = "您的账号因密码连续输错，已锁定{minutes}分钟。如果不是您本人操作，请在登录后修改密码。"
RESET = "管理员已重置您的密码，原密码不再有效。如果不是您本人要求的，请联系管理员。"
ACCOUNTS: Any = Account.__table__
PERSONAL_ROLES = [role.name for role in ROLES if not role.admin]


# --- logging in -------------------------------------------------------------------------------------------------------


def authenticate(
    session: Session, name: str, password: str, *, now: datetime, hash_check: HashCheck = check_password_hash
) -> Account | None:
    """The account that ``name`` (account, ID number or phone) and ``password`` open, counted as a login; else None (S0-15, S2-07, S4-52).

    A wrong password is counted; the one after ``lock_limit`` locks the account. Every refusal takes one hash, whatever its reason.
    """
    with acting_as(SYSTEM), transaction(session):
        account = _find(session, name)
        fits = _fits(session, account, password, hash_check)
        if account is None or not _is_unlocked(account, now):
            return None
        if not fits:
            _count_failure(session, account, now)
            return None
        return account if _enter(session, account, now) else None


def _find(session: Session, typed: str) -> Account | None:
    name = normalise_login_name(typed)
    if not name.isprintable():
        return None
    fresh = select(Account).execution_options(populate_existing=True)
    # Numbers are stored with upper-case letters (S2-10); a name that is somebody's as typed comes first.
    named = fresh.where(Account.username.in_({name, name.upper()})).order_by(Account.username != name)
    found = session.scalars(named).first()
    try:
        phone = check_phone(name)
    except RuleViolation:
        return found
    return found or session.scalars(fresh.where(Account.phone == phone)).one_or_none()


def _fits(session: Session, account: Account | None, typed: str, hash_check: HashCheck) -> bool:
    stored = account.password if account is not None else None
    # What cannot be encoded was typed by no keyboard; it is a wrong password like any other.
    typed = typed.encode(errors="replace").decode()
    matches = hash_check(stored or _nobodys_hash(policy().hash_method), typed)
    return matches if stored else account is not None and _is_default(session, account, typed)


def _is_default(session: Session, account: Account, typed: str) -> bool:
    same = hmac.compare_digest(normalise_typed_password(typed).encode(), default_password(account.username).encode())
    return same and may_be_on_default(account, {post.role for post in active_posts(session, account)})


@cache
def _nobodys_hash(method: str) -> str:
    return hashed(one_time_password())


def _is_unlocked(account: Account, now: datetime) -> bool:
    return account.locked_until is None or account.locked_until <= now


def _still_unlocked(now: datetime) -> ColumnElement[bool]:
    return or_(Account.locked_until.is_(None), Account.locked_until <= now)


def _count_failure(session: Session, account: Account, now: datetime) -> None:
    """One statement counts and locks, so simultaneous guesses are counted one by one and a lock is never prolonged (S0-07)."""
    failures: Any = func.coalesce(Account.fail_login_count, 0) + 1
    locks: Any = lock_after(failures, limit=policy().lock_limit)
    until = literal(now + timedelta(seconds=policy().lock_seconds), UtcDateTime())
    counted = (
        update(Account)
        .where(Account.id == account.id, _still_unlocked(now))
        .values(fail_login_count=case((locks, 0), else_=failures), locked_until=case((locks, until), else_=None))
        .returning(Account.locked_until)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(counted) is not None:
        note(session, account, "lock")
        locked = Sentence(LOCKED, minutes=max(1, policy().lock_seconds // 60))
        tell_accounts(session, [account.id], locked, "/me/password", kind=NoticeKind.ACCOUNT, now=now, by_phone=True)


def _enter(session: Session, account: Account, now: datetime) -> bool:
    """Count the login if nothing has closed the account since its password was read: a lock, a new password, a refusal."""
    if not account.is_active or _is_stale(account, now):
        return False
    same_password = Account.password_stamp.is_not_distinct_from(account.password_stamp)
    still = (_still_unlocked(now), same_password, Account.state == AccountState.ACTIVE)
    entered = write(
        session,
        account,
        *still,
        fail_login_count=0,
        locked_until=None,
        login_count=func.coalesce(Account.login_count, 0) + 1,
        last_login=now,
    )
    if entered and account.password is None:
        note(session, account, "login_default")
    return entered


def _is_stale(account: Account, now: datetime) -> bool:
    """Whether the password it was given was never used in time, or a default one never issued (Z-12)."""
    until = account.default_password_until
    if until is None:
        return account.password is None
    return bool(account.must_change_password) and until <= now


# --- one's own password -----------------------------------------------------------------------------------------------


def change_password(session: Session, account: Account, old: str, new: str, *, now: datetime) -> None:
    """Give one's own account a password of one's choice; every session that began with the old one ends.

    A wrong ``old`` counts like a wrong login: a forgotten screen is no place to guess at.
    """
    with acting_as(current_identity().serving()), transaction(session):
        session.refresh(account)
        if not _is_unlocked(account, now):
            raise RuleViolation("密码错误次数过多，账号已锁定，请稍后再试。", "old")
        if not _fits(session, account, old, check_password_hash):
            _count_failure(session, account, now)
            session.commit()
            raise RuleViolation("原密码不正确。", "old")
        if new == old:
            raise RuleViolation("新密码不能与原密码相同。", "password")
        check_password(new, account_name=account.username, old_default=default_password(account.username), id_number=account.id_number)
        same_password = Account.password_stamp.is_not_distinct_from(account.password_stamp)
        if not write(session, account, _still_unlocked(now), same_password, **chosen(new)):
            raise Conflict("密码刚刚已被修改或账号已锁定，请重新登录。")
        note(session, account, "change_password")


# --- somebody else's --------------------------------------------------------------------------------------------------


def reset_password(session: Session, identity: Identity, account: Account, now: datetime, *, told_once: bool = True) -> str | None:
    """Put an account back on its default password and open it (S0-16, S0-17, S0-19); its sessions end.

    Answers None, or the one-time password to be told once where a default one may not be (Z-12): unless ``told_once``, nobody
    is there to be told, and RuleViolation is raised. Raises NotPermitted, OutOfReach.
    """
    _check_superior(session, identity, "reset", account)
    with acting_as(identity.serving()), transaction(session):
        session.refresh(account)
        roles = {post.role for post in active_posts(session, account)}
        once = None if may_be_on_default(account, roles) else one_time_password()
        if once is not None and not told_once:
            raise RuleViolation("这个账号须使用一次性密码，密码只显示一次，请打开该账号单独重置。")
        write(session, account, **given(once, now))
        note(session, account, "reset")
        tell_accounts(session, [account.id], Sentence(RESET), "/me/password", kind=NoticeKind.ACCOUNT, now=now)
    return once


def unlock(session: Session, identity: Identity, account: Account, now: datetime) -> None:
    """Open a locked account before its time: its superior does (S0-07). Raises NotPermitted, OutOfReach."""
    _check_superior(session, identity, "unlock", account)
    with acting_as(identity.serving()), transaction(session):
        if not write(session, account, Account.locked_until > now, fail_login_count=0, locked_until=None):
            raise RuleViolation("账号没有被锁定。")
        note(session, account, "unlock")


def _check_superior(session: Session, identity: Identity, act: str, account: Account) -> None:
    """Raise OutOfReach or NotPermitted unless the account is in this person's hands (``rules.superiors``)."""
    identity.require(act, "account")
    offices = offices_of(session, [account])[account.id]
    at_home = identity.reaches(act, "account", account.scope_path)
    if not at_home and not any(identity.reaches(act, "account", post.scope_path) for post in offices):
        raise OutOfReach(f"{act} on account {account.id}")
    if not is_superior(identity, act, account, offices):
        raise NotPermitted(Sentence(ABOVE))
    if identity.account_id == account.id:
        raise NotPermitted(Sentence("本人的账号请由上级或客服办理。"))


def reset_many(session: Session, identity: Identity, scope_path: str, now: datetime) -> int:
    """Put every personal account at or below a unit on its default password, as a project starts (S0-06); answers how many.

    Personal are the accounts the platform named by an identity number (S0-11, S0-12). Nobody with an administrator's post is touched. Everybody
    who is reset is told; it takes the same few statements for a school and for a province.
    """
    identity.require("reset", "account", scope_path)
    issued = given(None, now)
    admins = select(Post.account_id).where(in_force(), Post.role.not_in(PERSONAL_ROLES))
    whose = (
        below(Account.scope_path, scope_path),
        Account.username == Account.id_number,
        Account.state == AccountState.ACTIVE,
        Account.id.not_in(admins),
        Account.id != (identity.account_id or 0),
    )
    with acting_as(identity.serving()), transaction(session):
        statement = update(Account).where(*whose).values(issued).execution_options(synchronize_session=False)
        count = cast("CursorResult[Any]", session.execute(statement)).rowcount
        _note_many(session, identity, scope_path, issued["password_stamp"], now)
        session.expire_all()
    return count


def _note_many(session: Session, identity: Identity, scope_path: str, stamp: str, now: datetime) -> None:
    """A line of history, and a notice, for each account that was just given ``stamp``, which no other has."""
    account = ACCOUNTS.c
    line = {
        "table_name": table_name(Account),
        "row_id": account.id,
        "scope_path": account.scope_path,
        "act": "reset",
        "changes": {},
        "account_id": identity.account_id,
        "post": identity.label,
        "at": now,
    }
    reset = (below(account.scope_path, scope_path), account.password_stamp == stamp)
    insert_from(session.connection(), Change.__table__, line, ACCOUNTS, *reset)
    tell_accounts_where(session, reset, Sentence(RESET), "/me/password", kind=NoticeKind.ACCOUNT, now=now)
