"""What a worker does for an archive: every record of a school's programme, one workbook a table, and every file, in one ZIP.

Drafts and hidden comments are in it for whom they are not kept from (``models.kept``).
The one thing a newcomer gets wrong: nothing is held in memory. Rows stream into a workbook on the disk, files from the store into the
ZIP; what is killed starts anew, because until the end there is no file anybody could take for whole. It is not taken up halfway: a ZIP
tells what it holds at its very end, and rows written before and after a pause would be no picture of one moment.
"""

from __future__ import annotations

import errno
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import and_, func, select

from models.activities import Activity, Comment, Evaluation, Participation, Rubric, Topic
from models.base import table_name, utcnow
from models.fields import exported_fields
from models.files import Attachment, Blob, slots_of
from models.history import note
from models.hours import HourEntry, Programme
from models.kept import is_open
from models.outcomes import AbilitySummary, ImprovementPlan, Outcome
from models.research import GroupPlan, RemovalRequest, ResearchGroup, ScaleScore, SchoolProgramme
from models.scoping import Identity, acting_as, below
from rules.files_store import CHUNK
from views.panel.cells import moment_text
from views.panel.excel.archive_lists import BATCH, CRITERIA, STARS, decisions_on, members_of, stars_told
from views.panel.excel.columns import SheetColumn
from views.panel.excel.sheets import SheetRows, sheet_column
from views.panel.excel.writer import write_xlsx

if TYPE_CHECKING:
    from views.panel.excel.work import Work

LONGEST_NAME = 80
NOT_IN_A_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]')
"""What Windows takes in no name, and what makes one read as another."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
BY_GROUP = (GroupPlan, Topic, Rubric, Activity, Outcome)
BY_ACTIVITY = (Participation, Comment, Evaluation)
BY_SCHOOL = (ResearchGroup, ImprovementPlan, AbilitySummary, RemovalRequest, ScaleScore)
NO_ROOM = "磁盘空间不足，没有生成归档。请联系平台运营清理空间后重试。"


def plain_name(name: str, ending: str = "") -> str:
    """``name`` as a part of a path that every system can unpack; Chinese stays Chinese."""
    stem = NOT_IN_A_NAME.sub("_", name).strip(" .")[:LONGEST_NAME].rstrip(" .") or "_"
    return (f"_{stem}" if RESERVED.fullmatch(stem) else stem) + ending


def archive(work: Work) -> None:
    """Write the ZIP of the job's school programme and keep it; what is missing in the store is told, not hidden."""
    from views.panel.excel.work import Failure

    school = work.session.get(SchoolProgramme, work.job.details["row"])
    if school is None:
        raise Failure(_("记录已不存在，或已不在您的管理范围内。"))
    # Asked for now: while a service writes for the person, everything is open.
    identity = work.view.identity
    identity.require("export", "school_programme", school.scope_path)
    target = work.folder / "archive.zip"
    try:
        with acting_as(identity.serving()):
            archiving = Archive(work, school, identity)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as pack:
                lost = archiving.write(pack)
        key = work.store.put(target, now=utcnow())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Failure(_(NO_ROOM)) from error
        raise
    with acting_as(identity.serving()):
        note(work.session, school, "archive")
    told = _("已归档 %(rows)s 条记录、%(files)s 个文件。", rows=archiving.rows, files=archiving.files)
    missing = _("有 %(count)s 个文件在存储中找不到，已列在附件清单里。", count=lost) if lost else ""
    name = plain_name(school.name, f"_{_('归档')}.zip")
    work.finish(told + missing, done=archiving.total, total=archiving.total, file_key=key, file_name=name)


class Archive:
    """One ZIP being written: workbooks first, then the files, then the list of the files."""

    def __init__(self, work: Work, school: SchoolProgramme, identity: Identity) -> None:
        self.work, self.school, self.identity = work, school, identity
        self.rows = self.files = self.done = 0
        kept = {model: is_open(model, identity) for model in (Topic, Activity, Outcome, Comment)}
        self.tables = {m: c if (opened := kept.get(m)) is None else and_(c, opened) for m, c in conditions_of(school)}
        self.lists = (members_of(school, work.session.get_one(Programme, school.programme_id)), decisions_on(self.tables))
        self.total = sum(one.count(work.session) for one in self.lists)
        self.total += sum(work.session.scalar(select(func.count()).select_from(m).where(c)) or 0 for m, c in self.tables.items())
        self.total += work.session.scalar(select(func.count()).select_from(self._attached().order_by(None).subquery())) or 0

    def write(self, pack: zipfile.ZipFile) -> int:
        """All of it; the answer is how many files the store no longer has."""
        for number, model in enumerate(self.tables, 1):
            self._table(pack, number, model)
        for number, one in enumerate(self.lists, len(self.tables) + 1):
            self._workbook(pack, number, _(one.label), one.sheet_columns(), one.rows(self.work.session))
        told, lost = self._attachments(pack)
        self._list(pack, told)
        return lost

    def _tell(self, done: int, message: str) -> None:
        self.work.progress(done, self.total, message)

    # --- records ------------------------------------------------------------------------------------------------------

    def _table(self, pack: zipfile.ZipFile, number: int, model: type[Any]) -> None:
        view = current_app.extensions["panel"][table_name(model)]
        label, fields = _(model.__screen__.label), exported_fields(model)
        sheet = SheetRows(self.work.session, self.identity, model, fields, view.words)
        columns = [sheet_column(field) for field in fields]
        statement = select(*sheet.columns).where(self.tables[model]).order_by(model.id)
        if model is Evaluation:
            columns, statement = [*columns, replace(STARS, label=_(STARS.label))], statement.add_columns(CRITERIA, Evaluation.stars)
        self._workbook(pack, number, label, columns, self._streamed(sheet, statement))

    def _workbook(
        self, pack: zipfile.ZipFile, number: int, label: str, columns: Sequence[SheetColumn], rows: Iterator[Sequence[object]]
    ) -> None:
        target = self.work.folder / "table.xlsx"
        before, told = self.done, _("正在写入：%(label)s", label=label)
        count = write_xlsx(
            target, columns, rows, note=self._note(label), sheet_title=label, on_progress=lambda n: self._tell(before + n, told)
        )
        self.rows, self.done = self.rows + count, self.done + count
        pack.write(target, f"{_('记录')}/{number:02d}_{plain_name(label)}.xlsx", zipfile.ZIP_STORED)
        target.unlink()

    def _streamed(self, sheet: SheetRows, statement: Any) -> Iterator[Sequence[object]]:
        """The cells of each row; the stars are told last where they were asked for."""
        width = len(sheet.columns)
        for rows in self.work.session.execute(statement, execution_options={"yield_per": BATCH}).partitions():
            cells = sheet.cells([row[:width] for row in rows])
            yield from ((*cell, stars_told(*row[width:])) for cell, row in zip(cells, rows, strict=True)) if width < len(rows[0]) else cells

    def _note(self, label: str) -> list[tuple[str, str]]:
        return [
            (_("内容"), label),
            (_("学校"), self.school.name),
            (_("岗位"), self.identity.label),
            (_("导出时间"), moment_text(utcnow())),
        ]

    # --- files --------------------------------------------------------------------------------------------------------

    def _attached(self) -> Any:
        """The files of all those records, table by table."""
        columns = (Attachment.id, Attachment.owner_table, Attachment.owner_id, Attachment.slot, Attachment.name, Blob.key, Blob.size)
        found = select(*columns, Attachment.uploaded_at).join(Blob, Blob.id == Attachment.blob_id)
        ours = [
            (Attachment.owner_table == table_name(model))
            & Attachment.slot.in_(open_slots)
            & Attachment.owner_id.in_(select(model.id).where(condition))  # type: ignore[attr-defined]
            for model, condition in self.tables.items()
            if (open_slots := [slot.name for slot in slots_of(model) if not slot.act])
        ]
        either = ours[0]
        for one in ours[1:]:
            either = either | one
        return found.where(either).order_by(Attachment.owner_table, Attachment.owner_id, Attachment.slot, Attachment.rank, Attachment.id)

    def _attachments(self, pack: zipfile.ZipFile) -> tuple[list[tuple[object, ...]], int]:
        models = {table_name(model): model for model in self.tables}
        told: list[tuple[object, ...]] = []
        lost = 0
        for row in self.work.session.execute(self._attached()).all():
            model = models[row.owner_table]
            label = _(model.__screen__.label)
            slot = next((_(slot.label) for slot in slots_of(model) if slot.name == row.slot), row.slot or "")
            path = self._path(label, row, slot)
            is_there = self._copy(pack, row.key, path)
            lost += not is_there
            self.files += is_there
            self.done += 1
            told.append((label, row.owner_id, slot, row.name, row.size, row.uploaded_at, path if is_there else _("在存储中找不到")))
        return told, lost

    def _path(self, label: str, row: Any, slot: str) -> str:
        """Numbers of record and file make it one of a kind, whatever the names are."""
        stem, dot, ending = row.name.rpartition(".")
        name = plain_name(stem, f".{plain_name(ending)[:10]}") if dot and stem else plain_name(row.name)
        return "/".join((_("文件"), plain_name(label), str(row.owner_id), plain_name(slot), f"{row.id}_{name}"))

    def _copy(self, pack: zipfile.ZipFile, key: str, path: str) -> bool:
        """Into the ZIP as it is, a chunk at a time, any size; False when the store has it no more."""
        told = _("正在打包文件")
        try:
            source = self.work.store.open(key)
        except FileNotFoundError:
            return False
        entry = zipfile.ZipInfo(path, utcnow().timetuple()[:6])
        entry.compress_type = zipfile.ZIP_STORED
        with source, pack.open(entry, "w", force_zip64=True) as part:
            for chunk in iter(partial(source.read, CHUNK), b""):
                part.write(chunk)
                self._tell(self.done, told)
        return True

    def _list(self, pack: zipfile.ZipFile, told: Sequence[tuple[object, ...]]) -> None:
        kinds = (
            ("记录类型", "text"),
            ("记录编号", "int"),
            ("材料类型", "text"),
            ("文件名", "text"),
            ("字节数", "int"),
            ("上传时间", "datetime"),
            ("位置", "text"),
        )
        columns = [SheetColumn(f"c{n}", _(label), kind, width=20) for n, (label, kind) in enumerate(kinds)]  # type: ignore[arg-type]
        target: Path = self.work.folder / "files.xlsx"
        write_xlsx(target, columns, told, note=self._note(_("附件清单")), sheet_title=_("附件清单"))
        pack.write(target, f"{_('附件清单')}.xlsx", zipfile.ZIP_STORED)


def conditions_of(school: SchoolProgramme) -> Iterator[tuple[type[Any], Any]]:
    """Every table with the condition that its row belongs to the school's programme."""
    groups = select(ResearchGroup.id).where(ResearchGroup.school_programme_id == school.id)
    activities = select(Activity.id).where(Activity.group_id.in_(groups))
    yield SchoolProgramme, SchoolProgramme.id == school.id
    for model in BY_SCHOOL:
        yield model, model.school_programme_id == school.id  # type: ignore[attr-defined]
    for model in BY_GROUP:
        yield model, model.group_id.in_(groups)  # type: ignore[attr-defined]
    for model in BY_ACTIVITY:
        yield model, model.activity_id.in_(activities)  # type: ignore[attr-defined]
    yield HourEntry, (HourEntry.programme_id == school.programme_id) & below(HourEntry.scope_path, school.scope_path)
