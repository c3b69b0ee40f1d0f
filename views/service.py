"""联系客服: asking customer service and reading its answer, signed in or not (S0-17, S0-24, S2-32, S3-134, S4-39, S4-40)."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, jsonify, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import lazy_gettext as lazy
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from models.access import Account
from models.base import utcnow
from models.files import FileKind
from models.service import RequestKind
from rules.file_types import FORMATS, endings_of
from rules.phone_requests import Person, Photo, ask_for_phone
from rules.service import Asked, ask_service, find_request, own_requests
from rules.uploads import limits, size_text
from views.pages import PageView
from views.panel.cells import moment_text
from views.panel.forms import choices_of
from views.panel.menu import ENTRIES, Entry

NEEDED = lazy("请填写此项。")
SHORT, LONG = Length(max=100, message=lazy("最多 %(max)d 个字。")), Length(max=500, message=lazy("最多 %(max)d 个字。"))
TELEPHONE = {"autocomplete": "tel", "inputmode": "tel"}
AN_OLD_ONE = {"autocomplete": "off", "inputmode": "tel"}


class AskForm(FlaskForm):  # type: ignore[misc]
    kind = RadioField(
        lazy("申请事项"),
        [InputRequired(lazy("请选择申请事项。"))],
        choices=choices_of((kind.value, lazy(kind.label)) for kind in RequestKind if kind is not RequestKind.PHONE),
        default=RequestKind.PASSWORD.value,
    )
    name = StringField(lazy("姓名"), [InputRequired(NEEDED), SHORT], render_kw={"autocomplete": "name"})
    unit_name = StringField(
        lazy("单位"),
        [InputRequired(NEEDED), SHORT],
        description=lazy("请填写全称，例如“实验小学”“思明区”。"),
        render_kw={"autocomplete": "organization"},
    )
    position = StringField(lazy("职务"), [Optional(), SHORT])
    phone = StringField(
        lazy("手机号码"), [InputRequired(NEEDED)], description=lazy("查询答复时需要，也供客服与您联系。"), render_kw=TELEPHONE
    )
    id_tail = StringField(
        lazy("证件号码后四位"),
        [Optional()],
        description=lazy("用于核对身份。"),
        render_kw={"autocomplete": "off", "maxlength": 4},
    )
    description = TextAreaField(
        lazy("问题描述"), [Optional(), LONG], description=lazy("选择“其他问题”时必填。请不要填写密码。"), render_kw={"rows": 4}
    )


class PhoneForm(FlaskForm):  # type: ignore[misc]
    name = StringField(lazy("姓名"), [InputRequired(NEEDED), SHORT], render_kw={"autocomplete": "name"})
    id_number = StringField(
        lazy("身份证号码"),
        [InputRequired(NEEDED)],
        description=lazy("持其他证件的，请返回选择“其他问题”。"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    old_phone = StringField(
        lazy("原手机号码"),
        [InputRequired(NEEDED)],
        description=lazy("账号绑定的、已不能接收短信的号码；账号没有绑定手机的，填写学校登记的号码。"),
        render_kw=AN_OLD_ONE,
    )
    phone = StringField(
        lazy("新手机号码"), [InputRequired(NEEDED)], description=lazy("客服拨打这个号码回访，查询结果时也要填写。"), render_kw=TELEPHONE
    )
    photo = FileField(
        lazy("手持身份证近照"),
        [FileRequired(lazy("请选择照片。"))],
        description=lazy("可以在照片上加水印，标注“仅限于中小学智慧教育平台账号换绑使用”。"),
        render_kw={"accept": ",".join(ending for ending in endings_of((FileKind.IMAGE,)) if FORMATS[ending].shown)},
    )


class StatusForm(FlaskForm):  # type: ignore[misc]
    number = StringField(lazy("查询号"), [InputRequired(NEEDED)], render_kw={"autocomplete": "off", "spellcheck": "false"})
    phone = StringField(lazy("手机号码"), [InputRequired(NEEDED)], description=lazy("提交申请时填写的手机号码。"), render_kw=TELEPHONE)


class ServiceView(PageView):
    """联系客服."""

    route_base = "/service"

    @expose("/", methods=["GET", "POST"])
    def start(self) -> Response:
        """The form, and what the signed-in person has asked so far; the answer to it tells nothing of any account."""

        def act(form: AskForm) -> Response:
            session["service_number"] = ask_service(
                self.db,
                Asked(
                    RequestKind(form.kind.data),
                    form.name.data,
                    form.unit_name.data,
                    form.phone.data,
                    form.position.data or "",
                    form.id_tail.data or "",
                    form.description.data or "",
                ),
                account=self._account(),
                address=request.remote_addr or "",
                now=utcnow(),
                secret_key=self.secret,
            )
            return redirect(url_for("ServiceView.sent"), 303)

        form = AskForm(meta={"csrf": False}, data=self._known())
        account = self._account()
        mine = own_requests(self.db, account) if account is not None else []
        return self.ask("service/ask.html", form, act, mine=mine, note=self.settings.service_note, moment=moment_text)

    @expose("/phone", methods=["GET", "POST"])
    def phone(self) -> Response:
        """The five items of who receives nothing at the old number any more (S4-39); told nothing of any account either."""

        def act(form: PhoneForm) -> Response:
            chosen = form.photo.data
            session["service_number"] = ask_for_phone(
                self.db,
                Person(form.name.data, form.id_number.data, form.old_phone.data, form.phone.data),
                Photo(chosen.filename, chosen.stream),
                current_app.extensions["files"],
                account=self._account(),
                address=request.remote_addr or "",
                now=utcnow(),
                secret_key=self.secret,
            )
            address = url_for("ServiceView.sent")
            is_script = request.accept_mimetypes.best == "application/json"
            return jsonify({"url": address}) if is_script else redirect(address, 303)

        account = self._account()
        form = PhoneForm(meta={"csrf": False}, data={"name": account.get_full_name()} if account is not None else {})
        largest = limits().sizes[FileKind.IMAGE]
        told = {"days": self.settings.photo_days, "note": self.settings.service_note}
        return self.ask("service/phone.html", form, act, largest=largest, most=size_text(largest), **told)

    @expose("/sent")
    def sent(self) -> Response:
        """The number, this once, and what happens next."""
        number = session.pop("service_number", "")
        if not number:
            return redirect(url_for("ServiceView.start"))
        return self.render_template("service/sent.html", number=number, note=self.settings.service_note)  # type: ignore[no-any-return]

    @expose("/status", methods=["GET", "POST"])
    def status(self) -> Response:
        """State and answer of the request that number and phone open together."""

        def act(form: StatusForm) -> Response:
            found = find_request(
                self.db, form.phone.data, form.number.data, address=request.remote_addr or "", now=utcnow(), secret_key=self.secret
            )
            return self.render_template(  # type: ignore[no-any-return]
                "service/status.html", form=form, errors=[], found=found, moment=moment_text, waits=found.answered_at is None
            )

        return self.ask("service/status.html", StatusForm(meta={"csrf": False}), act, found=None)

    def _account(self) -> Account | None:
        return g.user if g.user.is_authenticated else None  # type: ignore[no-any-return]

    def _known(self) -> dict[str, Any]:
        """What is known of who is signed in, so that they need not type it."""
        account = self._account()
        if account is None:
            return {}
        unit = next((post.unit for post in g.posts if post.unit), "")
        return {"name": account.get_full_name(), "unit_name": unit}


ENTRIES.append(Entry("基本管理", "联系客服", "headset", "ServiceView.start", 32, lambda identity: True))
