"""What opening an account brings about, by whichever step it is opened (S0-14, S2-12, S2-23).

These are effects of the workflow in ``rules.approvals``. The one thing a newcomer gets wrong: approving a request and adding the
teacher are not the same. Who approves has seen what the person claims, phone included; who adds a teacher has not, so nothing
that was claimed opens the account.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account
from models.history import Decision
from models.org import School
from models.people import IdType, Teacher
from rules.id_numbers import RESIDENT
from rules.issuing import given, new_stamp, write


def open_requested(session: Session, account: Account, decision: Decision) -> None:
    """After an approval: the teacher is entered at the school, and the default password begins to count.

    Who proved their phone and chose a password when asking again keeps both.
    """
    if account.password is None:
        write(session, account, **given(None, decision.at))
    school = session.scalars(select(School).where(School.scope_path == account.scope_path)).one_or_none()
    if account.teacher_id is not None or school is None:
        return
    resident = session.scalars(select(IdType).where(IdType.code == RESIDENT)).one()
    known = {"name": account.first_name, "id_number": account.id_number, "phone": account.phone}
    session.add(Teacher(**known, id_type_id=resident.id, school_id=school.id))
    session.flush()
    session.refresh(account)


def open_with_teacher(session: Session, account: Account, decision: Decision) -> None:
    """After somebody added the teacher: the default password begins to count; a phone and password of whoever asked are dropped."""
    write(session, account, phone=None, **given(None, decision.at))


def end_all_sessions(session: Session, account: Account, decision: Decision) -> None:
    """After an account was shut: what was signed in to it stays out when it is opened again, tokens and API keys too."""
    write(session, account, password_stamp=new_stamp())
