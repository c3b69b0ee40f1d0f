"""What a school's research leaves on paper: who did what with which hours, and every piece of evidence, row by row (S0-31, S1-56).

The one thing a newcomer gets wrong: these are streams. A large school has hundreds of thousands of rows, and none is kept in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from models.activities import Activity, Participation, Topic
from models.base import table_name
from models.files import Attachment, Blob
from models.people import Teacher
from models.research import ResearchGroup, SchoolProgramme

BATCH = {"yield_per": 2_000}


def count_of(session: Session, statement: Any) -> int:
    """How many rows a selection has."""
    return session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0


def activity_records(school: SchoolProgramme, group_ids: Collection[int] | None) -> Any:
    """Every participation: who, in which group, topic and activity, how far and when."""
    columns = (
        Teacher.name.label("teacher"),
        ResearchGroup.name.label("group"),
        Topic.title.label("topic"),
        Activity.title.label("activity"),
        Activity.kind,
        Activity.hours,
        Participation.state,
        Participation.joined_at,
        Participation.completed_at,
    )
    found = select(*columns).select_from(Participation).join(Activity, Activity.id == Participation.activity_id)
    found = found.join(Topic, Topic.id == Activity.topic_id).join(ResearchGroup, ResearchGroup.id == Activity.group_id)
    found = found.join(Teacher, Teacher.id == Participation.teacher_id)
    return found.where(*_in(school, group_ids)).order_by(ResearchGroup.id, Activity.id, Participation.id)


def evidence_records(school: SchoolProgramme, group_ids: Collection[int] | None) -> Any:
    """Every file that shows something was done: what members handed in, and what the leader did of an offline activity."""
    activity, part = aliased(Activity), aliased(Participation)
    columns = (
        ResearchGroup.name.label("group"),
        activity.title.label("activity"),
        activity.kind,
        Teacher.name.label("teacher"),
        Attachment.owner_table,
        Attachment.slot,
        Attachment.name,
        Blob.size,
        Attachment.uploaded_at,
    )
    of_part = (Attachment.owner_table == table_name(Participation)) & (Attachment.owner_id == part.id)
    found = select(*columns).select_from(Attachment).join(Blob, Blob.id == Attachment.blob_id).outerjoin(part, of_part)
    own = (Attachment.owner_table == table_name(Activity)) & (Attachment.slot == "evidence") & (Attachment.owner_id == activity.id)
    found = found.join(activity, own | (activity.id == part.activity_id)).join(ResearchGroup, ResearchGroup.id == activity.group_id)
    found = found.outerjoin(Teacher, Teacher.id == part.teacher_id).where(*_in(school, group_ids))
    return found.order_by(ResearchGroup.id, activity.id, Attachment.id)


def _in(school: SchoolProgramme, group_ids: Collection[int] | None) -> Iterator[Any]:
    yield ResearchGroup.school_programme_id == school.id
    if group_ids is not None:
        yield ResearchGroup.id.in_(sorted(group_ids))
