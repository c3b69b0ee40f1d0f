"""数据统计: 用户注册, 应用分析 and 页面浏览 of a region and the regions below it (S3-42).

What the figures mean is decided in docs/decisions/0005-statistics.md. A report is a few headline figures and tables, each printed as
it stands, on the page and in the workbook. The one thing a newcomer gets wrong: below the total the lines add up to it, because what
belongs to no region below is a line of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.access import PersonKind
from models.org import Region
from models.scoping import Identity, acting_as, ancestors
from models.statistics import OFFICE, ViewDay, Views, account_days, account_totals, area_views, region_views, view_days
from models.violation import Sentence
from rules.figures import average, growth, rate
from rules.periods import Period, Step
from rules.region_reach import region_path

SUBJECT = "statistics"
DECIMALS = 1
ALL, OWN = "合计", "本级及直属学校"
Counted = tuple[str, int | None, tuple[int, ...]]
"""A line before it is printed: name, region to lead to, numbers."""
KINDS: dict[str, str] = {**{kind.value: kind.label for kind in PersonKind}, OFFICE: "管理员及其他"}


class Area(NamedTuple):
    """A part of the platform as the menu calls it: 教师管理 of 人员管理."""

    key: str
    label: str
    group: str


class Line(NamedTuple):
    """One line of a table; ``region_id`` where it leads one level down."""

    name: str
    texts: tuple[str, ...]
    region_id: int | None = None


class Series(NamedTuple):
    """What a chart shows beside its table: ``kind`` is bar or line."""

    name: str
    kind: str
    values: list[int]


@dataclass(frozen=True)
class Table:
    """A table as printed. Its chart, if it has one, is labelled by the lines' names; the total is in no chart."""

    key: str
    title: str
    header: tuple[str, ...]
    lines: list[Line]
    series: tuple[Series, ...] = ()
    labels: tuple[str, ...] = ()
    unit: str = ""
    """Of the lines' own axis."""
    words: int = 1
    """So many columns on the left hold words; the others hold figures."""


class Headline(NamedTuple):
    """A figure of the whole period, with what it is to be compared with."""

    label: str
    figure: str
    note: Sentence


class Part(NamedTuple):
    """A region."""

    region_id: int
    name: str
    path: str


class Around(NamedTuple):
    """The regions a report leads to: those above, from the reader's own down, and those one level below."""

    above: list[Part]
    below: list[Part]


@dataclass(frozen=True)
class Report:
    """``counted_at`` is None where the figures are as of now."""

    headlines: tuple[Headline, ...]
    tables: tuple[Table, ...]
    around: Around
    counted_at: datetime | None = None


# --- reports ----------------------------------------------------------------------------------------------------------


def registrations(session: Session, identity: Identity, region_id: int | None, period: Period, step: Step) -> Report:
    """用户注册: new accounts by step and identity; new, all and activated ones by region.

    Raises NotPermitted, and OutOfReach for a region that is not below one of the person's. So do the others.
    """
    path, around = _place(session, identity, region_id)
    with acting_as(identity.serving()):
        days = account_days(session, path, period.previous.since, period.until)
        totals = account_totals(session, [path, *(part.path for part in around.below)], period.since, period.until)
    numbers = {total.path: (total.new, total.accounts, total.activated) for total in totals}
    new, accounts, activated = numbers.get(path, (0, 0, 0))
    before = sum(count for day, _kind, count in days if day < period.since)
    share = Sentence("占账号总数 {share}", share=rate(activated, accounts, DECIMALS))
    headlines = (
        Headline("新增账号", str(new), _compared(new, before)),
        Headline("账号总数", str(accounts), Sentence("截至目前")),
        Headline("已激活账号", str(activated), share),
    )
    by_step = new_accounts([found for found in days if found[0] >= period.since], period, step)
    lines = split(path, around.below, numbers, 3)
    regions = Table(
        "regions",
        "各区域账号",
        ("区域", "新增账号", "账号总数", "已激活账号", "激活率"),
        [Line(name, (*map(str, counts), rate(counts[2], counts[1], DECIMALS)), region) for name, region, counts in lines],
        *_chart(lines, {"账号总数": "bar", "已激活账号": "bar"}, first=1),
    )
    counted_at = max((total.counted_at for total in totals if total.counted_at), default=None)
    return Report(headlines, (by_step, regions), around, counted_at)


def applications(session: Session, identity: Identity, region_id: int | None, period: Period, areas: Sequence[Area]) -> Report:
    """应用分析: which areas of the platform are used, how often and by how many; the most viewed first."""
    path, around = _place(session, identity, region_id)
    with acting_as(identity.serving()):
        found = {views.key: views for views in area_views(session, path, [area.key for area in areas], period.since, period.until)}
    used = sorted((area for area in areas if area.key in found), key=lambda area: -found[area.key].views)
    total = sum(views.views for views in found.values())
    lines = [Line(area.label, (area.group, *_viewed(found[area.key].views, found[area.key].visitors, total))) for area in used]
    top = used[:CHARTED]
    table = Table(
        "areas",
        "各应用使用情况",
        ("应用", "所属模块", *VIEWED),
        lines,
        (Series("浏览次数", "bar", [found[a.key].views for a in top]), Series("访客数", "line", [found[a.key].visitors for a in top])),
        tuple(area.label for area in top),
        "人",
        words=2,
    )
    headlines = (
        Headline("使用中的应用", str(len(used)), Sentence("共 {all} 个应用", all=len(areas))),
        Headline("浏览次数", str(total), Sentence("平均每天 {mean} 次", mean=average(total, period.length, DECIMALS))),
        Headline("使用最多的应用", used[0].label if used else "--", _share_of_first(used, found, total)),
    )
    return Report(headlines, (table,), around)


def page_views(session: Session, identity: Identity, region_id: int | None, period: Period) -> Report:
    """页面浏览: views and visitors day by day beside the period before, and by region."""
    path, around = _place(session, identity, region_id)
    with acting_as(identity.serving()):
        days = view_days(session, path, period.previous.since, period.since, period.until)
        found = region_views(session, [path, *(part.path for part in around.below)], period.since, period.until)
    now, before = ([day for day in days if (day.day >= period.since) is current] for current in (True, False))
    views, visitors = (sum(day.views for day in now), sum(day.first for day in now))
    headlines = (
        Headline("浏览次数", str(views), _compared(views, sum(day.views for day in before))),
        Headline("访客数", str(visitors), _compared(visitors, sum(day.first for day in before))),
        Headline(
            "日均浏览次数", average(views, period.length, DECIMALS), Sentence("人均 {mean} 次", mean=average(views, visitors, DECIMALS))
        ),
    )
    lines = split(path, around.below, {region.key: (region.views, region.visitors) for region in found}, 2)
    regions = Table(
        "regions",
        "各区域浏览",
        ("区域", *VIEWED),
        [Line(name, _viewed(seen, by, views), region) for name, region, (seen, by) in lines],
        *_chart(lines, {"浏览次数": "bar", "访客数": "line"}),
        "人",
    )
    return Report(headlines, (daily_views(days, period), regions), around)


CHARTED = 12
"""As many columns of a chart as can be told apart."""
VIEWED = ("浏览次数", "占比", "访客数", "人均浏览")


# --- tables -----------------------------------------------------------------------------------------------------------


def new_accounts(days: Iterable[tuple[date, str, int]], period: Period, step: Step) -> Table:
    """New accounts of each step, the latest first, by identity; the first and last step may be cut off by the period."""
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    for day, kind, count in days:
        counts[step.begin(day)][kind] += count
    steps = period.steps(step)
    lines = [Line(step.name_of(begin), _by_kind(counts[begin])) for begin in reversed(steps)]
    total = Line(ALL, _by_kind(sum((counts[begin] for begin in steps), Counter())))
    series = tuple(Series(label, "bar", [counts[begin][kind] for begin in steps]) for kind, label in KINDS.items())
    header = ("时间", "新增账号", *KINDS.values())
    return Table("steps", "新增账号趋势", header, [total, *lines], series, tuple(step.name_of(begin) for begin in steps))


def daily_views(days: Iterable[ViewDay], period: Period) -> Table:
    """Each day beside the day that lies one period back, the latest first."""
    known = {day.day: (day.views, day.visitors) for day in days}
    pairs = [
        (day, known.get(day, (0, 0)), known.get(past, (0, 0))) for day, past in zip(period.days(), period.previous.days(), strict=True)
    ]
    name_of = Step.DAY.name_of
    lines = [Line(name_of(day), tuple(map(str, (*now, *past)))) for day, now, past in reversed(pairs)]
    series = (
        Series("浏览次数", "bar", [now[0] for _day, now, _past in pairs]),
        Series("上一周期浏览次数", "bar", [past[0] for _day, _now, past in pairs]),
        Series("访客数", "line", [now[1] for _day, now, _past in pairs]),
    )
    header = ("日期", "浏览次数", "访客数", "上一周期浏览次数", "上一周期访客数")
    return Table("days", "每日浏览", header, lines, series, tuple(name_of(day) for day, _now, _past in pairs), "人")


def split(path: str, parts: Sequence[Part], numbers: Mapping[str, tuple[int, ...]], width: int) -> list[Counted]:
    """The total of ``path``, what of it belongs to no region below, and each region below."""
    nothing = (0,) * width
    total = numbers.get(path, nothing)
    below = [(part.name, part.region_id, numbers.get(part.path, nothing)) for part in parts]
    sums = [sum(line[2][column] for line in below) for column in range(width)]
    own = tuple(whole - inside for whole, inside in zip(total, sums, strict=True))
    return [(ALL, None, total), *([(OWN, None, own)] if below and any(own) else []), *below]


def _chart(lines: Iterable[Counted], kinds: Mapping[str, str], first: int = 0) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """The regions below, compared by the numbers from the ``first`` one on."""
    below = [(name, numbers) for name, region, numbers in lines if region is not None]
    if not below:
        return (), ()
    series = (Series(name, kind, [numbers[n] for _, numbers in below]) for n, (name, kind) in enumerate(kinds.items(), first))
    return tuple(series), tuple(name for name, _ in below)


def _viewed(views: int, visitors: int, all_views: int) -> tuple[str, ...]:
    """In the order of ``VIEWED``."""
    return (str(views), rate(views, all_views, DECIMALS), str(visitors), average(views, visitors, DECIMALS))


def _by_kind(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(map(str, (counts.total(), *(counts[kind] for kind in KINDS))))


def _compared(now: int, before: int) -> Sentence:
    return Sentence("上一周期 {before}，环比 {change}", before=before, change=growth(now, before, DECIMALS))


def _share_of_first(used: Sequence[Area], found: Mapping[str, Views], total: int) -> Sentence:
    views = found[used[0].key].views if used else 0
    return Sentence("占全部浏览的 {share}", share=rate(views, total, DECIMALS))


def _place(session: Session, identity: Identity, region_id: int | None) -> tuple[str, Around]:
    """The path of what is asked for, with the regions around it."""
    path = region_path(session, identity, SUBJECT, region_id)
    above = [up for up in ancestors(path) if identity.reaches("read", SUBJECT, up)]
    is_below = Region.parent_id == region_id if region_id else Region.parent_id.is_(None)
    asked = select(Region.id, Region.name, Region.scope_path).where(or_(is_below, Region.scope_path.in_(above)))
    with acting_as(identity.serving()):
        found = [Part(*row) for row in session.execute(asked.order_by(Region.scope_path))]
    return path, Around([part for part in found if part.path in above], [part for part in found if part.path not in above])
