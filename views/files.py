"""Files over HTTP: uploads in pieces, downloads with ranges, previews in which nothing can act.

Whether somebody may have a file is asked of the record it hangs on, every time (``rules.files.attachment_for``). The one thing a
newcomer gets wrong: a file is only ever handed out as a download, under a policy that runs nothing; pictures, videos and PDFs
on our pages are drawn from there, which needs no more.
"""

from __future__ import annotations

from typing import IO, Any
from urllib.parse import quote

from flask import abort, current_app, g, jsonify, render_template, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from markupsafe import escape
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from models.base import row_id, utcnow
from models.files import Attachment, FileSlot, Upload, slot_of, tables_with_files
from models.violation import RuleViolation
from rules.files import attachment_for, closed_slot_of, discard, note_opening
from rules.files_store import FileStore
from rules.previews import NOT_SHOWN, check_docx, docx_html, office_pdf, shown_as, text_of
from rules.uploads import MB, begin_upload, cancel_upload, continue_upload, finish_upload, upload_for
from views.pages import PageView
from views.panel.attaching import file_line, file_told
from views.panel.words import refused, told

PIECE = 8 * MB
"""How much a browser sends at once."""
NOTHING_RUNS = "sandbox; default-src 'none'; frame-ancestors 'self'"
DOCUMENT_ONLY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"


def contain(answer: Response) -> Response:
    """``after_request``: what was uploaded goes out under the policy its view asked for."""
    if policy := g.get("content_policy"):
        answer.headers["Content-Security-Policy"] = policy
    return answer


class FilesView(PageView):
    """Uploading, downloading and looking at files."""

    route_base = "/files"

    # --- uploads: JSON for the script ---------------------------------------------------------------------------------

    @expose("/uploads", methods=["POST"])
    @login_required
    def begin(self) -> Response:
        """Announce a file; the answer says where its pieces go and how large they may be."""
        given = request.get_json(silent=True)
        given = given if isinstance(given, dict) else {}
        name, size = given.get("name"), given.get("size")
        if not isinstance(name, str) or not isinstance(size, int):
            abort(400, _("请求内容应为 JSON 对象。"))
        upload = begin_upload(self.db, self.identity, name, size, slot=_slot(given.get("table"), given.get("slot")), now=utcnow())
        return _state(upload), 201  # type: ignore[return-value]

    @expose("/uploads/<pk>", methods=["GET"])
    @login_required
    def arrived(self, pk: str) -> Response:
        """How much has arrived: where to go on after a cut connection."""
        return _state(upload_for(self.db, self.identity, _number(pk)))

    @expose("/uploads/<pk>", methods=["PUT"])
    @login_required
    def piece(self, pk: str) -> Response:
        """The next piece, which follows on ``?offset=``."""
        offset = request.args.get("offset", "")
        if not offset.isdecimal() or (request.content_length or 0) > PIECE:
            abort(400)
        upload = continue_upload(self.db, self.identity, _store(), _number(pk), int(offset), request.get_data(cache=False), now=utcnow())
        return _state(upload)

    @expose("/uploads/<pk>/finish", methods=["POST"])
    @login_required
    def finish(self, pk: str) -> Response:
        """All pieces are there: the file as it can be hung on a record, or why it cannot be taken."""
        given = request.get_json(silent=True)
        slot = _slot(given.get("table"), given.get("slot")) if isinstance(given, dict) else None
        attachment = finish_upload(self.db, self.identity, _store(), _number(pk), slot=slot, now=utcnow())
        line = file_line(attachment)
        return jsonify({**file_told(attachment), "size_text": line.size, "icon": line.icon, "preview": line.preview_url})

    @expose("/uploads/<pk>", methods=["DELETE"])
    @login_required
    def cancel(self, pk: str) -> Response:
        """Think better of an upload that is on its way."""
        cancel_upload(self.db, self.identity, _store(), _number(pk))
        return jsonify({})

    @expose("/<pk>", methods=["DELETE"])
    @login_required
    def discard(self, pk: str) -> Response:
        """Throw away a file of one's own that hangs on no record."""
        discard(self.db, self.identity, _number(pk))
        return jsonify({})

    # --- downloads and previews ---------------------------------------------------------------------------------------

    @expose("/<pk>/<name>", methods=["GET"])
    @login_required
    def download(self, pk: str, name: str) -> Response:
        """The file under its own name, whole or in ranges."""
        attachment = self._attachment(pk, is_handed_out=True)
        return self._send(attachment, attachment.blob.key, attachment.blob.sha256, attachment.name, attachment.media_type)

    @expose("/<pk>/preview", methods=["GET"])
    @login_required
    def preview(self, pk: str) -> Response:
        """A page that shows the file, or says why it cannot."""
        attachment = self._attachment(pk)
        try:
            context = self._shown(attachment)
        except RuleViolation as refusal:
            context = {"how": "", "sentence": refused(refusal)}
        return render_template("files/preview.html", file=file_line(attachment), **context)  # type: ignore[return-value]

    def _shown(self, attachment: Attachment) -> dict[str, Any]:
        how = shown_as(attachment)
        if how == "text":
            self._note(attachment)
            with self._open(attachment.blob.key) as file:
                text, is_whole = text_of(file)
            return {"how": how, "text": text, "is_whole": is_whole}
        if how == "docx":
            with self._open(attachment.blob.key) as file:
                check_docx(file)
            return {"how": how, "source": self._url("document", attachment)}
        if how == "office":
            self._office(attachment)
            return {"how": "pdf", "source": self._url("as_pdf", attachment)}
        return {"how": how, "source": file_line(attachment).url, "sentence": told(NOT_SHOWN)}

    @expose("/<pk>/document", methods=["GET"])
    @login_required
    def document(self, pk: str) -> Response:
        """What stands in a .docx, for the closed frame of its preview."""
        attachment = self._attachment(pk, is_handed_out=True)
        if shown_as(attachment) != "docx":
            abort(404)
        try:
            with self._open(attachment.blob.key) as file:
                html = docx_html(file)
        except RuleViolation as refusal:
            html = escape(refused(refusal))
        g.content_policy = DOCUMENT_ONLY
        return render_template("files/document.html", html=html)  # type: ignore[return-value]

    @expose("/<pk>/as-pdf", methods=["GET"])
    @login_required
    def as_pdf(self, pk: str) -> Response:
        """The PDF that LibreOffice made of an Office document."""
        attachment = self._attachment(pk, is_handed_out=True)
        if shown_as(attachment) != "office":
            abort(404)
        return self._send(
            attachment, self._office(attachment), f"{attachment.blob.sha256}-pdf", f"{attachment.name}.pdf", "application/pdf"
        )

    def _office(self, attachment: Attachment) -> str:
        return office_pdf(self.db, self.identity, _store(), attachment, self.settings.office_command, now=utcnow())

    def _attachment(self, pk: str, *, is_handed_out: bool = False) -> Attachment:
        attachment = attachment_for(self.db, self.identity, _number(pk))
        if is_handed_out:
            self._note(attachment)
        return attachment

    def _note(self, attachment: Attachment) -> None:
        """What a closed slot holds is handed out with a line in the history of its record."""
        if (slot := closed_slot_of(attachment)) is not None:
            note_opening(self.db, self.identity, attachment, _(slot.label))

    def _open(self, key: str) -> IO[bytes]:
        try:
            return _store().open(key)
        except FileNotFoundError:
            abort(404, _("文件已不在存储中，请联系平台运营。"))

    def _url(self, endpoint: str, attachment: Attachment) -> str:
        return url_for(f"FilesView.{endpoint}", pk=attachment.id)

    def _send(self, attachment: Attachment, key: str, tag: str, name: str, media_type: str) -> Response:
        file = self._open(key)
        size = file.seek(0, 2)
        file.seek(0)
        answer = Response(FileWrapper(file, 64 * 1024), mimetype=media_type, direct_passthrough=True)
        answer.content_length = size
        answer.set_etag(tag)
        answer.headers["Cache-Control"] = "private, no-cache" if closed_slot_of(attachment) is None else "no-store"
        plain = name.encode("ascii", "ignore").decode().strip(" .") or "file"
        answer.headers.set("Content-Disposition", "attachment", **{"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"})
        g.content_policy = NOTHING_RUNS
        try:
            return answer.make_conditional(request, accept_ranges=True, complete_length=size)
        except RequestedRangeNotSatisfiable as error:
            file.close()
            return error.get_response()  # type: ignore[return-value]


def _store() -> FileStore:
    return current_app.extensions["files"]  # type: ignore[no-any-return]


def _number(pk: str) -> int:
    number = row_id(pk)
    return number if number is not None else abort(404)


def _slot(table: object, name: object) -> FileSlot | None:
    model = tables_with_files().get(str(table))
    return slot_of(model, str(name)) if model is not None else None


def _state(upload: Upload) -> Response:
    return jsonify({"id": upload.id, "name": upload.name, "size": upload.size, "arrived": upload.arrived, "piece": PIECE})
