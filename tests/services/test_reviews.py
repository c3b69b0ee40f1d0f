"""What is handed in and reviewed: by whom, when no longer, never by its author, and one outcome of two at once (S0-39, S0-42, S0-63…66, S0-120…133)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Post
from models.files import Attachment
from models.history import Change, Decision
from models.hours import Programme
from models.notices import Notice
from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan, Outcome, OutcomeKind, OutcomeState, SummaryState
from models.people import CertificationState, Teacher
from models.research import ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.approvals import WORKFLOWS
from rules.files import settle
from rules.files_store import FileStore
from rules.grants import GROUP_LEADER, GROUP_MEMBER, IT_TEAM
from rules.handing_in import taken_part_in
from rules.improvement_plans import hand_in_plan, lock_all, lock_plan, templates_of, unlock_plan
from rules.outcomes import OUTCOME_REVIEW, missing_parts
from rules.summaries import SUMMARY_REVIEW, hand_in_summary, reassign
from rules.uploads import keep_file
from rules.workflow import offers, take
from rules.workflow_waiting import waiting
from tests import samples
from tests.cast import TODAY, Cast
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons
from tests.services.test_workflow_races import race

POINTS = ("A1", "A2", "A3", "B1")


class Reviews(Lessons):
    """梅 leads, 兰 is a member; 竹 and 兰 are North's IT team. Files are kept in a folder of the test."""

    def __init__(self, cast: Cast, session: Session, folder: Path) -> None:
        super().__init__(cast, session)
        self.store = FileStore(f"file://{folder / 'files'}")
        for name in (OTHER, MEMBER):
            self.appoint(name, IT_TEAM, cast.path["北"])

    def point(self, code: str = "A1") -> int:
        with acting_as(SYSTEM):
            return self.session.scalars(select(AbilityPoint.id).filter_by(code=code)).one()

    def file(self, who: str, name: str = "总结.pdf", content: bytes = b"") -> int:
        identity = self.as_personal(who)
        with acting_as(identity):
            return keep_file(self.session, identity, self.store, name, BytesIO(content or samples.pdf(name)), now=TODAY).id

    def hand_in(self, who: str, code: str = "A1", *files: int) -> AbilitySummary:
        identity = self.as_personal(who)
        with acting_as(identity):
            ids = files or (self.file(who),)
            return hand_in_summary(self.session, identity, self.school, self.point(code), ids, now=TODAY)

    def plan(self, who: str, *files: int) -> ImprovementPlan:
        identity = self.as_personal(who)
        with acting_as(identity):
            return hand_in_plan(self.session, identity, self.school, files or (self.file(who, "计划.docx", samples.docx()),), now=TODAY)

    def decide(self, who: str | Identity, row: Any, step: str, comment: str = "") -> Decision:
        identity = self.as_personal(who) if isinstance(who, str) else who
        workflow = SUMMARY_REVIEW if isinstance(row, AbilitySummary) else OUTCOME_REVIEW
        with acting_as(identity):
            return take(self.session, identity, workflow, row, step, comment=comment, now=TODAY)

    def outcome(self, kind: OutcomeKind = OutcomeKind.OUTCOME, *slots: str, who: str | Identity = LEADER, submit: bool = False) -> Outcome:
        identity = self.as_personal(who) if isinstance(who, str) else who
        with acting_as(identity):
            row = Outcome(group_id=self.group.id, kind=kind, title=f"{kind.label}{len(slots)}")
            self.session.add(row)
            self.session.flush()
            for slot in slots:
                is_video = slot == "video"
                file = self.file_of(identity, "课堂.mp4" if is_video else f"{slot}.pdf", samples.MP4 if is_video else samples.pdf(slot))
                settle(self.session, identity, row, slot, [file])
            self.session.commit()
        if submit:
            self.decide(who, row, "submit")
        return row

    def file_of(self, identity: Identity, name: str, content: bytes) -> int:
        return keep_file(self.session, identity, self.store, name, BytesIO(content), now=TODAY).id

    def put(self, model: type[Any], *conditions: Any, **values: Any) -> None:
        """Arrange the world, past every rule."""
        with acting_as(SYSTEM):
            self.session.execute(update(model.__table__).where(*conditions).values(values))
            self.session.commit()
            self.session.expire_all()

    def files(self, row: Any) -> list[str]:
        with acting_as(SYSTEM):
            theirs = select(Attachment.name).where(Attachment.owner_table == row.__tablename__, Attachment.owner_id == row.id)
            return list(self.session.scalars(theirs.order_by(Attachment.slot, Attachment.rank)))

    def told(self, name: str) -> list[str]:
        with acting_as(SYSTEM):
            found = select(Notice.sentence).where(Notice.account_id == self.cast.account[name]).order_by(Notice.id)
            return [str(sentence) for sentence in self.session.scalars(found)]


@pytest.fixture
def reviews(cast: Cast, factory: sessionmaker[Any], tmp_path: Path) -> Iterator[Reviews]:
    with factory() as session:
        yield Reviews(cast, session, tmp_path)


# --- 个人提升计划 -----------------------------------------------------------------------------------------------------


def test_a_teacher_hands_in_one_plan_and_replaces_it_until_it_is_locked(reviews: Reviews) -> None:
    """S0-39, S0-76: one for each teacher and programme; with the lock it stays."""
    first = reviews.plan(LEADER)
    second = reviews.plan(LEADER, reviews.file(LEADER, "新计划.pdf"))
    assert first.id == second.id and reviews.files(second) == ["新计划.pdf"]
    ping = reviews.cast.identity("平")
    with acting_as(ping):
        lock_plan(reviews.session, ping, second, now=TODAY)
    with pytest.raises(RuleViolation, match="已由学校锁定"):
        reviews.plan(LEADER)
    assert reviews.files(second) == ["新计划.pdf"]
    with acting_as(ping):
        unlock_plan(reviews.session, ping, second)
    reviews.plan(LEADER, reviews.file(LEADER, "再改.pdf"))
    assert reviews.files(second) == ["再改.pdf"]


def test_all_plans_of_the_school_are_locked_at_once_and_those_of_others_are_not_reached(reviews: Reviews) -> None:
    reviews.plan(LEADER)
    ping, rui = reviews.cast.identity("平"), reviews.cast.identity("锐")
    with acting_as(rui), pytest.raises(OutOfReach):
        lock_all(reviews.session, rui, reviews.cast.path["北"], now=TODAY)
    with acting_as(ping):
        assert lock_all(reviews.session, ping, reviews.cast.path["北"], now=TODAY) == 2
        assert lock_all(reviews.session, ping, reviews.cast.path["北"], now=TODAY) == 0
    with acting_as(SYSTEM):
        assert all(plan.locked_at == TODAY for plan in reviews.session.scalars(select(ImprovementPlan)))
        lines = reviews.session.scalars(select(Change).where(Change.table_name == "improvement_plan", Change.account_id == ping.account_id))
        assert all("locked_at" in line.changes for line in lines.all())


def test_a_plan_needs_a_file_of_ones_own_and_of_its_kind(reviews: Reviews) -> None:
    identity = reviews.as_personal(LEADER)
    theirs, picture = reviews.file(MEMBER), reviews.file(LEADER, "照片.png", samples.png())
    for files in ([], [theirs], [picture]):
        with acting_as(identity), pytest.raises(RuleViolation) as refusal:
            hand_in_plan(reviews.session, identity, reviews.school, files, now=TODAY)
        assert refusal.value.field == "plan"
    with acting_as(SYSTEM):
        assert reviews.session.scalars(select(ImprovementPlan).filter_by(teacher_id=reviews.cast.teacher[LEADER])).one_or_none() is None


def test_who_has_no_part_in_the_school_hands_nothing_in(reviews: Reviews) -> None:
    """Another school's teacher finds nothing (404), one not certified is told, an administrator may not at all (403)."""
    with pytest.raises(OutOfReach):
        reviews.plan("菊")
    with pytest.raises(OutOfReach):
        reviews.hand_in("菊", "A1", 1)
    reviews.put(Teacher, Teacher.name == MEMBER, certification=CertificationState.PENDING)
    for act in (reviews.plan, reviews.hand_in):
        with pytest.raises(RuleViolation, match="尚未通过认证"):
            act(MEMBER)
    ping = reviews.cast.identity("平")
    with acting_as(ping), pytest.raises(NotPermitted):
        hand_in_plan(reviews.session, ping, reviews.school, [1], now=TODAY)


def test_whoever_moved_away_and_is_still_in_a_group_hands_in_there(reviews: Reviews) -> None:
    """S1-43."""
    reviews.put(Teacher, Teacher.name == MEMBER, school_id=reviews.cast.school["南"], certification=CertificationState.NONE)
    assert reviews.plan(MEMBER).school_programme_id == reviews.school.id
    identity = reviews.as_personal(MEMBER)
    assert [school.id for school in taken_part_in(reviews.session, identity, reviews.cast.teacher[MEMBER])] == [reviews.school.id]
    reviews.put(Post, Post.role == GROUP_MEMBER, until=TODAY)
    with pytest.raises(OutOfReach):
        reviews.plan(MEMBER)


@pytest.mark.parametrize(("state", "sentence"), [(SchoolState.PREPARING, "尚未开启"), (SchoolState.PASSED, "已通过整校验收")])
def test_nothing_is_handed_in_before_the_school_opens_or_after_it_is_accepted(reviews: Reviews, state: SchoolState, sentence: str) -> None:
    reviews.put(SchoolProgramme, SchoolProgramme.__table__.c.id == reviews.school.id, state=state)
    for act in (reviews.plan, reviews.hand_in, reviews.outcome):
        with pytest.raises(RuleViolation, match=sentence):
            act(LEADER) if act != reviews.outcome else reviews.outcome()


def test_the_template_is_the_schools_own_or_the_programmes(reviews: Reviews) -> None:
    """S0-75, S0-134."""
    session, dan, ping = reviews.session, reviews.cast.identity("丹"), reviews.cast.identity("平")
    with acting_as(SYSTEM):
        assert templates_of(session, reviews.school) == []
        programme = session.get_one(Programme, reviews.school.programme_id)
    for identity, owner, name in ((dan, programme, "省模板.docx"), (ping, reviews.school, "校模板.docx")):
        with acting_as(identity):
            settle(session, identity, owner, "plan_template", [reviews.file_of(identity, name, samples.docx())])
            session.commit()
        with acting_as(SYSTEM):
            assert [a.name for a in templates_of(session, reviews.school)] == [name]


# --- 能力点提升总结 ---------------------------------------------------------------------------------------------------


def test_one_summary_for_each_point_replaced_while_it_waits_and_again_when_it_was_not_passed(reviews: Reviews) -> None:
    """S0-42, S1-37."""
    first = reviews.hand_in(LEADER)
    again = reviews.hand_in(LEADER, "A1", reviews.file(LEADER, "新总结.pdf"))
    assert again.id == first.id and reviews.files(first) == ["新总结.pdf"] and again.state is SummaryState.SUBMITTED
    assert reviews.hand_in(LEADER, "A2").id != first.id
    reviews.decide(OTHER, again, "fail", "请补充课例")
    assert again.reviewed_at == TODAY and reviews.told(LEADER)[-1].endswith("请补充课例")
    third = reviews.hand_in(LEADER, "A1", reviews.file(LEADER, "再交.pdf"))
    assert (third.state, third.reviewed_at, reviews.files(third)) == (SummaryState.SUBMITTED, None, ["再交.pdf"])
    reviews.decide(OTHER, third, "pass")
    with pytest.raises(RuleViolation, match="已通过评审，不能再更换"):
        reviews.hand_in(LEADER)
    assert reviews.files(third) == ["再交.pdf"]


def test_a_point_that_is_not_in_use_or_unknown_is_refused(reviews: Reviews) -> None:
    reviews.put(AbilityPoint, AbilityPoint.__table__.c.code == "A2", is_active=False)
    with pytest.raises(RuleViolation, match="启用的能力点") as refusal:
        reviews.hand_in(LEADER, "A2")
    assert refusal.value.field == "ability_point"
    identity = reviews.as_personal(LEADER)
    with acting_as(identity), pytest.raises(RuleViolation):
        hand_in_summary(reviews.session, identity, reviews.school, 10**6, [reviews.file(LEADER)], now=TODAY)


def test_school_and_team_review_nobody_their_own_by_whichever_account(reviews: Reviews) -> None:
    """S0-63, S0-120, S0-121: the author's own review is a sentence, another school's team finds nothing."""
    mine = reviews.hand_in(OTHER, "A2")
    with pytest.raises(RuleViolation, match="本人"):
        reviews.decide(OTHER, mine, "pass")
    with acting_as(SYSTEM):
        teacher = reviews.session.get_one(Teacher, reviews.cast.teacher[OTHER])
    ping = reviews.cast.identity("平")
    same = replace(ping, person=ping.person | {("id_number", teacher.id_number)})
    with pytest.raises(RuleViolation, match="本人"):
        reviews.decide(same, mine, "pass")
    substitute = replace(ping, stands_in_for=frozenset({("phone", teacher.phone)}))
    with pytest.raises(RuleViolation, match="本人"):
        reviews.decide(substitute, mine, "pass")
    reviews.appoint("菊", IT_TEAM, reviews.cast.path["南"], "南")
    with pytest.raises(OutOfReach):
        reviews.decide("菊", mine, "pass")
    with pytest.raises(NotPermitted):
        reviews.decide(LEADER, mine, "pass")
    reviews.decide(ping, mine, "pass")
    assert mine.state is SummaryState.PASSED
    second = reviews.hand_in(OTHER, "A3")
    reviews.decide(MEMBER, second, "pass")
    assert second.state is SummaryState.PASSED


def test_who_hands_in_is_given_the_member_of_the_team_with_least(reviews: Reviews) -> None:
    """竹 has handed in one that nobody was given; 竹 and 兰 are the team."""
    zhu, lan = reviews.cast.teacher[OTHER], reviews.cast.teacher[MEMBER]
    given = [reviews.hand_in(LEADER, code).reviewer_id for code in POINTS]
    assert sorted(given, key=str) == sorted([zhu, zhu, lan, lan], key=str)
    assert reviews.hand_in(OTHER, "A2").reviewer_id == lan
    assert reviews.hand_in(MEMBER, "A2").reviewer_id == zhu


def test_without_a_team_nobody_is_given_it_and_the_school_still_reviews(reviews: Reviews) -> None:
    reviews.put(Post, Post.role == IT_TEAM, until=TODAY)
    summary = reviews.hand_in(LEADER)
    assert summary.reviewer_id is None
    reviews.decide(reviews.cast.identity("平"), summary, "pass")


def test_when_the_team_changes_what_waits_is_given_out_anew(reviews: Reviews) -> None:
    summaries = [reviews.hand_in(LEADER, code) for code in POINTS]
    reviews.decide(reviews.cast.identity("平"), summaries[0], "pass")
    reviews.put(Post, Post.role == IT_TEAM, Post.account_id == reviews.cast.account[OTHER], until=TODAY)
    ping, rui = reviews.cast.identity("平"), reviews.cast.identity("锐")
    with acting_as(rui), pytest.raises(OutOfReach):
        reassign(reviews.session, rui, reviews.school, now=TODAY)
    decided = summaries[0].reviewer_id
    with acting_as(ping):
        assert reassign(reviews.session, ping, reviews.school, now=TODAY) > 0
        assert reassign(reviews.session, ping, reviews.school, now=TODAY) == 0
    with acting_as(SYSTEM):
        reviews.session.expire_all()
        assert summaries[0].reviewer_id == decided
        assert {summary.reviewer_id for summary in summaries[1:]} == {reviews.cast.teacher[MEMBER]}
    assert any("份能力点提升总结等待您评审" in sentence for sentence in reviews.told(MEMBER))


def test_the_menu_counts_what_waits_for_a_reviewer_but_not_their_own(reviews: Reviews) -> None:
    before = waiting(reviews.session, reviews.as_personal(MEMBER), WORKFLOWS)["ability_summary"]
    reviews.hand_in(LEADER)
    reviews.hand_in(MEMBER)
    assert waiting(reviews.session, reviews.as_personal(MEMBER), WORKFLOWS)["ability_summary"] == before + 1


# --- 研修成果 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slots", "missing"),
    [
        ((), ["教学视频", "教学设计", "教学反思"]),
        (("video",), ["教学设计", "教学反思"]),
        (("design", "reflection"), ["教学视频"]),
        (("video", "design", "others"), ["教学反思"]),
        (("video", "design", "reflection"), []),
    ],
)
def test_a_teaching_case_is_submitted_with_its_three_parts(reviews: Reviews, slots: tuple[str, ...], missing: list[str]) -> None:
    """S0-36, S1-36."""
    case = reviews.outcome(OutcomeKind.TEACHING_CASE, *slots)
    with acting_as(SYSTEM):
        assert missing_parts(reviews.session, case) == missing
    if missing:
        with pytest.raises(RuleViolation, match="、".join(missing)):
            reviews.decide(LEADER, case, "submit")
    else:
        reviews.decide(LEADER, case, "submit")
        assert (case.state, case.submitted_at) == (OutcomeState.SUBMITTED, TODAY)


def test_any_other_outcome_is_submitted_with_a_file(reviews: Reviews) -> None:
    with pytest.raises(RuleViolation, match="成果文件"):
        reviews.decide(LEADER, reviews.outcome(), "submit")
    reviews.decide(LEADER, reviews.outcome(OutcomeKind.OUTCOME, "others"), "submit")


def test_a_group_has_one_teaching_case(reviews: Reviews) -> None:
    """S0-35: a sentence, also where the index alone is asked."""
    reviews.outcome(OutcomeKind.TEACHING_CASE)
    with pytest.raises(RuleViolation, match="每组一份") as refusal:
        reviews.outcome(OutcomeKind.TEACHING_CASE)
    assert refusal.value.field == "kind"


def test_two_teaching_cases_at_once_leave_one(reviews: Reviews, factory: sessionmaker[Any]) -> None:
    leader = reviews.as_personal(LEADER)

    def adding(title: str) -> tuple[Identity, Callable[[Session], Any]]:
        def act(session: Session) -> None:
            session.add(Outcome(group_id=reviews.group.id, kind=OutcomeKind.TEACHING_CASE, title=title))
            try:
                session.commit()
            except RuleViolation as refusal:
                assert "每组一份" in str(refusal)

        return leader, lambda session: act

    race(factory, [adding("甲"), adding("乙")])
    with acting_as(SYSTEM):
        assert len(reviews.session.scalars(select(Outcome).filter_by(kind=OutcomeKind.TEACHING_CASE)).all()) == 1


def test_what_is_submitted_is_closed_files_included_until_it_comes_back(reviews: Reviews) -> None:
    """S0-96, and S0-97: after the submission nothing is changed."""
    outcome, leader = reviews.outcome(OutcomeKind.OUTCOME, "others", submit=True), reviews.as_personal(LEADER)
    session, file = reviews.session, reviews.file(LEADER)

    def rename() -> None:
        outcome.title = "换个名字"
        session.commit()

    def attach() -> None:
        settle(session, leader, outcome, "design", [file])

    def delete() -> None:
        session.delete(outcome)
        session.commit()

    for change, sentence in ((rename, "不能再修改"), (attach, "不能再修改"), (delete, "不能删除")):
        with acting_as(leader), pytest.raises(RuleViolation, match=sentence):
            change()
    assert reviews.files(outcome) == ["others.pdf"]
    reviews.decide(LEADER, outcome, "withdraw")
    with acting_as(leader):
        rename()
    reviews.decide(LEADER, outcome, "submit")
    reviews.decide(OTHER, outcome, "return", "请补充教学设计")
    assert outcome.state is OutcomeState.SAVED and "请补充教学设计" in reviews.told(LEADER)[-1]
    with acting_as(leader):
        attach()
        session.commit()
    assert "总结.pdf" in reviews.files(outcome)
    reviews.decide(LEADER, outcome, "submit")
    reviews.decide(OTHER, outcome, "review", "很好")
    assert (outcome.state, outcome.opinion, outcome.reviewed_at) == (OutcomeState.REVIEWED, "很好", TODAY)


def test_the_team_reviews_outcomes_the_school_only_views_and_the_author_is_told_no(reviews: Reviews) -> None:
    """S0-124, S0-125, S0-133: an opinion is needed, and nobody reviews what they have submitted."""
    outcome = reviews.outcome(OutcomeKind.OUTCOME, "others", submit=True)
    with pytest.raises(NotPermitted):
        reviews.decide(reviews.cast.identity("平"), outcome, "review", "好")
    reviews.appoint(LEADER, IT_TEAM, reviews.cast.path["北"])
    with pytest.raises(RuleViolation, match="本人"):
        reviews.decide(LEADER, outcome, "review", "好")
    reviews.appoint("菊", IT_TEAM, reviews.cast.path["南"], "南")
    with pytest.raises(OutOfReach):
        reviews.decide("菊", outcome, "review", "好")
    with pytest.raises(RuleViolation, match="请填写“评审意见”") as refusal:
        reviews.decide(OTHER, outcome, "review", " ")
    assert refusal.value.field == "comment"
    reviews.decide(OTHER, outcome, "review", "好")


def counted(reviews: Reviews, identity: Identity) -> int:
    """How many outcomes wait for this person, as their menu says; the cast's own one among them."""
    return waiting(reviews.session, identity, [OUTCOME_REVIEW]).get("outcome", 0)


def test_a_member_of_the_group_reviews_what_it_made_and_its_leader_does_not(reviews: Reviews) -> None:
    """S0-121: whoever submitted it; else a small school with one group had no reviewer left."""
    leader = reviews.as_personal(LEADER)
    reviews.appoint(LEADER, IT_TEAM, reviews.cast.path["北"])
    somebody = replace(leader, person=frozenset({("account", reviews.cast.account["双"])}), account_id=reviews.cast.account["双"])
    before = counted(reviews, reviews.as_personal(MEMBER))
    outcome = reviews.outcome(OutcomeKind.OUTCOME, who=somebody)
    reviews.put(Outcome, Outcome.id == outcome.id, state=OutcomeState.SUBMITTED)
    assert counted(reviews, reviews.as_personal(LEADER)) == 0
    assert counted(reviews, reviews.as_personal(MEMBER)) == before + 1
    for step in ("review", "return"):
        with pytest.raises(RuleViolation, match="本人"):
            reviews.decide(LEADER, outcome, step, "好")
    reviews.decide(MEMBER, outcome, "review", "好")
    assert outcome.state is OutcomeState.REVIEWED


@pytest.mark.parametrize("wrote", ["made it", "wrote at it", "hung a file on it"])
def test_who_has_a_hand_in_an_outcome_neither_reviews_nor_returns_it_whoever_submits_it(reviews: Reviews, wrote: str) -> None:
    """S0-121: by person, not by account; a reviewer who returned it once has written nothing."""
    team = reviews.as_personal(OTHER)
    themselves = replace(team, grants=team.grants | reviews.as_personal(LEADER).grants)
    outcome = reviews.outcome(OutcomeKind.OUTCOME, "others", who=themselves if wrote == "made it" else LEADER)
    with acting_as(themselves):
        if wrote == "wrote at it":
            outcome.about = "改写"
            reviews.session.commit()
        if wrote == "hung a file on it":
            settle(reviews.session, themselves, outcome, "design", [reviews.file(OTHER)])
            reviews.session.commit()
    reviews.decide(LEADER, outcome, "submit")
    phone = "13900007777"
    reviews.put(Teacher, Teacher.id == reviews.cast.teacher[OTHER], phone=phone)
    second = replace(reviews.as_personal(MEMBER), person=frozenset({("account", reviews.cast.account["双"]), ("phone", phone)}))
    substitute = replace(reviews.as_personal(MEMBER), stands_in_for=themselves.person)
    assert counted(reviews, themselves) == counted(reviews, reviews.as_personal(MEMBER)) - 1, "nor does it wait for them"
    for identity in (themselves, second, substitute):
        for step in ("review", "return"):
            with pytest.raises(RuleViolation, match="本人"):
                reviews.decide(identity, outcome, step, "好")
    reviews.decide(MEMBER, outcome, "return", "请补充")
    reviews.decide(LEADER, outcome, "submit")
    reviews.decide(MEMBER, outcome, "review", "好")
    assert outcome.state is OutcomeState.REVIEWED


def test_a_member_of_another_group_neither_finds_an_outcome_nor_submits_it(reviews: Reviews) -> None:
    """S0-113."""
    outcome = reviews.outcome(OutcomeKind.OUTCOME, "others", submit=True)
    with acting_as(SYSTEM):
        other = ResearchGroup(school_programme_id=reviews.school.id, name="北数学教研组")
        reviews.session.add(other)
        reviews.session.commit()
        other_path = other.scope_path
    reviews.put(Post, Post.role == IT_TEAM, until=TODAY)
    reviews.appoint(OTHER, GROUP_LEADER, other_path)
    identity = reviews.as_personal(OTHER)
    with acting_as(identity):
        assert reviews.session.get(Outcome, outcome.id) is None
    with pytest.raises(OutOfReach):
        reviews.decide(identity, outcome, "submit")
    member = reviews.as_personal(MEMBER)
    with acting_as(member):
        assert reviews.session.get(Outcome, outcome.id) is not None
    with pytest.raises(NotPermitted):
        reviews.decide(member, outcome, "submit")


def test_a_programme_may_ask_for_several_reviewers(reviews: Reviews) -> None:
    """The last of them moves the outcome, each other's opinion is kept."""
    reviews.put(Programme, reviewers=2)
    outcome = reviews.outcome(OutcomeKind.OUTCOME, "others", submit=True)
    assert reviews.decide(OTHER, outcome, "review", "不错").still_needed == 1 and outcome.state is OutcomeState.SUBMITTED
    with acting_as(SYSTEM):
        [offer] = [
            o
            for o in offers(reviews.session, reviews.as_personal(MEMBER), OUTCOME_REVIEW, outcome, thorough=True)
            if o.step.name == "review"
        ]
    assert (offer.taken, offer.needed) == (1, 2)
    with pytest.raises(RuleViolation, match="您已经办理过"):
        reviews.decide(OTHER, outcome, "review", "再评")
    reviews.decide(MEMBER, outcome, "review", "同意")
    assert (outcome.state, outcome.opinion) == (OutcomeState.REVIEWED, "同意")


@pytest.mark.parametrize("number", [0, 11])
def test_the_number_of_reviewers_has_its_limits(reviews: Reviews, number: int) -> None:
    dan = reviews.cast.identity("丹")
    with acting_as(dan), pytest.raises(RuleViolation, match="1 至 10") as refusal:
        reviews.session.get_one(Programme, reviews.school.programme_id).reviewers = number
        reviews.session.commit()
    assert refusal.value.field == "reviewers"


# --- two at once ------------------------------------------------------------------------------------------------------


def deciding(identity: Identity, row: Any, step: str, comment: str = "") -> tuple[Identity, Callable[[Session], Any]]:
    model, number = type(row), row.id
    workflow = SUMMARY_REVIEW if model is AbilitySummary else OUTCOME_REVIEW

    def prepare(session: Session) -> Callable[[Session], object]:
        found = session.get_one(model, number)
        assert found.version
        return lambda session: take(session, identity, workflow, found, step, comment=comment, now=TODAY)

    return identity, prepare


def test_of_two_reviewers_at_once_one_decides(reviews: Reviews, factory: sessionmaker[Any]) -> None:
    summary, outcome = reviews.hand_in(LEADER), reviews.outcome(OutcomeKind.OUTCOME, "others", submit=True)
    one, other = reviews.as_personal(OTHER), reviews.as_personal(MEMBER)
    pairs = ((summary, "pass", "fail"), (outcome, "review", "return"))
    for row, first, second in pairs:
        results = race(factory, [deciding(one, row, first, "好"), deciding(other, row, second, "请改")])
        assert sorted(type(result) for result in results if result) == [Conflict]
        with acting_as(SYSTEM):
            found = select(Decision).where(Decision.table_name == row.__tablename__, Decision.row_id == row.id)
            steps = [decision.step for decision in reviews.session.scalars(found) if decision.step in (first, second)]
        assert steps == [(first, second)[results.index(None)]]


def test_a_review_while_its_author_replaces_it_is_of_one_of_the_two_files(reviews: Reviews, factory: sessionmaker[Any]) -> None:
    """Either the review comes first and the author is told, or the reviewer is told that it has changed."""
    for code in POINTS:
        summary, file = reviews.hand_in(LEADER, code), reviews.file(LEADER, f"{code}新.pdf")
        author, refused = reviews.as_personal(LEADER), []

        def replacing(
            session: Session, author: Identity = author, code: str = code, file: int = file, refused: list[str] = refused
        ) -> None:
            with acting_as(SYSTEM):
                school = session.get_one(SchoolProgramme, reviews.school.id)
            try:
                hand_in_summary(session, author, school, reviews.point(code), [file], now=TODAY)
            except Conflict:
                raise
            except RuleViolation as refusal:
                refused.append(str(refusal))

        contestants = [deciding(reviews.as_personal(OTHER), summary, "pass"), (author, lambda session, act=replacing: act)]
        reviewed, replaced = race(factory, contestants)
        with acting_as(SYSTEM):
            reviews.session.expire_all()
            state = summary.state
        assert (reviewed is None) != (replaced is None and not refused), "one of the two is told"
        if reviewed is None:
            assert state is SummaryState.PASSED and reviews.files(summary) == ["总结.pdf"]
        else:
            assert state is SummaryState.SUBMITTED and reviews.files(summary) == [f"{code}新.pdf"]


def test_the_first_plan_sent_twice_at_once_is_one(reviews: Reviews, factory: sessionmaker[Any]) -> None:
    author, files = reviews.as_personal(LEADER), [reviews.file(LEADER, f"计划{n}.pdf") for n in range(2)]

    def sending(file: int) -> tuple[Identity, Callable[[Session], Any]]:
        def act(session: Session) -> None:
            with acting_as(SYSTEM):
                school = session.get_one(SchoolProgramme, reviews.school.id)
            try:
                hand_in_plan(session, author, school, [file], now=TODAY)
            except RuleViolation as refusal:
                assert "已上传个人提升计划" in str(refusal) or isinstance(refusal, Conflict)

        return author, lambda session: act

    race(factory, [sending(file) for file in files])
    with acting_as(SYSTEM):
        [plan] = reviews.session.scalars(select(ImprovementPlan).filter_by(teacher_id=reviews.cast.teacher[LEADER]))
    assert len(reviews.files(plan)) == 1


def test_an_account_without_a_teacher_hands_nothing_in(reviews: Reviews) -> None:
    identity = replace(reviews.as_personal(LEADER), person=frozenset({("account", reviews.cast.account[LEADER])}))
    with acting_as(identity), pytest.raises(RuleViolation, match="只有教师"):
        hand_in_plan(reviews.session, identity, reviews.school, [1], now=TODAY)
