"""参与活动: joining, what completes each kind, and two tabs at once (S0-53, S0-81…91, S0-105, S1-07…16, S1-25, S1-54, S1-55)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Post
from models.activities import (
    Activity,
    ActivityKind,
    ActivityState,
    Comment,
    Evaluation,
    OfflineForm,
    Participation,
    ParticipationState,
    Rubric,
    Topic,
    TopicState,
)
from models.files import Attachment
from models.history import Change
from models.hours import HourEntry, HourState, Programme
from models.notices import Notice
from models.people import CertificationState, Teacher
from models.research import SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.activities import ACTIVITY
from rules.files import files_of
from rules.files_store import FileStore
from rules.grants import GROUP_MEMBER
from rules.hour_ledger import policy_in_force
from rules.hours import tally
from rules.offline import name_participants, reopen_offline, will_be_credited
from rules.participation import PARTICIPATION
from rules.research_hours import hours_on_offer, leaders_of
from rules.taking_part import (
    averages,
    edit_comment,
    evaluate,
    hand_in_evidence,
    hand_in_homework,
    hide_comment,
    join,
    leave,
    say,
    unname,
)
from rules.uploads import keep_file
from rules.workflow import take
from tests import samples
from tests.bench.measuring import counted
from tests.cast import TODAY, Cast
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons
from views.panel.excel.sheets import LinkLabels
from views.panel.forms import first_options

DISCUSSION, HOMEWORK, OBSERVATION, OFFLINE = ActivityKind
JOINED, COMPLETED = ParticipationState.JOINED, ParticipationState.COMPLETED
LATER = TODAY + timedelta(days=15)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Activities are added on the cast's day, whenever the tests run."""
    monkeypatch.setattr("rules.activities.utcnow", lambda: TODAY)
    monkeypatch.setattr("rules.topics.utcnow", lambda: TODAY)
    monkeypatch.setattr("rules.closing.utcnow", lambda: TODAY)


@pytest.fixture
def lessons(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Lessons]:
    with factory() as session:
        yield Lessons(cast, session)


def published(lessons: Lessons, kind: ActivityKind, **given: Any) -> Activity:
    if kind is OFFLINE:
        given = {"hours": Decimal("7.5"), "offline_form": OfflineForm.PREPARATION, **given}
    row = lessons.activity(LEADER, kind, **given)
    take(lessons.session, lessons.as_personal(LEADER), ACTIVITY, row, "publish", now=TODAY)
    return row


def joined(lessons: Lessons, kind: ActivityKind, who: str = MEMBER) -> Activity:
    row = published(lessons, kind)
    join(lessons.session, lessons.as_personal(who), row, now=TODAY)
    return row


def written(lessons: Lessons, *statements: Any) -> None:
    with acting_as(SYSTEM):
        for statement in statements:
            lessons.session.execute(statement, execution_options={"synchronize_session": False})
        lessons.session.commit()
        lessons.session.expire_all()


def rows(lessons: Lessons, statement: Any) -> list[Any]:
    with acting_as(SYSTEM):
        return list(lessons.session.scalars(statement, execution_options={"populate_existing": True}))


def parts(lessons: Lessons, activity: Activity) -> list[Participation]:
    return rows(lessons, select(Participation).filter_by(activity_id=activity.id).order_by(Participation.id))


def hours(lessons: Lessons, activity: Activity) -> list[tuple[Decimal, HourState]]:
    mine = [f"%participation/{part.id}/%" for part in parts(lessons, activity)]
    found = [
        entry for like in mine for entry in rows(lessons, select(HourEntry).where(HourEntry.evidence.like(like)).order_by(HourEntry.id))
    ]
    return [(entry.hours, entry.state) for entry in found]


def uploaded(lessons: Lessons, folder: Path, who: str, name: str = "反思.pdf") -> int:
    identity = lessons.as_personal(who)
    with acting_as(identity):
        store = FileStore(f"file://{folder / 'files'}")
        kept = keep_file(lessons.session, identity, store, name, BytesIO(samples.pdf()), now=TODAY)
    return kept.id


# --- joining ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [LEADER, MEMBER])
def test_leader_and_members_join_and_earn_nothing_yet(lessons: Lessons, who: str) -> None:
    """S1-25, S1-54."""
    row = joined(lessons, DISCUSSION, who)
    [part] = parts(lessons, row)
    assert (part.teacher_id, part.state, part.joined_at) == (lessons.cast.teacher[who], JOINED, TODAY)
    assert part.scope_path == lessons.group.scope_path and hours(lessons, row) == []


@pytest.mark.parametrize(
    ("who", "error"), [(OTHER, NotPermitted), ("平", NotPermitted), ("锐", NotPermitted), ("双", NotPermitted), ("林", NotPermitted)]
)
def test_nobody_else_joins(lessons: Lessons, who: str, error: type[Exception]) -> None:
    """S0-105: one's own group only; the school's administrator looks on (S0-62)."""
    row = published(lessons, DISCUSSION)
    identity = lessons.as_personal(who) if who == OTHER else lessons.cast.identity(who)
    with pytest.raises(error):
        join(lessons.session, identity, row, now=TODAY)


def test_another_groups_activity_is_not_there(lessons: Lessons) -> None:
    row = published(lessons, DISCUSSION)
    lessons.appoint(OTHER, GROUP_MEMBER, f"{lessons.cast.path['北']}g999/")
    with pytest.raises(OutOfReach):
        join(lessons.session, lessons.as_personal(OTHER), row, now=TODAY)


def test_who_left_the_group_meanwhile_does_not_join(lessons: Lessons) -> None:
    row, member = published(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    written(lessons, update(Post).where(Post.role == GROUP_MEMBER).values(until=TODAY))
    with pytest.raises(RuleViolation, match="只有本教研组"):
        join(lessons.session, member, row, now=TODAY)


def test_only_certified_teachers_join(lessons: Lessons) -> None:
    """S0-53."""
    row = published(lessons, DISCUSSION)
    written(lessons, update(Teacher).where(Teacher.name == MEMBER).values(certification=CertificationState.PENDING))
    with pytest.raises(RuleViolation, match="只有通过审核的学员"):
        join(lessons.session, lessons.as_personal(MEMBER), row, now=TODAY)


def test_who_teaches_elsewhere_by_now_joins_on_whatever_the_new_school_says(lessons: Lessons) -> None:
    """S1-43: until the school has them removed."""
    row, south = published(lessons, DISCUSSION), lessons.cast.school["南"]
    for school_id, state in ((None, CertificationState.NONE), (south, CertificationState.NONE), (south, CertificationState.FAILED)):
        written(lessons, update(Teacher).where(Teacher.name == MEMBER).values(school_id=school_id, certification=state))
        member = lessons.as_personal(MEMBER)
        assert join(lessons.session, member, row, now=TODAY).state is JOINED
        leave(lessons.session, member, row, now=TODAY)


DRAFT = "还没有发布"
NOT_NOW: list[tuple[str, Callable[[Lessons], Any], datetime, str]] = [
    ("before it begins", lambda lessons: None, TODAY - timedelta(seconds=1), "活动将于 2026.11.23 10:00 开始"),
    ("after it ended", lambda lessons: None, TODAY + timedelta(days=14, seconds=1), "活动已于 2026.12.07 10:00 结束"),
    ("a draft", lambda lessons: update(Activity).values(state=ActivityState.DRAFT), TODAY, DRAFT),
    ("a withdrawn topic", lambda lessons: update(Topic).values(state=TopicState.DRAFT), TODAY, "没有发布"),
    ("a school that prepares", lambda lessons: update(SchoolProgramme).values(state=SchoolState.PREPARING), TODAY, "尚未开启"),
    ("a school that passed", lambda lessons: update(SchoolProgramme).values(state=SchoolState.PASSED), TODAY, "已通过整校验收"),
    ("a programme that ended", lambda lessons: update(Programme).values(ends_on=date(2026, 11, 22)), TODAY, "研修项目已于 2026.11.22 结束"),
]


@pytest.mark.parametrize(("change", "now", "sentence"), [case[1:] for case in NOT_NOW], ids=[case[0] for case in NOT_NOW])
def test_nothing_is_joined_or_completed_outside_its_time(lessons: Lessons, change: Any, now: datetime, sentence: str) -> None:
    """S0-40: the dates decide, to the second."""
    one, other = published(lessons, DISCUSSION), joined(lessons, DISCUSSION)
    if (statement := change(lessons)) is not None:
        written(lessons, statement)
    member = lessons.as_personal(MEMBER)
    # Whoever is a member does not find a draft at all.
    refusal: Any = pytest.raises(OutOfReach) if sentence == DRAFT else pytest.raises(RuleViolation, match=sentence)
    with refusal:
        join(lessons.session, member, one, now=now)
    with pytest.raises(RuleViolation, match=sentence):
        say(lessons.session, member, other, "我的看法", now=now)
    assert (
        parts(lessons, one) == [] and hours(lessons, other) == [] and rows(lessons, select(Comment).filter_by(activity_id=other.id)) == []
    )


@pytest.mark.parametrize("now", [TODAY, TODAY + timedelta(days=14)])
def test_the_first_and_the_last_moment_count(lessons: Lessons, now: datetime) -> None:
    row = published(lessons, DISCUSSION)
    join(lessons.session, lessons.as_personal(MEMBER), row, now=now)
    say(lessons.session, lessons.as_personal(MEMBER), row, "我的看法", now=now)
    assert hours(lessons, row) == [(Decimal(2), HourState.ACCRUED)]


def test_nobody_joins_an_offline_activity(lessons: Lessons) -> None:
    """S1-14, S1-15."""
    row = published(lessons, OFFLINE)
    with pytest.raises(RuleViolation, match="由组长指定"):
        join(lessons.session, lessons.as_personal(MEMBER), row, now=TODAY)


def test_a_member_leaves_until_it_is_completed(lessons: Lessons) -> None:
    row, member = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    leave(lessons.session, member, row, now=TODAY)
    assert parts(lessons, row) == []
    with pytest.raises(RuleViolation, match="请先点击“参与”"):
        leave(lessons.session, member, row, now=TODAY)
    join(lessons.session, member, row, now=TODAY)
    say(lessons.session, member, row, "我的看法", now=TODAY)
    with pytest.raises(RuleViolation, match="活动已经完成，不能退出"):
        leave(lessons.session, member, row, now=TODAY)
    take(lessons.session, lessons.as_personal(LEADER), PARTICIPATION, parts(lessons, row)[0], "return", comment="请补充", now=TODAY)
    with pytest.raises(RuleViolation, match="被退回，不能退出"):
        leave(lessons.session, member, row, now=TODAY)
    assert len(hours(lessons, row)) == 2, "what was credited and countered keeps its evidence"


def test_who_was_named_does_not_leave(lessons: Lessons) -> None:
    row = published(lessons, OFFLINE)
    name_participants(lessons.session, lessons.as_personal(LEADER), row, [lessons.cast.teacher[MEMBER]], now=TODAY)
    with pytest.raises(RuleViolation, match="请联系组长"):
        leave(lessons.session, lessons.as_personal(MEMBER), row, now=TODAY)


# --- comments ---------------------------------------------------------------------------------------------------------


def test_the_first_comment_completes_and_no_other_credits_again(lessons: Lessons) -> None:
    """S0-86, S1-26, S1-55."""
    row, member = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    first = say(lessons.session, member, row, "  第一条\r\n两行  ", now=TODAY)
    answer = say(lessons.session, member, row, "回复", answers=first.id, now=TODAY)
    deeper = say(lessons.session, member, row, "再回复", answers=answer.id, now=TODAY)
    assert (first.body, first.parent_id, answer.parent_id, deeper.parent_id) == ("第一条\n两行", None, first.id, first.id)
    [part] = parts(lessons, row)
    assert part.state is COMPLETED and part.completed_at == TODAY
    assert hours(lessons, row) == [(Decimal(2), HourState.ACCRUED)]


@pytest.mark.parametrize(("body", "sentence"), [("", "请填写"), (" \n ", "请填写"), ("长" * 2001, "最多 2000 个字")])
def test_a_comment_says_something_and_not_too_much(lessons: Lessons, body: str, sentence: str) -> None:
    row, member = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    with pytest.raises(RuleViolation, match=sentence) as refusal:
        say(lessons.session, member, row, body, now=TODAY)
    assert refusal.value.field == "body"
    say(lessons.session, member, row, "长" * 2000, now=TODAY)


@pytest.mark.parametrize("kind", [HOMEWORK, OBSERVATION])
def test_comments_stand_under_discussions_only(lessons: Lessons, kind: ActivityKind) -> None:
    """S0-86."""
    row = joined(lessons, kind)
    with pytest.raises(RuleViolation, match="只用于“教学研讨”"):
        say(lessons.session, lessons.as_personal(MEMBER), row, "我的看法", now=TODAY)


def test_who_has_not_joined_says_nothing(lessons: Lessons) -> None:
    row = published(lessons, DISCUSSION)
    with pytest.raises(RuleViolation, match="请先点击“参与”"):
        say(lessons.session, lessons.as_personal(MEMBER), row, "我的看法", now=TODAY)


def test_an_answer_belongs_to_a_comment_of_this_activity(lessons: Lessons) -> None:
    row, other, member = joined(lessons, DISCUSSION), joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    elsewhere = say(lessons.session, member, other, "别处", now=TODAY)
    for answers in (elsewhere.id, 999_999):
        with pytest.raises(RuleViolation, match="已不在"):
            say(lessons.session, member, row, "回复", answers=answers, now=TODAY)


def test_its_author_edits_a_comment_for_half_an_hour(lessons: Lessons) -> None:
    row, member = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    comment = say(lessons.session, member, row, "错字", now=TODAY)
    edit_comment(lessons.session, member, comment, "改好了", now=TODAY + timedelta(minutes=30))
    assert (comment.body, comment.edited_at) == ("改好了", TODAY + timedelta(minutes=30))
    for who, minutes in ((MEMBER, 31), (LEADER, 1)):
        with pytest.raises(RuleViolation, match="30 分钟"):
            edit_comment(lessons.session, lessons.as_personal(who), comment, "再改", now=TODAY + timedelta(minutes=minutes))
    with pytest.raises(NotPermitted):
        edit_comment(lessons.session, lessons.as_personal(OTHER), comment, "我改", now=TODAY)


def test_the_leader_hides_a_comment_with_a_reason_and_its_author_is_told(lessons: Lessons) -> None:
    row, member, leader = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER), lessons.as_personal(LEADER)
    comment = say(lessons.session, member, row, "离题", now=TODAY)
    with pytest.raises(NotPermitted):
        hide_comment(lessons.session, member, comment, "不合适", now=TODAY)
    with pytest.raises(RuleViolation, match="请填写“隐藏原因”"):
        hide_comment(lessons.session, leader, comment, " ", now=TODAY)
    hide_comment(lessons.session, leader, comment, "与主题无关", now=TODAY)
    assert (comment.hidden_at, comment.hidden_reason, comment.body) == (TODAY, "与主题无关", "离题")
    assert [part.state for part in parts(lessons, row)] == [COMPLETED], "the completion stays until the leader returns it"
    [told] = [str(notice.sentence) for notice in rows(lessons, select(Notice).filter_by(account_id=lessons.cast.account[MEMBER]))]
    assert "与主题无关" in told and "离题" not in told
    with pytest.raises(Conflict):
        hide_comment(lessons.session, leader, comment, "再次", now=TODAY)
    with pytest.raises(RuleViolation, match="30 分钟"):
        edit_comment(lessons.session, member, comment, "改", now=TODAY)
    with pytest.raises(RuleViolation, match="已不在"):
        say(lessons.session, member, row, "回复", answers=comment.id, now=TODAY)


# --- homework ---------------------------------------------------------------------------------------------------------


def test_a_file_completes_homework_and_may_be_replaced_until_it_ends(lessons: Lessons, tmp_path: Path) -> None:
    """S0-91, S1-27, S1-55."""
    row, member = joined(lessons, HOMEWORK), lessons.as_personal(MEMBER)
    with pytest.raises(RuleViolation, match="至少上传一个文件") as refusal:
        hand_in_homework(lessons.session, member, row, [], now=TODAY)
    assert refusal.value.field == "homework" and hours(lessons, row) == []
    part = hand_in_homework(lessons.session, member, row, [uploaded(lessons, tmp_path, MEMBER)], now=TODAY)
    again = uploaded(lessons, tmp_path, MEMBER, "修改稿.pdf")
    hand_in_homework(lessons.session, member, row, [again], now=TODAY + timedelta(days=14))
    assert [file.name for file in files_of(lessons.session, [part], "homework")[part.id]] == ["修改稿.pdf"]
    assert hours(lessons, row) == [(Decimal(5), HourState.ACCRUED)]
    with pytest.raises(RuleViolation, match="结束"):
        hand_in_homework(lessons.session, member, row, [again], now=LATER)
    written(lessons, update(SchoolProgramme).values(state=SchoolState.PASSED))
    with pytest.raises(RuleViolation, match="已通过整校验收"):
        hand_in_homework(lessons.session, member, row, [again], now=TODAY)


def test_somebody_elses_file_is_not_handed_in_and_nothing_is_half_done(lessons: Lessons, tmp_path: Path) -> None:
    row, theirs = joined(lessons, HOMEWORK), uploaded(lessons, tmp_path, LEADER)
    with pytest.raises(RuleViolation, match="不是您上传的"):
        hand_in_homework(lessons.session, lessons.as_personal(MEMBER), row, [theirs], now=TODAY)
    assert [part.state for part in parts(lessons, row)] == [JOINED] and hours(lessons, row) == []
    [file] = rows(lessons, select(Attachment).filter_by(id=theirs))
    assert file.owner_id is None


def test_what_the_leader_returned_counts_when_it_is_handed_in_anew(lessons: Lessons, tmp_path: Path) -> None:
    row, member = joined(lessons, HOMEWORK), lessons.as_personal(MEMBER)
    file = uploaded(lessons, tmp_path, MEMBER)
    part = hand_in_homework(lessons.session, member, row, [file], now=TODAY)
    take(lessons.session, lessons.as_personal(LEADER), PARTICIPATION, part, "return", comment="请补充", now=TODAY)
    hand_in_homework(lessons.session, member, row, [file], now=TODAY)
    assert [state for _hours, state in hours(lessons, row)] == [HourState.VOID, HourState.VOID, HourState.ACCRUED]


# --- evaluations ------------------------------------------------------------------------------------------------------


def test_an_evaluation_completes_an_observation_and_is_changed_until_it_ends(lessons: Lessons) -> None:
    """S0-87…90, S1-28, S1-55; the rubric is frozen from then on."""
    row, member = joined(lessons, OBSERVATION), lessons.as_personal(MEMBER)
    evaluate(lessons.session, member, row, [5, 4], "导入有趣", now=TODAY)
    changed = evaluate(lessons.session, member, row, [3, 4], "再想想", now=TODAY + timedelta(days=1))
    assert (changed.stars, changed.average, changed.summary) == ([3, 4], Decimal("3.50"), "再想想")
    assert len(rows(lessons, select(Evaluation).filter_by(activity_id=row.id))) == 1
    assert hours(lessons, row) == [(Decimal(5), HourState.ACCRUED)]
    with acting_as(lessons.as_personal(LEADER)), pytest.raises(RuleViolation, match="不能再修改"):
        lessons.session.get_one(Rubric, lessons.rubric.id).criteria = "别的"
        lessons.session.commit()
    with pytest.raises(RuleViolation, match="结束"):
        evaluate(lessons.session, member, row, [5, 5], "太晚", now=LATER)


@pytest.mark.parametrize("stars", [[], [5], [5, 0], [6, 5], [5, 4, 3], [-1, 2]])
def test_every_criterion_is_given_one_to_five_stars(lessons: Lessons, stars: list[int]) -> None:
    """S0-88."""
    row = joined(lessons, OBSERVATION)
    with pytest.raises(RuleViolation, match="1 至 5 星") as refusal:
        evaluate(lessons.session, lessons.as_personal(MEMBER), row, stars, "建议", now=TODAY)
    assert refusal.value.field == "stars" and hours(lessons, row) == []


def test_the_summary_is_required(lessons: Lessons) -> None:
    """S0-89."""
    row = joined(lessons, OBSERVATION)
    with pytest.raises(RuleViolation, match="请填写“评价总结及建议”") as refusal:
        evaluate(lessons.session, lessons.as_personal(MEMBER), row, [5, 4], "  ", now=TODAY)
    assert refusal.value.field == "summary"


def test_averages_are_taken_criterion_by_criterion() -> None:
    assert averages([[5, 1], [4, 2], [4, 2]], 2) == [Decimal("4.33"), Decimal("1.67")]
    assert averages([], 2) == []


# --- offline ----------------------------------------------------------------------------------------------------------


def test_evidence_is_handed_in_and_completes_it_for_everybody_named(lessons: Lessons, tmp_path: Path) -> None:
    """S1-16, S1-32, S1-33."""
    row, leader = published(lessons, OFFLINE), lessons.as_personal(LEADER)
    name_participants(lessons.session, leader, row, [lessons.cast.teacher[who] for who in (LEADER, MEMBER)], now=TODAY)
    photo = uploaded(lessons, tmp_path, LEADER, "照片.pdf")
    with pytest.raises(NotPermitted):
        hand_in_evidence(lessons.session, lessons.as_personal(MEMBER), row, [photo], now=TODAY)
    with pytest.raises(RuleViolation, match="至少上传一份佐证材料"):
        hand_in_evidence(lessons.session, leader, row, [], now=TODAY)
    assert hand_in_evidence(lessons.session, leader, row, [photo], now=TODAY) == 2
    assert hours(lessons, row) == [(Decimal("7.5"), HourState.ACCRUED)] * 2
    assert [file.name for file in files_of(lessons.session, [row], "evidence")[row.id]] == ["照片.pdf"]
    with pytest.raises(Conflict):
        hand_in_evidence(lessons.session, leader, row, [photo], now=TODAY)
    with pytest.raises(RuleViolation, match="请先重新开放"):
        name_participants(lessons.session, leader, row, [lessons.cast.teacher[MEMBER]], now=TODAY)
    assert reopen_offline(lessons.session, leader, row, "照片有误", now=TODAY) == 2
    assert hand_in_evidence(lessons.session, leader, row, [photo], now=TODAY) == 2


def test_whoever_is_named_with_the_evidence_is_credited_with_it_or_nobody_is(lessons: Lessons, tmp_path: Path) -> None:
    row, leader, teacher = published(lessons, OFFLINE), lessons.as_personal(LEADER), lessons.cast.teacher
    name_participants(lessons.session, leader, row, [teacher[LEADER]], now=TODAY)
    photo = uploaded(lessons, tmp_path, LEADER)
    with pytest.raises(RuleViolation, match="不是本教研组成员"):
        hand_in_evidence(lessons.session, leader, row, [photo], [teacher[MEMBER], teacher[OTHER]], now=TODAY)
    with pytest.raises(RuleViolation, match="至少上传一份佐证材料"):
        hand_in_evidence(lessons.session, leader, row, [], [teacher[MEMBER]], now=TODAY)
    assert [part.teacher_id for part in parts(lessons, row)] == [teacher[LEADER]], "nobody is named by what was refused"
    assert sorted(will_be_credited(lessons.session, leader, row, [photo], [teacher[MEMBER]], now=TODAY)) == sorted((LEADER, MEMBER))
    assert hand_in_evidence(lessons.session, leader, row, [photo], [teacher[MEMBER]], now=TODAY) == 2
    with pytest.raises(Conflict):
        will_be_credited(lessons.session, leader, row, [photo], [], now=TODAY)


def test_evidence_without_anybody_named_changes_nothing(lessons: Lessons, tmp_path: Path) -> None:
    row, leader = published(lessons, OFFLINE), lessons.as_personal(LEADER)
    photo = uploaded(lessons, tmp_path, LEADER)
    with pytest.raises(RuleViolation, match="请先指定"):
        hand_in_evidence(lessons.session, leader, row, [photo], now=TODAY)
    [file] = rows(lessons, select(Attachment).filter_by(id=photo))
    assert file.owner_id is None, "the file waits for the next try"
    online = published(lessons, DISCUSSION)
    with pytest.raises(RuleViolation, match="只有线下活动"):
        hand_in_evidence(lessons.session, leader, online, [photo], now=TODAY)


def test_the_leader_takes_back_a_name_before_it_is_completed(lessons: Lessons, tmp_path: Path) -> None:
    row, leader, member = published(lessons, OFFLINE), lessons.as_personal(LEADER), lessons.cast.teacher[MEMBER]
    name_participants(lessons.session, leader, row, [member, lessons.cast.teacher[LEADER]], now=TODAY)
    with pytest.raises(NotPermitted):
        unname(lessons.session, lessons.as_personal(MEMBER), row, member, now=TODAY)
    unname(lessons.session, leader, row, member, now=TODAY)
    assert [part.teacher_id for part in parts(lessons, row)] == [lessons.cast.teacher[LEADER]]
    hand_in_evidence(lessons.session, leader, row, [uploaded(lessons, tmp_path, LEADER)], now=TODAY)
    with pytest.raises(RuleViolation, match="还没有完成"):
        unname(lessons.session, leader, row, lessons.cast.teacher[LEADER], now=TODAY)
    reopen_offline(lessons.session, leader, row, "人员有误", now=TODAY)
    unname(lessons.session, leader, row, lessons.cast.teacher[LEADER], now=TODAY)
    assert [part.state for part in parts(lessons, row)] == [ParticipationState.REMOVED], "what was credited keeps its evidence"


# --- what the statement of hours says ---------------------------------------------------------------------------------


def test_the_teacher_turns_to_the_leaders_of_their_groups(lessons: Lessons) -> None:
    """S0-41: the member can call them, and a leader does not turn to themselves."""
    programme = lessons.school.programme_id
    with acting_as(SYSTEM):
        [leader] = leaders_of(lessons.session, lessons.cast.teacher[MEMBER], [programme])[programme]
        assert (leader.name, leader.role_label, leader.unit_name, leader.phone) == (LEADER, "教研组组长", "北语文教研组", "13850000001")
        assert leaders_of(lessons.session, lessons.cast.teacher[LEADER], [programme]) == {}
        assert leaders_of(lessons.session, lessons.cast.teacher[OTHER], [programme]) == {}


def test_what_is_on_offer_is_what_can_still_be_completed(lessons: Lessons) -> None:
    programme, member = lessons.school.programme_id, lessons.cast.teacher[MEMBER]
    written(lessons, update(Activity).values(state=ActivityState.DRAFT))
    done, offline = joined(lessons, DISCUSSION), published(lessons, OFFLINE)
    joined(lessons, HOMEWORK)
    published(lessons, OBSERVATION, starts_at=TODAY + timedelta(days=1))
    lessons.activity(LEADER, DISCUSSION)

    def offered(now: datetime = TODAY) -> dict[int, Decimal]:
        with acting_as(SYSTEM):
            return hours_on_offer(lessons.session, member, [programme], now)

    assert offered() == {programme: Decimal(12)}, "a discussion, homework, an observation; no draft, nothing offline"
    name_participants(lessons.session, lessons.as_personal(LEADER), offline, [member], now=TODAY)
    assert offered() == {programme: Decimal("19.5")}
    say(lessons.session, lessons.as_personal(MEMBER), done, "我的看法", now=TODAY)
    assert offered() == {programme: Decimal("17.5")}
    assert offered(LATER) == {programme: Decimal("7.5")}, "offline it is the leader who completes it, later too"
    written(lessons, update(SchoolProgramme).values(state=SchoolState.PASSED))
    assert offered() == {programme: Decimal(0)}
    with acting_as(SYSTEM):
        assert hours_on_offer(lessons.session, lessons.cast.teacher[OTHER], [programme], TODAY) == {}, "in no group: nobody knows"


# --- two at once ------------------------------------------------------------------------------------------------------


def race(factory: sessionmaker[Any], acts: Sequence[Callable[[Session, Activity], object]], activity: Activity) -> list[Any]:
    """Every act in a session of its own, all at the same moment: the refusal of each, or None."""
    start = Barrier(len(acts))

    def run(act: Callable[[Session, Activity], object]) -> Exception | None:
        with factory() as session:
            with acting_as(SYSTEM):
                row = session.get_one(Activity, activity.id)
                session.commit()
            start.wait(timeout=30)
            try:
                act(session, row)
            except RuleViolation as refusal:
                return refusal
            return None

    with ThreadPoolExecutor(len(acts)) as threads:
        return [future.result(timeout=60) for future in [threads.submit(run, act) for act in acts]]


def test_the_cap_reached_from_two_activities_at_once_counts_twenty_five(
    lessons: Lessons, factory: sessionmaker[Any], tmp_path: Path
) -> None:
    """S1-47: two tabs hand in the fifth and the sixth homework; both are credited whole, and 25 hours count."""
    member, done = lessons.as_personal(MEMBER), [joined(lessons, HOMEWORK) for _n in range(6)]
    for row in done[:4]:
        hand_in_homework(lessons.session, member, row, [uploaded(lessons, tmp_path, MEMBER)], now=TODAY)
    files = [uploaded(lessons, tmp_path, MEMBER) for _n in range(2)]
    lessons.session.commit()

    def handing_in(nth: int) -> Callable[[Session, Activity], object]:
        def act(session: Session, _row: Activity) -> None:
            with acting_as(SYSTEM):
                mine = session.get_one(Activity, done[4 + nth].id)
            hand_in_homework(session, member, mine, [files[nth]], now=TODAY)

        return act

    assert race(factory, [handing_in(0), handing_in(1)], done[0]) == [None, None]
    entries = rows(lessons, select(HourEntry).filter_by(teacher_id=lessons.cast.teacher[MEMBER], programme_id=lessons.school.programme_id))
    with acting_as(SYSTEM):
        told = tally(entries, policy_in_force(lessons.session, lessons.school.programme_id, TODAY.date()))
    assert (told.raw, told.counted) == (30, 25)


def test_of_two_tabs_that_join_one_does(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    row, member = published(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    lessons.session.commit()
    results = race(factory, [lambda s, a: join(s, member, a, now=TODAY)] * 2, row)
    assert [str(result) for result in results if result] == ["已参与这个活动。"]
    assert len(parts(lessons, row)) == 1


def test_two_tabs_that_comment_complete_it_once(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    row, member = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    results = race(factory, [lambda s, a, n=n: say(s, member, a, f"第{n}条", now=TODAY) for n in range(3)], row)
    assert results == [None] * 3
    assert len(rows(lessons, select(Comment).filter_by(activity_id=row.id))) == 3
    assert hours(lessons, row) == [(Decimal(2), HourState.ACCRUED)]
    done = select(Change).filter_by(table_name="participation", row_id=parts(lessons, row)[0].id, act="complete")
    assert len(rows(lessons, done)) == 1


def test_two_tabs_that_evaluate_write_one_evaluation(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    row, member = joined(lessons, OBSERVATION), lessons.as_personal(MEMBER)
    results = race(factory, [lambda s, a, n=n: evaluate(s, member, a, [n, n], "建议", now=TODAY) for n in (4, 5)], row)
    assert results == [None] * 2
    assert len(rows(lessons, select(Evaluation).filter_by(activity_id=row.id))) == 1
    assert hours(lessons, row) == [(Decimal(5), HourState.ACCRUED)]


def test_who_leaves_while_completing_does_one_of_both(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    row, member = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)
    acts = [lambda s, a: leave(s, member, a, now=TODAY), lambda s, a: say(s, member, a, "我的看法", now=TODAY)]
    left, said = race(factory, acts, row)
    assert (left is None) != (said is None)
    entries = rows(
        lessons,
        select(HourEntry).where(HourEntry.title == row.title, HourEntry.earned_at == TODAY, HourEntry.evidence.like("participation/%")),
    )
    assert len(parts(lessons, row)) == len(entries) == (0 if left is None else 1)


def test_a_leader_who_returns_while_homework_is_replaced_leaves_nothing_half(
    lessons: Lessons, factory: sessionmaker[Any], tmp_path: Path
) -> None:
    row, member, leader = joined(lessons, HOMEWORK), lessons.as_personal(MEMBER), lessons.as_personal(LEADER)
    hand_in_homework(lessons.session, member, row, [uploaded(lessons, tmp_path, MEMBER)], now=TODAY)
    again, [part] = uploaded(lessons, tmp_path, MEMBER, "修改稿.pdf"), parts(lessons, row)
    with acting_as(SYSTEM):
        lessons.session.commit()

    def give_back(session: Session, activity: Activity) -> None:
        with acting_as(SYSTEM):
            row = session.get_one(Participation, part.id)
        take(session, leader, PARTICIPATION, row, "return", comment="请补充", now=TODAY)

    race(factory, [give_back, lambda s, a: hand_in_homework(s, member, a, [again], now=TODAY)], row)
    [after] = parts(lessons, row)
    accrued = [value for value, state in hours(lessons, row) if state is HourState.ACCRUED]
    assert len(accrued) == (1 if after.state is COMPLETED else 0)


def test_evidence_handed_in_twice_at_once_completes_once(lessons: Lessons, factory: sessionmaker[Any], tmp_path: Path) -> None:
    row, leader = published(lessons, OFFLINE), lessons.as_personal(LEADER)
    name_participants(lessons.session, leader, row, [lessons.cast.teacher[MEMBER]], now=TODAY)
    photos = [uploaded(lessons, tmp_path, LEADER, name) for name in ("一.pdf", "二.pdf")]
    results = race(factory, [lambda s, a, p=p: hand_in_evidence(s, leader, a, [p], now=TODAY) for p in photos], row)
    assert len([result for result in results if isinstance(result, Conflict)]) == 1
    assert hours(lessons, row) == [(Decimal("7.5"), HourState.ACCRUED)]


def test_withdrawing_or_joining_not_both(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    """Where rows can be held: whoever withdraws asks first and writes then, and SQLite holds nothing for a question."""
    if lessons.session.get_bind().dialect.name == "sqlite":
        pytest.skip("SQLite has no row locks")
    row, member, leader = published(lessons, DISCUSSION), lessons.as_personal(MEMBER), lessons.as_personal(LEADER)
    lessons.session.commit()
    acts = [lambda s, a: take(s, leader, ACTIVITY, a, "withdraw", now=TODAY), lambda s, a: join(s, member, a, now=TODAY)]
    withdrawn, came = race(factory, acts, row)
    assert (withdrawn is None) != (came is None)
    with acting_as(SYSTEM):
        lessons.session.refresh(row)
    assert (row.state is ActivityState.DRAFT) == (parts(lessons, row) == [])


def test_acceptance_comes_before_or_after_a_completion(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    """Issue 3, races: whoever completes finds the school open, or is told."""
    row, member = joined(lessons, DISCUSSION), lessons.as_personal(MEMBER)

    def accept(session: Session, activity: Activity) -> None:
        with acting_as(SYSTEM):
            session.execute(update(SchoolProgramme).values(state=SchoolState.PASSED), execution_options={"synchronize_session": False})
            session.commit()

    _accepted, said = race(factory, [accept, lambda s, a: say(s, member, a, "我的看法", now=TODAY)], row)
    assert len(hours(lessons, row)) == (0 if said else 1)


def test_what_rows_are_called_is_asked_at_once(lessons: Lessons, engine: Engine) -> None:
    """An archive and a form's choices call what was done in an activity by teacher and activity, however many there are."""
    for kind in (DISCUSSION, HOMEWORK):
        activity = published(lessons, kind)
        for who in (LEADER, MEMBER):
            join(lessons.session, lessons.as_personal(who), activity, now=TODAY)
    numbers = {part.id for part in rows(lessons, select(Participation))}
    lessons.session.commit()
    lessons.session.expunge_all()
    with acting_as(lessons.cast.identity("平")), counted(engine) as sent:
        told = LinkLabels(lessons.session, Participation).by_id(numbers)
    assert f"{MEMBER} · {DISCUSSION.label}" in told.values() and len(told) >= 4
    assert len(sent) == 1, sent
    lessons.session.expunge_all()
    with acting_as(lessons.cast.identity("平")), counted(engine) as sent:
        offered = first_options(lessons.session, Participation)
    assert f"{LEADER} · {HOMEWORK.label}" in dict(offered).values()
    assert len(sent) == 1, sent
