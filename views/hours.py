"""学时: a person's own page, the same page about a teacher in reach, and what a new policy would change before it is saved (S0-41)."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask import Response as FlaskResponse
from flask import abort, g, request, send_file
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from models.base import row_id, utcnow
from models.fields import form_fields
from models.hanging import what_hangs_on
from models.history import note_table
from models.hours import HourPolicy
from models.invariants import what_keeps
from models.people import Teacher
from models.violation import RuleViolation, Sentence
from rules.hour_policies import LOCKED, Effect, PolicyValues, WhatIf, everyone_changed, locked_policies, what_if
from rules.hour_statement import statement_of
from views.pages import PageView
from views.panel.attaching import Attaching
from views.panel.cells import moment_text, text_of
from views.panel.excel.columns import SheetColumn
from views.panel.excel.writer import write_xlsx
from views.panel.forms import make_form
from views.panel.menu import ENTRIES, Entry
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import told


class HoursView(PageView):
    """我的学时, and a teacher's hours for who answers for them."""

    route_base = "/hours"

    @expose("/")
    @login_required
    def mine(self) -> Response:
        """One's own hours: every one of them, counted or not and why."""
        return self._page(_own_teacher(self.identity) or abort(404), _("我的学时"), str(g.user), [])

    @expose("/<pk>")
    @login_required
    def of_teacher(self, pk: str) -> Response:
        """The same about a teacher in reach."""
        number = row_id(pk)
        teacher = self.db.get(Teacher, number) if number is not None else None
        if teacher is None:
            abort(404)
        trail = [(_("人员管理"), ""), (_("教师管理"), "/teacher/list/"), (teacher.name, f"/teacher/show/{teacher.id}"), (_("学时"), "")]
        return self._page(teacher.id, _("学时"), teacher.name, trail)

    def _page(self, teacher_id: int, title: str, name: str, breadcrumbs: Any) -> Response:
        statements = statement_of(self.db, self.identity, teacher_id, now=utcnow())
        words = {"told": told, "text_of": text_of, "moment_text": moment_text}
        return self.render_template(  # type: ignore[no-any-return]
            "hours/statement.html", title=title, name=name, breadcrumbs=breadcrumbs, statements=statements, **words
        )


def _own_teacher(identity: Any) -> int | None:
    return next((value for kind, value in identity.person if kind == "teacher"), None)


class HourPolicyView(PanelView):
    """学时政策: added, edited and deleted after the person has seen whose hours that would change."""

    model = HourPolicy
    extra_method_acts = {"changes": "add"}

    def why_closed(self, name: str, row: Any) -> str:
        if "locked_policies" not in g:
            g.locked_policies = locked_policies(self.db)
        return LOCKED if row.id in g.locked_policies else ""

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Response:
        """The form; then, where hours would change, whose; then the record."""
        return (self._asking("add", None) if request.method == "POST" else None) or super().add()

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Response:
        """The same of a policy there is."""
        row = self.row(pk, form_fields(self.model, adding=False)) if request.method == "POST" else None
        return (self._asking("edit", row) if row is not None and self.reaches("edit", row) else None) or super().edit(pk)

    @expose("/delete/<pk>", methods=["GET", "POST"])
    @has_access
    def delete(self, pk: str) -> Response:
        """Whose hours would change stands in place of the usual question."""
        row = self.row(pk)
        asks = self.reaches("delete", row) and not self.why_kept(row, what_hangs_on(self.db, row))
        return (self._asking("delete", row) if asks else None) or super().delete(pk)

    def bulk_verbs(self) -> dict[str, Verb]:
        """Without deleting: whose hours change is looked at policy by policy."""
        return {name: verb for name, verb in super().bulk_verbs().items() if name != "delete"}

    @expose("/changes", methods=["POST"])
    @has_access
    def changes(self) -> Response:
        """Everybody whose hours would change, as a workbook; ``policy`` and ``act`` in the address name what would be edited or deleted."""
        pk, act = request.args.get("policy"), request.args.get("act", "add")
        row = self.row(pk) if pk is not None else None
        if row is not None and (kept := what_keeps(self.db, row)):
            raise RuleViolation(kept[0])
        is_deleting = act == "delete" and row is not None
        values = None if is_deleting else _values(self._form(row), row)
        if values is None and not is_deleting:
            raise RuleViolation("请先填写完整的学时政策。")
        effects = everyone_changed(self.db, self.identity, values, instead_of=row)
        note_table(self.db, HourPolicy, "export", _("学时政策调整的影响"))
        self.db.commit()
        return _workbook(effects)

    def asks_first(self, act: str, row: Any | None, form: Any | None) -> str:
        effect = self._effect(act, None if act == "add" else row, form)
        return Sentence("{changed} 名教师的计入学时或达标情况会变化。", changed=effect.changed) if effect and effect.changed else ""

    def _asking(self, act: str, row: Any | None) -> Response | None:
        """Whose hours would change, until that is confirmed; the form once more for whoever goes back; None when there is no question."""
        if request.form.get("confirmed") == "1":
            return None
        form = self._form(row) if act != "delete" else None
        if form is not None and "revise" in request.form:
            return self._revising(row, form)
        effect = self._effect(act, row, form)
        return self._ask(effect, act, row) if effect is not None and effect.changed else None

    def _effect(self, act: str, row: Any | None, form: Any | None) -> WhatIf | None:
        """None where nothing can be saved: the form, or the refusal, says why."""
        if row is not None and what_keeps(self.db, row):
            return None
        values = _values(form, row) if form is not None else None
        return what_if(self.db, self.identity, values, instead_of=row) if values is not None or act == "delete" else None

    def _form(self, row: Any | None) -> Any:
        act = "add" if row is None else "edit"
        return make_form(self.open_fields(row), self.db, self.table, act, formdata=request.form, obj=row)

    def _revising(self, row: Any | None, form: Any) -> Response:
        title = self.add_label() if row is None else self.edit_title(row)
        back = self.url("list") if row is None else self.url("show", pk=row.id)
        files = Attaching(self.db, self.identity, self.model, row)
        return self._draw(title, form, self.open_fields(row), files, back, version=request.form.get("_version", ""))

    def _ask(self, effect: WhatIf, act: str, row: Any | None) -> Response:
        kept = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
        of_row = {"pk": row.id} if row is not None else {}
        page = self.render_template(
            "hours/what_if.html",
            effect=effect,
            lines=[_line(one) for one in effect.first],
            header=_header(),
            kept=kept,
            is_deleting=act == "delete",
            save_url=self.url(act, **of_row),
            export_url=self.url("changes", **({"policy": row.id, "act": act} if row is not None else {})),
            cancel_url=self.url("list") if row is None else self.url("show", pk=row.id),
        )
        return page  # type: ignore[no-any-return]


def _values(form: Any, row: Any | None) -> PolicyValues | None:
    """What the form says, and the record where the form has no such field; None when it cannot be saved at all."""
    if not form.validate():
        return None
    names = ("programme_id", "valid_from", "target", "cap")
    told = {name: form[label].data if (label := name.removesuffix("_id")) in form else getattr(row, name) for name in names}
    return PolicyValues(**told) if told["target"] <= told["cap"] else None


def _header() -> list[str]:
    return [_("姓名"), _("学校"), _("现在计入"), _("调整后计入"), _("现在达标"), _("调整后达标")]


def _line(one: Effect) -> list[str]:
    values = (one.counted_before, one.counted_after, one.is_reached_before, one.is_reached_after)
    return [one.name, one.school, *map(text_of, values)]


def _workbook(effects: Iterable[Effect]) -> FlaskResponse:
    kinds = ("text", "text", "decimal", "decimal", "bool", "bool")
    columns = [SheetColumn(f"c{n}", label, kind, width=18) for n, (label, kind) in enumerate(zip(_header(), kinds, strict=True))]  # type: ignore[arg-type]
    rows = ((e.name, e.school, e.counted_before, e.counted_after, e.is_reached_before, e.is_reached_after) for e in effects)
    with NamedTemporaryFile(suffix=".xlsx") as file:
        write_xlsx(Path(file.name), columns, rows, note=[(_("内容"), _("学时政策调整的影响"))], sheet_title=_("教师"))
        content = BytesIO(Path(file.name).read_bytes())
    return send_file(content, as_attachment=True, download_name=f"{_('学时政策调整的影响')}.xlsx", max_age=0)


ENTRIES.append(Entry("校本研修", "我的学时", "clock-check", "HoursView.mine", 1, lambda identity: _own_teacher(identity) is not None))
