"""激活码管理: codes issued for one or many units, shown once, revoked; and at which post one works when one does so."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from secrets import token_urlsafe
from tempfile import NamedTemporaryFile
from typing import Any

from flask import current_app, flash, g, redirect, request, send_file
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import false, or_, select
from werkzeug.wrappers import Response
from wtforms import IntegerField, RadioField, SelectMultipleField
from wtforms.validators import InputRequired

from models.access import CodeState, PermissionCode, Post, in_office
from models.base import row_id, utcnow
from models.org import Region, RegionLevel, School, SchoolKind
from models.scoping import current_identity
from models.violation import RuleViolation
from rules.code_issuers import MAY_ISSUE, stands_above
from rules.grants import REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, role_label
from rules.permission_codes import IssuedCode, Target, codes_workbook_rows, issue_codes, revoke_code
from rules.throttle import clear, hit
from views.panel.cells import moment_text
from views.panel.excel.columns import SheetColumn
from views.panel.excel.writer import write_xlsx
from views.panel.forms import errors_of, place
from views.panel.pages import Button
from views.panel.screens import PanelView
from views.panel.security import Held
from views.panel.verbs import Verb

ASKED_SECONDS = 7 * 86400
"""How long the same form is known to have been answered; no session lasts as long without its page being left."""
MOST_UNITS = 500
"""How many units one page of issuing offers; more are narrowed down by region first."""


def own_post() -> Held | None:
    """The post of the workbench this person works at."""
    return next((post for post in g.posts if post.id == current_identity().post_id), None)


def stands_above_it(row: Post | PermissionCode) -> bool:
    """Whether somebody at this workbench may ever end the post, or void the code: nobody does from below."""
    own = own_post()
    return own is not None and stands_above(own.role, own.path, row.role, row.scope_path)


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

    def is_theirs(self, verb: Verb, row: Any) -> bool:
        return stands_above_it(row)

    def list_buttons(self) -> Sequence[Button]:
        return [Button(_("生成权限码"), self.url("issue"), "key", "primary")] if self.may("issue") else []

    @expose("/issue", methods=["GET", "POST"])
    @has_access
    def issue(self) -> Response:
        """Choose the role and the units, get the codes once: on the page, or as one workbook. To look for more units keeps those chosen.

        The answer asked for again (a page refreshed, a form sent twice) issues nothing: new codes would void those just told.
        """
        form = self._issue_form()
        if request.method == "POST" and "find" not in request.form and form.validate():
            asked = f"issue:{self.identity.account_id}:{request.form.get('asked', '')[:32] or token_urlsafe(16)}"
            if not hit(self.db, asked, limit=1, seconds=ASKED_SECONDS, now=utcnow()):
                flash(_("这些权限码已经生成过，为了安全不再显示。需要新的权限码请重新生成。"), "warning")
                return redirect(self.url("list"), 303)
            try:
                issued = self._issue(form)
            except RuleViolation as refusal:
                place(form, refusal)
                clear(self.db, asked)
                self.db.commit()
            else:
                return _workbook(issued) if request.form.get("format") == "xlsx" else self._once(issued)
        return self.render_template(
            "access/issue.html",
            form=form,
            errors=errors_of(form),
            cancel_url=self.url("list"),
            asked=token_urlsafe(16),
            waiting=self._with_a_code(form.units.choices),
        ), 422 if form.errors else 200  # type: ignore[return-value]

    def _with_a_code(self, units: Sequence[tuple[str, str]]) -> set[str]:
        """Which of these units hold a code that nobody has used yet."""
        numbers = [_numbers([value for value, _label in units], kind) for kind in "rs"]
        here = or_(PermissionCode.region_id.in_(numbers[0]), PermissionCode.school_id.in_(numbers[1]))
        asked = select(PermissionCode.region_id, PermissionCode.school_id).where(
            here, PermissionCode.state == CodeState.ISSUED, PermissionCode.expires_at > utcnow()
        )
        return {f"s{school}" if school else f"r{region}" for region, school in self.db.execute(asked)}

    def _once(self, issued: list[IssuedCode]) -> Response:
        return self.render_template("access/codes.html", issued=codes_shown(issued), title=_("权限码已生成"), back_url=self.url("list"))  # type: ignore[no-any-return]

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
        form.units.choices = self._units(request.values.get("q", "").strip(), form.units.data or [])
        return form

    def _roles(self) -> list[str]:
        """The roles whose codes this person's own post may give (S3-06)."""
        own = own_post()
        given = {role for issuer, role, _where in MAY_ISSUE if own is not None and issuer == own.role}
        return [role for role in (SCHOOL_ADMIN, REGION_SPECIAL, REGION_SUPER) if role in given]

    def _may_issue_for(self, region: Region) -> bool:
        own = own_post()
        return own is not None and any(
            own.role == issuer and where(own.path, region.scope_path, region.level) for issuer, _role, where in MAY_ISSUE
        )

    def _units(self, text: str, chosen: Sequence[str]) -> list[tuple[str, str]]:
        """Schools without an administrator and the regions in reach whose name has this text, and those chosen before."""
        held = select(Post.school_id).where(Post.role == SCHOOL_ADMIN, in_office(), Post.school_id.is_not(None))
        schools = (
            select(School).where(School.kind != SchoolKind.OTHER, School.id.not_in(held)).order_by(School.scope_path).limit(MOST_UNITS)
        )
        regions = select(Region).where(Region.level.in_(RegionLevel)).order_by(Region.scope_path).limit(MOST_UNITS)
        if text:
            schools, regions = (
                schools.where(or_(School.name.contains(text, autoescape=True), School.id.in_(_numbers(chosen, "s")))),
                regions.where(or_(Region.name.contains(text, autoescape=True), Region.id.in_(_numbers(chosen, "r")))),
            )
        may = self._roles()
        reached = [r for r in self.db.scalars(regions) if self._may_issue_for(r)] if {REGION_SPECIAL, REGION_SUPER} & set(may) else []
        if SCHOOL_ADMIN not in may:
            schools = schools.where(false())
        return [(f"r{r.id}", _("%(name)s（%(level)s）", name=r.name, level=_(r.level.label))) for r in reached] + [
            (f"s{s.id}", s.name) for s in self.db.scalars(schools)
        ]


def _numbers(chosen: Sequence[str], kind: str) -> list[int]:
    return [number for value in chosen if value.startswith(kind) and (number := row_id(value[1:])) is not None]


class IssueForm(FlaskForm):  # type: ignore[misc]
    role = RadioField(lazy_gettext("角色"), [InputRequired(lazy_gettext("请选择角色。"))])
    units = SelectMultipleField(lazy_gettext("单位"), [InputRequired(lazy_gettext("请至少选择一个单位。"))])
    days = IntegerField(lazy_gettext("有效期（天）"), [InputRequired(lazy_gettext("请填写有效期。"))], render_kw={"min": 1, "max": 365})


def codes_shown(issued: list[IssuedCode]) -> list[tuple[str, str, str, str]]:
    """What the page that shows fresh codes once shows of each: unit, role, code, until when."""
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
