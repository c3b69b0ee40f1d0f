"""区域、学校、管理员: what their screens do beyond the generated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import abort, current_app, flash, g, make_response, redirect, render_template, request, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from werkzeug.wrappers import Response
from wtforms.validators import InputRequired

from models.access import Post
from models.base import utcnow
from models.fields import Field
from models.org import Region, School
from models.people import Teacher
from models.scoping import Identity, below
from models.violation import RuleViolation
from rules.code_issuers import MAY_REPLACE
from rules.delegates import administrator_may_have_substitute
from rules.grants import COURSE_PROVIDER, OPERATOR, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TRAINING_EXPERT, role_label
from rules.posts import end_post, hand_over
from rules.units import may_move_somewhere, move_region, move_school, regions_without_teacher_count
from views.codes import codes_shown, own_post, stands_above_it
from views.panel.cells import moment_text
from views.panel.forms import LinkField, errors_of, first_options, place
from views.panel.menu import ENTRIES, Entry
from views.panel.pages import Button, ConfirmPage
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import listed


class MovingView(PanelView):
    """A unit that can be moved elsewhere with everything below it."""

    def _move_to(self, row: Any, target: type[Any], label: str, move: Any) -> Response:
        link = LinkField(
            label,
            [InputRequired(_("请选择%(what)s。", what=label))],
            target=target,
            session=self.db,
            remote_url=self.url("choices", name="region" if target is Region else "parent"),
        )
        form = type("MoveForm", (FlaskForm,), {"target": link})(meta={"csrf": False})
        form.target.offer(first_options(self.db, target))
        if request.method == "POST" and form.validate():
            unit = self.db.get(target, form.target.data)
            ways = {"name": str(row), "origin": str(_above(row) or "--"), "target": str(unit)}
            if request.form.get("confirmed") != "1":
                return self._ask_to_move(row, unit, ways)
            try:
                move(self.db, self.identity, row, unit, now=utcnow())
            except RuleViolation as refusal:
                place(form, refusal)
            else:
                flash(_("已调动 %(name)s：%(origin)s → %(target)s，下属数据一并转移。", **ways), "success")
                return redirect(self.url("show", pk=row.id), 303)
        context = {
            "title": _("调动：%(name)s", name=str(row)),
            "intro": _("所属的教师、岗位、账号和权限码会一并转移到新的区域。跨县区由市级管理员办理，跨地市由省级管理员办理。"),
            "submit_label": _("下一步"),
            "cancel_url": self.url("show", pk=row.id),
        }
        return self.render_template("simple_form.html", form=form, errors=errors_of(form), **context), 422 if form.errors else 200  # type: ignore[return-value]

    def _ask_to_move(self, row: Any, unit: Any, ways: dict[str, str]) -> Response:
        """Before everything below goes along: from where, to where, and how many people."""
        count = self.db.scalar(select(func.count()).select_from(Teacher).where(below(Teacher.scope_path, row.scope_path)))
        message = _("%(name)s：%(origin)s → %(target)s，%(count)s 名教师随之调动。", count=count, **ways)
        button = Button(_("调动"), self.url("move", pk=row.id), "arrows-exchange", "primary", "post", confirm_label=_("确定调动"))
        page = ConfirmPage(
            _("调动：%(name)s", name=str(row)), message, button, self.url("show", pk=row.id), values=[("target", str(unit.id))]
        )
        return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]


def _above(row: Any) -> Any:
    """The region a school or a region stands in."""
    return row.region if isinstance(row, School) else row.parent


OF_THE_LEVEL_ABOVE = ("name", "kind")
"""What a school's own administrator asks the region to correct (rules.unit_invariants)."""


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
        """A school's own administrator reads beforehand what they have to say (S3-111, S3-113; ``rules.unit_invariants`` asks).

        Not what the level above says: name and kind.
        """
        fields = super().open_fields(row)
        if not looks_after_one_school(self.identity):
            return fields
        return [replace(f, required=True) if f.name == "area_type" else f for f in fields if f.name not in OF_THE_LEVEL_ABOVE]

    @expose("/own")
    @has_access
    def own(self) -> Response:
        """【学校（机构）信息】: the page of the school whose administrator asks."""
        post = own_post()
        if post is None or post.school_id is None:
            abort(404)
        return redirect(self.url("show", pk=post.school_id))

    def record_buttons(self, row: Any) -> list[Button]:
        buttons = super().record_buttons(row)
        if self.may("move") and self.reaches("move", row) and may_move_somewhere(self.db, self.identity, row):
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
    return make_response(render_template("access/codes.html", issued=codes_shown([issued]), title=_("变更管理员"), back_url="/post/list/"))


SOURCES = {"system": "系统", "terminal": "命令行", "demo": "演示数据"}
OFFICES = (OPERATOR, REGION_SUPER, REGION_SPECIAL, SCHOOL_ADMIN, COURSE_PROVIDER)


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
    """管理员: ended, handed over to a successor in one act (S3-133), or looked after by a substitute until a date; experts apart."""

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
            shown=lambda row: row.until is None and row.role in MAY_REPLACE,
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
            "其本人将立即失去这个岗位的权限，账号和其他岗位不受影响。",
            shown=lambda row: row.is_in_force(utcnow()),
        ),
    )

    def is_theirs(self, verb: Verb, row: Any) -> bool:
        """Not from below, nor by a substitute the post they stand in at; one's own is delegated by oneself, and the last one stays."""
        own, is_mine = own_post(), row.account_id == self.identity.account_id
        if own is None or (
            own.stands_in_for is not None and (row.account_id, row.role, row.scope_path) == (own.stands_in_for.id, own.role, own.path)
        ):
            return False
        if is_mine and verb.name == "delegate":
            return True
        return stands_above_it(row) and not (is_mine and verb.name == "end" and len(g.posts) == 1)

    def record_notice(self, row: Any) -> str:
        if row.delegate_of_id is None:
            return ""
        return _("这是代理岗位：由%(name)s代为办理，至 %(until)s 自动结束。", name=row.contact_name, until=moment_text(row.until))

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        return (Post.role.in_((TRAINING_EXPERT,) if "experts" in only else OFFICES),)

    def list_buttons(self) -> Sequence[Button]:
        if not self.may("end"):
            return []
        asked = "only.experts" in request.args
        address = self.url("list") + ("" if asked else "?only.experts=1")
        return [Button(_("管理员") if asked else _("研训专家"), address, "list" if asked else "school")]

    def list_notice(self) -> str:
        return _("下面是研训团队的专家。解除岗位后，账号和其他岗位不受影响。") if "only.experts" in request.args else ""


ENTRIES.append(Entry("基本管理", "学校（机构）信息", "building", "school.own", 11, looks_after_one_school))
