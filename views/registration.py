"""注册、申请开通账号: what somebody may do before they have an account (S2-11, S3-31, S4-14, S4-34, S4-43, S4-78)."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, jsonify, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Optional

from models.access import AccountState, PersonKind
from models.base import utcnow
from models.org import Region, School, SchoolKind
from models.people import IdType
from models.scoping import Identity, acting_as
from models.violation import RuleViolation
from rules import throttle
from rules.registration import Teaching, register, register_student, request_account, send_registration_code
from views.pages import PageView
from views.panel.forms import LinkField, choices_of
from views.panel.reference import options

PUBLIC = Identity(label="公开查询", everything=True)
"""Names of regions and schools are public: everybody chooses theirs before they belong anywhere."""
NEEDED = lazy("请填写此项。")
MOST_FOUND = 30
ASKS_PER_ADDRESS, ASKS_SECONDS = 30, 3600


class PhoneForm(FlaskForm):  # type: ignore[misc]
    phone = StringField(lazy("手机号码"), [InputRequired(NEEDED)], render_kw={"autocomplete": "tel", "inputmode": "tel"})


class StudentForm(FlaskForm):  # type: ignore[misc]
    name = StringField(lazy("姓名"), [InputRequired(NEEDED)])
    student_number = StringField(lazy("学生号"), [InputRequired(NEEDED)])
    password = PasswordField(lazy("密码"), [InputRequired(NEEDED)], render_kw={"autocomplete": "new-password"})


NOT_LISTED = "输入校名查找；找不到时请留空，并在“所在区域”中选择区域，暂归“其他”。"


def school_field(name: str = "任教学校", help: str = NOT_LISTED) -> LinkField:
    """A school anywhere in the province, by typing its name."""
    address = url_for("RegistrationView.schools")
    return LinkField(
        lazy(name),
        [Optional()],
        target=School,
        session=current_app.extensions["db"](),
        remote_url=address,
        reach=PUBLIC,
        description=lazy(help),
    )


def region_field() -> LinkField:
    """A region of any level, by typing its name."""
    address = url_for("RegistrationView.regions")
    return LinkField(
        lazy("所在区域"),
        [Optional()],
        target=Region,
        session=current_app.extensions["db"](),
        remote_url=address,
        reach=PUBLIC,
        description=lazy("只有找不到学校时才需要选择。"),
    )


def teaching_fields() -> dict[str, object]:
    """What makes somebody a teacher: document and school."""
    return {
        "id_type": SelectField(
            lazy("证件类型"), [Optional()], coerce=int, choices=choices_of(options(current_app.extensions["db"](), IdType))
        ),
        "id_number": StringField(lazy("证件号码"), [Optional()], description=lazy("注册教师身份时必填；字母 X 大写。")),
        "school": school_field(),
        "region": region_field(),
    }


def teaching_of(form: FlaskForm) -> Teaching:
    """The entry as typed; raises RuleViolation when no document number is given."""
    if not (form.id_number.data or "").strip():
        raise RuleViolation("请填写证件号码。", "id_number")
    return Teaching(form.id_type.data, form.id_number.data, form.school.data, form.region.data)


class RegistrationView(PageView):
    """注册."""

    route_base = "/register"

    @expose("/", methods=["GET", "POST"])
    def start(self) -> Response:
        """First the phone: a code is sent to it, the same answer for every phone."""

        def act(form: PhoneForm) -> Response:
            self._count_ask()
            session["ticket"] = send_registration_code(self.db, form.phone.data, now=utcnow(), secret_key=self.secret)
            session["phone"] = form.phone.data
            flash(_("验证码已发送。如未收到，请检查号码或稍后再试。"), "info")
            return redirect(url_for("RegistrationView.details"), 303)

        return self.ask("auth/register.html", PhoneForm(meta={"csrf": False}), act, login_url=url_for("LoginView.login"), step=1)

    @expose("/details", methods=["GET", "POST"])
    def details(self) -> Response:
        """Then who they are; a teacher names document and school (S4-14)."""
        if "ticket" not in session:
            return redirect(url_for("RegistrationView.start"))
        return self.ask("auth/register.html", self._details_form(), self._register, login_url=url_for("LoginView.login"), step=2)

    def _details_form(self) -> FlaskForm:
        controls = {
            "code": StringField(
                lazy("短信验证码"), [InputRequired(NEEDED)], render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"}
            ),
            "identity": RadioField(
                lazy("身份"),
                [InputRequired(lazy("请选择身份。"))],
                choices=choices_of((kind.value, lazy(kind.label)) for kind in PersonKind),
                default=PersonKind.TEACHER.value,
            ),
            "name": StringField(lazy("姓名"), [InputRequired(NEEDED)], render_kw={"autocomplete": "name"}),
            "password": PasswordField(
                lazy("密码"),
                [InputRequired(NEEDED)],
                description=lazy("至少 8 位，同时包含字母和数字。"),
                render_kw={"autocomplete": "new-password"},
            ),
            **teaching_fields(),
        }
        form = type("DetailsForm", (FlaskForm,), controls)(meta={"csrf": False})
        form.school.offer([])
        form.region.offer([])
        return form

    def _register(self, form: FlaskForm) -> Response:
        kind = PersonKind(form.identity.data)
        entry = teaching_of(form) if kind is PersonKind.TEACHER else None
        account = register(
            self.db,
            name=form.name.data,
            phone=session["phone"],
            password=form.password.data,
            kind=kind,
            code=form.code.data,
            ticket=session["ticket"],
            now=utcnow(),
            secret_key=self.secret,
            entry=entry,
            school_id=form.school.data,
        )
        session.pop("ticket")
        if account.state is AccountState.REQUESTED:
            flash(_("您的开通申请曾被退回，现已重新提交。学校管理员审核通过后，可用手机号码和刚设置的密码登录。"), "info")
        else:
            flash(_("注册成功，请用手机号码登录。"), "success")
        return redirect(url_for("LoginView.login"), 303)

    @expose("/student", methods=["GET", "POST"])
    def student(self) -> Response:
        """By a student's number, without a phone (S4-43)."""

        def act(form: StudentForm) -> Response:
            self._count_ask()
            register_student(
                self.db, name=form.name.data, student_number=form.student_number.data, password=form.password.data, now=utcnow()
            )
            flash(_("注册成功，请用学生号登录。"), "success")
            return redirect(url_for("LoginView.login"), 303)

        return self.ask("auth/register.html", StudentForm(meta={"csrf": False}), act, login_url=url_for("LoginView.login"), step=3)

    @expose("/request", methods=["GET", "POST"])
    def request_opening(self) -> Response:
        """Ask the school to open an account named by one's identity number (S2-11, S2-23)."""
        controls = {
            "name": StringField(lazy("姓名"), [InputRequired(NEEDED)]),
            "id_number": StringField(lazy("身份证号码"), [InputRequired(NEEDED)]),
            "school": school_field("学校", "输入校名查找，由该校管理员审核。"),
        }
        form = type("OpeningForm", (FlaskForm,), controls)(meta={"csrf": False})
        form.school.offer([])

        def act(form: FlaskForm) -> Response:
            if form.school.data is None:
                raise RuleViolation("请选择学校。", "school_id")
            self._count_ask()
            request_account(self.db, name=form.name.data, id_number=form.id_number.data, school_id=form.school.data, now=utcnow())
            flash(_("申请已提交。学校管理员审核通过后，可用身份证号码和默认密码登录。"), "success")
            return redirect(url_for("LoginView.login"), 303)

        return self.ask("auth/register.html", form, act, login_url=url_for("LoginView.login"), step=4)

    def _count_ask(self) -> None:
        """Nobody fills the platform with accounts from one address."""
        if not throttle.hit(self.db, f"register:{request.remote_addr}", limit=ASKS_PER_ADDRESS, seconds=ASKS_SECONDS, now=utcnow()):
            raise RuleViolation("操作过于频繁，请稍后再试。")

    @expose("/schools")
    def schools(self) -> Response:
        """Schools of the name ``q``, for choosing one's own; never cached (S4-37)."""
        query = (
            select(School.id, School.name, Region.name).join(Region, School.region_id == Region.id).where(School.kind != SchoolKind.OTHER)
        )
        return self._found(query, School.name)

    @expose("/regions")
    def regions(self) -> Response:
        """Regions of the name ``q``."""
        return self._found(select(Region.id, Region.name, Region.code), Region.name)

    def _found(self, query: Any, name: Any) -> Response:
        """What begins with ``q``; where nothing does, what has it anywhere, from two characters on."""
        text = request.args.get("q", "").strip()[:50]
        query = query.order_by(name).limit(MOST_FOUND)
        with acting_as(PUBLIC):
            rows = self.db.execute(query.where(name.startswith(text, autoescape=True))).all()
            if not rows and len(text) >= 2:
                rows = self.db.execute(query.where(name.contains(text, autoescape=True))).all()
        answer = jsonify({"results": [{"id": i, "text": f"{label}（{more}）"} for i, label, more in rows]})
        answer.headers["Cache-Control"] = "no-store"
        return answer
