"""绩效考核评分: what a school is given for each line of its programme's scale, and the total (S0-28).

The one thing a newcomer gets wrong: a line's most can be lowered only as far as nobody holds more points already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, inspect, select
from sqlalchemy.orm import Session

from models.invariants import holds, linked
from models.research import ScaleItem, ScaleScore, SchoolProgramme
from models.scoping import acting_as, current_identity
from rules.errors import RuleViolation


@dataclass(frozen=True)
class ScaleLine:
    """One line of the scale with what the school was given; None while it was given nothing."""

    name: str
    most: int
    points: int | None
    remark: str = ""


@holds(ScaleItem)
def check_item(session: Session, item: ScaleItem) -> None:
    """A line is worth something, and at least what it was given points for."""
    if item.most is None:
        return
    if item.most <= 0:
        raise RuleViolation("满分须大于 0。", "most")
    if item.id is None or not inspect(item).attrs.most.history.has_changes():
        return
    given = session.scalar(select(func.max(ScaleScore.points)).where(ScaleScore.scale_item_id == item.id))
    if given is not None and given > item.most:
        raise RuleViolation("已有学校在这一项得 {points} 分，满分不能低于它。", "most", points=given)


@holds(ScaleScore)
def check_score(session: Session, score: ScaleScore) -> None:
    """Points of a line of the school's own programme, none below nothing and none above its most."""
    school, item = linked(session, score, "school_programme"), linked(session, score, "scale_item")
    if school is None or item is None or score.points is None:
        return
    if item.programme_id != school.programme_id:
        raise RuleViolation("这一项不属于本校参加的研修项目。", "scale_item")
    if not 0 <= score.points <= item.most:
        raise RuleViolation("得分须在 0 到 {most} 之间。", "points", most=item.most)


def scale_of(session: Session, school: SchoolProgramme) -> Sequence[ScaleLine]:
    """The programme's scale with the school's points, in its order; one statement, as a service."""
    given = and_(ScaleScore.scale_item_id == ScaleItem.id, ScaleScore.school_programme_id == school.id)
    lines = select(ScaleItem.name, ScaleItem.most, ScaleScore.points, ScaleScore.remark).outerjoin(ScaleScore, given)
    lines = lines.where(ScaleItem.programme_id == school.programme_id).order_by(ScaleItem.rank, ScaleItem.id)
    with acting_as(current_identity().serving()):
        return [ScaleLine(name, most, points, remark or "") for name, most, points, remark in session.execute(lines)]
