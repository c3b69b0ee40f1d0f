"""From a declared table to its screens. ``PanelView`` is Flask-AppBuilder's ModelView with this platform's list, form and record page.

A screen that needs more is a subclass that states only the difference::

    class PostView(PanelView):
        model = Post
        words = {"role": role_label}
        verbs = (Verb("end", "解除", act="end", run=..., confirm="..."),)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from flask import abort, current_app, flash, jsonify, redirect, request, url_for
from flask_appbuilder import ModelView, expose, has_access
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Response

from models.access import SavedView
from models.base import Screen, row_id, table_name
from models.fields import Field, chosen, fields_of, form_fields, shown_fields
from models.history import note
from models.scoping import Identity, current_identity
from models.violation import RuleViolation
from rules.approvals import workflow_of
from views.panel.attaching import file_lists
from views.panel.bulk import BulkMixin
from views.panel.buttons import SEEN, ButtonsMixin
from views.panel.cells import EMPTY, cell_of, in_clear, text_of, visible, withheld
from views.panel.editing import EditingMixin
from views.panel.excel.doors import ExcelMixin
from views.panel.forms import first_options, offered_among, offered_within
from views.panel.list_page import list_page
from views.panel.listing import Listing, linked_rows, read_state
from views.panel.pages import Button, Cell, ConfirmPage, FileList
from views.panel.record_page import record_page
from views.panel.verbs import Verb
from views.panel.words import refused, told


class PanelView(EditingMixin, ButtonsMixin, BulkMixin, ExcelMixin, ModelView):  # type: ignore[misc]
    """The generated screens of one declared table."""

    model: ClassVar[type[Any]]
    words: ClassVar[dict[str, Any]] = {}
    """Field → function from a stored word to what people read."""
    verbs: ClassVar[Sequence[Verb]] = ()
    asked_on_a_page: ClassVar[frozenset[str]] = frozenset()
    """Verbs whose second confirmation tells what has to be looked up first (``foretold``): a page asks, and no dialog."""
    extra_method_acts: ClassVar[dict[str, str]] = {}
    """Route method of a subclass → the act it asks."""
    search_form = add_form = edit_form = DynamicForm
    exclude_route_methods = {"download", "action", "action_post"}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "model" in cls.__dict__:
            cls.datamodel = SQLAInterface(cls.model)
            cls.class_permission_name = table_name(cls.model)
            cls.route_base = f"/{table_name(cls.model)}"
            cls.method_permission_name = {**METHOD_ACTS, **cls.extra_method_acts}
            cls.base_permissions = [f"can_{act}" for act in acts_of(cls.model, cls.verbs)]
            cls.list_columns = cls.show_columns = cls.add_columns = cls.edit_columns = ["id"]
            cls.search_columns = ["id"]

    # --- what this view is about --------------------------------------------------------------------------------------

    @property
    def screen(self) -> Screen:
        return self.model.__screen__  # type: ignore[no-any-return]

    @property
    def table(self) -> str:
        return table_name(self.model)

    @property
    def identity(self) -> Identity:
        return current_identity()

    @property
    def db(self) -> Session:
        return current_app.extensions["db"]()  # type: ignore[no-any-return]

    def url(self, endpoint: str, **values: Any) -> str:
        """The address of one of this table's screens."""
        return url_for(f"{self.table}.{endpoint}", **values)

    def may(self, act: str) -> bool:
        """Whether the table has this act and the person holds it anywhere."""
        return act in self.screen.acts + self.screen.extra_acts and self.identity.may(act, self.table)

    def in_menu(self, identity: Identity) -> bool:
        """Whether the list stands in this person's menu."""
        if self.screen.console:
            return identity.may("edit", self.table)
        return identity.may("read", self.table)

    def list_fields(self) -> list[Field]:
        """The list's columns as this person sees them."""
        return [f for f in chosen(self.model, self.screen.list) if visible(f, self.identity, self.table)]

    def state_field(self) -> Field | None:
        workflow = workflow_of(self.model)
        return fields_of(self.model)[workflow.field] if workflow else None

    def cell(self, field: Field, row: Any) -> Cell:
        """How a field of a row is written on the list and the record page."""
        if withheld(field, self.identity, self.table, getattr(row, "scope_path", None)):
            return Cell(EMPTY, muted=True, number=field.number)
        return cell_of(field, row, words=self.words)

    def noun(self) -> str:
        """What one row is called on buttons: the screen's label without 管理."""
        return self.screen.label.removesuffix("管理").removesuffix("记录")

    def add_label(self) -> str:
        """What the button that adds a row says, and the form it opens."""
        return told(self.screen.add_label) or _("新增%(what)s", what=_(self.noun()))

    def edit_label(self) -> str:
        """What the button that edits a row says, and the form it opens."""
        return told(self.screen.edit_label) or _("编辑")

    def listing(self, args: Any = None) -> Listing:
        """The listing the address asks for."""
        state = read_state(args if args is not None else request.args)
        return Listing(self.db, self.identity, self.model, state, extra=self.list_conditions(state.only))

    def row(self, pk: Any, shown: Sequence[Field] = ()) -> Any:
        """The record within reach, with the links among ``shown``, or 404."""
        number = row_id(pk)
        found = self.db.get(self.model, number, options=linked_rows(self.model, shown)) if number is not None else None
        if found is None:
            abort(404)
        return found

    # --- what a subclass may add --------------------------------------------------------------------------------------

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        """More conditions a list of this table has; ``only`` names those the address asks for (``only.incomplete=1``)."""
        return ()

    def list_notice(self) -> str:
        """A sentence above the list."""
        return ""

    def record_fields(self, row: Any) -> list[Field]:
        """What the record page tells of this row; whether the reader may see each is asked besides."""
        return shown_fields(self.model)

    def record_files(self, row: Any) -> list[FileList]:
        """The files on the record page, slot by slot."""
        return file_lists(self.db, self.identity, row)

    def record_notice(self, row: Any) -> str:
        """A sentence above the record."""
        return ""

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        """Hand-made blocks of the record page: title, template, and what the template reads as ``about``."""
        return ()

    # --- screens ------------------------------------------------------------------------------------------------------

    @expose("/list/")
    @has_access
    def list(self) -> Response:
        """The list; its whole state is in the address."""
        listing = self.listing()
        page = list_page(self, listing)
        if listing.state.page > page.pager.pages:
            return redirect(self.url("list") + listing.state.address(page=page.pager.pages))
        return self.render_template("panel/list.html", page=page)  # type: ignore[no-any-return]

    @expose("/facets")
    @has_access
    def facets(self) -> Response:
        """Facet counts fetched after the page: ``{facet: {value: rows}}``, "" for all."""
        listing = self.listing()
        names = [n for n in self.screen.facets if n in listing.filter_names()]
        return jsonify(listing.facet_counts(names))

    @expose("/choices/<name>")
    @has_access
    def choices(self, name: str) -> Response:
        """Rows within reach for a remote select, of those that a form's link may be set to (``act``): ``{results: [{id, text}]}``."""
        field = fields_of(self.model).get(name)
        if field is None or field.kind not in ("link", "links") or not self._is_asked_for(field):
            abort(404)
        act = request.args.get("act", "")
        within = offered_within(field, self.table, act) if act in ("add", "edit") else None
        text = request.args.get("q", "").strip()[:50]
        among, _why = offered_among(field, self.table, act) or (None, "")
        rows = first_options(self.db, field.target, text, within, among)
        return jsonify({"results": [{"id": i, "text": text} for i, text in rows]})

    def _is_asked_for(self, field: Field) -> bool:
        """Whether a form or a filter of this person's has the link: nothing else is chosen, and so nothing else answers."""
        is_on_form = any(field.name == f.name for adding in (True, False) for f in form_fields(self.model, adding=adding))
        is_filter = field.name in self.screen.filters + self.screen.facets
        return (is_on_form or is_filter) and visible(field, self.identity, self.table)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Response:
        """The record page."""
        return self.render_template("panel/show.html", page=record_page(self, self.row(pk, shown_fields(self.model))))  # type: ignore[no-any-return]

    @expose("/reveal/<pk>/<name>", methods=["POST"])
    @has_access
    def reveal(self, pk: str, name: str) -> Response:
        """The full value of a masked field: an act of its own, noted in the record's history."""
        row, field = self.row(pk), fields_of(self.model).get(name)
        if field is None or not field.mask or field.hidden:
            abort(404)
        if not in_clear(field, self.identity, self.table, getattr(row, "scope_path", None)):
            abort(403)
        note(self.db, row, "reveal", comment=_(field.label))
        self.db.commit()
        text = text_of(getattr(row, field.name))
        if request.accept_mimetypes.best == "application/json":
            return jsonify({"text": text})
        flash(_("：").join((_(field.label), text)), "info")
        return redirect(self.url("show", pk=pk))

    # --- verbs --------------------------------------------------------------------------------------------------------

    @expose("/do/<name>/<pk>", methods=["GET", "POST"])
    @has_access
    def do(self, name: str, pk: str) -> Response:
        """One verb on one record, after the second confirmation where it has one."""
        row, verb = self.row(pk), self.verb(name)
        if verb.confirm and request.form.get("confirmed") != "1":
            return self._confirm(verb, row)
        if request.method != "POST":
            abort(405)
        return self._answer(verb, row)

    def _confirm(self, verb: Verb, row: Any, refusal: str = "") -> Response:
        """Ask before it is done, or again after a refusal, with what was typed."""
        button = Button(
            _(verb.label),
            self.url("do", name=verb.name, pk=row.id),
            verb.icon,
            verb.kind,
            "post",
            comment=verb.comment,
            comment_label=told(verb.comment_label),
            confirm_label=told(verb.confirm_label),
        )
        back = self._back_from(row)
        title, typed = _("：").join((_(verb.label), str(row))), request.form.get("comment", "")
        carried = [("back", back), *((name, request.form[name]) for name in (SEEN,) if name in request.form)]
        page = ConfirmPage(
            title, told(verb.confirm), button, back, self.foretold(verb, row), values=carried, comment=typed, refusal=refusal
        )
        return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]

    def _back_from(self, row: Any) -> str:
        """The list as it was when the button was pressed there, else the record's page."""
        back = request.form.get("back", "")
        return back if back.startswith(self.url("list")) and back.isprintable() else self.url("show", pk=row.id)

    def _answer(self, verb: Verb, row: Any) -> Response:
        pk, target = row.id, self._back_from(row)
        try:
            outcome = self.run_verb(verb, row)
        except RuleViolation as refusal:
            if verb.comment:
                return self._confirm(verb, self.row(pk), refused(refusal)), 422  # type: ignore[return-value]
            flash(refused(refusal), "danger")
            return redirect(target, 303)
        if isinstance(outcome, str):
            flash(told(outcome), "success")
        elif outcome is not None:
            return outcome
        is_gone = target == self.url("show", pk=pk) and not self._still_read(pk)
        return redirect(self.url("list") if is_gone else target, 303)

    def _still_read(self, pk: int) -> bool:
        """A verb may have carried the record out of the person's reach: then its page is no more for them."""
        return self.db.scalar(select(self.model.id).where(self.model.id == pk)) is not None

    # --- saved views --------------------------------------------------------------------------------------------------

    @expose("/views", methods=["POST"])
    @has_access
    def save_view(self) -> Response:
        """Keep the list's address under a name of one's own."""
        query, name = self.listing_query(), request.form.get("name", "").strip()
        same = select(SavedView.id).where(SavedView.table_name == self.table, SavedView.name == name)
        try:
            if not name or self.db.scalar(same) is not None:
                raise RuleViolation("同名的常用视图已存在，或名称为空。")
            self.db.add(SavedView(table_name=self.table, name=name, query=query))
            self.db.commit()
            flash(_("已保存常用视图。"), "success")
        except RuleViolation as refusal:
            flash(refused(refusal), "danger")
        return redirect(f"{self.url('list')}?{query}", 303)

    @expose("/views/<pk>/forget", methods=["POST"])
    @has_access
    def forget_view(self, pk: str) -> Response:
        """Forget one of one's own saved views."""
        number = row_id(pk)
        view = self.db.get(SavedView, number) if number is not None else None
        if view is None:
            abort(404)
        self.db.delete(view)
        self.db.commit()
        return redirect(self.url("list"), 303)

    def listing_query(self) -> str:
        """The list's query string as a form carried it, re-read so that only known parts remain."""
        return read_state(ImmutableMultiDict(parse_qsl(request.form.get("query", "")[:1000]))).address().removeprefix("?")


METHOD_ACTS = {
    **dict.fromkeys(("list", "facets", "choices", "show", "do", "bulk", "save_view", "forget_view"), "read"),
    "reveal": "reveal",
    "add": "add",
    "edit": "edit",
    "delete": "delete",
    "export": "export",
    **dict.fromkeys(("upload", "template", "check_import", "apply_import"), "import"),
}


def acts_of(model: type[Any], verbs: Sequence[Verb] = ()) -> list[str]:
    """Every act of a table: the generic ones, the declared ones, its workflow's and its verbs'."""
    workflow = workflow_of(model)
    steps = [step.act for step in workflow.steps] if workflow else []
    return list(dict.fromkeys([*model.__screen__.acts, *model.__screen__.extra_acts, *steps, *(v.act for v in verbs)]))
