"""Accounts that are opened together with their post: offices, schools, course providers and training teams (S0-03, S0-08 … S0-12, S0-18).

Most administrators bind a code with an account of their own (``rules.permission_codes``); these are for who is given one. The
one thing a newcomer gets wrong: a member of a training team is known by the identity number, so one who has an account, as
teachers do, keeps it with its password and only gains the post.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from models.access import Account, AccountState, Post
from models.org import RegionLevel, School, SchoolKind
from models.people import CertificationState, Teacher
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Sentence
from rules.account_names import check_phone
from rules.acting import Unit, acting_post, level_of, take_turn
from rules.code_issuers import MAY_APPOINT, check_may_appoint
from rules.errors import RuleViolation
from rules.grants import COURSE_PROVIDER, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TRAINING_EXPERT, role_label
from rules.id_numbers import check_resident_id, half_width
from rules.issuing import LONGEST_NAME, add_if_free, given, new_account, next_account, prefixes, write

CALLED = {REGION_SUPER: "region", REGION_SPECIAL: "region", SCHOOL_ADMIN: "school", COURSE_PROVIDER: "provider"}
"""Role → how its accounts are called; whoever is not in it is called by the identity number."""
LARGEST_TEAM = 2000
MOST_FAULTS = 20


class Person(NamedTuple):
    """Who the account is for."""

    name: str
    phone: str
    id_number: str = ""
    position: str = ""


@dataclass(frozen=True)
class Appointed:
    """The account with its new post; ``once`` is the password to tell this once, empty where it is the default or an older one."""

    account: Account
    post: Post
    once: str = ""


def roles_one_appoints(role: str) -> list[str]:
    """The roles whose accounts a holder of ``role`` may open somewhere."""
    return list(dict.fromkeys(given for issuer, given, _where in MAY_APPOINT if issuer == role))


def appoint(session: Session, identity: Identity, role: str, unit: Unit, person: Person, *, now: datetime) -> Appointed:
    """Open an account and give it the post. Raises NotPermitted, OutOfReach, RuleViolation, Conflict."""
    with acting_as(identity), transaction(session):
        _check_may(session, identity, role, unit)
        with acting_as(identity.serving()):
            take_turn(session, [unit])
            return _appoint(session, role, unit, person, now)


def form_team(session: Session, identity: Identity, unit: Unit, team: Sequence[tuple[int, Person]], *, now: datetime) -> list[Appointed]:
    """Open the accounts of a whole training team, all or none (S0-18); ``team`` says each member's line in the sheet.

    Raises NotPermitted, OutOfReach; RuleViolation with the fault of every line.
    """
    if not team:
        raise RuleViolation("文件中没有人员。", "file")
    if len(team) > LARGEST_TEAM:
        raise RuleViolation("每次最多导入{most}人。", "file", most=LARGEST_TEAM)
    with acting_as(identity), transaction(session):
        _check_may(session, identity, TRAINING_EXPERT, unit)
        with acting_as(identity.serving()):
            take_turn(session, [unit])
            appointed, faults = [], []
            for line, person in team:
                try:
                    appointed.append(_appoint(session, TRAINING_EXPERT, unit, person, now))
                except RuleViolation as refusal:
                    faults.append(Sentence("第{line}行：{why}", line=line, why=refusal.sentence))
            if faults:
                raise RuleViolation(Sentence.of(faults[:MOST_FAULTS]), "file")
            return appointed


def _check_may(session: Session, identity: Identity, role: str, unit: Unit) -> None:
    identity.require("appoint", "account", unit.scope_path)
    post = acting_post(session, identity)
    check_may_appoint(post.role, post.scope_path, role, unit.scope_path, level_of(unit))


def _prefix(role: str, unit: Unit) -> str:
    """A province's administrators may be called otherwise than a city's (Z-05)."""
    kind = CALLED[role]
    return prefixes()["province" if kind == "region" and level_of(unit) is RegionLevel.PROVINCE else kind]


def _appoint(session: Session, role: str, unit: Unit, person: Person, now: datetime) -> Appointed:
    name, phone = _checked_name(person.name), check_phone(person.phone)
    if role == SCHOOL_ADMIN:
        _check_vacant(session, unit)
    account, once = _member(session, unit, person._replace(name=name), now) if role not in CALLED else (None, "")
    if account is None:
        account, once = next_account(session, _prefix(role, unit), name=name, scope_path=unit.scope_path, now=now)
    if account.phone is None and not _is_taken(session, phone):
        write(session, account, phone=phone)
    post = Post(
        account_id=account.id,
        role=role,
        region_id=None if isinstance(unit, School) else unit.id,
        school_id=unit.id if isinstance(unit, School) else None,
        unit_name=unit.name,
        scope_path=unit.scope_path,
        since=now,
        source="appointed",
        contact_name=name,
        contact_unit=unit.name,
        contact_position=person.position.strip() or None,
        contact_phone=phone,
    )
    session.add(post)
    session.flush()
    return Appointed(account, post, once)


def _member(session: Session, unit: Unit, person: Person, now: datetime) -> tuple[Account, str]:
    """The member's account, theirs already or made now on the default password (S0-12)."""
    number = check_resident_id(person.id_number, now.date())
    known = session.scalars(
        select(Account).where(or_(Account.username == number, Account.id_number == number)).order_by(Account.id)
    ).first()
    if known is None:
        made = add_if_free(session, new_account(number, person.name, unit.scope_path, now) | given(None, now) | {"id_number": number})
        if made is None:
            raise RuleViolation("这个证件号码已经是另一个账号，请核对。", "id_number")
        return made, ""
    if not _is_proven(session, known, number):
        raise RuleViolation("该证件号码由本人自行注册，尚未通过学校认证，请先由其学校认证。", "id_number")
    if known.first_name != person.name[:LONGEST_NAME]:
        raise RuleViolation("该证件号码已有账号，但姓名不同，请核对。", "name")
    held = select(
        exists().where(Post.account_id == known.id, Post.role == TRAINING_EXPERT, Post.region_id == unit.id, Post.until.is_(None))
    )
    if session.scalar(held):
        raise RuleViolation("{name}已经是{unit}的{role}。", "id_number", name=person.name, unit=unit.name, role=role_label(TRAINING_EXPERT))
    return known, ""


def _is_proven(session: Session, account: Account, number: str) -> bool:
    """Whether the number is the account's by more than a claim: the platform made it for the number, or a school certified the teacher."""
    teacher = session.get(Teacher, account.teacher_id) if account.teacher_id is not None else None
    certified = teacher is not None and teacher.certification is CertificationState.PASSED
    return certified or (account.username == account.id_number == number and account.state is AccountState.ACTIVE)


def _check_vacant(session: Session, unit: Unit) -> None:
    """A school has one administrator (S3-04), a placeholder none."""
    if isinstance(unit, School) and unit.kind is SchoolKind.OTHER:
        raise RuleViolation("“其他”只是占位，没有管理员。请先新增学校。", "school")
    held = exists().where(Post.role == SCHOOL_ADMIN, Post.school_id == unit.id, Post.until.is_(None))
    if session.scalar(select(held)):
        raise RuleViolation("{units}已有管理员，请使用“更换管理员”。", "school", units=unit.name)


def _is_taken(session: Session, phone: str) -> bool:
    return bool(session.scalar(select(exists().where(or_(Account.phone == phone, Account.username == phone)))))


def _checked_name(name: str) -> str:
    if not half_width(name.strip()):
        raise RuleViolation("请填写“{label}”。", "name", label="姓名")
    if len(name.strip()) > LONGEST_NAME:
        raise RuleViolation("“{label}”最多 {most} 个字。", "name", label="姓名", most=LONGEST_NAME)
    return name.strip()
