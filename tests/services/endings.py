"""A school's programme at its end, as the services' tests need it: plans handed in, a team, and many teachers with their hours."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.access import Account, AccountState, Post
from models.activities import Activity, ActivityKind, ActivityState, Participation, ParticipationState, Topic, TopicState
from models.base import table_name
from models.files import Attachment, Blob, FileKind
from models.hours import HourCategory, HourEntry, HourPolicy, HourState
from models.people import CertificationState, IdType, Teacher
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import SYSTEM, acting_as
from rules.grants import GROUP_MEMBER
from rules.opening import PLANS
from tests.cast import TODAY


def attach(session: Session, row: Any, slot: str, name: str, key: str = "files/20261123/none") -> None:
    """A file on the record, its bytes where ``key`` says."""
    with acting_as(SYSTEM):
        blob = Blob(sha256=f"{table_name(type(row))}{row.id}{slot}{name}".encode().hex()[:64], size=3, key=key)
        session.add(blob)
        session.flush()
        file = Attachment(blob_id=blob.id, name=name, kind=FileKind.DOCUMENT, media_type="application/pdf", uploaded_by=1)
        file.owner_table, file.owner_id, file.slot = table_name(type(row)), row.id, slot
        session.add(file)
        session.commit()


def hand_in_plans(session: Session, school: SchoolProgramme) -> None:
    """Both plans (S1-02)."""
    for slot in PLANS:
        attach(session, school, slot, f"{slot}.pdf")


def many(
    session: Session, school: SchoolProgramme, *, teachers: int, groups: int = 1, activities: int = 0, hours: tuple[int, ...] = (5, 5)
) -> None:
    """So many teachers in so many groups, each with entries of these hours; ``activities`` beside them, each with one taking part."""
    now = {"created_at": TODAY, "updated_at": TODAY, "version": 1}
    with acting_as(SYSTEM):
        kind = session.scalars(select(IdType.id)).first()
        policy = session.scalars(select(HourPolicy).filter_by(programme_id=school.programme_id)).one()
        people = [
            {
                "account_name": f"many{n}",
                "name": f"师{n:05d}",
                "id_type_id": kind,
                "id_number": f"M{n:08d}",
                "school_id": school.school_id,
                "certification": CertificationState.PASSED,
                "scope_path": f"{school.scope_path}t{900000 + n}/",
                **now,
            }
            for n in range(teachers)
        ]
        session.execute(insert(Teacher), people)
        ids = list(session.scalars(select(Teacher.id).where(Teacher.account_name.startswith("many")).order_by(Teacher.id)))
        accounts = [
            {
                "first_name": f"师{n:05d}",
                "last_name": "",
                "username": f"many{n}",
                "email": f"many{n}@accounts.invalid",
                "active": True,
                "state": AccountState.ACTIVE,
                "identities": [],
                "password_stamp": "x",
                "teacher_id": teacher,
                "scope_path": school.scope_path,
            }
            for n, teacher in enumerate(ids)
        ]
        session.execute(insert(Account), accounts)
        named = [
            {"school_programme_id": school.id, "name": f"组{n:03d}", "scope_path": f"{school.scope_path}g{800000 + n}/", **now}
            for n in range(groups)
        ]
        session.execute(insert(ResearchGroup), named)
        rows = session.execute(
            select(ResearchGroup.id, ResearchGroup.scope_path).where(ResearchGroup.name.startswith("组")).order_by(ResearchGroup.id)
        ).all()
        held = session.execute(select(Account.id, Account.teacher_id).where(Account.username.startswith("many")).order_by(Account.id)).all()
        posts = [
            {
                "account_id": account,
                "role": GROUP_MEMBER,
                "scope_path": rows[n % groups][1],
                "since": TODAY,
                "unit_name": "",
                "source": "system",
                **now,
            }
            for n, (account, _teacher) in enumerate(held)
        ]
        session.execute(insert(Post), posts)
        entries = [
            {
                "teacher_id": teacher,
                "programme_id": school.programme_id,
                "policy_id": policy.id,
                "category": HourCategory.HOMEWORK,
                "title": "研修作业",
                "hours": Decimal(number),
                "earned_at": TODAY - timedelta(days=at),
                "evidence": f"many/{n}/{at}",
                "state": HourState.ACCRUED,
                "scope_path": rows[n % groups][1],
                **now,
            }
            for n, teacher in enumerate(ids)
            for at, number in enumerate(hours)
        ]
        session.execute(insert(HourEntry), entries)
        if activities:
            _add_activities(session, rows, ids, policy, activities, now)
        session.commit()


def _add_activities(session: Session, groups: Any, teachers: list[int], policy: HourPolicy, number: int, now: dict[str, Any]) -> None:
    topics = [
        {
            "group_id": group,
            "title": "专题",
            "starts_on": TODAY.date(),
            "ends_on": TODAY.date(),
            "state": TopicState.PUBLISHED,
            "scope_path": path,
            **now,
        }
        for group, path in groups
    ]
    session.execute(insert(Topic), topics)
    topic_of = {group: topic for group, topic in session.execute(select(Topic.group_id, Topic.id))}
    rows = [
        {
            "topic_id": topic_of[group],
            "group_id": group,
            "kind": ActivityKind.HOMEWORK,
            "title": f"活动{n}",
            "starts_at": TODAY,
            "ends_at": TODAY + timedelta(days=1),
            "hours": Decimal(5),
            "policy_id": policy.id,
            "state": ActivityState.PUBLISHED,
            "scope_path": path,
            **now,
        }
        for n in range(number)
        for group, path in [groups[n % len(groups)]]
    ]
    session.execute(insert(Activity), rows)
    made = session.execute(select(Activity.id, Activity.scope_path).where(Activity.title.startswith("活动"))).all()
    joined = {"state": ParticipationState.COMPLETED, "round": 1, "joined_at": TODAY, "completed_at": TODAY}
    parts = [
        {"activity_id": activity, "teacher_id": teachers[n % len(teachers)], "scope_path": path, **joined, **now}
        for n, (activity, path) in enumerate(made)
    ]
    session.execute(insert(Participation), parts)
