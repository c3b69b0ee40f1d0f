"""Export and import of a declared table, as a person meets them.

An import is three pages: the file, its columns, what would happen. Until the person says so on the third, nothing is written. The
one thing a newcomer gets wrong: the second page carries only a signed note of where the upload is kept; the sheet is read again.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from flask import abort, current_app, flash, redirect, request, send_file, url_for
from flask_appbuilder import expose, has_access
from flask_babel import get_locale
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from models.base import utcnow
from models.jobs import Job, JobKind, JobState
from models.violation import RuleViolation
from rules.jobs import WAITS, ask_for, follow_up
from views.panel.cells import moment_text
from views.panel.excel.exporting import MIMETYPES, MOST_AT_ONCE, Export, read_asked
from views.panel.excel.import_pages import Matching, check_chosen, check_page, check_template, match, match_page, read_chosen, upload_page
from views.panel.excel.package import ZIP_START, starts_with
from views.panel.excel.reader import open_sheet
from views.panel.excel.sheets import template_columns
from views.panel.excel.template import write_template
from views.panel.excel.work import imported_before
from views.panel.pages import Button, ConfirmPage
from views.panel.words import refused
from views.worker import give_out, start

if TYPE_CHECKING:
    from views.panel.screens import PanelView

    Base = PanelView
else:
    Base = object

TOKEN_SECONDS = 24 * 3600


class ExcelMixin(Base):
    """The export and import screens of a declared table."""

    # --- export -------------------------------------------------------------------------------------------------------

    @expose("/export", methods=["GET", "POST"])
    @has_access
    def export(self) -> Response:
        """This page, the selection or all that matches: at once, or as a job when it is large."""
        asked = read_asked(request.values, request.query_string.decode())
        export = Export(self, asked)
        count = export.count()
        if count <= MOST_AT_ONCE:
            return self._download(export)
        if request.method == "GET":
            return self._confirm_export(count)
        title = _("%(label)s导出", label=_(self.screen.label))
        job = self._ask(JobKind.EXPORT, title, count, {"asked": asked.details()})
        give_out(current_app._get_current_object(), job.id)  # type: ignore[attr-defined]
        return redirect(url_for("job.show", pk=job.id), 303)

    def _download(self, export: Export) -> Response:
        now = utcnow()
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "export"
            export.write(target, now=now)
            self.db.commit()
            size, stored = target.stat().st_size, target.open("rb")
        answer = send_file(stored, MIMETYPES[export.asked.format], as_attachment=True, download_name=export.file_name(now))
        answer.content_length = size
        return answer

    def _confirm_export(self, count: int) -> Response:
        button = Button(_("导出"), self.url("export"), "download", "primary", "post")
        message = _("共 %(count)s 行，将转为后台任务，完成后在“导出管理”里下载。", count=count)
        values = (*request.args.items(multi=True), ("query", request.query_string.decode()))
        page = ConfirmPage(_("导出"), message, button, self.url("list"), values=values)
        return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]

    # --- import -------------------------------------------------------------------------------------------------------

    @expose("/import", methods=["GET", "POST"])
    @has_access
    def upload(self) -> Response:
        """The first page, and from its file the second."""
        if request.method == "GET":
            return self._import_page(upload_page(self))
        try:
            return self._received()
        except RuleViolation as refusal:
            return self._import_page(upload_page(self, refused(refusal)), 422)

    def _received(self) -> Response:
        given = request.files.get("file")
        if given is None or not given.filename:
            raise RuleViolation("请选择要导入的文件。", "file")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"
            given.save(path)
            sheet = open_sheet(path)
            check_template(self, sheet, current_app.extensions["panel"])
            suffix = ".xlsx" if starts_with(path, ZIP_START) else ".csv"
            upload = {
                "table": self.table,
                "account": self.identity.account_id,
                "key": current_app.extensions["files"].put(path, now=utcnow()),
                "name": _plain_stem(given.filename) + suffix,
                "sha256": _digest(path),
                "rows": sheet.row_count,
            }
            page = match_page(self, sheet, match(self, sheet.header), token=_tokens().dumps(upload), file_name=upload["name"])
        return self._import_page(page)

    @expose("/import/template")
    @has_access
    def template(self) -> Response:
        """The workbook to fill in."""
        columns = template_columns(self.db, self.identity, self.model)
        version = hashlib.sha256(repr(columns).encode()).hexdigest()[:8]
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "template.xlsx"
            write_template(target, columns, title=_(self.screen.label), model_key=self.table, version=version)
            stored = target.open("rb")
        name = _("%(label)s_导入模板", label=_(self.screen.label))
        return send_file(stored, MIMETYPES["xlsx"], as_attachment=True, download_name=f"{name}.xlsx")

    @expose("/import/check", methods=["POST"])
    @expose("/import/<int:pk>")
    @has_access
    def check_import(self, pk: int | None = None) -> Response:
        """Start the dry run with the columns as chosen; afterwards the third page."""
        if pk is None:
            return self._start_check()
        job = self._checked(pk)
        if job.state is not JobState.DONE:
            return redirect(url_for("job.show", pk=job.id))
        if applied := job.result.get("applied"):
            return redirect(url_for("job.show", pk=applied))
        return self._import_page(check_page(self, job))

    def _start_check(self) -> Response:
        upload = self._upload_of(request.form.get("token", ""))
        chosen = read_chosen(self, request.form)
        try:
            check_chosen(self, chosen)
        except RuleViolation as refusal:
            return self._match_again(upload, chosen, refused(refusal))
        details = {"mapping": {str(at): name for at, name in chosen.items()}, "file_name": upload["name"], "sha256": upload["sha256"]}
        title = _("导入检查：%(name)s", name=upload["name"])
        job = self._ask(JobKind.IMPORT_CHECK, title, upload["rows"], details, upload["key"])
        if earlier := imported_before(self.db, job.details):
            flash(_("这个文件在 %(when)s 导入过一次。", when=moment_text(earlier.created_at)), "warning")
        start(current_app._get_current_object(), job)  # type: ignore[attr-defined]
        return redirect(self.url("check_import", pk=job.id, _method="GET"), 303)

    def _match_again(self, upload: dict[str, Any], chosen: dict[int, str], error: str) -> Response:
        with tempfile.TemporaryDirectory() as folder:
            sheet = open_sheet(current_app.extensions["files"].fetch(upload["key"], Path(folder) / "upload"))
            matching = Matching(chosen, match(self, sheet.header).notes)
            page = match_page(self, sheet, matching, token=request.form["token"], file_name=upload["name"], error=error)
        return self._import_page(page, 422)

    @expose("/import/<int:pk>/apply", methods=["POST"])
    @has_access
    def apply_import(self, pk: int) -> Response:
        """Write what the check found: everything, or the good rows only."""
        check = self._checked(pk)
        if check.state is not JobState.DONE:
            abort(409, _("检查还没有完成。"))
        good_only = request.form.get("mode") == "good"
        counts = check.result["counts"]
        if counts.get("refused") and not good_only:
            abort(409, _("有 %(count)s 行未通过：改好后重新上传，或只导入通过的行。", count=counts["refused"]))
        details = {**check.details, "fingerprint": check.result["fingerprint"], "good_only": good_only}
        title = _("导入：%(name)s", name=check.details["file_name"])
        job = self._job(JobKind.IMPORT_APPLY, title, check.total, details, check.source_key)
        follow_up(self.db, self.identity, check, job)
        start(current_app._get_current_object(), job)  # type: ignore[attr-defined]
        return redirect(url_for("job.show", pk=job.id), 303)

    # --- what they share ----------------------------------------------------------------------------------------------

    def _import_page(self, page: dict[str, Any], status: int = 200) -> Response:
        return self.render_template("panel/import.html", **page), status  # type: ignore[return-value]

    def _job(self, kind: JobKind, title: str, total: int, details: dict[str, Any], source_key: str | None = None) -> Job:
        details = {**details, "table": self.table, "locale": str(get_locale())}
        return Job(title=title[:100], kind=kind, total=total, message=_(WAITS), details=details, source_key=source_key)

    def _ask(self, kind: JobKind, title: str, total: int, details: dict[str, Any], source_key: str | None = None) -> Job:
        return ask_for(self.db, self.identity, self._job(kind, title, total, details, source_key))

    def _checked(self, pk: int) -> Job:
        """The person's own check of an upload into this table, or 404."""
        job = self.db.get(Job, pk)
        if job is None or job.kind is not JobKind.IMPORT_CHECK or job.details.get("table") != self.table:
            abort(404)
        return job

    def _upload_of(self, token: str) -> dict[str, Any]:
        try:
            upload: dict[str, Any] = _tokens().loads(token, max_age=TOKEN_SECONDS)
        except BadData:
            abort(400, _("上传已过期，请重新上传。"))
        if upload["table"] != self.table or upload["account"] != self.identity.account_id:
            abort(404)
        return upload


def _tokens() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="import")


def _plain_stem(file_name: str) -> str:
    """What a person called their file, without folders, ending and anything a name must not hold."""
    stem = PurePosixPath(file_name.replace("\\", "/")).stem
    return "".join(c for c in stem if c.isprintable()).strip(".")[:60] or "upload"


def _digest(path: Path) -> str:
    with path.open("rb") as stored:
        return hashlib.file_digest(stored, "sha256").hexdigest()
