"""区域、学校、管理员、权限码: what their screens do beyond the generated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask import abort, current_app, flash, g, make_response, redirect, render_template, request, send_file, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import false, select
from werkzeug.wrappers import Response
from wtforms import IntegerField, RadioField, SelectMultipleField
from wtforms.validators import InputRequired

from models.access import CodeState, PermissionCode, Post, in_office
from models.base import utcnow
from models.fields import Field
from models.org import Region, RegionLevel, School, SchoolKind
from models.scoping import Identity
from models.violation import RuleViolation
from rules.code_issuers import MAY_ISSUE
from rules.delegates import administrator_may_have_substitute
from rules.grants import OPERATOR, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, role_label
from rules.permission_codes import IssuedCode, Target, codes_workbook_rows, issue_codes, revoke_code
from rules.posts import end_post, hand_over
from rules.units import move_region, move_school, regions_without_teacher_count
from views.panel.cells import moment_text
from views.panel.excel.columns import SheetColumn
from views.panel.excel.writer import write_xlsx
from views.panel.forms import LinkField, errors_of, first_options, place
from views.panel.menu import ENTRIES, Entry
from views.panel.pages import Button
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import listed

MOST_UNITS = 500
"""How many units one page of issuing offers; more are narrowed down by region first."""


class MovingView(PanelView):
    """A unit that can be moved elsewhere with everything below it."""

    def _move_to(self, row: Any, target: type[Any], label: str, move: Any) -> Response:
        link = LinkField(
            label,
            [InputRequired()],
            target=target,
            session=self.db,
            remote_url=self.url("choices", name="region" if target is Region else "parent"),
        )
        form = type("MoveForm", (FlaskForm,), {"target": link})(meta={"csrf": False})
        form.target.offer(first_options(self.db, target))
        if request.method == "POST" and form.validate():
            try:
                move(self.db, self.identity, row, self.db.get(target, form.target.data), now=utcnow())
            except RuleViolation as refusal:
                place(form, refusal)
            else:
                flash(_("已调动，下属数据一并转移。"), "success")
                return redirect(self.url("list"), 303)
        context = {
            "title": _("调动：%(name)s", name=str(row)),
            "intro": _("所属的教师、岗位、账号和权限码会一并转移到新的区域。跨县区由市级管理员办理，跨地市由省级管理员办理。"),
            "submit_label": _("确定调动"),
            "cancel_url": self.url("show", pk=row.id),
        }
        return self.render_template("simple_form.html", form=form, errors=errors_of(form), **context), 422 if form.errors else 200  # type: ignore[return-value]


def looks_after_one_school(identity: Identity) -> bool:
    """Whether this is the workbench of a school's own administrator: they edit it, and add none."""
    return identity.may("edit", "school") and not identity.may("add", "school")


class SchoolView(MovingView):
    """学校（机构）: moved by the level above both regions (Z-06, S3-138)."""

    model = School
    extra_method_acts = {"move": "move", "own": "read"}

    def in_menu(self, identity: Identity) -> bool:
        return super().in_menu(identity) and not looks_after_one_school(identity)

    def open_fields(self, row: Any | None) -> list[Field]:
        """A school's own administrator has to say what kind of place it lies in (S3-111, S3-113)."""
        fields = super().open_fields(row)
        return [replace(f, required=True) if f.name == "area_type" and looks_after_one_school(self.identity) else f for f in fields]

    @expose("/own")
    @has_access
    def own(self) -> Response:
        """【学校（机构）信息】: the page of the school whose administrator asks."""
        post = next((post for post in g.posts if post.id == self.identity.post_id), None)
        if post is None or post.school_id is None:
            abort(404)
        return redirect(self.url("show", pk=post.school_id))

    def record_buttons(self, row: Any) -> list[Button]:
        buttons = super().record_buttons(row)
        if self.may("move") and self.reaches("move", row) and row.kind is not SchoolKind.OTHER:
            buttons.insert(0, Button(_("调动"), self.url("move", pk=row.id), "arrows-exchange"))
        return buttons

    @expose("/move/<pk>", methods=["GET", "POST"])
    @has_access
    def move(self, pk: str) -> Response:
        """Move the school, and everything below it, to another region."""
        row = self.row(pk)
        if not self.reaches("move", row):
            abort(403)
        return self._move_to(row, Region, _("转入的区域"), move_school)


class RegionView(MovingView):
    """区域: the operator moves one; a list of those that have not reported their teachers (Z-10, S3-137)."""

    model = Region
    extra_method_acts = {"move": "edit"}

    def list_notice(self) -> str:
        missing = regions_without_teacher_count(self.db, self.identity) if self.may("edit") else []
        if not missing:
            return ""
        names = listed(region.name for region in missing[:6])
        return _(
            "%(count)s 个区域还没有填报专任教师数，参训率会显示为 0.00%%：%(names)s。请打开区域后点击“编辑”填写。",
            count=len(missing),
            names=names + ("…" if len(missing) > 6 else ""),
        )

    def record_buttons(self, row: Any) -> list[Button]:
        buttons = super().record_buttons(row)
        if self.identity.reaches("edit", "region", "/") and row.parent_id is not None:
            buttons.insert(0, Button(_("调动"), self.url("move", pk=row.id), "arrows-exchange"))
        return buttons

    @expose("/move/<pk>", methods=["GET", "POST"])
    @has_access
    def move(self, pk: str) -> Response:
        """Bring a region under another parent: the operator alone (S3-135)."""
        row = self.row(pk)
        if not self.identity.reaches("edit", "region", "/"):
            abort(403)
        return self._move_to(row, Region, _("新的上级区域"), move_region)


def _hand_over(session: Any, identity: Any, row: Any, values: Any, now: Any) -> Response:
    settings = current_app.extensions["settings"]
    issued = hand_over(session, identity, settings.secret_key.encode(), row, now=now, days=settings.code_days)
    return make_response(render_template("access/codes.html", issued=_shown([issued]), title=_("变更管理员"), back_url="/post/list/"))


SOURCES = {"system": "系统", "terminal": "命令行", "demo": "演示数据"}


def _end(session: Any, identity: Any, row: Any, values: Any, now: Any) -> str:
    end_post(session, identity, row, now=now)
    return "岗位已解除。"


def _source(source: str) -> str:
    """How somebody came by a post, in words."""
    kind, _colon, prefix = source.partition(":")
    return _("权限码 %(prefix)s", prefix=prefix) if kind == "code" else SOURCES.get(source, source)


def _to_delegate(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> Response:
    return redirect(url_for("DelegatesView.name", pk=row.id), 303)


class PostView(PanelView):
    """管理员: ended, handed over to a successor in one act (S3-133), or looked after by a substitute until a date."""

    model = Post
    words = {"role": role_label, "source": _source}
    verbs = (
        Verb(
            "hand_over",
            "变更管理员",
            "end",
            _hand_over,
            "user-share",
            "primary",
            "原管理员的岗位立即结束，同时生成新的权限码，请转交给新管理员绑定。",
            shown=lambda row: row.until is None,
            bulk=False,
        ),
        Verb("delegate", "委托代理", "end", _to_delegate, "user-plus", shown=administrator_may_have_substitute, bulk=False),
        Verb(
            "end",
            "解除",
            "end",
            _end,
            "user-minus",
            "danger",
            "该管理员将立即失去这个岗位的权限。",
            shown=lambda row: row.is_in_force(utcnow()),
        ),
    )

    def record_notice(self, row: Any) -> str:
        if row.delegate_of_id is None:
            return ""
        return _("这是代理岗位：由%(name)s代为办理，至 %(until)s 自动结束。", name=row.contact_name, until=moment_text(row.until))

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        return (Post.role.in_((OPERATOR, REGION_SUPER, REGION_SPECIAL, SCHOOL_ADMIN)),)


def _revoke(session: Any, identity: Any, row: Any, values: Any, now: Any) -> str:
    revoke_code(session, identity, row, now)
    return "权限码已作废。"


class CodeView(PanelView):
    """激活码管理: issued for one or many units, shown once, revoked, re-issued (S3-24, Z-14)."""

    model = PermissionCode
    words = {"role": role_label}
    extra_method_acts = {"issue": "issue"}
    verbs = (
        Verb(
            "revoke",
            "作废",
            "revoke",
            _revoke,
            "ban",
            "danger",
            "作废后该权限码不能再绑定。",
            shown=lambda row: row.state is CodeState.ISSUED,
        ),
    )

    def list_buttons(self) -> Sequence[Button]:
        return [Button(_("生成权限码"), self.url("issue"), "key", "primary")] if self.may("issue") else []

    @expose("/issue", methods=["GET", "POST"])
    @has_access
    def issue(self) -> Response:
        """Choose the role and the units, get the codes once: on the page, or as one workbook."""
        form = self._issue_form()
        if request.method == "POST" and form.validate():
            try:
                issued = self._issue(form)
            except RuleViolation as refusal:
                place(form, refusal)
            else:
                return _workbook(issued) if request.form.get("format") == "xlsx" else self._once(issued)
        return self.render_template(
            "access/issue.html", form=form, errors=errors_of(form), cancel_url=self.url("list")
        ), 422 if form.errors else 200  # type: ignore[return-value]

    def _once(self, issued: list[IssuedCode]) -> Response:
        return self.render_template("access/codes.html", issued=_shown(issued), title=_("权限码已生成"), back_url=self.url("list"))  # type: ignore[no-any-return]

    def _issue(self, form: Any) -> list[IssuedCode]:
        settings = current_app.extensions["settings"]
        targets = [
            Target(form.role.data, school_id=int(i[1:])) if i[0] == "s" else Target(form.role.data, region_id=int(i[1:]))
            for i in form.units.data
        ]
        return issue_codes(
            self.db,
            self.identity,
            settings.secret_key.encode(),
            targets,
            now=utcnow(),
            days=form.days.data,
            daily_cap=settings.code_daily_cap,
        )

    def _issue_form(self) -> Any:
        form = IssueForm(
            meta={"csrf": False},
            data=None
            if request.method == "POST"
            else {"days": current_app.extensions["settings"].code_days, "role": (self._roles() or [""])[0]},
        )
        form.role.choices = [(role, _(role_label(role))) for role in self._roles()]
        form.units.choices = self._units(request.values.get("q", "").strip())
        return form

    def _roles(self) -> list[str]:
        """The roles whose codes this person's own post may give (S3-06)."""
        own = {post.role for post in g.posts if post.id == self.identity.post_id}
        return [
            role
            for role in (SCHOOL_ADMIN, REGION_SPECIAL, REGION_SUPER)
            if any(issuer in own and given == role for issuer, given, _where in MAY_ISSUE)
        ]

    def _may_issue_for(self, region: Region) -> bool:
        own = [post for post in g.posts if post.id == self.identity.post_id]
        return any(
            post.role == issuer and where(post.path, region.scope_path, region.level) for issuer, _role, where in MAY_ISSUE for post in own
        )

    def _units(self, text: str) -> list[tuple[str, str]]:
        """Schools without an administrator and the regions in reach, by name."""
        held = select(Post.school_id).where(Post.role == SCHOOL_ADMIN, in_office(), Post.school_id.is_not(None))
        schools = (
            select(School).where(School.kind != SchoolKind.OTHER, School.id.not_in(held)).order_by(School.scope_path).limit(MOST_UNITS)
        )
        regions = select(Region).where(Region.level.in_(RegionLevel)).order_by(Region.scope_path).limit(MOST_UNITS)
        if text:
            schools, regions = (
                schools.where(School.name.contains(text, autoescape=True)),
                regions.where(Region.name.contains(text, autoescape=True)),
            )
        may = self._roles()
        reached = [r for r in self.db.scalars(regions) if self._may_issue_for(r)] if {REGION_SPECIAL, REGION_SUPER} & set(may) else []
        if SCHOOL_ADMIN not in may:
            schools = schools.where(false())
        return [(f"r{r.id}", _("%(name)s（%(level)s）", name=r.name, level=_(r.level.label))) for r in reached] + [
            (f"s{s.id}", s.name) for s in self.db.scalars(schools)
        ]


ENTRIES.append(Entry("基本管理", "学校（机构）信息", "building", "school.own", 11, looks_after_one_school))


class IssueForm(FlaskForm):  # type: ignore[misc]
    role = RadioField(lazy_gettext("角色"), [InputRequired(lazy_gettext("请选择角色。"))])
    units = SelectMultipleField(lazy_gettext("单位"), [InputRequired(lazy_gettext("请至少选择一个单位。"))])
    days = IntegerField(lazy_gettext("有效期（天）"), [InputRequired(lazy_gettext("请填写有效期。"))], render_kw={"min": 1, "max": 365})


def _shown(issued: list[IssuedCode]) -> list[tuple[str, str, str, str]]:
    return [(code.unit_name, _(role_label(code.role)), code.code_text, moment_text(code.expires_at)) for code in issued]


def _workbook(issued: list[IssuedCode]) -> Response:
    """The codes as a workbook, given once and kept nowhere."""
    header, *rows = codes_workbook_rows(issued)
    columns = [SheetColumn(f"c{n}", label, "text", width=28) for n, label in enumerate(header)]
    with NamedTemporaryFile(suffix=".xlsx") as file:
        write_xlsx(
            Path(file.name), columns, rows, note=[(_("说明"), _("权限码只在这里出现一次，请妥善保管并及时分发。"))], sheet_title=_("权限码")
        )
        content = BytesIO(Path(file.name).read_bytes())
    return send_file(content, as_attachment=True, download_name="权限码.xlsx", max_age=0)
