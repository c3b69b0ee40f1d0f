"""How a person comes to an account by themselves: registering as teacher, student or parent, and asking for one to be opened.

(S2-11, S2-12, S2-23, S3-31, S4-14, S4-34, S4-42 … S4-46, S4-78.) The one thing a newcomer gets wrong: until the code has come
back from the phone nothing is stored and nothing is told, so nobody learns who is registered or keeps a phone occupied.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

# Importing it makes every teacher added here have an account.
import rules.teacher_accounts  # noqa: F401
from models.access import Account, AccountState, PersonKind
from models.history import note
from models.org import Region, School, SchoolKind
from models.people import IdType, Teacher
from models.scoping import ROOT, Identity, acting_as, current_identity
from models.session import transaction
from rules.account_names import check_phone, looks_like_phone
from rules.approvals import ACCOUNT_OPENING
from rules.errors import RuleViolation
from rules.id_numbers import check_id_number, check_resident_id, half_width, looks_like_id_number
from rules.issuing import LONGEST_NAME, add_if_free, chosen, new_account, prefixes, teaching, write
from rules.passwords import check_password
from rules.phones import CODE_SECONDS, TRIES, WRONG, allow_message, digest_of, draw_code, send_code
from rules.sms import send_sms
from rules.throttle import hit
from rules.workflow import take

REGISTRATION = "registration"
TICKET = re.compile(r"(?P<expires>[0-9]{10,12})\.(?P<nonce>[0-9a-f]{16})\.(?P<digest>[0-9a-f]{64})")
REGISTERING = Identity(label="自助注册", everything=True)
ALREADY = "【教师研修】您的手机号码已注册，请直接登录；忘记密码请联系学校管理员重置。如非本人操作，请忽略本短信。"
PHONE_TAKEN = "该手机号码已注册，请直接登录。"
HAS_ACCOUNT = "该证件号码已有账号，请用证件号码登录；不知道密码请联系学校管理员。"


@dataclass(frozen=True)
class Teaching:
    """What makes somebody a teacher: who they are, and the school they say they teach at, or the region while it is not listed."""

    id_type_id: int | None
    id_number: str
    school_id: int | None = None
    region_id: int | None = None


# --- registering ------------------------------------------------------------------------------------------------------


def send_registration_code(session: Session, phone: str, *, now: datetime, secret_key: bytes) -> str:
    """Send a code to ``phone``; answers the ticket with which ``register`` takes it back.

    The answer is the same for a registered phone: only who holds it reads in the message that it is one.
    """
    phone = check_phone(phone)
    allow_message(session, phone, now)
    code, nonce = draw_code(), secrets.token_hex(8)
    expires = int((now + timedelta(seconds=CODE_SECONDS)).timestamp())
    with acting_as(REGISTERING):
        known = session.scalar(select(exists().where(or_(Account.phone == phone, Account.username == phone))))
        session.commit()
    if known:
        send_sms(phone, ALREADY)
    else:
        send_code(phone, code, "注册账号")
    return f"{expires}.{nonce}.{digest_of(secret_key, REGISTRATION, phone, expires, nonce, code)}"


def register(
    session: Session,
    *,
    name: str,
    phone: str,
    password: str,
    kind: PersonKind,
    code: str,
    ticket: str,
    now: datetime,
    secret_key: bytes,
    entry: Teaching | None = None,
    school_id: int | None = None,
) -> Account:
    """A new account named by the phone (S4-52); a teacher's with their entry at the school, not yet certified (S4-14).

    Whose request for an account was refused asks again this way, and only this way: the code proves a phone to answer for, number
    and name are those of the request. What comes back then is that account, waiting once more (``REQUESTED``), at the school
    now named, with phone and password kept for when it is opened. The request form alone proves nothing, so asking there
    again changes nothing: otherwise anybody could undo a school's refusal.
    """
    phone, name = check_phone(phone), _checked_name(name)
    if kind is PersonKind.TEACHER and entry is None:
        raise RuleViolation("请填写证件号码。", "id_number")
    check_password(password, account_name=phone, old_default=None, id_number=entry.id_number if entry else None)
    _check_code(session, phone, code, ticket, now, secret_key)
    with acting_as(REGISTERING), transaction(session):
        if entry is not None and kind is PersonKind.TEACHER and (refused := _refused(session, name, entry)) is not None:
            _ask_again(session, refused, entry, phone, password, now)
            return refused
        values = new_account(phone, name, _home(session, school_id), now) | chosen(password) | _identity(kind) | {"phone": phone}
        account = add_if_free(session, values)
        if account is None:
            raise RuleViolation(PHONE_TAKEN, "phone")
        if entry is not None and kind is PersonKind.TEACHER:
            _enter(session, account, entry, now)
    return account


def register_student(
    session: Session, *, name: str, student_number: str, password: str, now: datetime, school_id: int | None = None
) -> Account:
    """A new account named by a student's number, for who has no phone of their own (S4-43)."""
    number, name = _checked_student_number(student_number), _checked_name(name)
    check_password(password, account_name=number, old_default=None)
    with acting_as(REGISTERING), transaction(session):
        values = new_account(number, name, _home(session, school_id), now) | chosen(password) | _identity(PersonKind.STUDENT)
        account = add_if_free(session, values)
        if account is None:
            raise RuleViolation("该学生号已注册，请直接登录。", "student_number")
    return account


def _check_code(session: Session, phone: str, code: str, ticket: str, now: datetime, secret_key: bytes) -> None:
    """The code a ticket was given for, in time and within five tries; the phone, deadline and ticket cannot be exchanged."""
    given = TICKET.fullmatch(ticket)
    if given is None or int(given["expires"]) <= now.timestamp():
        raise RuleViolation(WRONG, "code")
    if not hit(session, f"{REGISTRATION}:{given['nonce']}", limit=TRIES, seconds=CODE_SECONDS, now=now):
        raise RuleViolation(WRONG, "code")
    expected = digest_of(secret_key, REGISTRATION, phone, given["expires"], given["nonce"], half_width(code))
    if not hmac.compare_digest(expected, given["digest"]):
        raise RuleViolation(WRONG, "code")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not half_width(name):
        raise RuleViolation("请填写“{label}”。", "name", label="姓名")
    if len(name) > LONGEST_NAME:
        raise RuleViolation("“{label}”最多 {most} 个字。", "name", label="姓名", most=LONGEST_NAME)
    return name


def _checked_student_number(text: str) -> str:
    """As issued, often G or L and an identity number; never what could be somebody's phone, document or office account."""
    number = half_width(text).upper()
    taken_shape = looks_like_phone(number) or (looks_like_id_number(number) and len(number) == 18)
    office = any(number.startswith(prefix.upper()) for prefix in prefixes().values())
    if not (number.isascii() and number.isalnum() and 6 <= len(number) <= 30) or taken_shape or office:
        raise RuleViolation("学生号应为6至30位字母和数字，不能是手机号码或身份证号码。", "student_number")
    return number


def _identity(kind: PersonKind) -> dict[str, object]:
    return {"identities": [kind.value], "identity": kind}


def _home(session: Session, school_id: int | None) -> str:
    """Where an account is looked after: at the school somebody names, else by the platform."""
    return _school(session, school_id).scope_path if school_id is not None else ROOT


# --- becoming a teacher -----------------------------------------------------------------------------------------------


def become_teacher(session: Session, account: Account, entry: Teaching, *, now: datetime) -> None:
    """Add a teacher's entry to an account registered as student or parent (S4-42, S4-45).

    The refusal tells that a number has an account, so it can be asked a few times an hour only.
    """
    if not hit(session, f"teach:{account.id}", limit=TRIES, seconds=3600, now=now):
        raise RuleViolation("操作过于频繁，请稍后再试。")
    with acting_as(replace(REGISTERING, account_id=account.id)), transaction(session):
        session.refresh(account)
        if account.teacher_id is not None:
            raise RuleViolation("您已有教师信息，请在个人信息中修改。")
        _enter(session, account, entry, now)


def switch_identity(session: Session, account: Account, kind: PersonKind) -> None:
    """Go on as teacher, student or parent; one account may be all three (S4-46)."""
    with acting_as(current_identity().serving()), transaction(session):
        session.refresh(account)
        before = account.identity.value if account.identity else None
        write(session, account, identities=sorted({*(account.identities or ()), kind.value}), identity=kind)
        note(session, account, "switch_identity", {"identity": [before, kind.value]})


def _enter(session: Session, account: Account, entry: Teaching, now: datetime) -> None:
    """The teacher at the school; the account is linked as the teacher is added (``rules.teacher_accounts``)."""
    id_type = session.get(IdType, entry.id_type_id) if entry.id_type_id is not None else None
    if id_type is None or not id_type.is_active:
        raise RuleViolation("所选的“{label}”不存在。", "id_type_id", label="证件类型")
    number = check_id_number(id_type.code, entry.id_number, now.date())
    if _is_known(session, number):
        raise RuleViolation(HAS_ACCOUNT, "id_number")
    school = school_or_other(session, entry.school_id, entry.region_id)
    write(session, account, id_number=number)
    who = {"name": account.first_name, "id_type_id": id_type.id, "id_number": number, "phone": account.phone}
    with acting_as(replace(REGISTERING, account_id=account.id)):
        session.add(Teacher(**who, school_id=school.id))
        session.flush()
    session.refresh(account)


def _refused(session: Session, name: str, entry: Teaching) -> Account | None:
    """The account this person asked for and was refused, held; a namesake's or a colleague's number is not enough."""
    number = half_width(entry.id_number).upper()
    theirs = (Account.username == number, Account.first_name == name[:LONGEST_NAME], Account.teacher_id.is_(None))
    return session.scalars(select(Account).where(*theirs, Account.state == AccountState.REFUSED).with_for_update()).one_or_none()


def _ask_again(session: Session, account: Account, entry: Teaching, phone: str, password: str, now: datetime) -> None:
    """The refused account waits again, at the school now named; what the person chose lies ready for when it is opened."""
    if session.scalar(select(exists().where(or_(Account.phone == phone, Account.username == phone), Account.id != account.id))):
        raise RuleViolation(PHONE_TAKEN, "phone")
    write(
        session, account, phone=phone, scope_path=school_or_other(session, entry.school_id, entry.region_id).scope_path, **chosen(password)
    )
    take(session, replace(REGISTERING, account_id=account.id), ACCOUNT_OPENING, account, "ask_again", now=now, commit=False)


def _is_known(session: Session, number: str) -> bool:
    """Whether a teacher or an account the platform made already carries the number."""
    teacher = select(exists().where(Teacher.id_number == number))
    account = select(exists().where(Account.username == number))
    return bool(session.scalar(teacher) or session.scalar(account))


def school_or_other(session: Session, school_id: int | None, region_id: int | None) -> School:
    """The school named, or the region's “其他” while it is not listed (S4-34, S3-131)."""
    if school_id is not None:
        return _school(session, school_id)
    if region_id is None or session.get(Region, region_id) is None:
        raise RuleViolation("请选择任教学校；不在列表中时，请选择所在区域的“其他”。", "school_id")
    other = select(School).where(School.region_id == region_id, School.kind == SchoolKind.OTHER).order_by(School.id)
    school = session.scalars(other).first()
    if school is None:
        raise RuleViolation("该区域没有“其他”可选，请选择任教学校。", "school_id")
    return school


def _school(session: Session, school_id: int) -> School:
    school = session.get(School, school_id)
    if school is None:
        raise RuleViolation("所选的“{label}”不存在。", "school_id", label="学校")
    return school


# --- asking for an account --------------------------------------------------------------------------------------------


def request_account(session: Session, *, name: str, id_number: str, school_id: int, now: datetime) -> None:
    """Ask a school to open an account named by one's identity number (S2-11, S2-23); unusable until it does (S2-12).

    Asking again, or for somebody who has an account, changes nothing and is answered the same.
    """
    name, number = _checked_name(name), check_resident_id(id_number, now.date())
    with acting_as(REGISTERING), transaction(session):
        school = _school(session, school_id)
        if _is_known(session, number):
            return
        shut = {"state": AccountState.REQUESTED, "default_password_until": None, "id_number": number}
        add_if_free(session, new_account(number, name, school.scope_path, now) | teaching(now) | shut)
