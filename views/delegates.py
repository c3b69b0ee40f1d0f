"""我的岗位: one's posts, who stands in at them, and the form that names a substitute, for the holder and for who stands above."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DateField, StringField
from wtforms.validators import InputRequired

from models.access import Post
from models.base import row_id, utcnow
from models.scoping import acting_as
from models.violation import OutOfReach, RuleViolation
from rules.delegates import delegate, may_have_substitute, own_posts, withdraw
from rules.grants import role_label
from views.pages import PageView
from views.panel.cells import moment_text
from views.panel.menu import ENTRIES, Entry
from views.panel.words import refused

NEEDED = lazy("请填写此项。")


class DelegateForm(FlaskForm):  # type: ignore[misc]
    username = StringField(
        lazy("代理人账号"), [InputRequired(NEEDED)], description=lazy("本单位在用账号的账号名或手机号码，代理人用自己的账号登录办理。")
    )
    last_day = DateField(lazy("代理至"), [InputRequired(NEEDED)], description=lazy("到这一天结束时代理自动终止，也可以提前收回。"))


class DelegatesView(PageView):
    """One's own posts and their substitutes."""

    route_base = "/posts"

    @expose("/")
    @login_required
    def mine(self) -> Response:
        """The posts one holds now, and those one stands in at."""
        posts = own_posts(self.db, self.identity, now=utcnow())
        return self.render_template(  # type: ignore[no-any-return]
            "me/posts.html", posts=posts, role_label=role_label, moment_text=moment_text, may_have_substitute=may_have_substitute
        )

    @expose("/<pk>/delegate", methods=["GET", "POST"])
    @login_required
    def name(self, pk: str) -> Response:
        """Name a substitute until a date."""
        post = self._post(pk)
        back = self._back(post)

        def act(form: DelegateForm) -> Response:
            named = delegate(self.db, self.identity, post, form.username.data, form.last_day.data, now=utcnow())
            flash(_("已委托%(name)s代理。", name=named.contact_name), "success")
            return redirect(back, 303)

        intro = _(
            "%(unit)s · %(role)s。代理人在截止日期前可以办理这个岗位的事务，以本人名义留痕；不能办理本人和被代理人的事项，也不能再委托他人。",
            unit=post.unit_name,
            role=_(role_label(post.role)),
        )
        form = DelegateForm(meta={"csrf": False})
        return self.ask("simple_form.html", form, act, title=_("委托代理"), intro=intro, submit_label=_("委托"), cancel_url=back)

    @expose("/<pk>/withdraw", methods=["POST"])
    @login_required
    def withdraw(self, pk: str) -> Response:
        """End a substitute's post before its day."""
        substitute = self._post(pk)
        back = self._back(substitute)
        try:
            withdraw(self.db, self.identity, substitute, now=utcnow())
            flash(_("代理已结束。"), "success")
        except RuleViolation as refusal:
            flash(refused(refusal), "danger")
        return redirect(back, 303)

    def _post(self, pk: str) -> Post:
        """A post of one's own, one's substitute's, or one that may be ended; no other is there."""
        number = row_id(pk)
        with acting_as(self.identity.serving()):
            post = self.db.get(Post, number) if number is not None else None
            origin = self.db.get(Post, post.delegate_of_id) if post is not None and post.delegate_of_id is not None else None
        if post is None:
            raise OutOfReach(f"post {pk}")
        holders = {post.account_id, origin.account_id if origin is not None else None}
        if self.identity.account_id not in holders and not self.identity.reaches("end", "post", post.scope_path):
            raise OutOfReach(f"post {pk}")
        return post

    def _back(self, post: Post) -> str:
        return url_for("DelegatesView.mine") if not self.identity.may("end", "post") else url_for("post.show", pk=post.id)


ENTRIES.append(Entry("基本管理", "我的岗位", "briefcase", "DelegatesView.mine", 29, lambda identity: identity.post_id is not None))
