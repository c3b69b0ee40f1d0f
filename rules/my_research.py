"""What somebody finds of research: their groups and topics, what they have to do, and the activities they may look at (S0-70, S0-105).

The one thing a newcomer gets wrong: no list here shows a draft of an activity, not to its leader either; the generated screen of
activities does, to who may write it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from models.activities import Activity, ActivityKind, ActivityState, Participation, ParticipationState, Topic
from models.hours import Programme
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as, in_reach
from rules.closing import goes_on, why_closed
from rules.members import NOT_APPROVED, in_group_of, is_approved
from rules.page_views import day_of
from rules.taking_part import why_not_now

NOT_JOINED, JOINED, COMPLETED = "open", "joined", "completed"
STATES = {NOT_JOINED: "未参与", JOINED: "已参与", COMPLETED: "已完成"}
"""How one takes part oneself."""


@dataclass(frozen=True)
class Found:
    """An activity with where it belongs, and how the person who looks takes part in it."""

    activity: Activity
    topic: Topic
    group: ResearchGroup
    school: SchoolProgramme
    programme: Programme
    participation: Participation | None
    is_approved: bool
    """Whether the person may begin something new in that school (``rules.members.is_approved``)."""

    @property
    def state(self) -> str:
        """One of ``STATES``."""
        if self.participation is None or self.participation.state is ParticipationState.REMOVED:
            return NOT_JOINED
        return COMPLETED if self.participation.state is ParticipationState.COMPLETED else JOINED

    def why_not(self, now: datetime) -> str:
        """The sentence why nobody can join or complete it now; empty when it is open."""
        return why_not_now(self.activity, self.topic, self.school, self.programme, now)

    def why_not_joined(self, now: datetime) -> str:
        """The sentence why the person cannot join it now; empty when a member of the group can."""
        return self.why_not(now) or ("" if self.is_approved else NOT_APPROVED)

    def why_closed(self, now: datetime) -> str:
        """The sentence why its school's research as a whole is closed; empty while it goes on."""
        return why_closed(self.school, self.programme, now)

    def is_overdue(self, now: datetime) -> bool:
        """Whether its time has passed and the person has not completed it."""
        return self.state != COMPLETED and self.activity.kind is not ActivityKind.OFFLINE and now > self.activity.ends_at


@dataclass(frozen=True)
class Wanted:
    """What a list of activities asks for. Without ``whole`` it is that of the person's own groups."""

    whole: bool = False
    kind: ActivityKind | None = None
    state: str | ActivityState | None = None
    """One of ``STATES``; of the activity itself with ``whole``."""


def _found(teacher_id: int | None) -> Select[Any]:
    mine = and_(Participation.activity_id == Activity.id, Participation.teacher_id == teacher_id)
    able = is_approved(teacher_id, SchoolProgramme.school_id)
    rows = select(Activity, Topic, ResearchGroup, SchoolProgramme, Programme, Participation, able).join(
        Topic, Topic.id == Activity.topic_id
    )
    rows = rows.join(ResearchGroup, ResearchGroup.id == Activity.group_id)
    rows = rows.join(SchoolProgramme, SchoolProgramme.id == ResearchGroup.school_programme_id)
    found: Any = rows.join(Programme, Programme.id == SchoolProgramme.programme_id).outerjoin(Participation, mine)
    return cast("Select[Any]", found)


def own_state() -> ColumnElement[str]:
    """How the teacher of the joined participation takes part."""
    words = {ParticipationState.JOINED: JOINED, ParticipationState.COMPLETED: COMPLETED}
    return case(*((Participation.state == state, literal(word)) for state, word in words.items()), else_=literal(NOT_JOINED))


def tasks_of(session: Session, identity: Identity, teacher_id: int, *, now: datetime, most: int) -> Sequence[Found]:
    """What the teacher has to do in their groups: what ends first comes first, what is overdue last; one statement (S0-70).

    A school whose research is closed has nothing left to do.
    """
    to_do = (
        in_group_of(teacher_id),
        Activity.state == ActivityState.PUBLISHED,
        own_state() != COMPLETED,
        or_(Activity.kind != ActivityKind.OFFLINE, Participation.state == ParticipationState.JOINED),
        goes_on(now),
    )
    soonest = (case((Activity.ends_at < now, 1), else_=0), Activity.ends_at, Activity.id)
    with acting_as(identity.serving()):
        return [Found(*row) for row in session.execute(_found(teacher_id).where(*to_do).order_by(*soonest).limit(most))]


def own_groups(
    session: Session, identity: Identity, teacher_id: int, *, now: datetime
) -> list[tuple[ResearchGroup, Programme, list[Topic]]]:
    """The teacher's groups with their topics that are not over, in one statement; drafts are their leader's alone."""
    current = and_(Topic.group_id == ResearchGroup.id, Topic.ends_on >= day_of(now))
    rows = select(ResearchGroup, Programme, Topic).join(SchoolProgramme, SchoolProgramme.id == ResearchGroup.school_programme_id)
    rows = rows.join(Programme, Programme.id == SchoolProgramme.programme_id).outerjoin(Topic, current)
    rows = rows.where(in_group_of(teacher_id)).order_by(Programme.starts_on.desc(), ResearchGroup.id, Topic.starts_on, Topic.id)
    found: dict[int, tuple[ResearchGroup, Programme, list[Topic]]] = {}
    with acting_as(identity.serving()):
        for group, programme, topic in session.execute(rows):
            topics = found.setdefault(group.id, (group, programme, []))[2]
            leads = identity.reaches("publish", "topic", group.scope_path)
            if topic is not None and (leads or topic.phase(day_of(now)) != "草稿"):
                topics.append(topic)
    return list(found.values())


def activities_for(
    session: Session, identity: Identity, teacher_id: int | None, wanted: Wanted, *, first: int, most: int
) -> tuple[dict[tuple[str, str], int], Sequence[Found]]:
    """How many activities there are by kind and state, and those asked for, newest first; two statements (S0-105).

    The state is one's own in one's own groups, the activity's where one looks at a whole school.
    """
    is_own = teacher_id is not None and not wanted.whole
    state: Any = own_state() if is_own else Activity.state
    reach = in_reach(Activity, identity)
    shown: list[Any] = [Activity.state != ActivityState.DRAFT, *([reach] if reach is not None else [])]
    counted = select(Activity.kind, state.label("taken"), func.count()).join(ResearchGroup, ResearchGroup.id == Activity.group_id)
    if teacher_id is not None and is_own:
        shown.append(in_group_of(teacher_id))
        mine = and_(Participation.activity_id == Activity.id, Participation.teacher_id == teacher_id)
        counted = counted.outerjoin(Participation, mine)
    asked = [*shown, *([Activity.kind == wanted.kind] if wanted.kind else []), *([state == wanted.state] if wanted.state else [])]
    newest = (Activity.starts_at.desc(), Activity.id.desc())
    with acting_as(identity.serving()):
        grouped = session.execute(counted.where(*shown).group_by(Activity.kind, "taken"))
        counts = {(kind.value, getattr(of, "value", of)): number for kind, of, number in grouped}
        rows = session.execute(_found(teacher_id).where(*asked).order_by(*newest).offset(first).limit(most))
        return counts, [Found(*row) for row in rows]
