"""教师、账号: what their screens do beyond the generated ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, g, make_response, redirect, render_template, request, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from models.access import Account, AccountState
from models.base import utcnow
from models.fields import Field, chosen
from models.people import CertificationState, Teacher
from models.scoping import Identity
from models.violation import Sentence
from rules.accounts import reset_many, reset_password, unlock
from rules.approvals import administers_own_school
from rules.certification import open_application
from rules.grants import is_admin_role
from rules.hour_statement import totals_of
from rules.page_views import day_of
from rules.people import leave_school
from rules.phones import rebind_phone
from rules.real_name import lacks_facts, missing_facts
from rules.rotation import rotating, serves_elsewhere
from rules.service import reset_by_sms
from rules.superiors import ABOVE, in_hands_of, offices_of
from views.codes import own_post
from views.panel.attaching import file_lists
from views.panel.cells import text_of
from views.panel.pages import Button, ConfirmPage
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import listed


def _leave(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str:
    leave_school(session, identity, row, now=now)
    return "已从学校移除。教师需要重新选择任教学校并再次认证。"


class TeacherView(PanelView):
    """教师: leaving a school, and the lists of those whose real-name facts are incomplete or who serve elsewhere (S0-20, S3-27, S4-47)."""

    model = Teacher
    verbs = (
        Verb(
            "leave",
            "从学校移除",
            "leave",
            _leave,
            "logout",
            "danger",
            "移除后认证随之取消，教师需要尽快添加正确的任教信息并重新审核，否则会影响证书发放。",
            shown=lambda row: row.school_id is not None,
        ),
    )

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        incomplete = [lacks_facts()] if "incomplete" in only else []
        sent = [rotating(day_of(utcnow()))] if "rotating" in only else []
        own = [Teacher.certification == CertificationState.PENDING, administers_own_school()] if "own_administrators" in only else []
        return (*incomplete, *sent, *own)

    def list_fields(self) -> list[Field]:
        """The ten columns (S3-118); where there are several schools, whose teacher each is in place of the kind of document.

        Of those who serve elsewhere also where and until when.
        """
        fields = super().list_fields()
        if not self._at_one_school():
            name = next(n for n, f in enumerate(fields) if f.name == "name") + 1
            fields = [f for f in (*fields[:name], *chosen(self.model, ("school",)), *fields[name:]) if f.name != "id_type"]
        if "only.rotating" not in request.args:
            return fields
        return [f for f in fields if f.name != "applied_at"] + chosen(self.model, ("rotation_unit", "rotation_until"))

    def _at_one_school(self) -> bool:
        """Whether everybody this workbench lists teaches at the same school."""
        own = own_post()
        return own is None or own.school_id is not None or not is_admin_role(own.role)

    def list_buttons(self) -> Sequence[Button]:
        return [
            *self._for_the_region(),
            self._toggle("rotating", _("轮岗教师"), "arrows-exchange"),
            self._toggle("incomplete", _("信息不完整的教师"), "alert-circle"),
            *super().list_buttons(),
        ]

    def _for_the_region(self) -> Sequence[Button]:
        if not self.may("certify_above") or self.may("certify"):
            return []
        return [self._toggle("own_administrators", _("待上级审核的学校管理员"), "user-check")]

    def _toggle(self, name: str, label: str, icon: str) -> Button:
        """To the list of these teachers alone, and back to all."""
        if f"only.{name}" in request.args:
            return Button(_("全部教师"), self.url("list"), "list")
        return Button(label, f"{self.url('list')}?only.{name}=1", icon)

    def list_notice(self) -> str:
        if "only.own_administrators" in request.args:
            return _("下面是在本校任教、申请了认证的学校管理员。他们不能审核本人，请打开记录核对后办理。")
        if "only.rotating" in request.args:
            return _("下面是正在其他单位轮岗的教师。轮岗期间仍由原单位管理。")
        return _("下面是实名信息不完整的教师，请督促他们在“个人中心”完善。") if "only.incomplete" in request.args else ""

    def record_notice(self, row: Any) -> str:
        missing = missing_facts(row)
        lacks = _("信息不完整，还缺：%(facts)s。", facts=listed(_(fact) for fact in missing)) if missing else ""
        return lacks + (
            _("正在“%(unit)s”轮岗，仍由原单位管理。", unit=row.rotation_unit) if serves_elsewhere(row, day_of(utcnow())) else ""
        )

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        return [*self._evidence(row), *self._hours(row)]

    def _evidence(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        """What the application that waits is proved by, beside the buttons that decide on it."""
        application = open_application(self.db, row) if row.certification is CertificationState.PENDING else None
        lists = file_lists(self.db, self.identity, application) if application is not None else []
        return [(one.label, "files/_section.html", one.files) for one in lists if one.files]

    def _hours(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        if not self.identity.reaches("read", "hour_entry", row.scope_path):
            return ()
        lines = totals_of(self.db, self.identity, row.id, now=utcnow())
        return [(_("学时"), "hours/_totals.html", {"lines": lines, "url": url_for("HoursView.of_teacher", pk=row.id), "text_of": text_of})]


def _reset(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str | Response:
    once = reset_password(session, identity, row, now)
    if once is None:
        return "密码已重置为默认密码（账号后六位+@Gd），下次登录时必须修改。"
    return make_response(
        render_template("access/password_once.html", account=row.username, password=once, title=_("一次性密码"), back_url="/account/list/")
    )


def _reset_by_sms(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str:
    phone = reset_by_sms(session, identity, row, now)
    return Sentence("密码已重置，并已发送到 {phone}。", phone=phone)


def _reset_in_bulk(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str:
    """A password that is shown once is no part of a bulk act: it would have to be kept somewhere."""
    reset_password(session, identity, row, now, told_once=False)
    return "密码已重置。"


def _rebind(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str:
    return Sentence("已绑定手机 {phone}，并已通知本人。", phone=rebind_phone(session, identity, row, values.get("comment", ""), now))


def _unlock(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str:
    unlock(session, identity, row, now)
    return "账号已解锁。"


class AccountView(PanelView):
    """账号: reset by whom S0-16…S0-19 say, unlocked by the superior, opened by the workflow (S2-12)."""

    model = Account
    extra_method_acts = {"reset_all": "reset"}
    verbs = (
        Verb(
            "reset",
            "重置密码",
            "reset",
            _reset,
            "refresh",
            "normal",
            "密码将重置，该账号的登录会全部退出，接口密钥失效。",
            shown=lambda row: row.state is AccountState.ACTIVE,
            run_in_bulk=_reset_in_bulk,
        ),
        Verb(
            "reset_by_sms",
            "重置并发短信",
            "reset",
            _reset_by_sms,
            "message",
            "normal",
            "密码将重置并发送到账号登记的手机，该账号的登录会全部退出，接口密钥失效。",
            shown=lambda row: row.state is AccountState.ACTIVE and bool(row.phone),
            bulk=False,
        ),
        Verb(
            "rebind_phone",
            "更换绑定手机",
            "rebind",
            _rebind,
            "device-mobile",
            "normal",
            "请先电话回访，核实是本人且原号码已不能接收短信。以手机号码为账号的，账号随之改变。",
            "required",
            "新手机号码",
            shown=lambda row: row.state is AccountState.ACTIVE,
            bulk=False,
        ),
        Verb(
            "unlock", "解锁", "unlock", _unlock, "lock-open", shown=lambda row: row.locked_until is not None and row.locked_until > utcnow()
        ),
    )

    def is_theirs(self, verb: Verb, row: Any) -> bool:
        """An administrator's account is in the hands of who stands above every post of theirs, one's own in another's (S0-17, S0-19)."""
        return verb.act == "rebind" or in_hands_of(self.identity, verb.act, row, self._offices(row))

    def why_closed(self, name: str, row: Any) -> str:
        if name not in ("disable", "enable") or in_hands_of(self.identity, "disable", row, self._offices(row)):
            return super().why_closed(name, row)
        return Sentence(ABOVE)

    def _offices(self, row: Account) -> Sequence[Any]:
        """Asked once for all accounts of the page."""
        known: dict[int, list[Any]] = g.setdefault("offices", {})
        if row.id not in known:
            known.update(offices_of(self.db, [one for one in self.db.identity_map.values() if isinstance(one, Account)]))
        return known[row.id]

    def list_buttons(self) -> Sequence[Button]:
        reset = [Button(_("统一重置密码"), self.url("reset_all"), "refresh-alert")] if self.may("reset") else []
        if not self.may("appoint"):
            return reset
        team = Button(_("导入研训团队"), url_for("AppointingView.team"), "users-plus")
        return [*reset, team, Button(_("开通账号"), url_for("AppointingView.one"), "user-plus", "primary")]

    @expose("/reset-all", methods=["GET", "POST"])
    @has_access
    def reset_all(self) -> Response:
        """Every personal account of the unit back on its default password, as a project starts (S0-06)."""
        paths = self.identity.paths("reset", self.table)
        if request.method == "POST" and request.form.get("confirmed") == "1":
            count = sum(reset_many(self.db, self.identity, path, utcnow()) for path in paths)
            flash(_("已重置 %(count)s 个账号的密码。", count=count), "success")
            return redirect(self.url("list"), 303)
        message = _("本单位及下属单位所有教师的密码都会恢复为默认密码（账号后六位+@Gd），正在使用的登录会全部退出。管理员的账号不受影响。")
        button = Button(_("统一重置密码"), self.url("reset_all"), "refresh-alert", "danger", "post")
        page = ConfirmPage(_("统一重置密码"), message, button, self.url("list"))
        return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]
