"""What a worker does for each kind of job: write an export, check an upload, apply it, act in bulk, write an archive.

It runs inside an application context, under the identity of the job's post, in the person's language. The one thing a newcomer
gets wrong: the job is finished in the transaction of its work, so a killed worker or a wish to stop leaves nothing half done.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utcnow
from models.jobs import Job, JobKind, JobState
from models.scoping import SYSTEM, acting_as
from models.violation import RuleViolation
from rules.files_store import FileStore
from rules.jobs import Run, finish
from views.panel.bulk_work import do_bulk
from views.panel.excel.applying import CHANGED_MEANWHILE, WriteRefused, blame, write_lines
from views.panel.excel.archive import archive
from views.panel.excel.exporting import Asked, Export
from views.panel.excel.importing import Importer, Line
from views.panel.excel.reader import Sheet, open_sheet
from views.panel.excel.report import Report, counts_in_words

if TYPE_CHECKING:
    from views.panel.screens import PanelView


class Progress(Protocol):
    """Tells how far the work has come; raises JobLost when it is to end."""

    def __call__(self, done: int, total: int = ..., message: str = ...) -> None: ...


class Failure(Exception):
    """The job cannot be done: the sentence, and what the job keeps of it (the workbook that shows why)."""

    def __init__(self, sentence: str, **kept: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.kept = sentence, kept


@dataclass(frozen=True)
class Work:
    """One job being done."""

    job: Job
    run: Run
    progress: Progress
    folder: Path

    @property
    def view(self) -> PanelView:
        return current_app.extensions["panel"][self.job.details["table"]]  # type: ignore[no-any-return]

    @property
    def session(self) -> Session:
        return self.view.db

    @property
    def store(self) -> FileStore:
        return current_app.extensions["files"]  # type: ignore[no-any-return]

    def finish(self, message: str, **values: Any) -> None:
        """End the job and commit all it did, together."""
        with acting_as(SYSTEM):
            finish(self.session, self.run, message=message, now=utcnow(), **values)
        self.session.commit()


def do(job: Job, run: Run, progress: Progress) -> None:
    """Do the work of ``job``; what is raised is told to its owner by the caller."""
    with tempfile.TemporaryDirectory() as folder:
        WORK[job.kind](Work(job, run, progress, Path(folder)))


# --- exports ----------------------------------------------------------------------------------------------------------


def _export(work: Work) -> None:
    export = Export(work.view, Asked(**work.job.details["asked"]))
    target = work.folder / "export"
    work.progress(0, work.job.total, _("正在导出"))
    count = export.write(target, now=utcnow(), on_progress=work.progress)
    key = work.store.put(target, now=utcnow())
    name = export.file_name(work.job.created_at)
    work.finish(_("已导出 %(count)s 行。", count=count), done=count, total=count, file_key=key, file_name=name)


# --- imports ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Upload:
    """The uploaded sheet, and who judges it."""

    path: Path
    sheet: Sheet
    importer: Importer


def _upload(work: Work) -> Upload:
    if work.job.source_key is None:
        raise FileNotFoundError
    path = work.store.fetch(work.job.source_key, work.folder / "upload")
    sheet, view = open_sheet(path), work.view
    mapping = {int(at): name for at, name in work.job.details["mapping"].items() if int(at) < len(sheet.header)}
    return Upload(path, sheet, Importer(work.session, view.identity, view.model, mapping, view.words))


def _examine(work: Work, upload: Upload, keep: Callable[[Line], None]) -> Report:
    report = Report(upload.importer, upload.sheet)
    told = partial(work.progress, total=upload.sheet.row_count, message=_("正在检查"))
    for line in upload.importer.examine(upload.sheet.rows(), told):
        report.add(line)
        keep(line)
    return report


def _check(work: Work) -> None:
    upload = _upload(work)
    report = _examine(work, upload, lambda line: None)
    rows = upload.sheet.row_count
    work.finish(counts_in_words(report.counts), done=rows, total=rows, result=report.result(), **_workbook(work, upload, report))


def _apply(work: Work) -> None:
    upload = _upload(work)
    if not upload.importer.key and imported_before(work.session, work.job.details):
        raise RuleViolation("这个文件已经导入过，没有再次导入。")
    good: list[Line] = []
    report = _examine(work, upload, lambda line: good.append(line.slim()) if line.outcome in ("new", "changed") else None)
    if report.fingerprint != work.job.details["fingerprint"]:
        raise RuleViolation(CHANGED_MEANWHILE)
    if report.counts["refused"] and not work.job.details["good_only"]:
        raise RuleViolation("有 {count} 行未通过，没有导入任何一行。", count=report.counts["refused"])
    files = _workbook(work, upload, report)
    _write(work, upload, report, good)
    rows = upload.sheet.row_count
    work.finish(counts_in_words(report.counts), done=rows, total=rows, result=report.result(), **files)


def _write(work: Work, upload: Upload, report: Report, good: list[Line]) -> None:
    session, model = work.session, work.view.model
    session.info.update(batch=f"job-{work.job.id}", comment=_("导入：%(name)s", name=work.job.details["file_name"]))
    try:
        write_lines(session, model, good, partial(work.progress, total=len(good), message=_("正在写入")))
    except WriteRefused as refused:
        blame(session, model, refused)
        for line in refused.lines:
            report.accuse(line)
        raise Failure(_("有记录未能写入，没有导入任何一行。请下载工作簿查看原因。"), **_workbook(work, upload, report)) from refused
    finally:
        session.info.pop("batch", None)
        session.info.pop("comment", None)


def _workbook(work: Work, upload: Upload, report: Report) -> dict[str, str]:
    """The user's own workbook with its faults, kept for download; nothing when no row has one."""
    made = report.workbook(upload.path, work.folder / "result")
    if made is None:
        return {}
    stem, _dot, suffix = work.job.details["file_name"].rpartition(".")
    return {"file_key": work.store.put(made, now=utcnow()), "file_name": f"{stem}_{_('导入结果')}.{suffix}"[-100:]}


def imported_before(session: Session, details: dict[str, Any]) -> Job | None:
    """The person's earlier import of the very same file into the same table, if there was one."""
    done = select(Job).where(Job.kind == JobKind.IMPORT_APPLY, Job.state == JobState.DONE).order_by(Job.id.desc()).limit(200)
    same = ("table", "sha256")
    return next((job for job in session.scalars(done) if all(job.details.get(name) == details[name] for name in same)), None)


WORK: dict[JobKind, Callable[[Work], None]] = {
    JobKind.EXPORT: _export,
    JobKind.IMPORT_CHECK: _check,
    JobKind.IMPORT_APPLY: _apply,
    JobKind.BULK: do_bulk,
    JobKind.ARCHIVE: archive,
}
