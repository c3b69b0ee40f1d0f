"""School-based research as the services' tests find it: North's group with a leader and members, and the means to act as each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

import rules.groups
import rules.rubrics  # noqa: F401  (a rubric used once is frozen)
from models.access import Account, Post
from models.activities import Activity, ActivityKind, Rubric, Topic
from models.people import CertificationState, Teacher
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import SYSTEM, Identity, acting_as
from rules.grants import GROUP_LEADER, GROUP_MEMBER, IT_TEAM, TEACHER, role_label
from tests.cast import TODAY, Cast, grants_of
from tests.research_cast import GROUP

LEADER, MEMBER, OTHER = "梅", "兰", "竹"


class Lessons:
    """The group 北语文教研组: 梅 leads, 兰 is a member, 竹 is certified and in no group."""

    def __init__(self, cast: Cast, session: Session) -> None:
        self.cast, self.session = cast, session
        with acting_as(SYSTEM):
            certified = {"certification": CertificationState.PASSED}
            session.execute(update(Teacher).where(Teacher.name.in_((LEADER, MEMBER, OTHER))).values(certified))
            self.group = session.scalars(select(ResearchGroup).filter_by(name=GROUP)).one()
            self.school = session.get_one(SchoolProgramme, self.group.school_programme_id)
            self.topic = session.scalars(select(Topic)).one()
            self.rubric = session.scalars(select(Rubric)).one()
            self.group.leader_id = cast.teacher[LEADER]
            session.commit()
            self.appoint(MEMBER, GROUP_MEMBER, self.group.scope_path)

    def appoint(self, name: str, role: str, path: str, school: str = "北") -> None:
        """A post at the group or the school, as the services would write it."""
        with acting_as(SYSTEM):
            self.session.add(
                Post(account_id=self.cast.account[name], role=role, school_id=self.cast.school[school], since=TODAY, scope_path=path)
            )
            self.session.commit()

    def as_personal(self, name: str) -> Identity:
        """Who ``name`` is at the personal workbench: as a teacher, a leader, a member, of the IT team, all at once."""
        with acting_as(SYSTEM):
            account = self.session.scalars(select(Account).filter_by(id=self.cast.account[name])).one()
            held = select(Post).where(Post.account_id == account.id, Post.until.is_(None)).order_by(Post.id)
            posts = [post for post in self.session.scalars(held) if post.role in (TEACHER, GROUP_LEADER, GROUP_MEMBER, IT_TEAM)]
        return Identity(
            account_id=account.id,
            post_id=posts[0].id if posts else None,
            label=f"{role_label(posts[0].role)} · {posts[0].unit_name}" if posts else "",
            grants=frozenset(grant for post in posts for grant in grants_of(post)),
            person=self.cast.identity(name).person,
        )

    def activity(self, who: str, kind: ActivityKind, **given: Any) -> Activity:
        """Add an activity of the group as ``who``; it is a draft."""
        values = {"starts_at": TODAY, "ends_at": TODAY + timedelta(days=14), "title": kind.label, **given}
        if kind is ActivityKind.OBSERVATION:
            values.setdefault("rubric_id", self.rubric.id)
        with acting_as(self.as_personal(who)):
            row = Activity(topic_id=self.topic.id, kind=kind, **values)
            self.session.add(row)
            self.session.commit()
        return row
