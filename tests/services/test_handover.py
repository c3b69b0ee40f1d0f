"""An administrator's post ends, or passes on in one act; who asks is told whom to turn to (S3-04, S3-111, S3-133, S3-134)."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, update

from models.access import Account, CodeState, PermissionCode, Post
from models.history import Change
from models.notices import Notice, NoticeKind
from models.scoping import NOBODY, SYSTEM, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach
from rules.errors import RuleViolation
from rules.grants import COURSE_PROVIDER, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TEACHER, TRAINING_EXPERT
from rules.permission_codes import Contact, bind_code
from rules.posts import end_post, hand_over, who_is_my_admin
from tests.cast import TODAY as NOW

KEY = b"a key of this installation"


@pytest.fixture
def post_of(cast, factory):
    """``post_of("平")``: the administrator's (or the named) post of one of the cast, as it is now."""

    def post_of(who, role=None):
        with acting_as(SYSTEM), factory() as session:
            return session.get(Post, cast.identity(who, role).post_id)

    return post_of


@pytest.fixture
def appoint(cast, factory):
    """``appoint("林", REGION_SUPER, "思明区")``: gives somebody a post at a region; the post."""

    def appoint(who, role, region):
        with acting_as(SYSTEM), factory() as session:
            post = Post(
                account_id=cast.account[who], role=role, region_id=cast.region[region], unit_name=region, scope_path=cast.path[region]
            )
            post.since, post.contact_name, post.contact_phone = NOW, who, "13870000001"
            session.add(post)
            session.commit()
            return post

    return appoint


@pytest.fixture
def acting(cast, factory):
    """``acting("丹", end_post, post)``: the service done by one of the cast."""

    def acting(who, service, *arguments, **named):
        identity = cast.identity(who)
        with acting_as(identity), factory() as session:
            return service(session, identity, *arguments, **named)

    return acting


def acts_on(factory, row):
    with acting_as(SYSTEM), factory() as session:
        told = select(Change.act, Change.account_id).where(Change.table_name == row.__tablename__, Change.row_id == row.id)
        return [tuple(line) for line in session.execute(told.order_by(Change.id))]


def stored(factory, model, key):
    with acting_as(SYSTEM), factory() as session:
        return session.get(model, key)


def open_codes(factory, school_id):
    with acting_as(SYSTEM), factory() as session:
        here = (PermissionCode.school_id == school_id, PermissionCode.state == CodeState.ISSUED)
        return session.scalar(select(func.count()).select_from(PermissionCode).where(*here))


def test_a_handover_ends_the_old_post_and_gives_out_the_code_for_the_next(acting, post_of, factory, cast):
    ping = post_of("平")
    issued = acting("丹", hand_over, KEY, ping, now=NOW, days=7)
    assert stored(factory, Post, ping.id).until == NOW
    code = stored(factory, PermissionCode, issued.permission_code_id)
    assert (code.role, code.school_id, code.state, code.issued_by_id) == (
        SCHOOL_ADMIN,
        cast.school["北"],
        CodeState.ISSUED,
        cast.account["丹"],
    )
    assert acts_on(factory, ping) == [("end", cast.account["丹"])]
    assert acts_on(factory, code) == [("add", cast.account["丹"])]

    lin = cast.identity("林")
    with factory() as session:
        with acting_as(SYSTEM):
            account = session.get(Account, cast.account["林"])
        contact = Contact("林", "北实验小学", "教导主任", "13860000001")
        next_post = bind_code(session, lin, KEY, issued.code_text, contact, account=account, address="203.0.113.7", now=NOW)
    assert (next_post.school_id, next_post.until) == (cast.school["北"], None)


def test_a_handover_voids_a_code_that_still_lies_around(acting, post_of, factory, cast):
    assert open_codes(factory, cast.school["南"]) == 1
    acting("丹", hand_over, KEY, post_of("锐"), now=NOW, days=7)
    assert open_codes(factory, cast.school["南"]) == 1
    with acting_as(SYSTEM), factory() as session:
        states = session.scalars(
            select(PermissionCode.state).where(PermissionCode.school_id == cast.school["南"]).order_by(PermissionCode.id)
        ).all()
    assert states == [CodeState.REPLACED, CodeState.ISSUED]


class PowerCut(Exception):
    """What the database never saw coming."""


def test_a_fault_between_the_two_leaves_neither(acting, post_of, factory, engine, cast):
    def fail(connection, cursor, statement, parameters, context, many):
        if statement.startswith("INSERT INTO permission_code"):
            raise PowerCut

    ping = post_of("平")
    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(PowerCut):
        acting("丹", hand_over, KEY, ping, now=NOW, days=7)
    event.remove(engine, "before_cursor_execute", fail)
    assert stored(factory, Post, ping.id).until is None
    assert open_codes(factory, cast.school["北"]) == 0
    assert acts_on(factory, ping) == []


def test_of_two_handovers_at_once_one_is_told(post_of, factory, cast):
    ping, answers, together = post_of("平"), [], threading.Barrier(2)

    def one(who):
        identity = cast.identity(who)
        together.wait()
        with acting_as(identity), factory() as session:
            try:
                answers.append(hand_over(session, identity, KEY, ping, now=NOW, days=7))
            except Conflict as conflict:
                answers.append(conflict)

    threads = [threading.Thread(target=one, args=(who,)) for who in ("丹", "福")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    assert open_codes(factory, cast.school["北"]) == 1


def test_who_may_not_end_or_hand_over_whose_post(acting, post_of, appoint, factory):
    county_super = appoint("林", REGION_SUPER, "思明区")
    cases = (
        ("岚", post_of("平"), OutOfReach),
        ("远", post_of("平"), OutOfReach),
        ("锐", post_of("平"), NotPermitted),
        ("平", post_of("平"), NotPermitted),
        ("梅", post_of("平"), NotPermitted),
        ("丹", county_super, RuleViolation),
        ("丹", post_of("丹"), RuleViolation),
        ("丹", post_of("梅"), RuleViolation),
        ("运", post_of("运"), RuleViolation),
    )
    for who, post, error in cases:
        with pytest.raises(error):
            acting(who, end_post, post, now=NOW)
        with pytest.raises(error):
            acting(who, hand_over, KEY, post, now=NOW, days=7)
        assert stored(factory, Post, post.id).until is None


def test_the_super_administrator_of_the_same_region_replaces_its_administrators(acting, post_of, appoint, factory):
    """本级超级管理员: for the special one, and for a successor of their own; an ended post then acts no more."""
    own = appoint("林", REGION_SUPER, "思明区")
    assert acting("林", hand_over, KEY, post_of("丹"), now=NOW, days=7).role == REGION_SPECIAL
    identity = acting("林", lambda session, identity: identity)
    assert acting("林", hand_over, KEY, own, now=NOW, days=7).role == REGION_SUPER
    with factory() as session, acting_as(identity), pytest.raises(NotPermitted):
        end_post(session, identity, post_of("平"), now=NOW)
    assert stored(factory, Post, post_of("平").id).until is None


def test_a_post_ends_once(acting, post_of, factory):
    ping = post_of("平")
    acting("丹", end_post, ping, now=NOW)
    with pytest.raises(Conflict):
        acting("福", end_post, ping, now=NOW)
    with pytest.raises(Conflict):
        acting("丹", hand_over, KEY, ping, now=NOW, days=7)
    assert [act for act, _ in acts_on(factory, ping)] == ["end"]


# --- posts that were given out with their account ----------------------------------------------------------------------


@pytest.mark.parametrize("role", [COURSE_PROVIDER, TRAINING_EXPERT])
def test_what_was_given_out_is_ended_by_who_could_give_it(acting, appoint, factory, cast, role):
    """S0-09, S0-18: the holder is told, the history keeps it, the account and its other posts stay."""
    given = appoint("梅", role, "福建省")
    for who, error in (("远", OutOfReach), ("丹", OutOfReach), ("平", NotPermitted), ("梅", NotPermitted)):
        with pytest.raises(error):
            acting(who, end_post, given, now=NOW)
    acting("福", end_post, given, now=NOW)
    assert stored(factory, Post, given.id).until == NOW
    assert acts_on(factory, given)[-1] == ("end", cast.account["福"])
    with acting_as(SYSTEM), factory() as session:
        (notice,) = session.scalars(select(Notice).where(Notice.account_id == cast.account["梅"]))
        assert "福建省" in str(notice.sentence) and notice.kind is NoticeKind.POST
        assert session.scalars(select(Post.role).where(Post.account_id == cast.account["梅"], Post.until.is_(None))).all() == [TEACHER]


def test_a_special_administrator_ends_no_experts_post_and_no_provider_is_handed_over(acting, appoint, factory):
    near, far = appoint("梅", TRAINING_EXPERT, "思明区"), appoint("兰", COURSE_PROVIDER, "福建省")
    with pytest.raises(RuleViolation, match="超级管理员更换或解除"):
        acting("丹", end_post, near, now=NOW)
    with pytest.raises(RuleViolation, match="直接解除"):
        acting("福", hand_over, KEY, far, now=NOW, days=7)
    assert stored(factory, Post, near.id).until is None and stored(factory, Post, far.id).until is None


def test_nobody_ends_the_last_of_their_own_posts(acting, post_of, appoint, factory):
    own = post_of("福")
    with pytest.raises(RuleViolation, match="唯一的岗位"):
        acting("福", end_post, own, now=NOW)
    beside = appoint("福", TRAINING_EXPERT, "福建省")
    acting("福", end_post, beside, now=NOW)
    with pytest.raises(RuleViolation, match="唯一的岗位"):
        acting("福", end_post, own, now=NOW)
    assert stored(factory, Post, own.id).until is None


def at_once(*acts):
    """What becomes of acts done at the same moment, each in a thread of its own."""
    answers, together = [], threading.Barrier(len(acts))

    def one(act):
        together.wait()
        try:
            answers.append(act())
        except (Conflict, RuleViolation) as refusal:
            answers.append(refusal)

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_two_who_end_a_post_at_once_one_is_told(appoint, factory, cast):
    given = appoint("梅", TRAINING_EXPERT, "福建省")

    def end(who):
        identity = cast.identity(who)
        with acting_as(identity), factory() as session:
            end_post(session, identity, given, now=NOW)

    answers = at_once(lambda: end("福"), lambda: end("运"))
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "NoneType"]
    assert [act for act, _ in acts_on(factory, given)] == ["add", "end"]


def test_who_ends_both_of_their_own_posts_at_once_keeps_one(appoint, post_of, factory, cast):
    posts, identity = (post_of("福"), appoint("福", TRAINING_EXPERT, "福建省")), cast.identity("福")

    def end(post):
        with acting_as(identity), factory() as session:
            end_post(session, identity, post, now=NOW)

    answers = at_once(*(lambda post=post: end(post) for post in posts))
    assert sum(answer is None for answer in answers) == 1, answers
    assert sum(stored(factory, Post, post.id).until is None for post in posts) == 1


def test_a_wrong_validity_ends_nothing(acting, post_of, factory):
    with pytest.raises(RuleViolation, match="有效期"):
        acting("丹", hand_over, KEY, post_of("平"), now=NOW, days=0)
    assert stored(factory, Post, post_of("平").id).until is None


# --- whom to turn to ---------------------------------------------------------------------------------------------------


def told(administrators):
    return [(found.unit_name, found.role_label, found.name) for found in administrators]


def test_a_teacher_is_told_the_schools_and_the_countys_administrators_with_masked_phones(acting, post_of):
    found = acting("梅", who_is_my_admin)
    assert told(found) == [("北实验小学", "学校管理员", "平"), ("思明区", "区域专项管理员", "丹")]
    assert all("****" in administrator.phone and len(administrator.phone) == 11 for administrator in found)
    assert found[0].phone[-4:] == post_of("平").contact_phone[-4:]


def test_a_school_asks_its_county_and_a_county_the_next_unit_above(acting, appoint):
    assert told(acting("平", who_is_my_admin))[1:] == [("思明区", "区域专项管理员", "丹")]
    appoint("林", REGION_SUPER, "厦门市")
    assert told(acting("丹", who_is_my_admin)) == [("思明区", "区域专项管理员", "丹"), ("厦门市", "区域超级管理员", "林")]


def test_who_may_reveal_posts_sees_the_phone(cast, factory, post_of):
    dan = cast.identity("丹")
    may = replace(dan, grants=dan.grants | {("reveal", "post", cast.path["思明区"])})
    with factory() as session:
        assert [found.phone for found in who_is_my_admin(session, may) if found.unit_name == "思明区"] == [post_of("丹").contact_phone]


def test_an_ended_post_helps_nobody_and_who_is_nowhere_has_no_administrator(acting, post_of, factory):
    acting("丹", end_post, post_of("平"), now=NOW)
    assert told(acting("梅", who_is_my_admin)) == [("思明区", "区域专项管理员", "丹")]
    assert acting("林", who_is_my_admin) == []
    with factory() as session:
        assert who_is_my_admin(session, NOBODY) == []


def test_who_has_no_post_is_looked_after_where_their_account_is(acting, cast, factory):
    with acting_as(SYSTEM), factory() as session:
        session.execute(update(Account).where(Account.id == cast.account["林"]).values(scope_path=cast.path["南"]))
        session.commit()
    assert told(acting("林", who_is_my_admin))[0] == ("南实验小学", "学校管理员", "锐")


# --- the gate of a school ------------------------------------------------------------------------------------------------
