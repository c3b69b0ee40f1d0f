"""One teacher's hours, programme by programme: what counts, why the rest does not, what is missing and whom to turn to (S0-41, Z-01).

Whom to contact, and how many hours are still on offer, is known to the areas whose activities earn them: they register their
answers here. The one thing a newcomer gets wrong: a cap is a teacher's, not a school's, so the statement reads every entry of
theirs, wherever it was earned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    """In full for the teacher whose contact they are, who is to call; masked for whoever else reads the statement."""


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


ContactsOf = Callable[[Session, int, Sequence[int]], Mapping[int, Sequence[ContactPerson]]]
AvailableOf = Callable[[Session, int, Sequence[int], datetime], Mapping[int, Decimal]]
ProgrammesOf = Callable[[Session, int, datetime], Sequence[Programme]]
_programmes: list[ProgrammesOf] = []
_contacts: list[ContactsOf] = []
_available: list[AvailableOf] = []


def answers_programmes(answer: ProgrammesOf) -> ProgrammesOf:
    """Register the programmes a teacher takes part in now, also before they have earned an hour; one statement."""
    _programmes.append(answer)
    return answer


def answers_contacts(answer: ContactsOf) -> ContactsOf:
    """Register whom a teacher asks about programmes (ids), in one statement for all of them.

    The first answer that names somebody holds, then the school's administrators.
    """
    _contacts.append(answer)
    return answer


def answers_available(answer: AvailableOf) -> AvailableOf:
    """Register how many hours a teacher can still earn in programmes (ids), in one statement; one left out is not known. Answers add up."""
    _available.append(answer)
    return answer


def contacts_of(session: Session, teacher_id: int, programmes: Sequence[int]) -> dict[int, Sequence[ContactPerson]]:
    """Programme → whom the teacher turns to, with the phone in full (S0-41)."""
    found: dict[int, Sequence[ContactPerson]] = {}
    for answer in _contacts:
        found = {**answer(session, teacher_id, programmes), **found}
    missing = [programme for programme in programmes if not found.get(programme)]
    if missing:
        administrators = _school_administrators(session, teacher_id)
        found |= dict.fromkeys(missing, administrators)
    return found


def available_to(session: Session, teacher_id: int, programmes: Sequence[int], now: datetime) -> dict[int, Decimal]:
    """Programme → how many hours the teacher can still earn, where somebody knows."""
    found: dict[int, Decimal] = {}
    for answer in _available:
        for programme, hours in answer(session, teacher_id, programmes, now).items():
            found[programme] = found.get(programme, Decimal(0)) + hours
    return found


def statement_of(session: Session, identity: Identity, teacher_id: int, *, now: datetime) -> list[Statement]:
    """The programmes in which the teacher has earned hours or takes part, the newest first. Raises NotPermitted and OutOfReach.

    Everybody reads their own; others need the teacher's entries in reach.
    """
    _check_may_read(session, identity, teacher_id)
    with acting_as(identity.serving()):
        also = [programme for answer in _programmes for programme in answer(session, teacher_id, now)]
        counted = _counted(session, teacher_id, now, also)
        below = [programme.id for programme, tallied in counted if not tallied.is_reached]
        contacts: Mapping[int, Sequence[ContactPerson]] = contacts_of(session, teacher_id, below) if below else {}
        if ("teacher", teacher_id) not in identity.person:
            contacts = {programme: [_masked(one) for one in found] for programme, found in contacts.items()}
        available = available_to(session, teacher_id, below, now) if below else {}
        return [_completed(*one, contacts, available) for one in counted]


def totals_of(
    session: Session, identity: Identity, teacher_id: int, *, also: Iterable[Programme] = (), now: datetime
) -> list[tuple[Programme, Tally]]:
    """The same without what is said about it, for a page that only gives the totals; of the programmes ``also`` named as well."""
    _check_may_read(session, identity, teacher_id)
    with acting_as(identity.serving()):
        return _counted(session, teacher_id, now, also)


def _check_may_read(session: Session, identity: Identity, teacher_id: int) -> None:
    if ("teacher", teacher_id) in identity.person:
        return
    with acting_as(identity.serving()):
        teacher = session.get(Teacher, teacher_id)
    identity.require("read", "hour_entry", teacher.scope_path if teacher else "")


def _counted(session: Session, teacher_id: int, now: datetime, also: Iterable[Programme] = ()) -> list[tuple[Programme, Tally]]:
    """Two statements: the entries with their programmes, and the programmes' policies."""
    mine = select(HourEntry, Programme).join(Programme, Programme.id == HourEntry.programme_id).where(HourEntry.teacher_id == teacher_id)
    entries: dict[Programme, list[HourEntry]] = defaultdict(list, {programme: [] for programme in also})
    for entry, programme in session.execute(mine):
        entries[programme].append(entry)
    policies = policies_of(session, [programme.id for programme in entries]) if entries else {}
    newest = sorted(entries, key=lambda programme: (programme.starts_on, programme.id), reverse=True)
    return [(programme, tally(entries[programme], policy_on(policies[programme.id], day_of(now)))) for programme in newest]


def _completed(
    programme: Programme, counted: Tally, contacts: Mapping[int, Sequence[ContactPerson]], available: Mapping[int, Decimal]
) -> Statement:
    if counted.is_reached:
        return Statement(programme, counted, "", ())
    return Statement(programme, counted, why_out_of_reach(counted, available.get(programme.id)), contacts[programme.id])


def _masked(contact: ContactPerson) -> ContactPerson:
    return replace(contact, phone=mask_phone(contact.phone))


def _school_administrators(session: Session, teacher_id: int) -> Sequence[ContactPerson]:
    held = select(Post).join(Teacher, Teacher.school_id == Post.school_id)
    asked = held.where(Teacher.id == teacher_id, Post.role == SCHOOL_ADMIN, in_force()).order_by(Post.id)
    with acting_as(current_identity().serving()):
        posts = session.scalars(asked).all()
    return [ContactPerson(post.contact_name or "", role_label(post.role), post.unit_name, post.contact_phone or "") for post in posts]
