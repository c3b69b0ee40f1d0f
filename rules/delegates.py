"""A substitute for an administrator or a group's leader, until a date: named by the holder or who stands above, ended by itself or before.

A substitute has a post of their own, with the role and the unit of the one they stand in for, and decides under their own name. The
one thing a newcomer gets wrong: it has its end from the beginning, so nothing has to happen on that day (``models.access.in_force``).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from models.access import Account, AccountState, Post, in_force, person_of
from models.history import note
from models.notices import NoticeKind
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as, current_identity
from models.session import transaction
from models.violation import Conflict, OutOfReach, Sentence
from rules.code_issuers import MAY_REPLACE
from rules.errors import RuleViolation
from rules.grants import GROUP_LEADER, role_label
from rules.groups import check_leader
from rules.members import members_of
from rules.notices import tell_accounts
from rules.page_views import day_begins, day_of
from rules.posts import check_may_end

LONGEST_DAYS = 366
NAMED = "您受托代理{name}在{unit}的“{role}”岗位，至 {day} 止。"
NAMED_FOR = "{name}受托代理您在{unit}的“{role}”岗位，至 {day} 止。"
WITHDRAWN = "{unit}“{role}”岗位的代理已提前结束。"


def delegate(session: Session, identity: Identity, post: Post, username: str, last_day: date, *, now: datetime) -> Post:
    """Name a substitute for ``post`` up to the end of ``last_day`` (in Shanghai); both hear of what somebody else did.

    The substitute is an account of the unit; for a group's leader, one of its members. Raises NotPermitted, OutOfReach, RuleViolation.
    """
    with acting_as(identity), transaction(session):
        _check_may_delegate(session, identity, post)
        with acting_as(identity.serving()):
            post = _take_turn(session, post)
            _check_post(session, post, now)
            _check_day(last_day, now)
            account = _substitute(session, post, username)
            named = _appoint(session, post, account, last_day, now)
            _note(session, identity, post, "delegate", f"{account}，{last_day:%Y.%m.%d}")
            _tell_both(session, identity, post, account, last_day, now)
    return named


def withdraw(session: Session, identity: Identity, substitute: Post, *, now: datetime) -> None:
    """End a substitute's post before its day: the holder, the substitute, or who stands above. Conflict when it is over."""
    with acting_as(identity.serving()):
        origin = session.get(Post, substitute.delegate_of_id) if substitute.delegate_of_id is not None else None
    if origin is None:
        raise OutOfReach(f"post {substitute.id} is nobody's substitute's")
    with acting_as(identity), transaction(session):
        if identity.account_id not in (origin.account_id, substitute.account_id):
            _check_stands_above(session, identity, substitute)
        with acting_as(identity.serving()):
            still = (Post.id == substitute.id, in_force(now))
            ended = update(Post).where(*still).values(until=now, version=Post.version + 1, updated_at=now).returning(Post.id)
            if session.scalar(ended, execution_options={"synchronize_session": False}) is None:
                raise Conflict("这个岗位已经结束，请刷新后查看。")
            _note(session, identity, origin, "withdraw_delegate", str(substitute.contact_name))
            told = Sentence(WITHDRAWN, unit=origin.unit_name, role=role_label(origin.role))
            whom = {origin.account_id, substitute.account_id} - {identity.account_id}
            tell_accounts(session, whom, told, "/posts/", kind=NoticeKind.POST, now=now)
    session.expire_all()


def own_posts(session: Session, identity: Identity, *, now: datetime) -> list[tuple[Post, Post | None]]:
    """The person's posts now, each with who stands in for them there; and those they stand in at."""
    with acting_as(identity.serving()):
        mine = select(Post).where(Post.account_id == identity.account_id, in_force(now)).order_by(Post.id)
        posts = session.scalars(mine).all()
    substitutes = substitutes_of(session, identity, [post.id for post in posts], now=now)
    return [(post, substitutes.get(post.id)) for post in posts]


def substitutes_of(session: Session, identity: Identity, post_ids: Collection[int], *, now: datetime) -> dict[int | None, Post]:
    """Post → the post of who stands in there now; one statement."""
    theirs = select(Post).where(Post.delegate_of_id.in_(post_ids), in_force(now))
    with acting_as(identity.serving()):
        return {one.delegate_of_id: one for one in session.scalars(theirs)}


def may_have_substitute(post: Post) -> bool:
    """Whether the post is an administrator's or a group leader's own, not one they stand in at."""
    return post.role in (*MAY_REPLACE, GROUP_LEADER) and post.delegate_of_id is None and post.until is None


def administrator_may_have_substitute(post: Post) -> bool:
    """The same of administrators alone: a group's leader and who stands above name one on the page of its members."""
    return post.role in MAY_REPLACE and may_have_substitute(post)


def may_delegate(identity: Identity, post: Post) -> bool:
    """Whether the person holds the post, or the act by which somebody above names a substitute; the service asks the rest."""
    is_own = identity.account_id is not None and identity.account_id == post.account_id
    return is_own or identity.reaches(*_above(post), post.scope_path)


def _above(post: Post) -> tuple[str, str]:
    """Act and table of who stands above: a group's leader is chosen by who edits the group."""
    return ("edit", "research_group") if post.role == GROUP_LEADER else ("end", "post")


def _check_may_delegate(session: Session, identity: Identity, post: Post) -> None:
    if identity.account_id is None or identity.account_id != post.account_id:
        _check_stands_above(session, identity, post)


def _check_stands_above(session: Session, identity: Identity, post: Post) -> None:
    if post.role == GROUP_LEADER:
        identity.require(*_above(post), post.scope_path)
    else:
        check_may_end(session, identity, post)


def _note(session: Session, identity: Identity, post: Post, act: str, comment: str) -> None:
    """In the post's history; that of a group's leader in the group's, which its members read."""
    about = _group_of(session, post) if post.role == GROUP_LEADER else post
    with acting_as(identity.at("members", about).serving()):
        note(session, about, act, comment=comment)


def _group_of(session: Session, post: Post) -> ResearchGroup:
    return session.scalars(select(ResearchGroup).where(ResearchGroup.scope_path == post.scope_path)).one()


def _take_turn(session: Session, post: Post) -> Post:
    """Of two who name a substitute at once, one after the other; the post as it stands then."""
    same = {"version": Post.version, "updated_at": Post.updated_at}
    session.execute(update(Post).where(Post.id == post.id).values(same), execution_options={"synchronize_session": False})
    return session.get_one(Post, post.id, populate_existing=True)


def _check_post(session: Session, post: Post, now: datetime) -> None:
    if post.delegate_of_id is not None:
        raise RuleViolation("代理岗位不能再委托他人。")
    if not may_have_substitute(post):
        raise RuleViolation("只有在任的区域管理员、学校管理员和教研组组长可以委托他人代理。")
    other = session.scalar(select(Post).where(Post.delegate_of_id == post.id, in_force(now)))
    if other is not None and other.until is not None:
        day = ends_on(other.until)
        raise RuleViolation("已委托{name}代理至 {day}，请先收回。", name=other.contact_name, day=f"{day:%Y.%m.%d}")


def _check_day(last_day: date, now: datetime) -> None:
    today = day_of(now)
    if last_day < today:
        raise RuleViolation("代理截止日期不能早于今天。", "last_day")
    if (last_day - today).days > LONGEST_DAYS:
        raise RuleViolation("代理最长 {days} 天。", "last_day", days=LONGEST_DAYS)


def _substitute(session: Session, post: Post, username: str) -> Account:
    """The account of the unit that is called so: of others nothing is said, not even whether they exist."""
    name = username.strip()
    called = or_(Account.username == name, Account.phone == name)
    found = session.scalars(select(Account).where(called)).first() if name else None
    if found is None or found.state is not AccountState.ACTIVE or not _belongs(session, found, post):
        raise RuleViolation("没有找到这个账号。请填写本单位在用账号的账号名或手机号码。", "username")
    holder = session.get_one(Account, post.account_id)
    if person_of(found) & person_of(holder):
        raise RuleViolation("不能委托给岗位的本人。", "username")
    same = (Post.account_id == found.id, Post.role == post.role, Post.scope_path == post.scope_path, in_force())
    if session.scalar(select(Post.id).where(*same).limit(1)) is not None:
        raise RuleViolation("对方已经是{unit}的{role}。", "username", unit=post.unit_name, role=role_label(post.role))
    return found


def _belongs(session: Session, account: Account, post: Post) -> bool:
    """Whether the account is one of the unit; of a group, that of a member who could lead it."""
    if post.role != GROUP_LEADER:
        return account.scope_path.startswith(post.scope_path)
    group = _group_of(session, post)
    member = next((one for one in members_of(session, current_identity(), group) if one.post.account_id == account.id), None)
    if member is not None:
        check_leader(session.get_one(SchoolProgramme, group.school_programme_id), member.teacher)
    return member is not None


def _appoint(session: Session, post: Post, account: Account, last_day: date, now: datetime) -> Post:
    named = Post(
        account_id=account.id,
        role=post.role,
        region_id=post.region_id,
        school_id=post.school_id,
        unit_name=post.unit_name,
        scope_path=post.scope_path,
        since=now,
        until=day_begins(last_day + timedelta(days=1)),
        source="delegate",
        delegate_of_id=post.id,
        contact_name=str(account),
        contact_phone=account.phone,
    )
    session.add(named)
    session.flush()
    return named


def ends_on(until: datetime) -> date:
    """The last day, in Shanghai, of a substitute's post that ends at this moment."""
    return day_of(until - timedelta(seconds=1))


def _tell_both(session: Session, identity: Identity, post: Post, account: Account, last_day: date, now: datetime) -> None:
    known = {"unit": post.unit_name, "role": role_label(post.role), "day": f"{last_day:%Y.%m.%d}"}
    named = Sentence(NAMED, name=post.contact_name or str(session.get_one(Account, post.account_id)), **known)
    tell_accounts(session, {account.id} - {identity.account_id}, named, "/posts/", kind=NoticeKind.POST, now=now)
    told = Sentence(NAMED_FOR, name=str(account), **known)
    tell_accounts(session, {post.account_id} - {identity.account_id}, told, "/posts/", kind=NoticeKind.POST, now=now)
