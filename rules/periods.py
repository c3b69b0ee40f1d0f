"""From when to when a statistic looks, and in which steps: chosen by people, checked here (S3-42)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from models.base import Choice
from rules.errors import RuleViolation

PRESETS = (7, 30, 90)
"""The last so many days, today included."""
USUAL_DAYS = 30
LONGEST_DAYS = 366
LONGEST_VIEW_DAYS = 92
"""Of page views: a quarter. Visitors of a longer period would be told from more counts than a page has time to read."""


class Step(Choice):
    """How long the steps of a table are."""

    DAY = "day", "按日"
    WEEK = "week", "按周"
    MONTH = "month", "按月"

    def begin(self, day: date) -> date:
        """The first day of the step ``day`` lies in; weeks begin on Monday."""
        if self is Step.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Step.MONTH else day

    def name_of(self, begin: date) -> str:
        """2026.11.23; 2026.11 for a month."""
        return begin.strftime("%Y.%m" if self is Step.MONTH else "%Y.%m.%d")


@dataclass(frozen=True)
class Period:
    """From ``since`` to ``until``, both included."""

    since: date
    until: date

    @property
    def length(self) -> int:
        """In days."""
        return (self.until - self.since).days + 1

    @property
    def previous(self) -> Period:
        """As many days, right before."""
        return Period(self.since - timedelta(days=self.length), self.since - timedelta(days=1))

    def days(self) -> Iterator[date]:
        """Every day, the first one first."""
        return (self.since + timedelta(days=n) for n in range(self.length))

    def steps(self, step: Step) -> list[date]:
        """Where each step begins."""
        return list(dict.fromkeys(step.begin(day) for day in self.days()))


def last_days(count: int, today: date) -> Period:
    """The last ``count`` days, today included."""
    return Period(today - timedelta(days=count - 1), today)


def read_period(since: str, until: str, today: date, longest: int = LONGEST_DAYS) -> Period:
    """The period two dates name, the usual one for two blanks; raises RuleViolation for dates that are none, in the wrong order
    or too far apart."""
    if not since.strip() and not until.strip():
        return last_days(USUAL_DAYS, today)
    period = Period(_read_day(since, "from"), _read_day(until, "to"))
    if period.until > today:
        raise RuleViolation("结束日期不能晚于今天。", "to")
    if period.since > period.until:
        raise RuleViolation("开始日期不能晚于结束日期。", "from")
    if period.length > longest:
        raise RuleViolation("时间范围最多 {most} 天。", "from", most=longest)
    return period


def _read_day(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise RuleViolation("请填写有效的日期，例如 2026-11-23。", field) from None
    if day.year < 2000:
        raise RuleViolation("请填写有效的日期，例如 2026-11-23。", field)
    return day


def read_step(text: str, period: Period) -> Step:
    """The step asked for; else days for a month, weeks for a quarter, months beyond."""
    usual = Step.DAY if period.length <= 31 else Step.WEEK if period.length <= 92 else Step.MONTH
    return next((step for step in Step if step.value == text), usual)
