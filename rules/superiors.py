"""Whose hands an account is in: who may reset, unlock or shut out whom (S0-16…S0-19, S3-06).

A person's account is in the hands of their unit; an administrator's only in those of who stands above every post of theirs. Otherwise a
school could take over the county's administrator, who teaches there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account, Post, in_force
from models.scoping import ROOT, Identity, acting_as, current_identity
from rules.grants import REGION_SPECIAL, is_admin_role

ABOVE = "该账号是管理员账号，请由其上级超级管理员或客服办理。"


def offices_of(session: Session, accounts: Iterable[Account]) -> dict[int, list[Any]]:
    """The role and the unit of every administrator's post that each of these accounts holds now, also out of reach; one statement."""
    found: dict[int, list[Any]] = {account.id: [] for account in accounts}
    held = select(Post.account_id, Post.role, Post.scope_path).where(Post.account_id.in_(found), in_force())
    with acting_as(current_identity().serving()):
        for office in session.execute(held):
            if is_admin_role(office.role):
                found[office.account_id].append(office)
    return found


def is_superior(identity: Identity, act: str, account: Account, offices: Sequence[Any]) -> bool:
    """Whether the account is looked after where the person holds ``act``, and each of its ``offices`` lies below them."""
    belongs_nowhere = account.scope_path == ROOT and bool(offices)
    at_home = identity.reaches(act, "account", account.scope_path)
    return (at_home or belongs_nowhere) and all(_stands_above(identity, act, office) for office in offices)


def in_hands_of(identity: Identity, act: str, account: Account, offices: Sequence[Any]) -> bool:
    """Whether whoever holds ``act`` may ever do it to this account: never to their own."""
    return identity.account_id != account.id and is_superior(identity, act, account, offices)


def reasons_against_shutting_out(session: Session, account: Account) -> Iterator[str]:
    """An account is switched off and on by who may reset it."""
    person = replace(current_identity(), everything=False)
    if person.account_id and not is_superior(person, "disable", account, offices_of(session, [account])[account.id]):
        yield ABOVE


def _stands_above(identity: Identity, act: str, office: Any) -> bool:
    """The operator is above all; others above the units below theirs, and above their own unit's special administrators (S3-06)."""
    own_specials = office.role == REGION_SPECIAL
    paths = identity.paths(act, "account")
    return any(p == ROOT or (office.scope_path.startswith(p) and (office.scope_path != p or own_specials)) for p in paths)
