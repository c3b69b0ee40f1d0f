"""Who is asking: every permission question of a request is answered from one set, loaded by one SELECT.

Flask-AppBuilder asks for each menu item and button; here the answer is the identity of the workbench the person works in. The one
thing a newcomer gets wrong: roles on an account mean nothing, active posts do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, abort, current_app, g, has_request_context, redirect, request, session, url_for
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu, assoc_permissionview_role
from flask_babel import gettext as _
from flask_jwt_extended import current_user as token_user
from flask_jwt_extended import verify_jwt_in_request
from flask_login import current_user
from sqlalchemy import ScalarSelect, and_, bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased
from werkzeug.wrappers import Response

from models.access import Account, ApiKey, EndedSession, Post, in_force, person_of
from models.base import UtcDateTime, row_id, utcnow
from models.jobs import Job
from models.notices import Notice
from models.org import AreaType, School
from models.scoping import NOBODY, SYSTEM, Identity, acting_as, become, current_identity
from models.violation import RuleViolation
from rules import accounts, throttle
from rules.grants import SCHOOL_ADMIN, is_admin_role, role_label
from rules.posts import AREA_TYPE_NEEDED
from views.auth import SESSION_KEY, LoginView, begin_anew
from views.panel.pages import Workbench
from views.panel.roles import RoleModelView

log = logging.getLogger(__name__)
PERSONAL = "personal"
TRIES_PER_ADDRESS, TRIES_SECONDS = 60, 900
"""Logins that fail; a whole school may sign in behind one address, so those that succeed do not count."""
POST_ENDED = "创建任务时的岗位已经结束，任务没有执行。"


@dataclass(frozen=True)
class Held:
    """One active post of the person with the acts its role grants."""

    id: int
    role: str
    path: str
    unit: str
    grants: frozenset[tuple[str, str, str]]
    school_id: int | None = None
    needs_area_type: bool = False
    """The school has yet to say whether it lies in a city, a town or the countryside (S3-111)."""
    stands_in_for: Account | None = None
    """Whose post it is, of a substitute's."""

    def title(self, said: Callable[[str], str] = str) -> str:
        """The role; a substitute's says whose it is: 学校管理员（代 王一）."""
        role = said(role_label(self.role))
        return role if self.stands_in_for is None else said("{role}（代 {name}）").format(role=role, name=self.stands_in_for)


def account_with_posts(db: Session, account_id: int, session_key: str | None = None) -> tuple[Account, list[Held], int] | None:
    """The account, its active posts, oldest first, with their grants, its unread notices: one SELECT. None where the session has ended."""
    rows = db.execute(WITH_POSTS, {"account_id": account_id, "now": utcnow(), "session_key": session_key}).all()
    return (rows[0][0], [_held(*post) for _account, _unread, *post in rows if post[0] is not None], rows[0][1]) if rows else None


def held_posts(db: Session, account_id: int) -> list[Held]:
    """The account's active posts, oldest first, with their grants."""
    found = account_with_posts(db, account_id)
    return found[1] if found else []


def _granted() -> ScalarSelect[str]:
    """What the role of a post grants, a line per grant (``can_read teacher``) in one row per post."""
    named = func.aggregate_strings(Permission.name + " " + ViewMenu.name, "\n")
    granted = (
        select(named)
        .select_from(Role)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    return granted.where(Role.name == Post.role).correlate(Post).scalar_subquery()


UNREAD = (
    select(func.count()).select_from(Notice).where(Notice.account_id == bindparam("account_id"), Notice.read_at.is_(None)).scalar_subquery()
)
_NOW = bindparam("now", type_=UtcDateTime())
_Origin, _Holder = aliased(Post), aliased(Account)
WITH_POSTS = (
    select(Account, UNREAD, Post.id, Post.role, Post.scope_path, Post.unit_name, Post.school_id, School.area_type, _granted(), _Holder)
    .outerjoin(Post, and_(Post.account_id == Account.id, in_force(_NOW)))
    .outerjoin(School, School.id == Post.school_id)
    .outerjoin(_Origin, _Origin.id == Post.delegate_of_id)
    .outerjoin(_Holder, _Holder.id == _Origin.account_id)
    .where(Account.id == bindparam("account_id"), ~exists().where(EndedSession.key == bindparam("session_key")))
    .order_by(Post.id)
)
"""Made once: it is asked on every request."""


def _held(
    post_id: int,
    role: str,
    path: str,
    unit: str,
    school_id: int | None,
    area_type: AreaType | None,
    granted: str | None,
    holder: Account | None,
) -> Held:
    grants = (grant.removeprefix("can_").split(" ", 1) for grant in (granted or "").splitlines())
    needs_area_type = role == SCHOOL_ADMIN and school_id is not None and area_type is None
    return Held(post_id, role, path, unit, frozenset((act, table, path) for act, table in grants), school_id, needs_area_type, holder)


def workbench_key(post: Held) -> str:
    """Each administrator's post is a workbench of its own; all personal posts together are one."""
    return str(post.id) if is_admin_role(post.role) else PERSONAL


def identity_at(account: Account, posts: list[Held], key: str) -> Identity:
    """The identity of ``account`` working at the workbench ``key``; without grants when it holds no such post."""
    nobody = Identity(account_id=account.id, person=person_of(account))
    active = sorted((post for post in posts if workbench_key(post) == key), key=lambda post: post.stands_in_for is not None)
    at = tuple(_at_post(nobody, post) for post in active)
    return replace(at[0], grants=frozenset().union(*(post.grants for post in at)), posts=at) if at else nobody


def _at_post(person: Identity, post: Held) -> Identity:
    whose = person_of(post.stands_in_for) if post.stands_in_for else frozenset()
    return replace(person, post_id=post.id, label=_label(post), grants=post.grants, stands_in_for=whose)


def _label(post: Held) -> str:
    """The post as history and decisions keep it: 学校管理员 · 实验小学（代 王一）."""
    return f"{role_label(post.role)} · {post.unit}" + (f"（代 {post.stands_in_for}）" if post.stands_in_for else "")


def identity_of(db: Session, job: Job, ended: str = POST_ENDED) -> Identity:
    """The person at the post they asked as, with the grants it has today; RuleViolation, saying ``ended``, when it has ended."""
    account = db.get(Account, job.account_id)
    posts = held_posts(db, job.account_id)
    post = next((post for post in posts if post.id == job.post_id), None)
    if account is None or not account.is_active or post is None:
        raise RuleViolation(ended)
    return identity_at(account, posts, workbench_key(post))


class SecurityManager(FabSecurityManager):
    """Accounts, posts and grants behind Flask-AppBuilder's questions."""

    user_model = Account
    api_key_model = ApiKey
    authdbview = LoginView
    rolemodelview = RoleModelView

    def register_views(self) -> None:
        """The login, its API, and the pages where roles are edited; accounts have screens of their own."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)
        self.user_view = self.auth_view
        self.appbuilder.add_view_no_menu(self.rolemodelview)

    def create_login_manager(self, app: Flask) -> Any:
        """Flask-AppBuilder sends the signed-out to an endpoint ``login`` that exists only in its own naming, with an English sentence."""
        manager = super().create_login_manager(app)
        manager.login_view = "LoginView.login"
        manager.login_message, manager.localize_callback = "请先登录，再打开这个页面。", _
        return manager

    # --- who is it ----------------------------------------------------------------------------------------------------

    def load_user(self, pk: str) -> Account | None:
        """The account a cookie names: none after a new password (the stamp differs) or signing out, and then the cookie is not renewed."""
        key = session.get(SESSION_KEY)
        account = self._account_of(pk, key) if key else None
        if account is None:
            begin_anew()
        return account

    def load_user_jwt(self, header: dict[str, Any], claims: dict[str, Any]) -> Account | None:
        """The account a token names; its stamp travels in the token, so a new password ends tokens too."""
        return self._account_of(f"{claims['sub']}.{claims.get('stamp', '')}")

    def _account_of(self, pk: str, session_key: str | None = None) -> Account | None:
        text, _dot, stamp = str(pk).partition(".")
        with acting_as(SYSTEM):
            found = account_with_posts(self.session(), row_id(text) or 0, session_key)
        if found is None or not found[0].is_active or (found[0].password_stamp or "") != stamp:
            return None
        g.held, g.unread = {found[0].id: found[1]}, found[2]
        return found[0]

    def create_jwt_manager(self, app: Flask) -> Any:
        tokens = super().create_jwt_manager(app)
        tokens.additional_claims_loader(self._stamp_claim)
        return tokens

    def _stamp_claim(self, subject: str) -> dict[str, str]:
        account = self.get_user_by_id(int(subject))
        return {"stamp": (account.password_stamp or "") if account else ""}

    def auth_user_db(self, username: str, password: str) -> Account | None:
        """Both login doors (page and API) end here; the answer is the same for every reason to refuse (S0-07).

        Tries are counted by address too, whatever the names: an account's lock alone would let one password be tried on everybody.
        """
        db, now, key = self.session(), utcnow(), f"login:{request.remote_addr}"
        with acting_as(SYSTEM):
            if not throttle.hit(db, key, limit=TRIES_PER_ADDRESS, seconds=TRIES_SECONDS, now=now):
                return None
            account = accounts.authenticate(db, username, password, now=now)
            if account is not None:
                throttle.take_back(db, key)
                db.commit()
            return account

    def get_user_by_id(self, pk: int) -> Account | None:
        with acting_as(SYSTEM):
            found: Account | None = self.session.get(Account, int(pk))
            return found

    def validate_api_key(self, api_key_string: str) -> Account | None:
        """The account of a valid key. The key's link knows only the framework's user, so the account is looked up anew."""
        with acting_as(SYSTEM):
            if (user := super().validate_api_key(api_key_string)) is not None:
                g.user = user = self.session.get(Account, user.id)
        return user

    # --- what may they do ---------------------------------------------------------------------------------------------

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        return current_identity().may(permission_name.removeprefix("can_"), view_name)

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return current_identity().may(permission_name.removeprefix("can_"), view_name)

    def _get_user_permission_view_menus(self, user: Any, permission_name: str, view_menus_name: list[str]) -> set[str]:
        identity = current_identity()
        return {name for name in view_menus_name or [] if identity.may(permission_name, name)}

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def get_public_permissions(self) -> list[Any]:
        return []

    # --- each request -------------------------------------------------------------------------------------------------

    @staticmethod
    def before_request() -> Response | None:
        """Name the identity before anything is read; send on who must first choose a password."""
        become(NOBODY)
        g.user = current_user
        if request.endpoint in ("static", "appbuilder.static", "healthz"):
            return None
        account = _who_asks()
        if account is None:
            return None
        g.user = account
        g.posts = _posts_of(account)
        g.workbench = _current_workbench(g.posts)
        become(identity_at(account, g.posts, g.workbench))
        return _first_things_first(account)


def _who_asks() -> Account | None:
    by_token = request.path.startswith("/api/") and request.endpoint != "SecurityApi.refresh"
    if by_token and (account := _token_user()) is not None:
        return account
    return current_user._get_current_object() if current_user.is_authenticated else None  # type: ignore[attr-defined]


def _token_user() -> Account | None:
    sm = current_app.extensions["appbuilder"].sm
    key = sm.extract_api_key_from_request()
    if key is not None:
        return sm.validate_api_key(key)  # type: ignore[no-any-return]
    if verify_jwt_in_request(optional=True) is None:
        return None
    return token_user._get_current_object() if token_user else None  # type: ignore[attr-defined]


def _posts_of(account: Account) -> list[Held]:
    """The posts read with the account, unless it came in by an API key."""
    held: dict[int, list[Held]] = g.get("held", {})
    if account.id in held:
        return held[account.id]
    with acting_as(SYSTEM):
        return held_posts(current_app.extensions["db"](), account.id)


def _current_workbench(posts: list[Held]) -> str:
    keys = [workbench_key(post) for post in posts]
    wanted = session.get("workbench", "") if has_request_context() else ""
    if wanted in keys:
        return str(wanted)
    admin = [key for key in keys if key != PERSONAL]
    return admin[0] if admin else PERSONAL


def _first_things_first(account: Account) -> Response | None:
    """A default password is changed before anything else (Z-12); then a school says where it lies (S3-111, S3-112)."""
    if account.must_change_password and request.endpoint not in BEFORE_PASSWORD:
        return _lead("请先修改默认密码。", url_for("MeView.password"))
    gate = next((post for post in g.posts if workbench_key(post) == g.workbench and post.needs_area_type), None)
    if gate is None:
        return None
    g.gate, g.gate_school = AREA_TYPE_NEEDED, gate.school_id
    if (request.blueprint or "") in BEFORE_AREA_TYPE:
        return None
    return _lead(AREA_TYPE_NEEDED, url_for("school.edit", pk=gate.school_id))


SERVICE = {"ServiceView.start", "ServiceView.phone", "ServiceView.sent", "ServiceView.status"}
BEFORE_PASSWORD = {"MeView.password", "LoginView.login", "LoginView.logout", "LoginView.lang", *SERVICE}
BEFORE_AREA_TYPE = {"school", "WorkbenchView", "LoginView", "MeView", "BindingView", "ServiceView"}


def _lead(sentence: str, address: str) -> Response:
    """Lead a person to where it is done, the page there says why; tell a program."""
    if request.path.startswith("/api/"):
        abort(403, _(sentence))
    return redirect(address)


def workbenches() -> list[Workbench]:
    """The places this person may work in, the current one marked (S3-40)."""
    found: dict[str, Workbench] = {}
    for post in g.get("posts", []):
        key = workbench_key(post)
        if key not in found:
            found[key] = Workbench(
                key,
                post.unit if key != PERSONAL else _("我的"),
                post.title(_) if key != PERSONAL else _("个人"),
                key == g.workbench,
            )
    return list(found.values())
