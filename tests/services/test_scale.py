"""The whole-school performance scale: points within each line, on the school's page with their total (S0-28)."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import rules.scale  # noqa: F401  (what holds of scores)
from models.hours import Programme
from models.research import ScaleItem, ScaleScore, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.violation import NotPermitted, RuleViolation
from rules.grants import IT_TEAM
from rules.scale import scale_of
from tests.cast import Cast
from tests.services.lessons import OTHER, Lessons


@pytest.fixture
def lessons(cast: Cast, session: Session) -> Lessons:
    lessons = Lessons(cast, session)
    lessons.appoint(OTHER, IT_TEAM, lessons.school.scope_path)
    return lessons


def item(lessons: Lessons, name: str, most: int, programme_id: int | None = None) -> ScaleItem:
    with acting_as(SYSTEM):
        row = ScaleItem(programme_id=programme_id or lessons.school.programme_id, name=name, most=most)
        lessons.session.add(row)
        lessons.session.commit()
    return row


def score(lessons: Lessons, row: ScaleItem, points: int, who: str = OTHER) -> None:
    identity = lessons.as_personal(who) if who in (OTHER, "梅", "兰") else lessons.cast.identity(who)
    with acting_as(identity):
        lessons.session.add(ScaleScore(school_programme_id=lessons.school.id, scale_item_id=row.id, points=points))
        lessons.session.commit()


def refusal(lessons: Lessons, row: ScaleItem, points: int) -> str:
    with pytest.raises(RuleViolation) as refused:
        score(lessons, row, points)
    return refused.value.message


def test_points_stay_within_a_line(lessons: Lessons) -> None:
    row = item(lessons, "组织保障", 20)
    assert refusal(lessons, row, 21) == refusal(lessons, row, -1) == "得分须在 0 到 20 之间。"
    score(lessons, row, 20)
    assert refusal(lessons, row, 5) == "这一项已经评分。"


def test_the_total_counts_what_was_given(lessons: Lessons) -> None:
    zero, _none = item(lessons, "零分项", 5), item(lessons, "未评项", 5)
    score(lessons, zero, 0)
    with acting_as(lessons.cast.identity("平")):
        lines = {line.name: (line.points, line.most) for line in scale_of(lessons.session, lessons.school)}
    assert lines == {"校本研修网络空间建设": (8, 10), "零分项": (0, 5), "未评项": (None, 5)}


def test_a_line_of_another_programme_is_not_the_schools(lessons: Lessons) -> None:
    with acting_as(SYSTEM):
        other = lessons.session.scalars(select(Programme).where(Programme.id != lessons.school.programme_id)).first()
    assert other is not None
    assert refusal(lessons, item(lessons, "他项", 5, other.id), 1) == "这一项不属于本校参加的研修项目。"


def test_who_scores(lessons: Lessons) -> None:
    row = item(lessons, "成效", 10)
    for who in ("平", "丹", "梅"):
        with pytest.raises(NotPermitted):
            score(lessons, row, 1, who)
    with pytest.raises(RuleViolation, match="不在您的管理范围内"):
        score(lessons, row, 1, "锐")


def test_a_scale_is_not_bent_under_what_was_given(lessons: Lessons) -> None:
    with acting_as(SYSTEM), pytest.raises(RuleViolation, match="已有学校在这一项得 8 分"):
        lessons.session.scalars(select(ScaleItem)).one().most = 7
        lessons.session.commit()
    with acting_as(SYSTEM), pytest.raises(RuleViolation, match="满分须大于 0"):
        lessons.session.add(ScaleItem(programme_id=lessons.school.programme_id, name="空", most=0))
        lessons.session.commit()


def test_after_acceptance_scores_stand(lessons: Lessons) -> None:
    row = item(lessons, "推广", 10)
    with acting_as(SYSTEM):
        lessons.session.execute(update(SchoolProgramme).where(SchoolProgramme.id == lessons.school.id).values(state=SchoolState.PASSED))
        lessons.session.commit()
        lessons.session.expire_all()
    assert "已通过整校验收" in refusal(lessons, row, 1)
