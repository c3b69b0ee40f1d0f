"""工作台: where a person arrives, what waits for them, and the switch between the places they work in."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, g, redirect, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from models.base import utcnow
from models.people import Teacher
from models.scoping import current_identity
from rules.members import teacher_of
from rules.real_name import missing_facts
from views.panel.menu import ENTRIES, Entry, shell
from views.panel.security import PERSONAL, workbenches
from views.panel.words import listed
from views.taking_part import own_tasks


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
        return self.render_template("workbench/home.html", shell_page=shell(), missing=self._missing(), own=self._own())  # type: ignore[no-any-return]

    def _own(self) -> dict[str, Any]:
        """Of who takes part in research: their hours and their tasks, before everything else (S0-101)."""
        identity = current_identity()
        teacher_id = teacher_of(identity)
        if g.workbench != PERSONAL or teacher_id is None or not identity.may("join", "activity"):
            return {}
        return own_tasks(current_app.extensions["db"](), identity, teacher_id, (), utcnow())

    def _missing(self) -> str:
        """What a teacher has yet to fill in, where they arrive after signing in (S2-13, S3-27)."""
        if g.workbench != PERSONAL or not g.user.teacher_id:
            return ""
        teacher = current_app.extensions["db"]().get(Teacher, g.user.teacher_id)
        return listed(_(fact) for fact in missing_facts(teacher)) if teacher else ""

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


ENTRIES.append(Entry("基本管理", "个人中心", "user", "MeView.home", 1, lambda identity: g.get("workbench") == PERSONAL))
ENTRIES.append(
    Entry("基本管理", "角色列表", "lock-access", "RoleModelView.list", 13, lambda identity: identity.may("list", "RoleModelView"))
)
ENTRIES.append(Entry("系统管理", "控制台", "terminal-2", "console.index", 81, lambda identity: identity.may("edit", "title")))
