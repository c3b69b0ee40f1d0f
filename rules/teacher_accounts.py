"""Every teacher has an account: it is made with the teacher, follows a corrected name or number, and outlives the teacher without rights.

All of it holds behind every door, because it hangs on the flush. The one thing a newcomer gets wrong: a whole batch is written
by a handful of Core statements; an imported province must not cost a query per teacher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Table,
    bindparam,
    cast,
    event,
    exists,
    func,
    inspect,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapper, Session, attributes

from models.access import Account, PersonKind, Post, in_force
from models.base import utcnow
from models.invariants import on_added
from models.org import School
from models.people import Teacher
from models.scoping import current_identity
from models.session import insert_from
from models.violation import RuleViolation
from rules.approvals import ACCOUNT_OPENING
from rules.grants import TEACHER
from rules.issuing import LONGEST_NAME, new_account, new_stamp, teaching
from rules.workflow import take_along

_ACCOUNT: Table = Account.__table__
_POST: Table = Post.__table__  # type: ignore[assignment]
_TEACHER: Table = Teacher.__table__  # type: ignore[assignment]
_SCHOOL: Table = School.__table__  # type: ignore[assignment]
AT_ONCE = 1000
ANOTHERS = "证件号码“{number}”已有账号，登记的姓名不同。请核对证件号码和姓名；确是本人的，请联系客服。"


@on_added(Teacher)
def make_accounts(session: Session, teachers: Sequence[Teacher]) -> None:
    """An account and the post of a teacher for everybody just added, one by one or imported (S0-11, S0-14, S0-15, S0-23).

    Usable at once on the default password: who adds a teacher answers for them.
    """
    for start in range(0, len(teachers), AT_ONCE):
        _make(session, teachers[start : start + AT_ONCE], utcnow())


def _make(session: Session, teachers: Sequence[Teacher], now: datetime) -> None:
    connection = session.connection()
    known = _known(connection, {teacher.id_number for teacher in teachers})
    taken = {account.username for accounts in known.values() for account in accounts}
    _drop_claims(connection, known)
    linked: dict[int, tuple[Teacher, Any]] = {}
    plain: list[int] = []
    ambiguous: list[int] = []
    for teacher in teachers:
        account = _own(teacher, known.get(teacher.id_number, ()), linked)
        if account is not None:
            linked[account.id] = teacher, account
            continue
        (ambiguous if teacher.id_number in taken else plain).append(teacher.id)
        taken.add(teacher.id_number)
    _insert_accounts(connection, plain, _TEACHER.c.id_number, now)
    # Two kinds of document may share a number; then the second account's name says which teacher it is.
    _insert_accounts(connection, ambiguous, _TEACHER.c.id_number + "-" + cast(_TEACHER.c.id, String), now)
    _link_accounts(connection, list(linked.values()))
    _open(session, list(linked), now)
    _insert_posts(connection, teachers, now)
    _write_names(connection, teachers)


# --- whose account is already there -----------------------------------------------------------------------------------


def _known(connection: Connection, numbers: set[str]) -> dict[str, list[Any]]:
    """Number → the accounts that carry it, as their name or as their owner's, the newest first."""
    a = _ACCOUNT.c
    carrying = or_(a.username.in_(numbers), a.id_number.in_(numbers))
    in_office = exists().where(_POST.c.account_id == a.id, in_force()).label("in_office")
    columns = (a.id, a.username, a.first_name, a.id_number, a.teacher_id, a.identities, a.scope_path, a.last_login, in_office)
    known: dict[str, list[Any]] = defaultdict(list)
    for account in connection.execute(select(*columns).where(carrying).order_by(a.id.desc())):
        for number in {account.username, account.id_number} & numbers:
            known[number].append(account)
    return known


def _own(teacher: Teacher, known: Iterable[Any], linked: Container[int]) -> Any | None:
    """The account among ``known``, and not yet ``linked``, that already is this teacher's.

    Whoever enters themselves goes on with the account they work with. Otherwise it is the one that the platform made for this number:
    what somebody else only claims, as their document or as a student's number, would hand them a colleague's record. And somebody
    who has used that account bears the name, or whoever knows the number of a stranger could take the stranger's account over.
    """
    free = [account for account in known if account.teacher_id is None and account.id not in linked]
    acting = current_identity().account_id
    own = next((account for account in free if account.id == acting and account.id_number == teacher.id_number), None)
    made = next((account for account in free if account.username == account.id_number == teacher.id_number), None)
    if own is None and made is not None and made.first_name != teacher.name[:LONGEST_NAME] and (made.last_login or made.in_office):
        raise RuleViolation(ANOTHERS, "id_number", number=teacher.id_number)
    return own or made


def _drop_claims(connection: Connection, known: Mapping[str, Iterable[Any]]) -> None:
    """Who only claims a number that now is a teacher's does so no longer: notices and decisions know a person by it."""
    acting = current_identity().account_id
    claims = [
        account.id
        for number, accounts in known.items()
        for account in accounts
        if account.id_number == number != account.username and account.teacher_id is None
    ]
    idle = [one for one in claims if one != acting]
    if idle:
        held = exists().where(_POST.c.account_id == _ACCOUNT.c.id, in_force())
        connection.execute(update(_ACCOUNT).where(_ACCOUNT.c.id.in_(idle), ~held).values(id_number=None))


# --- writing ----------------------------------------------------------------------------------------------------------


def _insert_accounts(connection: Connection, teacher_ids: Sequence[int], username: ColumnElement[str], now: datetime) -> None:
    """Accounts made by the database out of its own rows: a thousand teachers send a thousand ids, not their columns once more."""
    if not teacher_ids:
        return
    t = _TEACHER.c
    email = literal("t") + cast(t.id, String) + f".{new_stamp()}@account.invalid"
    own = {"username": username, "first_name": func.substr(t.name, 1, LONGEST_NAME), "scope_path": t.scope_path}
    own |= {"email": email, "id_number": t.id_number, "teacher_id": t.id}
    values = new_account("", "", "", now) | teaching(now) | own
    insert_from(connection, _ACCOUNT, values, _TEACHER, t.id.in_(teacher_ids))


def _insert_posts(connection: Connection, teachers: Sequence[Teacher], now: datetime) -> None:
    t = _TEACHER.c
    values = {
        "account_id": _ACCOUNT.c.id,
        "role": TEACHER,
        "scope_path": t.scope_path,
        "school_id": t.school_id,
        "unit_name": func.coalesce(_SCHOOL.c.name, ""),
        "since": now,
        "source": "teacher",
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }
    source = _TEACHER.join(_ACCOUNT, _ACCOUNT.c.teacher_id == t.id).outerjoin(_SCHOOL, _SCHOOL.c.id == t.school_id)
    insert_from(connection, _POST, values, source, t.id.in_([teacher.id for teacher in teachers]))


def _write_names(connection: Connection, teachers: Sequence[Teacher]) -> None:
    """The account's name beside the teacher's, in the list and in the row at hand (S3-118)."""
    of_account = select(_ACCOUNT.c.username).where(_ACCOUNT.c.teacher_id == _TEACHER.c.id).scalar_subquery()
    mine = _TEACHER.c.id.in_([teacher.id for teacher in teachers])
    named = update(_TEACHER).where(mine).values(account_name=of_account, updated_at=_TEACHER.c.updated_at)
    names = {teacher_id: name for teacher_id, name in connection.execute(named.returning(_TEACHER.c.id, _TEACHER.c.account_name))}
    for teacher in teachers:
        attributes.set_committed_value(teacher, "account_name", names[teacher.id])


def _link_accounts(connection: Connection, pairs: Sequence[tuple[Teacher, Any]]) -> None:
    """Those who had an account keep it, with its password; and who holds a post elsewhere is looked after there as before (S0-19)."""
    if not pairs:
        return
    acting = current_identity().account_id
    link = (
        update(_ACCOUNT)
        .where(_ACCOUNT.c.id == bindparam("account"))
        .values(
            teacher_id=bindparam("teacher"),
            id_number=bindparam("number"),
            scope_path=bindparam("path"),
            identities=bindparam("kinds"),
            identity=PersonKind.TEACHER,
        )
    )
    rows = [
        {
            "account": account.id,
            "teacher": teacher.id,
            "number": teacher.id_number,
            "path": account.scope_path if account.in_office and account.id != acting else teacher.scope_path,
            "kinds": sorted({*(account.identities or ()), PersonKind.TEACHER.value}),
        }
        for teacher, account in pairs
    ]
    connection.execute(link, rows)


def _open(session: Session, account_ids: Sequence[int], now: datetime) -> None:
    """An account whose opening was asked for, and not granted so far, opens: who adds the teacher answers for them (S0-14, S2-23)."""
    if not account_ids:
        return
    shut = select(Account).where(Account.id.in_(account_ids), Account.state.in_(ACCOUNT_OPENING.step("open").sources))
    for account in session.scalars(shut.with_for_update(), execution_options={"populate_existing": True}).all():
        take_along(session, current_identity(), ACCOUNT_OPENING, account, "open", now=now)


# --- afterwards -------------------------------------------------------------------------------------------------------


@event.listens_for(Teacher, "after_update")
def keep_account_in_step(mapper: Mapper[Any], connection: Connection, teacher: Teacher) -> None:
    """A corrected name or identity number is the account's too: its name is the number (S0-11).

    Asked after the update, when every other rule has put the number into its stored form.
    """
    if not any(inspect(teacher).attrs[name].history.has_changes() for name in ("name", "id_number")):
        return
    a = _ACCOUNT.c
    account = connection.execute(select(a.id, a.username, a.id_number).where(a.teacher_id == teacher.id)).one_or_none()
    if account is None:
        return
    values = {"first_name": teacher.name[:LONGEST_NAME], "id_number": teacher.id_number}
    if account.username == account.id_number != teacher.id_number:
        if connection.scalar(select(a.id).where(a.username == teacher.id_number)) is not None:
            raise RuleViolation("这个证件号码已经是另一个账号，请核对。", "id_number")
        values["username"] = teacher.id_number
        connection.execute(update(_TEACHER).where(_TEACHER.c.id == teacher.id).values(account_name=teacher.id_number))
        attributes.set_committed_value(teacher, "account_name", teacher.id_number)
    connection.execute(update(_ACCOUNT).where(a.id == account.id).values(values))


@event.listens_for(Teacher, "after_delete")
def release_account(mapper: Mapper[Any], connection: Connection, teacher: Teacher) -> None:
    """Whose teacher is deleted keeps an account without a post, looked after where the teacher was.

    The path must not stay behind: a database may give the teacher's number, and with it the path, to somebody else.
    """
    now = utcnow()
    above = teacher.scope_path.removesuffix(f"t{teacher.id}/")
    held = (_POST.c.scope_path == teacher.scope_path, _POST.c.until.is_(None))
    connection.execute(update(_POST).where(*held).values(until=now, updated_at=now))
    connection.execute(update(_ACCOUNT).where(_ACCOUNT.c.scope_path == teacher.scope_path).values(scope_path=above))
