"""评课标准: the criteria lessons are given stars for; used once, they stay (S0-87, S0-88)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import exists, func, inspect, select
from sqlalchemy.orm import Session

from models.activities import Activity, Participation, Rubric
from models.invariants import holds, keeps
from models.violation import Sentence
from rules.errors import RuleViolation

MOST_CRITERIA = 20


# --- rubrics ----------------------------------------------------------------------------------------------------------


@holds(Rubric)
def check_rubric(session: Session, rubric: Rubric) -> None:
    """One to twenty criteria; used once, they stay as they are, for stars have been given for them."""
    if not 1 <= len(rubric.items) <= MOST_CRITERIA:
        raise RuleViolation("请填写 1 至 {most} 条评价内容，每行一条。", "criteria", most=MOST_CRITERIA)
    state: Any = inspect(rubric)
    if state.pending or not state.attrs.criteria.history.has_changes():
        return
    # Whoever evaluates holds the rubric (rules.taking_part).
    session.execute(select(Rubric.id).where(Rubric.id == rubric.id).with_for_update())
    if _used(session, rubric):
        raise RuleViolation("已有教师按这份标准评课，评价内容不能再修改；请另建一份。", "criteria")


@keeps(Rubric)
def what_keeps_rubric(session: Session, rubric: Rubric) -> Iterator[str]:
    """Activities keep the rubric they use."""
    count = session.scalar(select(func.count()).select_from(Activity).where(Activity.rubric_id == rubric.id))
    if count:
        yield Sentence("有 {count} 个听课评课活动使用这份标准，不能删除。", count=count)


def _used(session: Session, rubric: Rubric) -> bool:
    theirs = (Activity.rubric_id == rubric.id, Participation.activity_id == Activity.id)
    return bool(session.scalar(select(exists().where(*theirs))))
