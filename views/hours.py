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
from models.history import note_table
from models.hours import HourPolicy
from models.people import Teacher
from models.violation import RuleViolation
from rules.hour_policies import Effect, PolicyValues, WhatIf, everyone_changed, what_if
from rules.hour_statement import statement_of
from views.pages import PageView
from views.panel.cells import moment_text, text_of
from views.panel.excel.columns import SheetColumn
from views.panel.excel.writer import write_xlsx
from views.panel.forms import make_form
from views.panel.menu import ENTRIES, Entry
from views.panel.screens import PanelView
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
    """学时政策: a new one is saved after the person has seen whose hours it would change."""

    model = HourPolicy
    extra_method_acts = {"changes": "add"}

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Response:
        """The form; then, where hours would change, whose; then the record."""
        asked = self._asked() if request.method == "POST" and request.form.get("confirmed") != "1" else None
        effect = what_if(self.db, self.identity, asked) if asked is not None else None
        return self._ask_again(effect) if effect is not None and effect.changed else super().add()

    @expose("/changes", methods=["POST"])
    @has_access
    def changes(self) -> Response:
        """Everybody whose hours would change, as a workbook."""
        asked = self._asked()
        if asked is None:
            raise RuleViolation("请先填写完整的学时政策。")
        note_table(self.db, HourPolicy, "export", _("学时政策调整的影响"))
        self.db.commit()
        return _workbook(everyone_changed(self.db, self.identity, asked))

    def _asked(self) -> PolicyValues | None:
        """What the form says, if it can be saved at all: the form itself says why it cannot."""
        form = make_form(self.open_fields(None), self.db, self.table, "add", formdata=request.form)
        if not form.validate() or form.target.data > form.cap.data:
            return None
        return PolicyValues(form.programme.data, form.valid_from.data, form.target.data, form.cap.data)

    def _ask_again(self, effect: WhatIf) -> Response:
        kept = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
        page = self.render_template(
            "hours/what_if.html",
            effect=effect,
            lines=[_line(one) for one in effect.first],
            header=_header(),
            kept=kept,
            save_url=self.url("add"),
            export_url=self.url("changes"),
            cancel_url=self.url("list"),
        )
        return page  # type: ignore[no-any-return]


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
