"""我的岗位: one's posts, who stands in at them, and the form that names a substitute, for the holder and for who stands above."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as lazy
from flask_login import login_required
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired

from models.access import Account, Post
from models.base import row_id, utcnow
from models.research import ResearchGroup
from models.scoping import acting_as
from models.violation import OutOfReach, RuleViolation
from rules.delegates import delegate, may_delegate, may_have_substitute, own_posts, withdraw
from rules.grants import GROUP_LEADER, GROUP_MEMBER, role_label
from rules.members import holders
from views.pages import PageView
from views.panel.cells import moment_text
from views.panel.forms import choices_of
from views.panel.menu import ENTRIES, Entry
from views.panel.words import refused

NEEDED = lazy("请填写此项。")


class DelegateForm(FlaskForm):  # type: ignore[misc]
    username = StringField(
        lazy("代理人账号"), [InputRequired(NEEDED)], description=lazy("本单位在用账号的账号名或手机号码，代理人用自己的账号登录办理。")
    )
    last_day = DateField(lazy("代理至"), [InputRequired(NEEDED)], description=lazy("到这一天结束时代理自动终止，也可以提前收回。"))


class MemberForm(FlaskForm):  # type: ignore[misc]
    """The same for a group's leader: one of its members."""

    username = SelectField(
        lazy("代理人"), [InputRequired(lazy("请选择代理人。"))], description=lazy("本教研组的成员，代理人用自己的账号登录办理。")
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
        back, form, usernames = self._back(post), *self._form(post)

        def act(form: FlaskForm) -> Response:
            username = usernames.get(form.username.data, form.username.data)
            named = delegate(self.db, self.identity, post, username, form.last_day.data, now=utcnow())
            flash(_("已委托%(name)s代理。", name=named.contact_name), "success")
            return redirect(back, 303)

        intro = _(
            "%(unit)s · %(role)s。代理人在截止日期前可以办理这个岗位的事务，以本人名义留痕；不能办理本人和被代理人的事项，也不能再委托他人。",
            unit=post.unit_name,
            role=_(role_label(post.role)),
        )
        return self.ask("simple_form.html", form, act, title=_("委托代理"), intro=intro, submit_label=_("委托"), cancel_url=back)

    def _form(self, post: Post) -> tuple[FlaskForm, dict[str, str]]:
        """Whom one may name: by their account's name, or by choosing a member; then account → its name, which no page tells."""
        if post.role != GROUP_LEADER:
            return DelegateForm(meta={"csrf": False}), {}
        with acting_as(self.identity.serving()):
            members = holders(self.db, self.identity, post.scope_path, (GROUP_MEMBER,))
            accounts = self.db.execute(
                select(Account.id, Account.username).where(Account.id.in_([m.post.account_id for m in members]))
            ).all()
        form = MemberForm(meta={"csrf": False})
        form.username.choices = choices_of([("", _("请选择")), *((str(m.post.account_id), m.teacher.name) for m in members)])
        return form, {str(number): name for number, name in accounts}

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
        """A post of one's own, one's substitute's, or one that one stands above; no other is there."""
        number = row_id(pk)
        with acting_as(self.identity.serving()):
            post = self.db.get(Post, number) if number is not None else None
            origin = self.db.get(Post, post.delegate_of_id) if post is not None and post.delegate_of_id is not None else None
        if post is None:
            raise OutOfReach(f"post {pk}")
        if not may_delegate(self.identity, post) and not (origin is not None and may_delegate(self.identity, origin)):
            raise OutOfReach(f"post {pk}")
        return post

    def _back(self, post: Post) -> str:
        if post.role == GROUP_LEADER and request.values.get("from") == "group":
            group = self.db.scalars(select(ResearchGroup).where(ResearchGroup.scope_path == post.scope_path)).first()
            return url_for("research_group.members", pk=group.id) if group is not None else url_for("DelegatesView.mine")
        return url_for("DelegatesView.mine") if not self.identity.may("end", "post") else url_for("post.show", pk=post.id)


ENTRIES.append(Entry("基本管理", "我的岗位", "briefcase", "DelegatesView.mine", 29, lambda identity: identity.post_id is not None))
