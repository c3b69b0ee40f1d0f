"""What a new account starts with, and which password it is given: the policy of an installation (S0-04, S0-08 … S0-12, Z-12).

A password that was given, the default one or one drawn for the occasion, has to be changed at the first login and expires unused.
The one thing a newcomer gets wrong: an account on its default password stores none, because the default follows from its name;
that makes a hundred thousand teachers' accounts without a hundred thousand hashes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from models.access import Account, AccountState, PersonKind, Post, in_force
from models.base import utcnow
from models.history import note
from models.scoping import ROOT, SYSTEM, Identity, acting_as, current_identity
from models.session import insert_or, transaction
from models.violation import Conflict
from rules.account_names import ACCOUNT_PREFIXES, is_account_name, next_account_name
from rules.code_text import ALPHABET
from rules.errors import RuleViolation
from rules.grants import OPERATOR, REGION_SUPER, is_admin_role, role_label
from rules.passwords import FAILURES_ALLOWED, LOCK_SECONDS, check_password, normalise_login_name

NEVER_ON_DEFAULT = frozenset({OPERATOR, REGION_SUPER})
LONGEST_NAME = 64
NAMING_TRIES = 50


@dataclass(frozen=True)
class Policy:
    """What an installation sets for all its accounts."""

    lock_limit: int = FAILURES_ALLOWED
    """Wrong passwords an account forgives; the next one locks it (S0-07, Z-11)."""
    lock_seconds: int = LOCK_SECONDS
    default_password_days: int = 30
    """How long a password that was given works while nobody has used it (Z-12)."""
    hash_method: str = "scrypt:32768:8:1"
    """As Werkzeug names it."""
    province_account: str = ACCOUNT_PREFIXES["province"]
    """What the accounts of a province's administrators are called, before their number (Z-05)."""


_policy = Policy()


def set_policy(policy: Policy) -> None:
    """Put the installation's policy in force, once at start."""
    global _policy
    _policy = policy


def policy() -> Policy:
    """The policy in force."""
    return _policy


def prefixes() -> Mapping[str, str]:
    """Kind of account → what it is called before its number, here (S0-08…10, Z-05)."""
    return {**ACCOUNT_PREFIXES, "province": _policy.province_account}


def new_account(username: str, name: str, scope_path: str, now: datetime) -> dict[str, Any]:
    """What every new account starts with, usable at once and without a password; callers add what differs."""
    author = current_identity().account_id
    moment = now.astimezone(UTC).replace(tzinfo=None)
    return {
        "username": username,
        "first_name": name[:LONGEST_NAME],
        "last_name": "",
        # Flask-AppBuilder demands an address of everybody, and a unique one; nobody logs in with it.
        "email": f"{secrets.token_hex(16)}@account.invalid",
        "active": True,
        "state": AccountState.ACTIVE,
        "scope_path": scope_path,
        "identities": [],
        "must_change_password": False,
        "password_stamp": new_stamp(),
        "login_count": 0,
        "fail_login_count": 0,
        "version": 1,
        "created_on": moment,
        "changed_on": moment,
        "created_by_fk": author,
        "changed_by_fk": author,
    }


def teaching(now: datetime) -> dict[str, Any]:
    """What a teacher's own account has beside: that identity, and the default password (S0-11, S0-15)."""
    return {"identities": [PersonKind.TEACHER.value], "identity": PersonKind.TEACHER, **given(None, now)}


def given(one_time: str | None, now: datetime) -> dict[str, Any]:
    """The account's columns after it was given a password: ``one_time``, or the default one. Ends its sessions."""
    return {
        "password": hashed(one_time) if one_time is not None else None,
        "must_change_password": True,
        "default_password_until": now + timedelta(days=_policy.default_password_days),
        "password_stamp": new_stamp(),
        "fail_login_count": 0,
        "locked_until": None,
    }


def chosen(password: str) -> dict[str, Any]:
    """The account's columns after its owner chose ``password``. Ends its sessions."""
    return {
        "password": hashed(password),
        "must_change_password": False,
        "default_password_until": None,
        "password_stamp": new_stamp(),
        "fail_login_count": 0,
    }


def one_time_password() -> str:
    """A password to be told to one person once: 54 random bits in letters and digits that do not look alike."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


def may_be_on_default(account: Account, roles: set[str]) -> bool:
    """Whether a default password may open this account, which holds ``roles``.

    Never an operator's or a super administrator's (Z-12), nor an administrator's whose name is not an identity number: it could be
    counted up, and with it the password.
    """
    if roles & NEVER_ON_DEFAULT:
        return False
    office = any(is_account_name(kind, account.username, prefixes()) for kind in ACCOUNT_PREFIXES) or any(map(is_admin_role, roles))
    return not office or account.username == account.id_number


def active_posts(session: Session, account: Account) -> list[Post]:
    """The posts the account holds now."""
    return list(session.scalars(select(Post).where(Post.account_id == account.id, in_force()).order_by(Post.id)))


def write(session: Session, account: Account, *still: Any, **values: Any) -> bool:
    """Change the account's columns if the database still finds it as ``still`` says; the object at hand follows.

    For services: the caller's identity is serving, and the caller notes why.
    """
    statement = update(Account).where(Account.id == account.id, *still).values(values).execution_options(synchronize_session=False)
    changed = cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
    session.refresh(account)
    return changed


def hashed(password: str) -> str:
    """What is stored of a password."""
    return generate_password_hash(password, _policy.hash_method)


def new_stamp() -> str:
    """What a session carries of the password it began with; another stamp ends it."""
    return secrets.token_hex(16)


# --- accounts that belong to no teacher -------------------------------------------------------------------------------


def account_for_admin(
    session: Session, identity: Identity, prefix: str, *, name: str, scope_path: str, now: datetime
) -> tuple[Account, str]:
    """The next account of an office, provider or school (``OrganAdmin<digits>`` …), with its one-time password (S0-08…10, Z-05).

    Of many who ask at once each gets a number of their own. Raises NotPermitted, OutOfReach, Conflict.
    """
    identity.require("add", "account", scope_path)
    with acting_as(identity.serving()), transaction(session):
        return next_account(session, prefix, name=name, scope_path=scope_path, now=now)


def next_account(session: Session, prefix: str, *, name: str, scope_path: str, now: datetime) -> tuple[Account, str]:
    """What ``account_for_admin`` adds, for verbs that have asked their questions and commit themselves."""
    once = one_time_password()
    for _ in range(NAMING_TRIES):
        username = next_account_name(prefix, _last_number(session, prefix))
        account = add_if_free(session, new_account(username, name, scope_path, now) | given(once, now))
        if account is not None:
            return account, once
    raise Conflict("同时生成的账号太多，请稍后再试。")


def create_operator(session: Session, name: str, password: str, *, now: datetime | None = None) -> Account:
    """An account with the post of the platform's operator, made at the terminal; it never has a default password (Z-12)."""
    username, now = normalise_login_name(name), now or utcnow()
    if not username or not username.isprintable():
        raise RuleViolation("请填写账号。", "username")
    check_password(password, account_name=username, old_default=None)
    with acting_as(SYSTEM), transaction(session):
        account = add_if_free(session, new_account(username, username, ROOT, now) | chosen(password))
        if account is None:
            raise RuleViolation("账号“{name}”已经存在。", "username", name=username)
        post = Post(account_id=account.id, role=OPERATOR, scope_path=ROOT, unit_name=role_label(OPERATOR), since=now, source="terminal")
        session.add(post)
    return account


def add_if_free(session: Session, values: dict[str, Any]) -> Account | None:
    """The account just added, or None where its name or phone is another's; the transaction goes on in either case."""
    added = insert_or(session, Account).values(values).on_conflict_do_nothing().returning(Account.id)
    account_id = session.scalar(added)
    if account_id is None:
        return None
    account = session.get_one(Account, account_id)
    note(session, account, "add", {"username": [None, account.username]})
    return account


def _last_number(session: Session, prefix: str) -> int:
    names = session.scalars(select(Account.username).where(Account.username.startswith(prefix, autoescape=True)))
    numbers = [name.removeprefix(prefix) for name in names]
    return max((int(number) for number in numbers if number.isascii() and number.isdigit()), default=0)
