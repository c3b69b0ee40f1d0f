"""A member leads the group for its leader until a date, under their own name, and neither a day longer nor anywhere else (decision 0006)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import sessionmaker

from models.access import Post, in_force
from models.activities import Activity, ActivityKind, ActivityState, Participation, ParticipationState, Topic
from models.base import ZONE, utcnow
from models.history import Change, Decision
from models.hours import Programme
from models.notices import Notice
from models.people import Teacher
from models.research import RemovalRequest, ResearchGroup
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.activities import ACTIVITY
from rules.delegates import delegate, withdraw
from rules.grants import GROUP_LEADER, GROUP_MEMBER, IT_TEAM, SCHOOL_ADMIN
from rules.groups import release_member
from rules.participation import PARTICIPATION
from rules.people import leave_school
from rules.removal import REMOVAL
from rules.summaries import SUMMARY_REVIEW
from rules.taking_part import join, say
from rules.workflow import offers, take
from rules.workflow_waiting import waiting
from tests.cast import Cast
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons
from views.panel.security import account_with_posts, identity_at

SOON = (utcnow() + timedelta(days=7)).astimezone(ZONE).date()
AS_SUBSTITUTE = f"教研组组长 · 北语文教研组（代 {LEADER}）"


class Leave(Lessons):
    """梅, who leads 北语文教研组, goes on leave; 兰 is a member of it, 竹 is not."""

    def __init__(self, cast: Cast, session: Any) -> None:
        super().__init__(cast, session)
        self.write(update(Programme).values(ends_on=date(2099, 1, 1)), update(Topic).values(ends_on=date(2099, 1, 1)))

    def write(self, *statements: Any) -> None:
        with acting_as(SYSTEM):
            for statement in statements:
                self.session.execute(statement, execution_options={"synchronize_session": False})
            self.session.commit()
            self.session.expire_all()

    def one(self, statement: Any) -> Any:
        with acting_as(SYSTEM):
            return self.session.scalars(statement, execution_options={"populate_existing": True}).one()

    def leading(self, name: str = LEADER) -> Post:
        held = select(Post).where(Post.account_id == self.cast.account[name], Post.role == GROUP_LEADER)
        return self.one(held.order_by(Post.id.desc()).limit(1))  # type: ignore[no-any-return]

    def name(self, who: str | Identity = LEADER, substitute: str = MEMBER, last_day: date = SOON) -> Post:
        identity = self.at_work(who) if who == LEADER else self.cast.identity(who) if isinstance(who, str) else who
        return delegate(self.session, identity, self.leading(), self.cast.username[substitute], last_day, now=utcnow())

    def at_work(self, name: str) -> Identity:
        """Who the person is at the personal workbench, as their next request finds them."""
        with acting_as(SYSTEM):
            found = account_with_posts(self.session, self.cast.account[name])
        assert found is not None
        return identity_at(found[0], found[1], "personal")

    def draft(self, who: str, kind: ActivityKind = ActivityKind.DISCUSSION) -> Activity:
        now = utcnow()
        values = {"title": "导读课", "starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=3)}
        with acting_as(self.at_work(who)):
            row = Activity(topic_id=self.topic.id, kind=kind, **values)
            self.session.add(row)
            self.session.commit()
        return row

    def told(self, name: str) -> list[str]:
        with acting_as(SYSTEM):
            mine = select(Notice).where(Notice.account_id == self.cast.account[name]).order_by(Notice.id)
            return [str(notice.sentence) for notice in self.session.scalars(mine)]


@pytest.fixture
def leave(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Leave]:
    with factory() as session:
        yield Leave(cast, session)


def test_a_member_leads_under_their_own_name_as_the_post_they_stand_in_for(leave: Leave) -> None:
    with pytest.raises(OutOfReach if leave.at_work(MEMBER).may("add", "activity") else NotPermitted):
        leave.draft(MEMBER)
    leave.name()
    row = leave.draft(MEMBER)
    take(leave.session, leave.at_work(MEMBER), ACTIVITY, row, "publish", now=utcnow())
    assert row.state is ActivityState.PUBLISHED
    decision = leave.one(select(Decision).filter_by(table_name="activity", row_id=row.id))
    assert (decision.account_id, decision.post) == (leave.cast.account[MEMBER], AS_SUBSTITUTE)
    with acting_as(SYSTEM):
        lines = leave.session.scalars(select(Change.post).filter_by(table_name="activity", row_id=row.id)).all()
    assert set(lines) == {AS_SUBSTITUTE}, "and so says the history, of what was typed and of what was decided"
    told = f"您受托代理梅在北语文教研组的“教研组组长”岗位，至 {SOON:%Y.%m.%d} 止。"
    assert told in leave.told(MEMBER)
    noted = leave.one(select(Change).filter_by(table_name="research_group", act="delegate"))
    assert (noted.post, noted.comment) == ("教研组组长 · 北语文教研组", f"兰，{SOON:%Y.%m.%d}")


def test_what_they_do_by_their_own_posts_says_so(leave: Leave) -> None:
    leave.name()
    row = leave.draft(LEADER)
    take(leave.session, leave.at_work(LEADER), ACTIVITY, row, "publish", now=utcnow())
    decision = leave.one(select(Decision).filter_by(table_name="activity", row_id=row.id))
    assert decision.post == "教研组组长 · 北语文教研组"
    leave.appoint(OTHER, IT_TEAM, leave.cast.path["北"])
    with acting_as(SYSTEM):
        summary = leave.session.scalars(select(SUMMARY_REVIEW.model)).first()
        leave.write(update(SUMMARY_REVIEW.model).values(teacher_id=leave.cast.teacher[MEMBER]))
    take(leave.session, leave.at_work(OTHER), SUMMARY_REVIEW, summary, "pass", now=utcnow())
    decision = leave.one(select(Decision).filter_by(table_name="ability_summary", row_id=summary.id))
    assert decision.post.startswith("信息化团队 · "), "not 教师, which is the oldest of their posts"


def test_it_lasts_to_the_end_of_the_last_day_in_shanghai(leave: Leave) -> None:
    named = leave.name(last_day=SOON)
    end = datetime.combine(SOON + timedelta(days=1), time(), ZONE)
    assert named.until == end
    for moment, is_open in ((end - timedelta(microseconds=1), True), (end, False)):
        with acting_as(SYSTEM):
            found = leave.session.scalars(select(Post.id).where(Post.id == named.id, in_force(moment))).all()
        assert (found == [named.id]) is is_open is named.is_in_force(moment)
    leave.write(update(Post).where(Post.id == named.id).values(until=utcnow() - timedelta(seconds=1)))
    assert not leave.at_work(MEMBER).may("publish", "activity") and leave.at_work(MEMBER).may("join", "activity")
    with pytest.raises(NotPermitted):
        leave.draft(MEMBER)
    assert leave.leading().until is None, "the leader leads on"
    with pytest.raises(RuleViolation, match="不能早于今天"):
        leave.name(last_day=SOON - timedelta(days=30))


def test_never_on_their_own_work_nor_on_that_of_whom_they_stand_in_for(leave: Leave) -> None:
    leave.appoint(OTHER, GROUP_MEMBER, leave.group.scope_path)
    row = leave.draft(LEADER)
    take(leave.session, leave.at_work(LEADER), ACTIVITY, row, "publish", now=utcnow())
    parts = {}
    for who in (LEADER, MEMBER, OTHER):
        parts[who] = join(leave.session, leave.at_work(who), row, now=utcnow())
        say(leave.session, leave.at_work(who), row, "很好", now=utcnow())
    leave.name()
    lan = leave.at_work(MEMBER)
    for who, sentence in ((MEMBER, "不能办理本人的事项"), (LEADER, "代理期间不能办理被代理人本人的事项")):
        with acting_as(lan), pytest.raises(RuleViolation, match=sentence):
            take(
                leave.session, lan, PARTICIPATION, leave.session.get_one(Participation, parts[who].id), "return", comment="x", now=utcnow()
            )
    part = leave.one(select(Participation).where(Participation.id == parts[OTHER].id))
    take(leave.session, lan, PARTICIPATION, part, "return", comment="请补充", now=utcnow())
    assert part.state is ParticipationState.JOINED
    assert leave.one(select(Decision).filter_by(table_name="participation", row_id=part.id, step="return")).post == AS_SUBSTITUTE


def test_what_one_decides_by_a_post_of_ones_own_is_not_narrowed(leave: Leave) -> None:
    """兰 is of the IT team as well: 梅's summary waits for her as before."""
    leave.appoint(MEMBER, IT_TEAM, leave.cast.path["北"])
    leave.write(update(SUMMARY_REVIEW.model).values(teacher_id=leave.cast.teacher[LEADER]))
    leave.name()
    lan, summary = leave.at_work(MEMBER), leave.one(select(SUMMARY_REVIEW.model))
    assert [offer.why for offer in offers(leave.session, lan, SUMMARY_REVIEW, summary, thorough=True)] == ["", ""]
    assert waiting(leave.session, lan, [SUMMARY_REVIEW]) == {"ability_summary": 1}


@pytest.mark.parametrize("who", ["平", MEMBER, OTHER, "锐", "丹", "运"])
def test_who_names_one(leave: Leave, who: str) -> None:
    """The leader, or whoever chooses the leader (S0-132); the platform's operator may do everything."""
    if who in ("平", "运"):
        leave.name(who)
        assert leave.at_work(MEMBER).may("publish", "activity") and "受托代理您" in leave.told(LEADER)[-1]
        return
    with pytest.raises((NotPermitted, OutOfReach)):
        leave.name(who)
    assert not leave.at_work(MEMBER).may("publish", "activity")


@pytest.mark.parametrize(
    ("substitute", "sentence"), [(OTHER, "没有找到这个账号"), ("锐", "没有找到这个账号"), ("平", "没有找到"), (LEADER, "岗位的本人")]
)
def test_it_is_one_of_the_group(leave: Leave, substitute: str, sentence: str) -> None:
    with pytest.raises(RuleViolation, match=sentence):
        leave.name(substitute=substitute)


def test_a_substitute_names_none(leave: Leave) -> None:
    named = leave.name()
    with pytest.raises(RuleViolation, match="不能再委托"):
        delegate(leave.session, leave.at_work(MEMBER), named, leave.cast.username[OTHER], SOON, now=utcnow())
    with pytest.raises((NotPermitted, OutOfReach)):
        leave.name(leave.at_work(MEMBER))


@pytest.mark.parametrize("who", [LEADER, MEMBER, "平"])
def test_it_can_be_withdrawn(leave: Leave, who: str) -> None:
    named = leave.name()
    identity = leave.cast.identity(who) if who == "平" else leave.at_work(who)
    withdraw(leave.session, identity, named, now=utcnow())
    assert not leave.at_work(MEMBER).may("publish", "activity")
    with pytest.raises(Conflict):
        withdraw(leave.session, identity, named, now=utcnow())


@pytest.mark.parametrize("who", [OTHER, "锐"])
def test_nobody_else_withdraws_it(leave: Leave, who: str) -> None:
    named = leave.name()
    with pytest.raises((NotPermitted, OutOfReach)):
        withdraw(leave.session, leave.cast.identity(who), named, now=utcnow())


def replace_leader(leave: Leave) -> None:
    leave.appoint(OTHER, GROUP_MEMBER, leave.group.scope_path)
    with acting_as(leave.cast.identity("平")):
        leave.session.get_one(ResearchGroup, leave.group.id).leader_id = leave.cast.teacher[OTHER]
        leave.session.commit()


def release_substitute(leave: Leave) -> None:
    member = select(Post).where(Post.account_id == leave.cast.account[MEMBER], Post.role == GROUP_MEMBER, Post.until.is_(None))
    release_member(leave.session, leave.cast.identity("平"), leave.group, leave.one(member).id, now=utcnow())


def leave_the_school(leave: Leave, who: str) -> None:
    teacher = leave.one(select(Teacher).filter_by(name=who))
    with acting_as(leave.at_work(who)):
        leave_school(leave.session, leave.at_work(who), teacher, now=utcnow())


def remove_from_research(leave: Leave, who: str) -> None:
    request = RemovalRequest(school_programme_id=leave.school.id, teacher_id=leave.cast.teacher[who], reason="调岗")
    with acting_as(SYSTEM):
        leave.session.execute(RemovalRequest.__table__.delete())
        leave.session.add(request)
        leave.session.commit()
    with acting_as(leave.cast.identity("丹")):
        take(leave.session, leave.cast.identity("丹"), REMOVAL, request, "approve", now=utcnow())


@pytest.mark.parametrize(
    "happens",
    [
        replace_leader,
        release_substitute,
        lambda leave: leave_the_school(leave, LEADER),
        lambda leave: leave_the_school(leave, MEMBER),
        lambda leave: remove_from_research(leave, LEADER),
        lambda leave: remove_from_research(leave, MEMBER),
    ],
    ids=["another leader", "released", "the leader leaves", "the substitute leaves", "the leader is removed", "the substitute is removed"],
)
def test_nobody_stands_in_for_who_has_left_nor_where_they_have_left(leave: Leave, happens: Any) -> None:
    named = leave.name()
    happens(leave)
    assert not leave.at_work(MEMBER).may("publish", "activity")
    assert any("代理随之结束" in sentence for sentence in leave.told(MEMBER))
    ended = leave.one(select(Post).where(Post.id == named.id))
    assert ended.until <= utcnow() and ended.role == GROUP_LEADER and ended.delegate_of_id is not None


def test_the_school_still_has_one_leader_of_the_group(leave: Leave) -> None:
    leave.name()
    with acting_as(SYSTEM):
        assert leave.session.get_one(ResearchGroup, leave.group.id).leader_id == leave.cast.teacher[LEADER]
        admins = leave.session.scalars(select(Post).where(Post.role == SCHOOL_ADMIN, Post.delegate_of_id.is_not(None))).all()
    assert admins == []
