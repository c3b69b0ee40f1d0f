"""What an archive tells beside its tables: who belonged to the groups and the team, what was decided, and every criterion's stars.

The one thing a newcomer gets wrong: a decision is told only of a row that is itself in the archive, so nothing kept from the reader
comes in by what was decided about it (``models.kept``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.activities import Activity, Evaluation, Participation, Rubric
from models.base import table_name
from models.fields import fields_of
from models.history import Decision
from models.hours import Programme
from models.outcomes import AbilitySummary, Outcome
from models.people import Teacher
from models.research import RemovalRequest, ResearchGroup, SchoolProgramme
from rules.grants import IT_TEAM, role_label
from rules.members import IN_A_GROUP
from rules.page_views import day_begins
from views.panel.excel.columns import SheetColumn
from views.panel.excel.sheets import LinkLabels

BATCH = 2_000
DECIDED = (SchoolProgramme, RemovalRequest, AbilitySummary, Outcome, Participation)
"""What is reviewed, accepted or decided on (S0-63…66, S0-124, S0-125, S1-44, S1-49…52), and what was returned to whoever took part."""


@dataclass(frozen=True)
class SheetOf:
    """A workbook that is no table's: what is asked for, and the cells of what was found."""

    label: str
    columns: Sequence[tuple[str, str]]
    """Label and kind of each column."""
    asked: Select[Any]

    def sheet_columns(self) -> list[SheetColumn]:
        return [SheetColumn(f"c{n}", _(label), kind, width=20) for n, (label, kind) in enumerate(self.columns)]  # type: ignore[arg-type]

    def count(self, session: Session) -> int:
        return session.scalar(select(func.count()).select_from(self.asked.order_by(None).subquery())) or 0

    def rows(self, session: Session) -> Iterator[Sequence[object]]:
        for rows in session.execute(self.asked, execution_options={"yield_per": BATCH}).partitions():
            yield from self.cells(session, rows)

    def cells(self, session: Session, rows: Sequence[Any]) -> Iterator[Sequence[object]]:
        raise NotImplementedError


class Members(SheetOf):
    """Who belonged to a group or to the IT team while the programme ran, substitutes among them, and from when until when (S0-45, S0-52…58)."""

    def cells(self, session: Session, rows: Sequence[Any]) -> Iterator[Sequence[object]]:
        return ((row.unit, _(role_label(row.role)), row.name, row.stands_in is not None, row.since, row.until) for row in rows)


class Decisions(SheetOf):
    """What was decided on the school, on removals, summaries, outcomes and on taking part: by whom, when, and the opinion."""

    def cells(self, session: Session, rows: Sequence[Any]) -> Iterator[Sequence[object]]:
        models = {table_name(model): model for model in DECIDED}
        names = {table: _names(session, model, [row for row in rows if row.table_name == table]) for table, model in models.items()}
        states = {table: {state.value: state for state in fields_of(model)["state"].choices} for table, model in models.items()}
        for row in rows:
            left, led = (states[row.table_name].get(value) for value in (row.source, row.target))
            yield (
                _(models[row.table_name].__screen__.label),
                names[row.table_name].get(row.row_id),
                _(row.label),
                _(left.label) if left else row.source,
                _(led.label) if led else row.target,
                row.comment,
                row.name,
                row.post,
                row.at,
            )


def _names(session: Session, model: type[Any], rows: Sequence[Any]) -> Mapping[int, str]:
    return LinkLabels(session, model).by_id({row.row_id for row in rows})


def members_of(school: SchoolProgramme, programme: Programme) -> Members:
    """The posts at the groups of this part in a programme, and those of the school's IT team that had not ended before it."""
    groups = select(ResearchGroup.scope_path).where(ResearchGroup.school_programme_id == school.id)
    in_a_group = and_(Post.role.in_(IN_A_GROUP), Post.scope_path.in_(groups))
    in_the_team = and_(Post.role == IT_TEAM, Post.scope_path == school.scope_path)
    unit = func.coalesce(ResearchGroup.name, Post.unit_name).label("unit")
    name = func.coalesce(Teacher.name, Post.contact_name).label("name")
    asked = (
        select(unit, Post.role, name, Post.delegate_of_id.label("stands_in"), Post.since, Post.until)
        .outerjoin(ResearchGroup, ResearchGroup.scope_path == Post.scope_path)
        .outerjoin(Account, Account.id == Post.account_id)
        .outerjoin(Teacher, Teacher.id == Account.teacher_id)
        .where(or_(in_a_group, in_the_team), or_(Post.until.is_(None), Post.until >= day_begins(programme.starts_on)))
        .order_by(Post.scope_path, Post.since, Post.id)
    )
    kinds = (("单位", "text"), ("角色", "text"), ("姓名", "text"), ("代理", "bool"), ("开始时间", "datetime"), ("结束时间", "datetime"))
    return Members("成员与信息化团队", kinds, asked)


def decisions_on(tables: Mapping[type[Any], Any]) -> Decisions:
    """What was decided on the rows of these tables, each with its condition."""
    told = [
        and_(Decision.table_name == table_name(model), Decision.row_id.in_(select(model.id).where(tables[model])))  # type: ignore[attr-defined]
        for model in DECIDED
    ]
    columns = (Decision.table_name, Decision.row_id, Decision.label, Decision.source, Decision.target, Decision.comment)
    who = func.coalesce(Account.first_name, "").label("name")
    asked = select(*columns, who, Decision.post, Decision.at).outerjoin(Account, Account.id == Decision.account_id)
    # That somebody completed an activity is a decision by name only: it stands among the hours.
    of_persons = or_(Decision.table_name != table_name(Participation), Decision.comment.is_not(None))
    kinds = (
        ("记录类型", "text"),
        ("记录", "text"),
        ("办理", "text"),
        ("办理前", "text"),
        ("办理后", "text"),
        ("意见", "longtext"),
        ("办理人", "text"),
        ("岗位", "text"),
        ("办理时间", "datetime"),
    )
    return Decisions("评审与审批意见", kinds, asked.where(or_(*told), of_persons).order_by(Decision.id))


STARS = SheetColumn("stars", "评分", "longtext", width=40)
CRITERIA = (
    select(Rubric.criteria).join(Activity, Activity.rubric_id == Rubric.id).where(Activity.id == Evaluation.activity_id).scalar_subquery()
)


def stars_told(criteria: str | None, stars: Sequence[int] | None) -> str:
    """Each criterion with the stars it was given, a line each (S0-88)."""
    items = Rubric(criteria=criteria or "").items
    return "\n".join(f"{item}：{given}" for item, given in zip(items, stars or (), strict=False))
