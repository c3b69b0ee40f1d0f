"""Wiring, in reading order: settings, database, security, screens, errors."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import Any

from flask import Flask, Response, g, jsonify, redirect, render_template, request, url_for
from flask.globals import app_ctx
from flask_appbuilder import AppBuilder
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Settings
from models.files import FileKind
from models.scoping import NOBODY, become
from models.session import Sessions, make_engine, make_session_factory
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.issuing import Policy, set_policy
from rules.sms import LogGateway, NoGateway, SmsGateway, set_gateway
from rules.uploads import MB, Limits, set_limits
from views.activation import ActivationView
from views.activity_page import ActivityPageView
from views.addresses import LateRule
from views.appointing import AppointingView
from views.auth import page_address
from views.binding import BindingView
from views.commands import register_commands
from views.delegates import DelegatesView
from views.files import FilesView, contain
from views.health import health
from views.hours import HoursView
from views.incoming import check_incoming
from views.lapsed import kept_form
from views.me import MeView
from views.notices import NoticesView
from views.page_views import count_page_views
from views.panel.console import add_console, loosen
from views.panel.menu import shell
from views.panel.registry import load_areas, register_panel
from views.panel.repairs import repair_flask_appbuilder
from views.panel.security import SecurityManager
from views.panel.words import refused, speak, told
from views.registration import RegistrationView
from views.removing import RemovingView
from views.research_persons import ResearchPersonsView
from views.research_progress import ResearchProgressView
from views.reviews import OwnWorkView
from views.school_research import SchoolResearchView
from views.service import ServiceView
from views.statistics import StatisticsView
from views.taking_part import TakingPartView
from views.workbench import WorkbenchView
from views.worker import prepare_jobs

log = logging.getLogger("yanxiu")
PAGES = (
    ActivationView,
    ActivityPageView,
    AppointingView,
    BindingView,
    DelegatesView,
    FilesView,
    HoursView,
    MeView,
    NoticesView,
    OwnWorkView,
    RegistrationView,
    RemovingView,
    ResearchPersonsView,
    ResearchProgressView,
    SchoolResearchView,
    ServiceView,
    StatisticsView,
    TakingPartView,
)
"""The hand-made pages; a table's own screens are made from its declaration."""


def create_app(settings: Settings | None = None) -> Flask:
    """The platform as a WSGI application."""
    settings = settings or Settings.from_environment()
    load_areas()
    app = Flask(__name__, template_folder="views/templates", static_folder="views/static")
    app.url_rule_class = LateRule
    app.config.from_mapping(_flask_settings(settings))
    app.extensions["settings"] = settings
    engine = app.extensions["engine"] = make_engine(settings.database_url)
    app.extensions["db"] = Sessions(make_session_factory(engine), scopefunc=lambda: id(app_ctx._get_current_object()))  # type: ignore[attr-defined]
    app.teardown_appcontext(lambda _error: app.extensions["db"].remove())
    app.teardown_request(lambda _error: become(NOBODY))
    set_policy(_policy(settings))
    set_limits(_limits(settings))
    _speak()
    set_gateway(_gateway(settings))
    check_incoming(app)
    _secure(app, settings)
    repair_flask_appbuilder()
    with app.app_context():
        appbuilder = AppBuilder(
            app, app.extensions["db"], indexview=WorkbenchView, security_manager_class=SecurityManager, update_perms=False
        )
        speak(app)
        register_panel(app, appbuilder)
        for page in PAGES:
            appbuilder.add_view_no_menu(page)
        add_console(app)
    prepare_jobs(app)
    count_page_views(app)
    app.add_url_rule("/healthz", "healthz", health)
    app.add_url_rule("/favicon.ico", "favicon", lambda: redirect(url_for("static", filename="icon.svg"), 301))
    app.context_processor(
        lambda: {"shell": shell, "page_address": page_address, "locale_code": lambda: str(get_locale()).replace("_", "-")}
    )
    _tell_errors(app)
    register_commands(app)
    return app


def _speak() -> None:
    """The log goes to the terminal, unless somebody keeps it."""
    log.setLevel(logging.INFO)
    if not log.hasHandlers():
        terminal = logging.StreamHandler()
        terminal.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        log.addHandler(terminal)


def _gateway(settings: Settings) -> SmsGateway:
    """A log is no place for real people's passwords and codes."""
    return (settings.sms_gateway or (NoGateway if settings.production else LogGateway))()


def _flask_settings(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "APP_NAME": "教师研修平台",
        "MAX_CONTENT_LENGTH": 64 * 1024 * 1024,
        "MAX_FORM_PARTS": 20_000,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "PERMANENT_SESSION_LIFETIME": settings.session_lifetime,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(hours=1),
        "WTF_CSRF_TIME_LIMIT": None,
        "BABEL_DEFAULT_LOCALE": "zh_CN",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "BABEL_TRANSLATION_DIRECTORIES": "views/translations",
        "LANGUAGES": {"zh_CN": {"flag": "cn", "name": "中文"}, "en": {"flag": "gb", "name": "English"}},
        "FAB_UPDATE_PERMS": False,
        "FAB_CREATE_DB": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_API_SWAGGER_UI": True,
        "FAB_API_KEY_ENABLED": True,
        "FAB_API_KEY_PREFIXES": ["yx_"],
        "FAB_BASE_TEMPLATE": "layout.html",
        "AUTH_USERNAME_CI": False,
        "RATELIMIT_ENABLED": True,
        "RATELIMIT_STORAGE_URI": settings.redis_url or "memory://",
    }


def _policy(settings: Settings) -> Policy:
    return Policy(
        settings.lock_limit, settings.lock_seconds, settings.default_password_days, settings.password_hash, settings.province_account
    )


def _limits(settings: Settings) -> Limits:
    """The largest file of each kind, in bytes."""
    return Limits({kind: getattr(settings, f"{kind.value}_mb") * MB for kind in FileKind}, settings.unclaimed_mb * MB)


def _secure(app: Flask, settings: Settings) -> None:
    """CSRF on every unsafe route, a content policy with nonces, cookie flags (before AppBuilder: it looks them up)."""
    app.after_request(loosen)
    app.after_request(contain)
    app.after_request(_keep_nothing)
    production = settings.production
    if settings.proxy_count:
        n = settings.proxy_count
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    Talisman(
        app,
        force_https=False,
        strict_transport_security=production,
        session_cookie_secure=production,
        frame_options="SAMEORIGIN",
        referrer_policy="same-origin",
        content_security_policy={
            "default-src": "'self'",
            # WebAssembly is what pdf.js decodes scanned pages with; it runs no text, so nothing an uploader wrote.
            "script-src": ["'self'", "'wasm-unsafe-eval'"],
            "style-src": ["'self'", "'unsafe-inline'"],
            "img-src": ["'self'", "data:"],
            "font-src": ["'self'", "data:"],
            "object-src": "'none'",
            "base-uri": "'self'",
            "form-action": "'self'",
            "frame-ancestors": "'self'",
        },
        content_security_policy_nonce_in=["script-src"],
    )
    # After the policy: the page that refuses a form has scripts too.
    CSRFProtect(app)


def _keep_nothing(answer: Response) -> Response:
    """Pages are about people and schools share their computers: no browser keeps one, so none comes back after signing out."""
    if (request.endpoint or "").rpartition(".")[2] != "static" and not g.get("content_policy"):
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _tell_errors(app: Flask) -> None:
    """Every error is a sentence; a crash shows a reference number and no data."""

    def by_program() -> bool:
        return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"

    def page(code: int, message: str = "", reference: str = "") -> Any:
        app.extensions["db"].rollback()
        if by_program():
            return jsonify({"message": message or _("请求不能处理。"), "reference": reference}), code
        return render_template("errors/error.html", code=code, message=message, reference=reference), code

    app.register_error_handler(OutOfReach, lambda error: page(404))
    app.register_error_handler(NotPermitted, lambda error: page(403, told(error.sentence)))
    app.register_error_handler(Conflict, lambda error: page(409, refused(error)))
    app.register_error_handler(RuleViolation, lambda error: page(400, refused(error)))
    app.register_error_handler(
        CSRFError, lambda error: (not by_program() and kept_form()) or page(400, _("页面停留过久或来源不明，请刷新后重试。"))
    )
    app.register_error_handler(
        HTTPException, lambda error: error.get_response() if (error.code or 500) < 400 else page(error.code or 500, _own_words(error))
    )

    @app.errorhandler(Exception)
    def crash(error: Exception) -> Any:
        reference = secrets.token_hex(4).upper()
        log.exception("reference %s: %s %s as account %s", reference, request.method, request.path, getattr(g.get("user"), "id", None))
        return page(500, reference=reference)


def _own_words(error: HTTPException) -> str:
    """Only a description written by us is shown; Werkzeug's own sentences are English and technical."""
    written = error.description or ""
    return written if written != type(error).description else ""
