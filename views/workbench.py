"""工作台: where a person arrives, what waits for them, and the switch between the places they work in."""

from __future__ import annotations

from flask import abort, g, redirect, session, url_for
from flask_appbuilder import BaseView, expose
from flask_login import login_required
from werkzeug.wrappers import Response

from models.scoping import current_identity
from views.panel.menu import ENTRIES, Entry, shell
from views.panel.security import workbenches


class WorkbenchView(BaseView):  # type: ignore[misc]
    """The home page of whoever is signed in."""

    route_base = ""
    default_view = "home"

    @expose("/")
    @login_required
    def home(self) -> Response:
        """The current workbench; who has no rights anywhere is led to binding a code (S3-32, S3-33)."""
        if not g.posts:
            return self.render_template("auth/no_rights.html")  # type: ignore[no-any-return]
        return self.render_template("workbench/home.html", shell_page=shell(), identity=current_identity())  # type: ignore[no-any-return]

    @expose("/workbench/")
    @login_required
    def enter(self) -> Response:
        """【管理系统】 at the foot of every page (S3-30)."""
        return redirect(url_for("WorkbenchView.home"))

    @expose("/workbench/<key>", methods=["POST"])
    @login_required
    def switch(self, key: str) -> Response:
        """Work at another place; a post that is not the person's own is refused (S3-40)."""
        if key not in {bench.key for bench in workbenches()}:
            abort(403)
        session["workbench"] = key
        return redirect(url_for("WorkbenchView.home"), 303)


ENTRIES.append(
    Entry("系统管理", "角色列表", "lock-access", "RoleModelView.list", 80, lambda identity: identity.may("list", "RoleModelView"))
)
ENTRIES.append(Entry("系统管理", "控制台", "terminal-2", "console.index", 81, lambda identity: identity.may("edit", "title")))
