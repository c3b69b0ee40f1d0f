"""Signing in and out, and the language of the pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.views import AuthView
from flask_babel import gettext as _
from flask_babel import lazy_gettext, refresh
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from models.base import utcnow
from rules.sessions import end_session, new_session_key

SESSION_KEY = "key"
"""Where a cookie carries its session's key; one without is nobody's."""
REFUSED = "账号或密码不正确，或账号暂时不能登录。"
"""One sentence for every reason, so that nobody learns whether an account exists (S0-07)."""


class LoginForm(FlaskForm):  # type: ignore[misc]
    username = StringField(
        lazy_gettext("账号"), [InputRequired(lazy_gettext("请填写账号。"))], render_kw={"autocomplete": "username", "autofocus": True}
    )
    password = PasswordField(
        lazy_gettext("密码"), [InputRequired(lazy_gettext("请填写密码。"))], render_kw={"autocomplete": "current-password"}
    )


class LoginView(AuthView):  # type: ignore[misc]
    """登录、退出 (S0-15, S2-07, S3-31)."""

    login_template = "auth/login.html"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Response:
        """Sign in with account name, ID number or phone."""
        if g.user is not None and g.user.is_authenticated:
            return redirect(url_for("WorkbenchView.home"))
        form = LoginForm(meta={"csrf": False})
        if request.method == "POST" and form.validate():
            account = current_app.extensions["appbuilder"].sm.auth_user_db(form.username.data, form.password.data)
            if account is not None:
                begin_anew()
                login_user(account)
                session[SESSION_KEY], session.permanent = new_session_key(), True
                return redirect(safe_next(request.args.get("next", "")) or url_for("WorkbenchView.home"), 303)
            flash(_(REFUSED), "danger")
        return self.render_template(
            self.login_template, form=form, register_url=url_for("RegistrationView.start")
        ), 401 if request.method == "POST" else 200  # type: ignore[return-value]

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        """Sign out: this session ends, on the server too; the account's other sessions, its tokens and API keys go on.

        A POST, so that no picture on another site can do it.
        """
        key = session[SESSION_KEY] if g.user.is_authenticated else ""
        logout_user()
        begin_anew()
        if key:
            end_session(current_app.extensions["db"](), key, now=utcnow(), lifetime=current_app.permanent_session_lifetime)
        return redirect(url_for("LoginView.login"), 303)

    @expose("/lang/<locale>")
    def lang(self, locale: str) -> Response:
        """Switch the language of the pages."""
        if locale in current_app.config["LANGUAGES"]:
            session["locale"] = locale
            refresh()
        return redirect(safe_next(request.args.get("next", "")) or url_for("WorkbenchView.home"))


def begin_anew() -> None:
    """Forget everything about the session but the language of its pages."""
    locale = session.get("locale")
    session.clear()
    if locale:
        session["locale"] = locale


def safe_next(address: str) -> str:
    """``address`` as a path of this platform, if it is one, else nothing; what browsers and parsers read differently is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    elsewhere = (parts.scheme, parts.netloc) not in {("", ""), ("http", request.host), ("https", request.host)}
    if elsewhere or "\\" in address or not address.isprintable() or not parts.path.startswith("/") or parts.path.startswith("//"):
        return ""
    return parts._replace(scheme="", netloc="").geturl()


def page_address() -> str:
    """Where a link leads that comes back to this page, with its query.

    What answers a form may stand at an address that only takes a POST: then it is the page the form stood on, or the nearest one above.
    """
    path = request.path.rstrip("/")
    above = [path[:end] for end in range(len(path) - 1, 0, -1) if path[end] == "/"]
    routes = current_app.create_url_adapter(request)
    ours = (request.full_path, safe_next(request.referrer or ""), *above)
    return next((one for one in ours if one and routes.test(urlsplit(one).path, "GET")), "/")
