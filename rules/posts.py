"""Posts: how one ends, an administrator's passes to somebody else, and whom a person can turn to (S3-04, S3-111, S3-133, S3-134).

The one thing a newcomer gets wrong: a handover names no successor. It ends the post and gives out a code, in one act; who
binds the code is the next administrator.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_force, in_office
from models.history import note
from models.notices import NoticeKind
from models.org import Region, School
from models.scoping import Identity, acting_as, ancestors
from models.session import transaction
from models.violation import Conflict, Sentence
from rules.acting import Unit, acting_post, take_turn, unit_of
from rules.code_issuers import MAY_REPLACE, check_stands_above
from rules.errors import RuleViolation
from rules.grants import role_label
from rules.masks import mask_phone
from rules.notices import tell_accounts
from rules.permission_codes import IssuedCode, Target, check_days, write_codes

ENDED = "您在{unit}的“{role}”岗位已由上级管理员结束。"
HANDED_OVER = "您在{unit}的“{role}”岗位已由上级管理员变更，将由新的管理员接任。"
SUBSTITUTE_ENDED = "您代理的{unit}“{role}”岗位已结束，代理随之结束。"
AREA_TYPE_NEEDED = "请前往【基本管理-学校（机构）信息】完善“学校所在地城乡类型”的选项。"


@dataclass(frozen=True)
class Administrator:
    """Somebody a person can turn to, as far as that person may know them (S3-35, S3-134)."""

    unit_name: str
    role: str
    role_label: str
    name: str
    position: str
    phone: str
    """Masked, unless the asker may reveal the fields of posts there."""


def end_post(session: Session, identity: Identity, post: Post, *, now: datetime) -> None:
    """End an administrator's post, a course provider's or an expert's, but never the last one of one's own.

    Raises NotPermitted, OutOfReach, RuleViolation; Conflict when it had been ended before.
    """
    with acting_as(identity), transaction(session):
        check_may_end(session, identity, post)
        with acting_as(identity.serving()):
            _check_another_stays(session, identity, post)
            _end(session, identity, post, ENDED, now)


def hand_over(session: Session, identity: Identity, secret_key: bytes, post: Post, *, now: datetime, days: int) -> IssuedCode:
    """End an administrator's post and issue the code for the next one: both or neither (S3-133)."""
    check_days(days)
    with acting_as(identity), transaction(session):
        check_may_end(session, identity, post)
        if post.role not in MAY_REPLACE:
            raise RuleViolation("这里只能更换区域管理员和学校管理员，其他岗位请直接解除。")
        if post.delegate_of_id is not None:
            raise RuleViolation("这是代理岗位，不能变更管理员，请直接解除。")
        with acting_as(identity.serving()):
            unit = unit_of(session, post)
            take_turn(session, [unit])
            _end(session, identity, post, HANDED_OVER, now)
            [issued] = write_codes(session, identity, secret_key, {Target.at(post.role, unit): unit}, now=now, days=days)
            return issued


def who_is_my_admin(session: Session, identity: Identity) -> list[Administrator]:
    """The administrators of the person's unit, then those of the unit above (S3-134); empty for who belongs to no unit."""
    with acting_as(identity.serving()):
        place = _place(session, identity)
    return administrators_of(session, identity, place)


def administrators_of(session: Session, identity: Identity, path: str) -> list[Administrator]:
    """The administrators of the unit at ``path``, then those of the unit above, as ``identity`` may know them."""
    with acting_as(identity.serving()):
        nearest = _units_around(session, path)[:2]
        paths = [unit.scope_path for unit in nearest]
        held = select(Post).where(Post.role.in_(MAY_REPLACE), in_force(), Post.scope_path.in_(paths))
        posts = session.scalars(held.order_by(Post.role, Post.since, Post.id)).all()
        return [_known_to(identity, post, unit) for unit in nearest for post in posts if post.scope_path == unit.scope_path]


def check_may_end(session: Session, identity: Identity, post: Post) -> None:
    """Refuse to who does not stand above the post: NotPermitted, OutOfReach, RuleViolation."""
    identity.require("end", "post", post.scope_path)
    if not identity.everything:
        acting = acting_post(session, identity)
        if acting.delegate_of_id == post.id:
            raise RuleViolation("您正在代理这个岗位，不能更换、解除或再委托它。")
        check_stands_above(acting.role, acting.scope_path, post.role, post.scope_path)


def _check_another_stays(session: Session, identity: Identity, post: Post) -> None:
    """Nobody shuts themselves out; of two who end two posts of one account at once, the second sees what the first has done."""
    if post.account_id != identity.account_id:
        return
    same = update(Account).where(Account.id == post.account_id).values(version=Account.version)
    session.execute(same, execution_options={"synchronize_session": False})
    others = select(Post.id).where(Post.account_id == post.account_id, Post.id != post.id, in_office()).limit(1)
    if session.scalar(others) is None:
        raise RuleViolation("这是您唯一的岗位，不能自己解除，请由上级办理。")


def _end(session: Session, identity: Identity, post: Post, sentence: str, now: datetime) -> None:
    """End the post and tell who held it, unless they did it themselves."""
    ended = update(Post).where(Post.id == post.id, in_force(now)).values(until=now, version=Post.version + 1, updated_at=now)
    fresh = {"synchronize_session": False, "populate_existing": True}
    if session.scalars(ended.returning(Post), execution_options=fresh).one_or_none() is None:
        raise Conflict("这个岗位已经结束，请刷新后查看。")
    note(session, post, "end", {"until": [None, now.isoformat()]})
    end_substitutes(session, Post.delegate_of_id == post.id, now=now)
    told = Sentence(sentence, unit=post.unit_name, role=role_label(post.role))
    tell_accounts(session, {post.account_id} - {identity.account_id}, told, "/my-administrators/", kind=NoticeKind.POST, now=now)


def end_substitutes(session: Session, *which: ColumnElement[bool], now: datetime) -> None:
    """End those posts of substitutes and tell them: nobody stands in for who has left, nor where they have left themselves."""
    theirs = (Post.delegate_of_id.is_not(None), in_force(now), *which)
    ended = update(Post).where(*theirs).values(until=now, version=Post.version + 1, updated_at=now)
    returned = ended.returning(Post.account_id, Post.unit_name, Post.role)
    for account_id, unit, role in session.execute(returned, execution_options={"synchronize_session": False}).all():
        told = Sentence(SUBSTITUTE_ENDED, unit=unit, role=role_label(role))
        tell_accounts(session, [account_id], told, "/posts/", kind=NoticeKind.POST, now=now)


def _place(session: Session, identity: Identity) -> str:
    """Where the person works as who they are now; without a post, where their account is looked after."""
    asked = select(Post.scope_path).where(Post.id == identity.post_id)
    if identity.post_id is None:
        asked = select(Account.scope_path).where(Account.id == identity.account_id)
    return session.scalar(asked) or "/"


def _units_around(session: Session, path: str) -> list[Unit]:
    """The regions and the school on the way to ``path``, the nearest first."""
    on_the_way = [*ancestors(path), path]
    schools = session.scalars(select(School).where(School.scope_path.in_(on_the_way)))
    regions = session.scalars(select(Region).where(Region.scope_path.in_(on_the_way)))
    return sorted([*schools, *regions], key=lambda unit: len(unit.scope_path), reverse=True)


def _known_to(identity: Identity, post: Post, unit: Unit) -> Administrator:
    in_clear = identity.reaches("reveal", "post", post.scope_path)
    phone = post.contact_phone or ""
    return Administrator(
        unit_name=unit.name,
        role=post.role,
        role_label=role_label(post.role),
        name=post.contact_name or "",
        position=post.contact_position or "",
        phone=phone if in_clear else mask_phone(phone),
    )
