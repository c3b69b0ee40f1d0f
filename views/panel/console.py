"""The console at ``/console/``: reference tables as grids that are edited in the cell, technical ones to read, by Flask-Admin.

It uses the platform's session, so scope, rules and history hold as everywhere; what it adds is the guard that asks the same
grants as the screens, and refusals in words. The technical tables tell what happened, to which record and by whom; what was
written stands in the record's own history, behind its masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, url_for
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.filters import DateTimeBetweenFilter, FilterEqual
from flask_admin.menu import MenuLink
from flask_admin.model.widgets import XEditableWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlalchemy import Integer
from werkzeug.wrappers import Response

from models.base import ZONE, UtcDateTime, declared, row_id, table_name
from models.fields import Field, fields_of, form_fields
from models.history import Change, Decision
from models.jobs import Job
from models.scoping import ROOT, acting_as, current_identity
from models.violation import Conflict, RuleViolation
from rules.approvals import workflow_of
from views.panel.cells import cell_of, in_clear, text_of, visible
from views.panel.excel.csv_file import neutralised
from views.panel.record_page import ACTS as DONE
from views.panel.words import refused

ACTS = {
    "create_view": "add",
    "edit_view": "edit",
    "ajax_update": "edit",
    "delete_view": "delete",
    "action_view": "delete",
    "export": "export",
}
FILTERED = ("table_name", "row_id", "account_id", "at", "kind", "state", "created_at")
ASKED = ("page", "page_size", "sort", "desc", "search")
IN_CELL = ("text", "int", "bool")


class Guard:
    """Asks the grant of each page of the console; signed-out people go to the login."""

    def _handle_view(self, name: str, **values: Any) -> Response | None:
        if not current_identity().account_id:
            return redirect(url_for("LoginView.login", next=request.path))
        if not self.granted(ACTS.get(name, "read")):
            abort(403)
        try:
            urlsplit(request.values.get("url", ""))
        except ValueError:
            abort(400)
        return None


class ConsoleIndex(Guard, AdminIndexView):  # type: ignore[misc]
    """The console's first page: only for who may edit a table in it."""

    def granted(self, act: str) -> bool:
        return any(current_identity().may("edit", table_name(model)) for model in console_tables())

    @expose("/")
    def index(self) -> Response:
        return redirect(url_for(f"console_{table_name(console_tables()[0])}.index_view"))


class CellWidget(XEditableWidget):  # type: ignore[misc]
    """A cell that is edited in its place. Yes and no are words there, which ``static/console.js`` changes."""

    def get_kwargs(self, field: Any, kwargs: dict[str, str]) -> dict[str, str]:
        kwargs = super().get_kwargs(field, kwargs)
        kwargs["data-title"] = str(field.label.text)
        if field.type == "BooleanField":
            del kwargs["data-source"]
            kwargs |= {"data-role": "yes-or-no", "data-type": "select", "data-yes": text_of(True), "data-no": text_of(False)}
        return kwargs


class Grid(Guard, ModelView):  # type: ignore[misc]
    """What the console's grids have in common."""

    extra_css: tuple[str, ...] = ("/static/console.css",)
    page_size = 50
    last_page = 10_000_000

    def __init__(self, model: type[Any], name: Any, **options: Any) -> None:
        table = table_name(model)
        super().__init__(model, current_app.extensions["db"], name=name, endpoint=f"console_{table}", url=f"/console/{table}", **options)

    @expose("/")
    def index_view(self) -> Any:
        """The list, asked for what a list knows: its template hands every parameter on to ``url_for``, which takes some for its own."""
        if any(name not in ASKED and not name.startswith("flt") for name in request.args):
            abort(400)
        return super().index_view()

    def _get_list_extra_args(self) -> Any:
        """What the address asks for; a page that no grid has is the first or the last there could be."""
        asked = super()._get_list_extra_args()
        asked.page = max(0, min(asked.page, self.last_page))
        return asked


class ConsoleView(Grid):
    """The grid of one declared table."""

    extra_js = ("/static/console.js",)
    can_view_details = True
    can_export = True
    action_disallowed_list = ("delete",)

    def __init__(self, model: type[Any]) -> None:
        table = table_name(model)
        shown = [f for f in fields_of(model).values() if not (f.hidden or f.protected)]
        open_fields = [f for f in form_fields(model, adding=True) if not f.protected]
        self.column_list = [f.name for f in shown]
        self.column_details_list = self.column_list
        self.column_labels = {f.name: lazy_gettext(f.label) for f in shown}
        self.column_sortable_list = [f.name for f in shown if f.kind not in ("link", "links")]
        self.column_searchable_list = [name for name in model.__screen__.search if not fields_of(model)[name].protected]
        self.column_editable_list = [f.name for f in form_fields(model, adding=False) if f.kind in IN_CELL and not f.protected]
        self.column_formatters = {f.name: _formatter(f, table) for f in shown if f.kind == "bool" or f.kind not in IN_CELL}
        self.form_columns = [f.name for f in open_fields]
        super().__init__(model, lazy_gettext(model.__screen__.label))

    def granted(self, act: str) -> bool:
        screen = self.model.__screen__
        return act in screen.acts and current_identity().may(act, table_name(self.model))

    def is_accessible(self) -> bool:
        return self.granted("read") and self.granted("edit")

    def get_list_form(self) -> Any:
        return self.scaffold_list_form(widget=CellWidget())

    def edit_form(self, obj: Any = None) -> Any:
        form = super().edit_form(obj)
        for field in fields_of(self.model).values():
            if field.fixed and field.name in form:
                del form[field.name]
        return form

    def get_one(self, id: Any) -> Any:
        number = row_id(id)
        return super().get_one(str(number)) if number is not None else None

    def get_export_value(self, model: Any, name: str) -> Any:
        """What a cell of the CSV says: never something a spreadsheet would run."""
        value = super().get_export_value(model, name)
        return neutralised(value) if isinstance(value, str) else value

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> Any:
        """One cell, saved or refused in words (upstream: every refusal is told as a crash, and what names no row is one)."""
        if row_id(request.form.get("list_form_pk", "")) is None:
            abort(404)
        told = super().ajax_update()
        return (told[0], 422) if isinstance(told, tuple) else told

    def handle_view_exception(self, error: Exception) -> bool:
        """A refusal is told in words; anything else is a crash and goes to the log with its reference number."""
        self.session.rollback()
        if isinstance(error, RuleViolation):
            flash(refused(error), "warning" if isinstance(error, Conflict) else "error")
            return True
        raise error


def _formatter(field: Field, table: str) -> Any:
    def text(view: Any, context: Any, row: Any, name: str) -> str:
        if not visible(field, current_identity(), table):
            return "--"
        return cell_of(field, row, clear=in_clear(field, current_identity(), table), linked=False).text

    return text


class TechnicalView(Grid):
    """What the platform did, newest first, to read and to filter. Nothing is counted: these tables only grow."""

    can_create = can_edit = can_delete = False
    simple_list_pager = True
    column_default_sort = ("id", True)
    last_page = 1000

    def __init__(self, model: type[Any], name: Any, columns: dict[str, Any]) -> None:
        self.column_list = list(columns)
        self.column_labels = columns
        self.column_sortable_list = ["id"]
        self.column_filters = [_filter_of(getattr(model, field), label) for field, label in columns.items() if field in FILTERED]
        self.column_formatters = dict.fromkeys(columns, _technical) | {"table_name": _table_in_words, "act": _act, "row_id": _record_link}
        super().__init__(model, name, category=lazy_gettext("技术记录"))

    def granted(self, act: str) -> bool:
        """The whole platform's log is for who runs all of it."""
        return act == "read" and current_identity().reaches("read", table_name(Change), ROOT)

    def is_accessible(self) -> bool:
        return self.granted("read")

    def get_list(self, *asked: Any, **options: Any) -> Any:
        """A job is its account's own: the service reads it for who may read the log."""
        with acting_as(current_identity().serving()):
            return super().get_list(*asked, **options)


class Equal(FilterEqual):  # type: ignore[misc]
    """What the column can hold: of a number only numbers, of a choice only what it offers. Flask-Admin leaves out what is refused."""

    def clean(self, value: str) -> Any:
        found = row_id(value) if isinstance(self.column.type, Integer) else value
        offered = [offer for offer, _label in self.options or ()]
        if found is None or (offered and found not in offered):
            raise ValueError(value)
        return found


class Between(DateTimeBetweenFilter):  # type: ignore[misc]
    """From one moment to another, typed as the clock is read here."""

    def clean(self, value: str) -> list[datetime]:
        return [moment.replace(tzinfo=ZONE) for moment in super().clean(value)]

    def validate(self, value: str) -> bool:
        """A moment that has none in UTC (the first day there is) is no moment."""
        try:
            return super().validate(value) and all(moment.astimezone(UTC) for moment in self.clean(value))
        except OverflowError:
            return False


def _filter_of(column: Any, label: Any) -> Any:
    if isinstance(column.type, UtcDateTime):
        return Between(column, label)
    states = getattr(column.type, "enum_class", None)
    return Equal(column, label, options=[(state.value, lazy_gettext(state.label)) for state in states] if states else None)


def _technical(view: Any, context: Any, row: Any, name: str) -> str:
    return text_of(getattr(row, name))


def _table_in_words(view: Any, context: Any, row: Any, name: str) -> str:
    """What its screen is called, and the name to filter by."""
    shown = current_app.extensions["panel"].get(row.table_name)
    return _("%(label)s（%(name)s）", label=_(shown.screen.label), name=row.table_name) if shown is not None else row.table_name


def _act(view: Any, context: Any, row: Any, name: str) -> str:
    """As the record's own history calls it."""
    model = next((model for model in declared() if table_name(model) == row.table_name), None)
    workflow = workflow_of(model) if model is not None else None
    steps = {step.name: step.label for step in workflow.steps} if workflow is not None else {}
    return _(steps.get(row.act) or DONE.get(row.act, row.act))


def _record_link(view: Any, context: Any, row: Any, name: str) -> Any:
    """The record's page is where its history is read, by whoever may."""
    shown = row.row_id and row.table_name in current_app.extensions["panel"]
    return Markup('<a href="/{0}/show/{1}">{1}</a>').format(row.table_name, row.row_id) if shown else _technical(view, context, row, name)


def console_tables() -> list[type[Any]]:
    """The declared tables that are edited in the console."""
    return [model for model in declared() if model.__screen__.console]


def technical_tables() -> Iterator[TechnicalView]:
    """The log of changes, the log of decisions, and everybody's long work."""
    what = {"id": "ID", "at": lazy_gettext("时间"), "table_name": lazy_gettext("数据表"), "row_id": lazy_gettext("记录")}
    who = {"account_id": lazy_gettext("账号编号"), "post": lazy_gettext("岗位")}
    step = {"label": lazy_gettext("办理"), "source": lazy_gettext("办理前"), "target": lazy_gettext("办理后")}
    shown = ("title", "kind", "state", "done", "total", "message", "account_id", "created_at", "beat_at", "finished_at")
    labels = {name: lazy_gettext(field.label) for name, field in fields_of(Job).items() if name in shown} | {
        "account_id": who["account_id"]
    }
    yield TechnicalView(Change, lazy_gettext("变更记录"), what | {"act": lazy_gettext("操作")} | who)
    yield TechnicalView(Decision, lazy_gettext("办理记录"), what | step | who)
    yield TechnicalView(Job, lazy_gettext("任务"), {"id": "ID"} | {name: labels[name] for name in shown})


def add_console(app: Flask) -> None:
    """Mount the console (its policy, ``loosen``, has to be registered before Talisman's, to be the last word)."""
    admin = Admin(app, name=lazy_gettext(app.config["APP_NAME"]), index_view=ConsoleIndex(endpoint="console", url="/console"))
    for model in console_tables():
        admin.add_view(ConsoleView(model))
    for technical in technical_tables():
        admin.add_view(technical)
    admin.add_link(MenuLink(name=lazy_gettext("返回工作台"), url="/workbench/"))


LOOSER = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)


def loosen(answer: Response) -> Response:
    """Flask-Admin's pages carry inline handlers, which no nonce covers; the console alone may run them."""
    if request.path.startswith("/console"):
        answer.headers["Content-Security-Policy"] = LOOSER
    return answer
