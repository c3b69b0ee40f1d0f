"""A form whose token is no longer good: what was typed is kept on a page, and sent again only when its button is pressed.

The one thing a newcomer gets wrong: the token is what proves that the person meant it. So a form is kept only where the browser says
that it came from a page of ours; from anywhere else it is refused, or another site could have somebody confirm what they never wrote.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

OPEN_TO_ALL = ("LoginView", "RegistrationView", "ServiceView")
"""Pages for which nobody needs to be signed in."""
TOKEN = "csrf_token"


def kept_form() -> Response | tuple[str, int] | None:
    """The answer to a form of ours that came too late; none where it cannot be kept: from elsewhere, by a program, or with files."""
    if not _is_ours() or request.method != "POST" or any(file.filename for file in request.files.values()):
        return None
    here = request.full_path if request.query_string else request.path
    if any("password" in name for name in request.form):
        flash(_("页面打开得太久，所以没有提交。为了安全，密码没有保留，请重新填写。"), "warning")
        return redirect(here, 303)
    signed_out = not current_user.is_authenticated and request.blueprint not in OPEN_TO_ALL
    return render_template(
        "errors/lapsed.html",
        target=here,
        kept=[(name, value) for name, value in request.form.items(multi=True) if name != TOKEN],
        login_url=url_for("LoginView.login") if signed_out else "",
    ), 400


def _is_ours() -> bool:
    """Whether the browser says that a page of this platform sent the form; scripts of other sites cannot make it say so."""
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site == "same-origin"
    source = urlsplit(request.headers.get("Origin") or request.headers.get("Referer") or "")
    return (source.scheme, source.netloc) == (request.scheme, request.host)
