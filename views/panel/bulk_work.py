"""What a worker does for a bulk act: record by record, each a decision of its own under the rules and the post of that moment.

The one thing a newcomer gets wrong: nothing is collected in memory. What is done and what was refused stands in the job's records the
moment it happens, so whoever takes the job over goes on with the rest.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import ObjectDeletedError

from models.base import utcnow
from models.fields import exported_fields
from models.history import note_table
from models.jobs import BulkOutcome
from models.scoping import SYSTEM, acting_as
from models.violation import NotPermitted, OutOfReach, RuleViolation
from rules.bulk import counts, not_done, open_records, set_aside, tick
from rules.jobs import JobLost
from views.panel.cells import visible
from views.panel.excel.columns import SheetColumn
from views.panel.excel.sheets import SheetRows, sheet_column
from views.panel.excel.writer import write_xlsx
from views.panel.listing import lean
from views.panel.security import POST_ENDED, identity_of
from views.panel.verbs import Verb
from views.panel.words import refused, told

if TYPE_CHECKING:
    from views.panel.excel.work import Work
    from views.panel.screens import PanelView

log = logging.getLogger(__name__)
AT_A_TIME = 50
"""After so many records the post is asked for again."""
PATIENCE = 6
"""How often a database that lets nobody write is tried again, 15 seconds each time; somebody's import may be at work in it."""
BUSY_SECONDS, FREE_SECONDS = 0.6, 0.11
ROWS_A_BATCH = 500
ENDED_HALFWAY = "创建任务时的岗位已经结束，其余的没有办理。"
GONE = "记录已不存在，或已不在您的管理范围内。"
NO_LONGER_MEANT = "确认之后有了变化，已不符合当时的筛选条件，没有办理。"


def attempt(view: PanelView, verb: Verb, row: Any, values: Mapping[str, str], first: Callable[[], None] = lambda: None) -> str:
    """Do the verb with one record, ``first`` in its transaction; the answer says why not, nothing when it is done."""
    run = verb.run_in_bulk or verb.run
    try:
        if not view.reaches(verb.act, row):
            return _("这条记录不在您的管理范围内。")
        if not verb.shown(row):
            return _("以这条记录现在的情况，不能“%(verb)s”。", verb=_(verb.label))
        first()
        run(view.db, view.identity, row, values, utcnow())
        view.db.commit()
    except (JobLost, OperationalError):
        view.db.rollback()
        raise
    except Exception as error:
        view.db.rollback()
        return _why(error)
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, RuleViolation):
        return refused(error)
    if isinstance(error, NotPermitted):
        return told(error.sentence) or _("您的岗位没有这项权限。")
    if isinstance(error, (OutOfReach, ObjectDeletedError)):
        return _(GONE)
    reference = secrets.token_hex(4).upper()
    log.error("reference %s: one record of a bulk act", reference, exc_info=error)
    return _("处理时出错，错误编号 %(reference)s。", reference=reference)


def do_bulk(work: Work) -> None:
    """Do what is left of a bulk act, then tell how all of it came out."""
    BulkRun(work).finish()


class BulkRun:
    """One worker's turn at a bulk act."""

    def __init__(self, work: Work) -> None:
        self.work, self.session, self.view, self.job = work, work.session, work.view, work.job
        self.verb: Verb = self.view.bulk_verbs()[self.job.details["verb"]]
        known = counts(self.session, self.job.id)
        if not known:
            raise RuleViolation("这次批量办理已过期，请到列表重新选择。")
        self.settled = self.job.total - known.get(None, 0)
        self._since = time.monotonic()

    def finish(self) -> None:
        """Record by record to the end; a database that lets nobody write is waited for."""
        failures = 0
        while True:
            try:
                left = open_records(self.session, self.job.id, AT_A_TIME)
                if not left:
                    break
                self._do_some(left)
                self._let_others_write()
                failures = 0
            except OperationalError:
                self.session.rollback()
                failures += 1
                if failures > PATIENCE:
                    raise
                time.sleep(1)
        done = counts(self.session, self.job.id).get(BulkOutcome.DONE, 0)
        rest = self.job.total - done
        message = _("已办理 %(done)s 条，未办理 %(rest)s 条。", done=done, rest=rest)
        self.work.finish(message, done=self.job.total, total=self.job.total, **(self._workbook() if rest else {}))

    def _let_others_write(self) -> None:
        """SQLite has one writer, and whoever waits for it only looks every tenth of a second: leave that much time free."""
        if time.monotonic() - self._since > BUSY_SECONDS and self.session.get_bind().dialect.name == "sqlite":
            time.sleep(FREE_SECONDS)
            self._since = time.monotonic()

    def _do_some(self, left: Sequence[tuple[int, int]]) -> None:
        """The next few, as the person at the post they asked as; RuleViolation when it has ended."""
        self.session.expunge_all()
        with acting_as(SYSTEM):
            person = identity_of(self.session, self.job, ENDED_HALFWAY if self.settled else POST_ENDED)
        with acting_as(person):
            rows = self._rows(left)
            for place, row_id in left:
                if row_id in rows:
                    self._do_one(place, rows[row_id])

    def _rows(self, left: Sequence[tuple[int, int]]) -> dict[int, Any]:
        """The records that are still meant, by id; the others are set aside."""
        ours = self.view.model.id.in_([row_id for _place, row_id in left])
        still = self.view.listing_of(self.job.details["query"]).conditions()
        found = self.session.scalars(select(self.view.model).where(ours, *still).options(*lean(self.view.model))).unique()
        rows = {row.id: row for row in found}
        if len(rows) < len(left):
            reached = set(self.session.scalars(select(self.view.model.id).where(ours)))
            self._skip([place for place, row_id in left if row_id not in reached], GONE)
            self._skip([place for place, row_id in left if row_id in reached and row_id not in rows], NO_LONGER_MEANT)
        return rows

    def _skip(self, places: Sequence[int], sentence: str) -> None:
        if places:
            set_aside(self.session, self.work.run, places, BulkOutcome.SKIPPED, _(sentence))
            self._count(len(places))

    def _do_one(self, place: int, row: Any) -> None:
        first = partial(tick, self.session, self.work.run, place)
        if why := attempt(self.view, self.verb, row, self.job.details["values"], first):
            set_aside(self.session, self.work.run, [place], BulkOutcome.REFUSED, why)
        self._count(1)

    def _count(self, more: int) -> None:
        self.settled += more
        self.work.progress(self.settled, self.job.total, _("正在办理"))

    # --- those not done -----------------------------------------------------------------------------------------------

    def _workbook(self) -> dict[str, str]:
        """The records not done, in the columns of the list as this person sees them, each with the reason."""
        view, target = self.view, self.work.folder / "result"
        fields = [f for f in exported_fields(view.model) if f.name in view.screen.list and visible(f, view.identity, view.table)]
        sheet = SheetRows(self.session, view.identity, view.model, fields, view.words)
        columns = [SheetColumn("row", _("编号"), "int"), *map(sheet_column, fields)]
        columns += [SheetColumn("outcome", _("结果"), "text"), SheetColumn("reason", _("原因"), "longtext", width=60)]
        note: list[tuple[str, str]] = [(_("内容"), self.job.title), (_("岗位"), view.identity.label)]
        count = write_xlsx(target, columns, self._lines(sheet, len(fields)), note=note, sheet_title=_("未办理"))
        note_table(self.session, view.model, "export", _("%(count)s 行；%(title)s，未办理的记录", count=count, title=self.job.title))
        name = f"{self.job.title}_{_('未办理')}.xlsx".replace("：", "_").replace(": ", "_")
        return {"file_key": self.work.store.put(target, now=utcnow()), "file_name": name[-100:]}

    def _lines(self, sheet: SheetRows, width: int) -> Iterator[Sequence[object]]:
        place = 0
        while some := not_done(self.session, self.job.id, place, ROWS_A_BATCH):
            ids = self.view.model.id.in_([row_id for _place, row_id, _outcome, _reason in some])
            rows = self.session.execute(select(*sheet.columns).where(ids)).all()
            cells = dict(zip((row[0] for row in rows), sheet.cells(rows), strict=True))
            for _place, row_id, outcome, reason in some:
                yield (row_id, *cells.get(row_id, (None,) * width), _(outcome.label), reason)
            place = some[-1][0]
