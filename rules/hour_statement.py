"""One teacher's hours, programme by programme: what counts, why the rest does not, what is missing and whom to turn to (S0-41, Z-01).

Whom to contact, and how many hours are still on offer, is known to the areas whose activities earn them: they register their
answers here. The one thing a newcomer gets wrong: a cap is a teacher's, not a school's, so the statement reads every entry of
theirs, wherever it was earned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Post, in_force
from models.hours import HourEntry, Programme
from models.people import Teacher
from models.scoping import Identity, acting_as, current_identity
from rules.grants import SCHOOL_ADMIN, role_label
from rules.hour_ledger import policies_of
from rules.hours import Tally, policy_on, tally, why_out_of_reach
from rules.masks import mask_phone
from rules.page_views import day_of


@dataclass(frozen=True)
class ContactPerson:
    """Somebody a teacher can turn to about their hours."""

    name: str
    role_label: str
    unit_name: str
    phone: str
    """Masked."""


@dataclass(frozen=True)
class Statement:
    """One programme of one teacher."""

    programme: Programme
    tally: Tally
    warning: str
    """That the target can no longer be reached; empty otherwise."""
    contacts: Sequence[ContactPerson]
    """Whom to turn to while hours are missing."""

    @property
    def percent(self) -> int:
        """How far the bar is filled."""
        return min(100, int(self.tally.counted * 100 / self.tally.target))


ContactsOf = Callable[[Session, int, Programme], Sequence[ContactPerson]]
AvailableOf = Callable[[Session, int, Programme], Decimal | None]
_contacts: list[ContactsOf] = []
_available: list[AvailableOf] = []


def answers_contacts(answer: ContactsOf) -> ContactsOf:
    """Register whom a teacher asks about a programme; the first answer that names somebody holds, then the school's administrators."""
    _contacts.append(answer)
    return answer


def answers_available(answer: AvailableOf) -> AvailableOf:
    """Register how many hours a teacher can still earn in a programme; None says that nobody knows. Answers add up."""
    _available.append(answer)
    return answer


def contacts_of(session: Session, teacher_id: int, programme: Programme) -> Sequence[ContactPerson]:
    """Whom the teacher turns to (S0-41)."""
    for answer in _contacts:
        if found := answer(session, teacher_id, programme):
            return found
    return _school_administrators(session, teacher_id)


def available_to(session: Session, teacher_id: int, programme: Programme) -> Decimal | None:
    """How many hours the teacher can still earn; None when nobody knows."""
    known = [hours for answer in _available if (hours := answer(session, teacher_id, programme)) is not None]
    return sum(known, Decimal(0)) if known else None


def statement_of(session: Session, identity: Identity, teacher_id: int, *, now: datetime) -> list[Statement]:
    """The programmes in which the teacher has earned hours, the newest first. Raises NotPermitted and OutOfReach.

    Everybody reads their own; others need the teacher's entries in reach.
    """
    _check_may_read(session, identity, teacher_id)
    with acting_as(identity.serving()):
        return [_completed(session, teacher_id, *counted) for counted in _counted(session, teacher_id, now)]


def totals_of(session: Session, identity: Identity, teacher_id: int, *, now: datetime) -> list[tuple[Programme, Tally]]:
    """The same without what is said about it, for a page that only gives the totals."""
    _check_may_read(session, identity, teacher_id)
    with acting_as(identity.serving()):
        return _counted(session, teacher_id, now)


def _check_may_read(session: Session, identity: Identity, teacher_id: int) -> None:
    if ("teacher", teacher_id) in identity.person:
        return
    with acting_as(identity.serving()):
        teacher = session.get(Teacher, teacher_id)
    identity.require("read", "hour_entry", teacher.scope_path if teacher else "")


def _counted(session: Session, teacher_id: int, now: datetime) -> list[tuple[Programme, Tally]]:
    """Two statements: the entries with their programmes, and the programmes' policies."""
    mine = select(HourEntry, Programme).join(Programme, Programme.id == HourEntry.programme_id).where(HourEntry.teacher_id == teacher_id)
    entries: dict[Programme, list[HourEntry]] = defaultdict(list)
    for entry, programme in session.execute(mine):
        entries[programme].append(entry)
    policies = policies_of(session, [programme.id for programme in entries]) if entries else {}
    newest = sorted(entries, key=lambda programme: (programme.starts_on, programme.id), reverse=True)
    return [(programme, tally(entries[programme], policy_on(policies[programme.id], day_of(now)))) for programme in newest]


def _completed(session: Session, teacher_id: int, programme: Programme, counted: Tally) -> Statement:
    if counted.is_reached:
        return Statement(programme, counted, "", ())
    warning = why_out_of_reach(counted, available_to(session, teacher_id, programme))
    return Statement(programme, counted, warning, contacts_of(session, teacher_id, programme))


def _school_administrators(session: Session, teacher_id: int) -> Sequence[ContactPerson]:
    held = select(Post).join(Teacher, Teacher.school_id == Post.school_id)
    asked = held.where(Teacher.id == teacher_id, Post.role == SCHOOL_ADMIN, in_force()).order_by(Post.id)
    with acting_as(current_identity().serving()):
        posts = session.scalars(asked).all()
    return [ContactPerson(post.contact_name or "", role_label(post.role), post.unit_name, mask_phone(post.contact_phone)) for post in posts]
