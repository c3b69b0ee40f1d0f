"""个人中心: one's own facts, password, phone, identity, school and certification (S3-09, S3-27, S4-36, S4-38, S4-42 … S4-54, S4-79)."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import abort, current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy
from flask_login import login_required, login_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from models.access import Account, ApiKey, PersonKind
from models.base import utcnow
from models.people import Certification, Teacher
from models.scoping import acting_as
from models.violation import RuleViolation
from rules.accounts import change_password
from rules.approvals import CERTIFICATION
from rules.certification import EVIDENCE, apply_with_evidence, change_evidence, open_application
from rules.masks import mask_account, mask_id_number, mask_phone
from rules.people import correct_document, join_school
from rules.phones import confirm_phone_change, start_phone_change
from rules.real_name import missing_facts
from rules.registration import become_teacher, school_or_other, switch_identity
from rules.workflow import offers, why_not
from views.pages import PageView
from views.panel.attaching import Attaching
from views.panel.cells import moment_text, text_of
from views.panel.forms import errors_of
from views.panel.words import listed, told
from views.registration import PUBLIC, region_field, school_field, teaching_fields, teaching_of

NEEDED = lazy("请填写此项。")
KEY_DAYS = 365
RULES = ("至少 8 位，同时包含字母和数字。", "不能包含账号或证件号码，不能是默认密码。")


class PasswordForm(FlaskForm):  # type: ignore[misc]
    old = PasswordField(lazy("原密码"), [InputRequired(NEEDED)], render_kw={"autocomplete": "current-password"})
    password = PasswordField(lazy("新密码"), [InputRequired(NEEDED)], render_kw={"autocomplete": "new-password"})
    again = PasswordField(
        lazy("再次输入新密码"),
        [InputRequired(NEEDED), EqualTo("password", lazy("两次输入的新密码不一致。"))],
        render_kw={"autocomplete": "new-password"},
    )


class PhoneForm(FlaskForm):  # type: ignore[misc]
    phone = StringField(lazy("新手机号码"), [InputRequired(NEEDED)], render_kw={"inputmode": "tel"})


class CodeForm(FlaskForm):  # type: ignore[misc]
    code = StringField(lazy("短信验证码"), [InputRequired(NEEDED)], render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"})


class KeyForm(FlaskForm):  # type: ignore[misc]
    name = StringField(lazy("密钥用途"), [InputRequired(NEEDED), Length(max=100, message=lazy("最多 %(max)d 个字。"))])


def _by_our_clock(moment: datetime | None) -> str:
    """What Flask-AppBuilder wrote down by the clock of this machine, without its zone, in the platform's."""
    return moment_text(moment.astimezone()) if moment is not None else "--"


class MeView(PageView):
    """个人中心."""

    route_base = "/me"

    @expose("/")
    @login_required
    def home(self) -> Response:
        """One's own facts, masked; what is missing; what can be changed where."""
        account, teacher = self._account(), self._teacher()
        steps = offers(self.db, self.identity, CERTIFICATION, teacher, thorough=True) if teacher else []
        context = {
            "account": account,
            "teacher": teacher,
            "missing": listed(_(fact) for fact in missing_facts(teacher)) if teacher else "",
            "steps": [(offer.step, told(offer.why)) for offer in steps],
            "masked": {
                "account": mask_account(account.username),
                "phone": mask_phone(account.phone),
                "id_number": mask_id_number(account.id_number),
            },
            "text_of": text_of,
            "kinds": [kind for kind in PersonKind if kind is not account.identity],
        }
        return self.render_template("me/home.html", **context)  # type: ignore[no-any-return]

    @expose("/password", methods=["GET", "POST"])
    @login_required
    def password(self) -> Response:
        """Choose a new password; other sessions and the API keys end, this one goes on (Z-12)."""

        def act(form: PasswordForm) -> Response:
            account = self._account()
            change_password(self.db, account, form.old.data, form.password.data, now=utcnow())
            workbench = session.get("workbench")
            login_user(account)
            if workbench:
                session["workbench"] = workbench
            flash(_("密码已修改，其他设备上的登录和接口密钥已失效。"), "success")
            return redirect(url_for("WorkbenchView.home"), 303)

        why = _("您正在使用默认密码。为了账号安全，请先设置自己的密码。") if g.user.must_change_password else ""
        cancel = "" if why else url_for("MeView.home")
        return self.ask(
            "auth/password.html", PasswordForm(meta={"csrf": False}), act, why=why, rules=[_(rule) for rule in RULES], cancel_url=cancel
        )

    @expose("/phone", methods=["GET", "POST"])
    @login_required
    def phone(self) -> Response:
        """A code goes to the old phone (S4-38)."""

        def act(form: PhoneForm) -> Response:
            sent_to = start_phone_change(self.db, self._account(), form.phone.data, utcnow(), secret_key=self.secret)
            flash(_("验证码已发送到 %(phone)s。", phone=sent_to), "info")
            return redirect(url_for("MeView.confirm_phone"), 303)

        known = _("验证码会发送到您现在绑定的手机 %(phone)s。原号码已不能接收短信时，请联系客服办理换绑。", phone=mask_phone(g.user.phone))
        intro = known if g.user.phone else _("您的账号还没有绑定手机，验证码会发送到新手机号码。")
        return self.ask(
            "simple_form.html",
            PhoneForm(meta={"csrf": False}),
            act,
            title=_("更换手机号码"),
            intro=intro,
            submit_label=_("发送验证码"),
            cancel_url=url_for("MeView.home"),
        )

    @expose("/phone/confirm", methods=["GET", "POST"])
    @login_required
    def confirm_phone(self) -> Response:
        """The code binds the new phone."""

        def act(form: CodeForm) -> Response:
            confirm_phone_change(self.db, self._account(), form.code.data, utcnow(), secret_key=self.secret)
            flash(_("手机号码已更换。"), "success")
            return redirect(url_for("MeView.home"), 303)

        return self.ask(
            "simple_form.html",
            CodeForm(meta={"csrf": False}),
            act,
            title=_("填写验证码"),
            submit_label=_("确定"),
            cancel_url=url_for("MeView.home"),
        )

    @expose("/identity/<kind>", methods=["POST"])
    @login_required
    def identity_as(self, kind: str) -> Response:
        """Go on as teacher, student or parent (S4-42 … S4-46)."""
        if kind not in {k.value for k in PersonKind}:
            abort(404)
        account = self._account()
        if kind == PersonKind.TEACHER.value and account.teacher_id is None:
            return redirect(url_for("MeView.teach"), 303)
        switch_identity(self.db, account, PersonKind(kind))
        flash(_("已切换身份。"), "success")
        return redirect(url_for("MeView.home"), 303)

    @expose("/teach", methods=["GET", "POST"])
    @login_required
    def teach(self) -> Response:
        """A student's or parent's account gains a teacher's identity (S4-42, S4-45)."""
        form = type("TeachForm", (FlaskForm,), teaching_fields())(meta={"csrf": False})
        form.school.offer([])
        form.region.offer([])

        def act(form: FlaskForm) -> Response:
            account = self._account()
            become_teacher(self.db, account, teaching_of(form), now=utcnow())
            switch_identity(self.db, account, PersonKind.TEACHER)
            flash(_("已添加教师信息，请申请认证。"), "success")
            return redirect(url_for("MeView.home"), 303)

        return self.ask("simple_form.html", form, act, title=_("添加教师身份"), submit_label=_("保存"), cancel_url=url_for("MeView.home"))

    @expose("/school", methods=["GET", "POST"])
    @login_required
    def school(self) -> Response:
        """当前任教信息: choose the school one teaches at now (S4-36, S4-48)."""
        teacher = self._teacher()
        if teacher is None:
            abort(404)
        form = type("SchoolForm", (FlaskForm,), {"school": school_field(), "region": region_field()})(meta={"csrf": False})
        form.school.offer([])
        form.region.offer([])

        def act(form: FlaskForm) -> Response:
            with acting_as(PUBLIC):
                school = school_or_other(self.db, form.school.data, form.region.data)
            join_school(self.db, self.identity, teacher, school, now=utcnow())
            flash(_("任教学校已保存，请联系学校管理员审核。"), "success")
            return redirect(url_for("MeView.home"), 303)

        intro = _("更换任教学校后需要由新学校重新审核。")
        return self.ask(
            "simple_form.html", form, act, title=_("当前任教信息"), intro=intro, submit_label=_("保存"), cancel_url=url_for("MeView.home")
        )

    @expose("/document", methods=["GET", "POST"])
    @login_required
    def document(self) -> Response:
        """更正证件: type and number of one's own document, while no school vouches for it (S4-51, S4-53, S4-54)."""
        teacher = self._teacher()
        if teacher is None:
            abort(404)
        fields = {name: field for name, field in teaching_fields().items() if name in ("id_type", "id_number")}
        form = type("DocumentForm", (FlaskForm,), fields)(meta={"csrf": False}, id_type=teacher.id_type_id)
        form.id_number.description = _("字母 X 大写。")

        def act(form: FlaskForm) -> Response:
            if not (form.id_number.data or "").strip():
                raise RuleViolation("请填写证件号码。", "id_number")
            correct_document(self.db, self.identity, teacher, form.id_type.data, form.id_number.data, now=utcnow())
            flash(_("证件信息已更正。以证件号码为账号的，请用新号码登录。"), "success")
            return redirect(url_for("MeView.home"), 303)

        intro = _("现在的证件号码是 %(number)s。认证通过后不能直接修改，请先从学校移除。", number=mask_id_number(teacher.id_number))
        back = url_for("MeView.home")
        return self.ask("simple_form.html", form, act, title=_("更正证件"), intro=intro, submit_label=_("保存"), cancel_url=back)

    @expose("/certification", methods=["GET", "POST"])
    @login_required
    def certification(self) -> Response:
        """申请认证 with what proves it; while the application waits, its evidence can still be changed (S3-09, S3-121…123)."""
        teacher = self._teacher()
        if teacher is None:
            abort(404)
        application = open_application(self.db, teacher)
        files, form = Attaching(self.db, self.identity, Certification, application, only=[EVIDENCE]), FlaskForm(meta={"csrf": False})
        if request.method == "POST" and not files.errors:
            save = apply_with_evidence if application is None else change_evidence
            try:
                save(self.db, self.identity, teacher, [a.id for a in files.chosen[EVIDENCE]], now=utcnow())
            except RuleViolation as refusal:
                files.place(form, refusal)
            else:
                flash(_("已提交申请，请等待学校审核。") if application is None else _("证明材料已保存。"), "success")
                return redirect(url_for("MeView.home"), 303)
        errors = [*errors_of(form), *files.summary()]
        page = self.render_template(
            "me/certification.html",
            teacher=teacher,
            waits=application is not None,
            why=self._why_not_apply(teacher) if application is None else "",
            box=files.boxes()[0],
            errors=errors,
        )
        return page, 422 if errors else 200  # type: ignore[return-value]

    def _why_not_apply(self, teacher: Teacher) -> str:
        """The sentence that says why the application is not open now; empty when it is."""
        offer = next(
            (one for one in offers(self.db, self.identity, CERTIFICATION, teacher, thorough=True) if one.step.name == "apply"), None
        )
        return told(offer.why if offer is not None else why_not(self.identity, CERTIFICATION, teacher, "apply"))

    @expose("/keys", methods=["GET", "POST"])
    @login_required
    def keys(self) -> Response:
        """One's own API keys: made, told once, revoked."""
        sm, made = current_app.extensions["appbuilder"].sm, ""
        form = KeyForm(meta={"csrf": False})
        if request.method == "POST" and form.validate():
            expires = datetime.now() + timedelta(days=KEY_DAYS)
            made = (sm.create_api_key(self._account(), form.name.data, expires_on=expires) or {}).get("key", "")
            form = KeyForm(None, meta={"csrf": False})
        return self.render_template(
            "me/keys.html", form=form, errors=errors_of(form), keys=self._keys(), moment=_by_our_clock, made=made, days=KEY_DAYS
        )  # type: ignore[no-any-return]

    @expose("/keys/<uuid>/revoke", methods=["POST"])
    @login_required
    def revoke_key(self, uuid: str) -> Response:
        """Void one of one's own keys; another's is not there."""
        if uuid not in {key.uuid for key in self._keys()}:
            abort(404)
        current_app.extensions["appbuilder"].sm.revoke_api_key(uuid)
        flash(_("密钥已作废。"), "success")
        return redirect(url_for("MeView.keys"), 303)

    def _keys(self) -> list[ApiKey]:
        """Those that still open something."""
        with acting_as(self.identity.serving()):
            found = current_app.extensions["appbuilder"].sm.find_api_keys_for_user(self._account().id)
            return [key for key in found if key.is_active]

    def _account(self) -> Account:
        return g.user  # type: ignore[no-any-return]

    def _teacher(self) -> Teacher | None:
        """The person's own record, as their teacher's post reaches it; None at an administrator's workbench."""
        return self.db.get(Teacher, g.user.teacher_id) if g.user.teacher_id else None
