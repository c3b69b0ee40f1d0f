"""权限绑定: a code opens the door to a workbench (S3-32 … S3-37); who my administrator is, and asking them (S3-15, S3-134)."""

from __future__ import annotations

from flask import flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from models.base import utcnow
from rules.permission_codes import Contact, bind_code
from rules.posts import who_is_my_admin
from rules.questions import ask, own_questions
from views.pages import PageView
from views.panel.cells import moment_text
from views.panel.menu import ENTRIES, Entry

NEEDED = lazy_gettext("请填写此项。")


class BindForm(FlaskForm):  # type: ignore[misc]
    code = StringField(
        lazy_gettext("权限码"),
        [InputRequired(NEEDED)],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    name = StringField(lazy_gettext("姓名"), [InputRequired(NEEDED)], render_kw={"autocomplete": "name"})
    unit = StringField(lazy_gettext("工作单位"), [InputRequired(NEEDED)], render_kw={"autocomplete": "organization"})
    position = StringField(lazy_gettext("职务"), [InputRequired(NEEDED)])
    phone = StringField(lazy_gettext("手机号码"), [InputRequired(NEEDED)], render_kw={"autocomplete": "tel", "inputmode": "tel"})


class QuestionForm(FlaskForm):  # type: ignore[misc]
    title = StringField(lazy_gettext("问题"), [InputRequired(NEEDED), Length(max=100, message=lazy_gettext("最多 %(max)d 个字。"))])
    description = TextAreaField(
        lazy_gettext("详细说明"), [Optional(), Length(max=500, message=lazy_gettext("最多 %(max)d 个字。"))], render_kw={"rows": 3}
    )


class BindingView(PageView):
    """权限绑定."""

    @expose("/bind/", methods=["GET", "POST"])
    @login_required
    def bind(self) -> Response:
        """Bind a code; the new workbench is entered at once (S3-36)."""
        form = BindForm(meta={"csrf": False})

        def act(form: BindForm) -> Response:
            contact = Contact(form.name.data, form.unit.data, form.position.data, form.phone.data)
            post = bind_code(
                self.db,
                self.identity,
                self.secret,
                form.code.data,
                contact,
                account=g.user,
                address=request.remote_addr or "",
                now=utcnow(),
            )
            session["workbench"] = str(post.id)
            flash(_("绑定成功，已进入“%(unit)s”的工作台。", unit=post.unit_name), "success")
            return redirect(url_for("WorkbenchView.home"), 303)

        return self.ask("auth/bind_code.html", form, act, cancel_url=url_for("WorkbenchView.home"))

    @expose("/my-administrators/", methods=["GET", "POST"])
    @login_required
    def administrators(self) -> Response:
        """The administrators of my unit and of the one above (S3-134), a question to them, and what they have answered."""

        def act(form: QuestionForm) -> Response:
            ask(self.db, self.identity, g.user, form.title.data, form.description.data or "", now=utcnow())
            flash(_("已提交，答复后会通知您。"), "success")
            return redirect(url_for("BindingView.administrators"), 303)

        form = QuestionForm(meta={"csrf": False})
        found, mine = who_is_my_admin(self.db, self.identity), own_questions(self.db, g.user)
        return self.ask("access/administrators.html", form, act, administrators=found, mine=mine, moment=moment_text)


ENTRIES.append(Entry("基本管理", "权限绑定", "link", "BindingView.bind", 30, lambda identity: True))
ENTRIES.append(Entry("基本管理", "我的管理员", "help-circle", "BindingView.administrators", 31, lambda identity: True))
