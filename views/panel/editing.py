"""Adding, editing and deleting a record: nothing typed is lost, nothing of somebody else's is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from sqlalchemy import inspect
from werkzeug.wrappers import Response

from models.base import row_id
from models.fields import Field, form_fields
from models.hanging import GOES_ALONG, IS_CUT_OFF, KEEPS, what_hangs_on
from models.history import difference
from models.invariants import what_keeps, write_links
from models.scoping import Scoped
from models.violation import Conflict, RuleViolation, Sentence
from views.panel.attaching import Attaching
from views.panel.cells import in_clear, text_of, visible
from views.panel.forms import errors_of, fill, make_form
from views.panel.pages import Button, ConfirmPage, FormPage
from views.panel.words import refused, told

if TYPE_CHECKING:
    from views.panel.screens import PanelView

    Base = PanelView
else:
    Base = object


class EditingMixin(Base):
    """The form screens of a declared table."""

    def open_fields(self, row: Any | None) -> list[Field]:
        """The fields this person may write: a protected one only where they may also see it in full."""
        fields = form_fields(self.model, adding=row is None)
        if row is None:
            return [f for f in fields if visible(f, self.identity, self.table)]
        path = row.scope_path if isinstance(row, Scoped) else None
        return [f for f in fields if in_clear(f, self.identity, self.table, path)]

    def edit_title(self, row: Any) -> str:
        """What the form of a record says above its fields."""
        return _("：").join((self.edit_label(), str(row)))

    def leads_back(self, row: Any | None = None) -> str:
        """Where saving or leaving the form leads whoever came from a page of the area; empty: to the record; for a subclass."""
        return ""

    def save_labels(self) -> tuple[str, str]:
        """What the form's main button says, and the one that saves and opens an empty form again; empty: there is none; for a subclass."""
        return _("保存"), _("保存并继续新增")

    def asks_first(self, act: str, row: Any | None, form: Any | None) -> str:
        """What adding, editing or deleting would change for others; REST does it only with ``?confirmed=1``; for a subclass."""
        return ""

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Response:
        """A new record; a link in the address (``?school=3``) is filled in when it lies within reach."""
        fields = self.open_fields(None)
        form = make_form(fields, self.db, self.table, "add", formdata=request.form if request.method == "POST" else None)
        files = Attaching(self.db, self.identity, self.model)
        if request.method == "POST":
            if form.validate() and not files.errors and (row := self._save_new(form, fields, files)) is not None:
                flash(_("已新增“%(name)s”。", name=str(row)), "success")
                shown = self.leads_back(row) or self.url("show", pk=row.id)
                return redirect(request.full_path if "again" in request.form else shown, 303)
        else:
            self._prefill(form, fields)
        page = self._draw(self.add_label(), form, fields, files, self.leads_back() or self.url("list"))
        return page, 422 if form.errors or files.errors else 200  # type: ignore[return-value]

    def _prefill(self, form: Any, fields: list[Field]) -> None:
        for field in fields:
            if field.kind != "link":
                default = inspect(self.model).columns[field.key].default if field.kind != "links" else None
                if default is not None and default.is_scalar:
                    form[field.name].process_data(default.arg)
                continue
            given = row_id(request.args.get(field.name, ""))
            options = [value for value, _label in form[field.name].choices if value]
            if given is not None and form[field.name].find(given) is not None:
                form[field.name].data = given
            elif len(options) == 1 and field.name == getattr(self.model, "__owner__", ""):
                form[field.name].data = int(options[0])

    def _save_new(self, form: Any, fields: list[Field], files: Attaching) -> Any:
        row = self.model()
        try:
            with self.db.no_autoflush:
                fill(row, form, fields, self.db)
            self.db.add(row)
            files.settle(row)
            self.db.commit()
        except RuleViolation as refusal:
            files.place(form, refusal)
            return None
        return row

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Response:
        """Change a record; who looked at an older version is shown what changed meanwhile."""
        row = self.row(pk, form_fields(self.model, adding=False))
        if not self.reaches("edit", row):
            abort(403)
        fields = self.open_fields(row)
        form = make_form(fields, self.db, self.table, "edit", formdata=request.form if request.method == "POST" else None, obj=row)
        files = Attaching(self.db, self.identity, self.model, row)
        conflict: list[tuple[str, str, str]] = []
        if request.method == "POST" and form.validate() and not files.errors:
            is_old = request.form.get("_version") != str(row.version)
            conflict = [*self._differences(row, form, fields), *files.differences()] if is_old else []
            if not conflict and self._save(row, form, fields, files):
                flash(_("已保存“%(name)s”。", name=str(row)), "success")
                return redirect(self.leads_back(row) or self.url("show", pk=pk), 303)
        status = 409 if conflict else 422 if form.errors or files.errors else 200
        title, version = self.edit_title(self.row(pk)), str(self.row(pk).version)
        back = self.leads_back(self.row(pk)) or self.url("show", pk=pk)
        page = self._draw(title, form, fields, files, back, conflict, version)
        return page, status  # type: ignore[return-value]

    def _differences(self, row: Any, form: Any, fields: list[Field]) -> list[tuple[str, str, str]]:
        """Label, theirs, yours – for every field that differs; the one sentence when nothing does."""
        with self.db.no_autoflush:
            theirs = {f.name: text_of(_words(row, f)) for f in fields}
            fill(row, form, fields, self.db)
            write_links(self.db)
            yours = {f.name: text_of(_words(row, f)) for f in fields}
            changed = difference(row)
            self.db.rollback()
        return [(_(f.label), theirs[f.name], yours[f.name]) for f in fields if theirs[f.name] != yours[f.name]] if changed else []

    def _save(self, row: Any, form: Any, fields: list[Field], files: Attaching) -> bool:
        try:
            with self.db.no_autoflush:
                fill(row, form, fields, self.db)
            files.settle(row)
            self.db.commit()
        except Conflict as told:
            form.form_errors.append(refused(told))
            return False
        except RuleViolation as refusal:
            files.place(form, refusal)
            return False
        return True

    def _draw(
        self, title: str, form: Any, fields: list[Field], files: Attaching, back: str, conflict: Any = (), version: str = ""
    ) -> Response:
        submit, again = self.save_labels()
        page = FormPage(
            title=title,
            table=self.table,
            breadcrumbs=[(told(self.screen.menu), ""), (_(self.screen.label), self.url("list")), (title, "")],
            form=form,
            fields=[f.name for f in fields],
            cancel_url=back,
            submit_label=submit,
            again_label="" if version else again,
            errors=[*errors_of(form), *files.summary()],
            conflict=conflict,
            version=version,
            uploads=files.boxes(),
        )
        return self.render_template("panel/form.html", page=page)  # type: ignore[no-any-return]

    def why_kept(self, row: Any, hanging: dict[str, list[Sentence]]) -> list[str]:
        """Every sentence that says why the record cannot be deleted; ``hanging`` is what hangs on it."""
        kept = what_keeps(self.db, row)
        if not kept and KEEPS in hanging:
            kept = [Sentence("“{name}”正被{what}使用，不能删除。", name=str(row), what=Sentence.of(hanging[KEEPS], "、"))]
        return kept

    @expose("/delete/<pk>", methods=["GET", "POST"])
    @has_access
    def delete(self, pk: str) -> Response:
        """Delete after a second confirmation that names what hangs on the record, or say why not."""
        row = self.row(pk)
        if not self.reaches("delete", row):
            abort(403)
        hanging = what_hangs_on(self.db, row)
        kept = self.why_kept(row, hanging)
        if request.method == "POST" and request.form.get("confirmed") == "1" and not kept:
            name = str(row)
            try:
                self.db.delete(row)
                self.db.commit()
            except RuleViolation as refusal:
                flash(refused(refusal), "danger")
                return redirect(self.url("show", pk=pk), 303)
            flash(_("已删除“%(name)s”。", name=name), "success")
            return redirect(self.url("list"), 303)
        sure = told(self.screen.delete_confirm_label)
        button = Button(_("删除"), self.url("delete", pk=pk), "trash", "danger", "post", confirm_label=sure)
        message = "" if kept else _("删除后不能恢复，历史记录会保留。确定删除“%(name)s”吗？", name=str(row))
        title, details = _("删除：%(name)s", name=str(row)), () if kept else _consequences(hanging)
        page = ConfirmPage(title, message, button, self.url("show", pk=pk), details, told(Sentence.of(kept)))
        return self.render_template("panel/confirm.html", page=page), 409 if kept and request.method == "POST" else 200  # type: ignore[return-value]


def _consequences(hanging: dict[str, list[Sentence]]) -> list[str]:
    """What a delete does to other records, in words."""
    words = {GOES_ALONG: "将一并删除：{what}。", IS_CUT_OFF: "将保留，但不再与它关联：{what}。"}
    return [told(Sentence(words[fate], what=Sentence.of(found, "、"))) for fate, found in hanging.items() if fate in words]


def _words(row: Any, field: Field) -> Any:
    value = getattr(row, field.name)
    return [str(v) for v in value] if field.kind == "links" else value
