"""开通账号、导入研训团队: accounts given out together with their post (S0-08 … S0-12, S0-18)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import abort, flash, g, redirect, request, send_file, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy
from flask_login import login_required
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import FileField, RadioField, StringField
from wtforms.validators import InputRequired, Optional

from models.base import utcnow
from models.org import Region, School
from models.violation import RuleViolation
from rules.appointing import Appointed, Person, appoint, form_team, roles_one_appoints
from rules.grants import SCHOOL_ADMIN, TRAINING_EXPERT, role_label
from views.pages import PageView
from views.panel.excel.cells import parse_cell
from views.panel.excel.columns import SheetColumn
from views.panel.excel.doors import MIMETYPES
from views.panel.excel.headers import match_headers
from views.panel.excel.reader import open_sheet
from views.panel.excel.template import write_template
from views.panel.forms import LinkField, choices_of, first_options

NEEDED = lazy("请填写此项。")


class AppointingView(PageView):
    """开通账号."""

    route_base = "/appoint"

    @expose("/", methods=["GET", "POST"])
    @login_required
    def one(self) -> Response:
        """One account with its post; its password is told here, once."""
        self.identity.require("appoint", "account")

        def act(form: FlaskForm) -> Response:
            person = Person(form.name.data, form.phone.data, form.id_number.data or "", form.position.data or "")
            return self._opened(appoint(self.db, self.identity, form.role.data, self._unit(form), person, now=utcnow()))

        intro = _(
            "机构、学校和课程供应商的账号由系统编号，一次性密码只显示一次；研训专家的账号是本人身份证号，使用默认密码，已有账号的只增加岗位。"
        )
        return self.ask(
            "simple_form.html",
            self._form(),
            act,
            title=_("开通账号"),
            intro=intro,
            submit_label=_("开通"),
            cancel_url=url_for("account.list"),
        )

    @expose("/team", methods=["GET", "POST"])
    @login_required
    def team(self) -> Response:
        """A whole training team out of a workbook (S0-18)."""
        self.identity.require("appoint", "account")
        form = type("TeamForm", (FlaskForm,), {"region": self._region_field([InputRequired(NEEDED)]), "file": FileField(lazy("人员名单"))})(
            meta={"csrf": False}
        )
        self._offer(form.region)

        def act(form: FlaskForm) -> Response:
            opened = form_team(self.db, self.identity, self.db.get(Region, form.region.data), self._people(), now=utcnow())
            flash(
                _("已开通 %(count)s 个研训专家账号：账号是本人身份证号，新账号使用默认密码（账号后六位+@Gd）。", count=len(opened)),
                "success",
            )
            return redirect(url_for("account.list"), 303)

        return self.ask(
            "access/team.html",
            form,
            act,
            title=_("导入研训团队"),
            template_url=url_for("AppointingView.template"),
            cancel_url=url_for("account.list"),
        )

    @expose("/team/template")
    @login_required
    def template(self) -> Response:
        """The workbook to fill in."""
        self.identity.require("appoint", "account")
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "template.xlsx"
            write_template(target, _columns(), title=_("研训团队"), model_key="team", version="1")
            stored = target.open("rb")
        return send_file(stored, MIMETYPES["xlsx"], as_attachment=True, download_name="研训团队_导入模板.xlsx")

    # --- forms --------------------------------------------------------------------------------------------------------

    def _form(self) -> FlaskForm:
        roles = roles_one_appoints(self._own_post().role)
        controls = {
            "role": RadioField(
                lazy("角色"),
                [InputRequired(lazy("请选择角色。"))],
                choices=choices_of((role, _(role_label(role))) for role in roles),
                default=TRAINING_EXPERT if TRAINING_EXPERT in roles else roles[0],
            ),
            "region": self._region_field([Optional()], lazy("学校管理员不需要选择。")),
            "school": LinkField(
                lazy("学校"),
                [Optional()],
                target=School,
                session=self.db,
                remote_url=url_for("teacher.choices", name="school"),
                description=lazy("只有学校管理员需要选择。"),
            ),
            "name": StringField(lazy("姓名"), [InputRequired(NEEDED)]),
            "id_number": StringField(lazy("身份证号码"), [Optional()], description=lazy("研训专家必填，即登录账号；字母 X 大写。")),
            "phone": StringField(lazy("手机号码"), [InputRequired(NEEDED)], render_kw={"inputmode": "tel"}),
            "position": StringField(lazy("职务"), [Optional()]),
        }
        form = type("AppointForm", (FlaskForm,), controls)(meta={"csrf": False})
        self._offer(form.region)
        form.school.offer(first_options(self.db, School))
        return form  # type: ignore[no-any-return]

    def _region_field(self, checks: list[Any], help: Any = "") -> LinkField:
        remote = url_for("school.choices", name="region")
        return LinkField(lazy("区域"), checks, target=Region, session=self.db, remote_url=remote, description=help)

    def _offer(self, field: LinkField) -> None:
        """The regions in reach, one's own chosen."""
        if request.method == "GET":
            field.data = self.db.scalar(select(Region.id).where(Region.scope_path == self._own_post().path))
        field.offer(first_options(self.db, Region))

    def _own_post(self) -> Any:
        post = next((post for post in g.posts if post.id == self.identity.post_id), None)
        if post is None:
            abort(403)
        return post

    def _unit(self, form: FlaskForm) -> Region | School:
        unit: Region | School | None
        if form.role.data == SCHOOL_ADMIN:
            unit = self.db.get(School, form.school.data) if form.school.data else None
            if unit is None:
                raise RuleViolation("请选择学校。", "school")
            return unit
        unit = self.db.get(Region, form.region.data) if form.region.data else None
        if unit is None:
            raise RuleViolation("请选择区域。", "region")
        return unit

    # --- what comes in and goes out -----------------------------------------------------------------------------------

    def _people(self) -> list[tuple[int, Person]]:
        given = request.files.get("file")
        if given is None or not given.filename:
            raise RuleViolation("请选择要导入的文件。", "file")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"
            given.save(path)
            sheet = open_sheet(path)
            columns = match_headers(_columns(), sheet.header).mapping
            lacking = [c.label for c in _columns() if c.required and c.name not in columns.values()]
            if lacking:
                raise RuleViolation("文件中缺少这些列：{labels}。", "file", labels="、".join(lacking))
            return [(line, _person(line, {name: cells[at] for at, name in columns.items()})) for line, cells in sheet.rows()]

    def _opened(self, appointed: Appointed) -> Response:
        if not appointed.once:
            flash(_("已开通“%(name)s”的账号和岗位。", name=str(appointed.account)), "success")
            return redirect(url_for("account.list"), 303)
        return self.render_template(  # type: ignore[no-any-return]
            "access/password_once.html",
            account=appointed.account.username,
            password=appointed.once,
            title=_("账号已开通"),
            back_url=url_for("account.list"),
        )


def _columns() -> list[SheetColumn]:
    return [
        SheetColumn("name", _("姓名"), "text", required=True),
        SheetColumn("id_number", _("身份证号码"), "text", required=True, help=_("即登录账号；字母 X 大写。"), width=24),
        SheetColumn("phone", _("手机号码"), "text", required=True, width=18),
        SheetColumn("position", _("职务"), "text", width=18),
    ]


def _person(line: int, cells: dict[str, object]) -> Person:
    try:
        return Person(**{column.name: str(parse_cell(column, cells.get(column.name)) or "").strip() for column in _columns()})
    except RuleViolation as refusal:
        raise RuleViolation("第{line}行：{why}", "file", line=line, why=refusal.sentence) from refusal
