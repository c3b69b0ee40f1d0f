"""学时进展: how far a school's members and groups have come, and the same of a region's schools."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import abort, redirect, request, send_file, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.activities import Participation
from models.base import utcnow
from models.files import slot_of, tables_with_files
from models.history import note_table
from models.hours import HourEntry
from models.research import ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import Identity, acting_as, current_identity
from models.violation import RuleViolation
from rules.hours import Limits
from rules.opening import current_school_programme
from rules.research_figures import (
    Progress,
    SchoolFigures,
    of_groups,
    progress_of,
    school_with_limits,
    schools_by_state,
    schools_page,
    share,
)
from rules.research_persons import Wanted, persons_of
from rules.research_records import BATCH, activity_records, count_of, evidence_records
from rules.uploads import size_text
from views.pages import PageView
from views.panel.cells import moment_text, text_of
from views.panel.excel.columns import SheetColumn
from views.panel.excel.exporting import MIMETYPES
from views.panel.excel.writer import write_xlsx
from views.panel.list_page import pager
from views.panel.listing import read_state
from views.panel.menu import ENTRIES, Entry
from views.panel.pages import Cell

MOST_ROWS = 100_000
"""More rows than this are not waited for; the archive has them."""


def oversees(identity: Identity) -> bool:
    """Whether somebody answers for others' hours: a school, those above it, the leader of a group."""
    return identity.may("export", "hour_entry") or identity.may("members", "research_group")


@dataclass(frozen=True)
class Seen:
    """A school within reach."""

    school: SchoolProgramme
    limits: Limits
    """Of today."""
    group_ids: Sequence[int] | None
    """The groups the person answers for: none for all of them."""


@dataclass(frozen=True)
class Sheet:
    """One of the workbooks a person may take away: what it is called, its columns, and its rows."""

    label: str
    act: tuple[type[Any], str]
    columns: Sequence[tuple[str, str]]
    """Label and kind."""
    rows: Callable[[Any, Seen], Iterable[Sequence[object]]]


def seen_of(view: PageView, pk: int) -> Seen:
    """The school, and what of it the person answers for. 403 without the act, 404 out of reach."""
    identity = view.identity
    if not oversees(identity):
        abort(403)
    school, limits = school_with_limits(view.db, pk, now=utcnow()) or abort(404)
    if identity.reaches("export", "hour_entry", school.scope_path):
        return Seen(school, limits, None)
    led = identity.paths("members", "research_group")
    groups = view.db.execute(select(ResearchGroup.id, ResearchGroup.scope_path).filter_by(school_programme_id=pk)).all()
    mine = [group_id for group_id, path in groups if path.startswith(led)]
    return Seen(school, limits, mine) if mine else abort(404)


class ResearchProgressView(PageView):
    """学时进展."""

    route_base = "/research/progress"

    @expose("/")
    @login_required
    def overview(self) -> Response:
        """The schools within reach; whoever answers for one alone, or for a group of it, is led to that one."""
        if not oversees(self.identity):
            abort(403)
        states = schools_by_state(self.db, self.identity) if self.identity.may("export", "hour_entry") else {}
        total = sum(states.values())
        if total <= 1:
            school = current_school_programme(self.db, self.identity)
            return redirect(url_for(".one", pk=school.id) if school is not None else url_for("SchoolResearchView.home"))
        turned = pager(read_state(request.args), total)
        schools = schools_page(self.db, self.identity, limit=turned.size, offset=(turned.page - 1) * turned.size, now=utcnow())
        return self.render_template(  # type: ignore[no-any-return]
            "research/schools.html",
            schools=[(school, Cell(_(school.state.label), badge=school.state.colour)) for school in schools],
            states=[(_(state.label), states.get(state, 0)) for state in SchoolState],
            total=total,
            now=moment_text(utcnow()),
            chart=_rates(schools),
            pager=turned,
        )

    @expose("/<int:pk>")
    @login_required
    def one(self, pk: int) -> Response:
        """One school, or those of its groups that the person answers for; teacher by teacher: ``views.research_persons``."""
        seen = seen_of(self, pk)
        progress = progress_of(self.db, self.identity, seen.school, seen.group_ids, seen.limits)
        return self.render_template(  # type: ignore[no-any-return]
            "research/progress.html",
            school=seen.school,
            state=Cell(_(seen.school.state.label), badge=seen.school.state.colour),
            now=moment_text(utcnow()),
            progress=progress,
            percent=share(progress.members.reached, progress.members.number),
            chart=_spread(progress),
            whole=seen.group_ids is None,
            target=seen.limits.target,
            sheets=[(name, _(sheet.label)) for name, sheet in SHEETS.items() if self._may_take(sheet, seen)],
            text_of=text_of,
        )

    @expose("/<int:pk>/export/<what>", methods=["POST"])
    @login_required
    def export(self, pk: int, what: str) -> Response:
        """One of the workbooks, as a stream."""
        seen = seen_of(self, pk)
        sheet = SHEETS.get(what) or abort(404)
        if not self._may_take(sheet, seen):
            abort(403)
        title, now = _(sheet.label), utcnow()
        columns = [SheetColumn(f"c{n}", _(label), kind, width=18) for n, (label, kind) in enumerate(sheet.columns)]  # type: ignore[arg-type]
        note = [(_("内容"), title), (_("学校"), seen.school.name), (_("导出人"), self.identity.label), (_("导出时间"), moment_text(now))]
        with tempfile.TemporaryDirectory() as folder, acting_as(self.identity.serving()):
            target = Path(folder) / "export.xlsx"
            count = write_xlsx(target, columns, sheet.rows(self.db, seen), note=note, sheet_title=title)
            note_table(self.db, sheet.act[0], "export", _("%(title)s：%(count)s 行", title=title, count=count))
            self.db.commit()
            size, stored = target.stat().st_size, target.open("rb")
        answer = send_file(stored, MIMETYPES["xlsx"], as_attachment=True, download_name=f"{title}-{seen.school.name}.xlsx", max_age=0)
        answer.content_length = size
        return answer

    def _may_take(self, sheet: Sheet, seen: Seen) -> bool:
        """Whoever may export that table anywhere takes what lies in their own groups, or the whole school."""
        table = sheet.act[1]
        reaches = self.identity.reaches("export", table, seen.school.scope_path)
        return reaches or (seen.group_ids is not None and self.identity.may("export", table))


def _spread(progress: Progress) -> dict[str, Any]:
    labels, counts = zip(*progress.spread, strict=True)
    return {"labels": labels, "series": [{"name": _("人数"), "kind": "bar", "values": counts}]}


def _rates(schools: Sequence[SchoolFigures]) -> dict[str, Any]:
    values = [school.percent for school in schools]
    return {"labels": [school.name for school in schools], "series": [{"name": _("达标率"), "kind": "bar", "values": values}]}


# --- workbooks --------------------------------------------------------------------------------------------------------


def _hours_rows(db: Any, seen: Seen) -> Iterable[Sequence[object]]:
    named = select(ResearchGroup.id, ResearchGroup.name).where(*of_groups(seen.school, seen.group_ids))
    names = {group_id: name for group_id, name in db.execute(named)}
    for person in persons_of(db, current_identity(), seen.school, seen.limits, Wanted(seen.group_ids)):
        groups = "、".join(names[group] for group in person.group_ids)
        yield person.name, groups, person.raw, person.counted, person.missing, _("已达标") if person.is_reached else _("未达标")


def _activity_rows(db: Any, seen: Seen) -> Iterable[Sequence[object]]:
    for row in _streamed(db, activity_records(seen.school, seen.group_ids)):
        yield *row[:4], _(row.kind.label), row.hours, _(row.state.label), row.joined_at, row.completed_at


def _evidence_rows(db: Any, seen: Seen) -> Iterable[Sequence[object]]:
    for row in _streamed(db, evidence_records(seen.school, seen.group_ids)):
        slot = slot_of(tables_with_files()[row.owner_table], row.slot)
        label = _(slot.label) if slot is not None else ""
        yield row.group, row.activity, _(row.kind.label), row.teacher or "", label, row.name, size_text(row.size), row.uploaded_at


def _streamed(db: Any, statement: Any) -> Any:
    if count_of(db, statement) > MOST_ROWS:
        raise RuleViolation("记录超过 {most} 条，请在整校推进页面使用“归档”。", most=MOST_ROWS)
    return db.execute(statement, execution_options=BATCH)


SHEETS = {
    "hours": Sheet(
        "成员学时",
        (HourEntry, "hour_entry"),
        (("姓名", "text"), ("教研组", "text"), ("已累计", "decimal"), ("计入", "decimal"), ("还差", "decimal"), ("是否达标", "text")),
        _hours_rows,
    ),
    "activities": Sheet(
        "活动记录",
        (Participation, "participation"),
        (
            ("姓名", "text"),
            ("教研组", "text"),
            ("研修专题", "text"),
            ("研修活动", "text"),
            ("活动类型", "text"),
            ("学时", "decimal"),
            ("参与状态", "text"),
            ("参与时间", "datetime"),
            ("完成时间", "datetime"),
        ),
        _activity_rows,
    ),
    "evidence": Sheet(
        "佐证材料清单",
        (Participation, "participation"),
        (
            ("教研组", "text"),
            ("研修活动", "text"),
            ("活动类型", "text"),
            ("姓名", "text"),
            ("材料类型", "text"),
            ("文件名", "text"),
            ("大小", "text"),
            ("上传时间", "datetime"),
        ),
        _evidence_rows,
    ),
}

ENTRIES.append(Entry("校本研修", "学时进展", "chart-histogram", "ResearchProgressView.overview", 3, oversees))
