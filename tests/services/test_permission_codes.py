"""Codes in the database: issued to the right ones, bound once, guessed never (S3-24, S3-30…37, Z-14, Z-15)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from models.access import Account, CodeState, PermissionCode, Post
from models.base import Base
from models.history import Change
from models.org import AreaType, Region, School, SchoolKind
from models.scoping import SYSTEM, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach
from rules.code_text import new_code
from rules.errors import RuleViolation
from rules.grants import REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TEACHER
from rules.permission_codes import (
    ACCOUNT_TRIES,
    ADDRESS_TRIES,
    REFUSED,
    TRIES_SECONDS,
    Contact,
    Target,
    bind_code,
    issue_codes,
    revoke_code,
)
from tests.cast import TODAY as NOW

KEY = b"a key of this installation"
CONTACT = Contact("林老师", "思明区新学校", "教导主任", "13860000001")
LATER = NOW + timedelta(seconds=TRIES_SECONDS)


@pytest.fixture
def new_schools(cast, factory):
    """Three schools of 思明区 that have no administrator yet, by id."""
    with acting_as(SYSTEM), factory() as session:
        county = session.get(Region, cast.region["思明区"])
        schools = [School(code=f"31350001{n}", name=f"新学校{n}", region=county, area_type=AreaType.URBAN) for n in range(3)]
        session.add_all(schools)
        session.commit()
        return [school.id for school in schools]


@pytest.fixture
def issue(cast, factory):
    """``issue("丹", Target(...))``: the codes that somebody of the cast gives out."""

    def issue(who, *targets, now=NOW, days=7, daily_cap=500, identity=None):
        identity = identity or cast.identity(who)
        with acting_as(identity), factory() as session:
            return issue_codes(session, identity, KEY, targets, now=now, days=days, daily_cap=daily_cap)

    return issue


@pytest.fixture
def bind(cast, factory):
    """``bind("林", text)``: somebody of the cast binds a code; the sentence they are told, or their new post."""

    def bind(who, text, *, contact=CONTACT, address="203.0.113.7", now=NOW, key=KEY):
        identity = cast.identity(who)
        with factory() as session:
            with acting_as(SYSTEM):
                account = session.get(Account, cast.account[who])
            with acting_as(identity):
                try:
                    return bind_code(session, identity, key, text, contact, account=account, address=address, now=now)
                except RuleViolation as violation:
                    return violation.message, violation.field

    return bind


@pytest.fixture
def code_of(issue, new_schools):
    """A fresh code for the first new school."""
    return lambda **how: issue("丹", Target(SCHOOL_ADMIN, school_id=new_schools[0]), **how)[0]


@pytest.fixture
def stored(factory):
    """``stored(id)``: the code's row as it is now."""

    def stored(code_id):
        with acting_as(SYSTEM), factory() as session:
            return session.get(PermissionCode, code_id)

    return stored


def target_at(cast, role, unit):
    """The role at a school (``北``) or region (``厦门市``) of the cast."""
    return Target(role, school_id=cast.school[unit]) if unit in cast.school else Target(role, region_id=cast.region[unit])


def count(factory, model, *conditions):
    with acting_as(SYSTEM), factory() as session:
        return session.scalar(select(func.count()).select_from(model).where(*conditions))


def history(factory, row_id, table="permission_code"):
    with acting_as(SYSTEM), factory() as session:
        lines = session.scalars(select(Change).where(Change.table_name == table, Change.row_id == row_id).order_by(Change.id)).all()
    return [(line.act, line.changes.get("state") or line.changes.get("until"), line.account_id) for line in lines]


def at_once(number, act):
    """Run ``act(n)`` in so many threads that all start together; what each returned or raised."""
    together, answers = threading.Barrier(number), [None] * number

    def one(n):
        together.wait()
        try:
            answers[n] = act(n)
        except Exception as error:  # every kind of failure is an answer to look at
            answers[n] = error

    threads = [threading.Thread(target=one, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


# --- issuing -----------------------------------------------------------------------------------------------------------


def test_a_code_is_told_once_and_its_text_is_nowhere_in_the_database(code_of, stored, engine, cast):
    issued = code_of()
    row = stored(issued.permission_code_id)
    assert (issued.unit_name, issued.role, issued.prefix, issued.expires_at) == (
        "新学校0",
        SCHOOL_ADMIN,
        issued.code_text[:4],
        NOW + timedelta(days=7),
    )
    assert (row.state, row.issued_by_id, row.scope_path) == (
        CodeState.ISSUED,
        cast.account["丹"],
        f"{cast.path['思明区']}s{row.school_id}/",
    )
    with engine.connect() as connection:
        written = " ".join(str(line) for table in Base.metadata.sorted_tables for line in connection.execute(select(table)))
    assert issued.code_text not in written and issued.code_text.replace("-", "") not in written
    assert row.digest in written


def test_each_code_leaves_a_line_of_history(issue, new_schools, factory, cast):
    for issued in issue("丹", *(Target(SCHOOL_ADMIN, school_id=school) for school in new_schools)):
        assert history(factory, issued.permission_code_id) == [("add", None, cast.account["丹"])]


def test_who_may_not_issue_what(issue, cast, factory):
    before = count(factory, PermissionCode)
    for who, role, unit, error in (
        ("丹", SCHOOL_ADMIN, "湖", OutOfReach),
        ("丹", SCHOOL_ADMIN, "城", OutOfReach),
        ("远", REGION_SUPER, "思明区", OutOfReach),
        ("远", REGION_SPECIAL, "福建省", OutOfReach),
        ("平", SCHOOL_ADMIN, "北", NotPermitted),
        ("梅", SCHOOL_ADMIN, "北", NotPermitted),
        ("林", SCHOOL_ADMIN, "北", NotPermitted),
        ("丹", REGION_SPECIAL, "思明区", RuleViolation),
        ("福", REGION_SPECIAL, "厦门市", RuleViolation),
        ("福", REGION_SUPER, "思明区", RuleViolation),
        ("运", SCHOOL_ADMIN, "城", RuleViolation),
        ("福", TEACHER, "福建省", RuleViolation),
    ):
        with pytest.raises(error):
            issue(who, target_at(cast, role, unit))
    assert count(factory, PermissionCode) == before


def test_who_may_issue_what(issue, cast):
    for who, role, unit in (
        ("福", REGION_SPECIAL, "福建省"),
        ("福", REGION_SUPER, "厦门市"),
        ("远", SCHOOL_ADMIN, "城"),
        ("运", REGION_SUPER, "福建省"),
    ):
        assert [issued.role for issued in issue(who, target_at(cast, role, unit))] == [role]


def test_one_school_out_of_reach_and_none_gets_a_code(issue, cast, new_schools, factory):
    before = count(factory, PermissionCode)
    for foreign in (cast.school["湖"], 10**6):
        with pytest.raises(OutOfReach):
            issue("丹", *(Target(SCHOOL_ADMIN, school_id=school) for school in (*new_schools, foreign)))
    with pytest.raises(OutOfReach):
        issue("丹", Target(SCHOOL_ADMIN, region_id=cast.region["思明区"], school_id=new_schools[0]))
    assert count(factory, PermissionCode) == before


def test_a_post_that_was_ended_meanwhile_issues_nothing(issue, cast, factory, new_schools):
    dan = cast.identity("丹")
    with acting_as(SYSTEM), factory() as session:
        session.execute(update(Post).where(Post.id == dan.post_id).values(until=NOW))
        session.commit()
    with pytest.raises(NotPermitted):
        issue("丹", Target(SCHOOL_ADMIN, school_id=new_schools[0]), identity=dan)


def test_a_second_code_voids_the_first_in_the_same_step(code_of, stored, bind, factory, cast):
    old, new = code_of(), code_of()
    replaced = stored(old.permission_code_id)
    assert (replaced.state, replaced.replaced_by_id) == (CodeState.REPLACED, new.permission_code_id)
    assert history(factory, old.permission_code_id)[-1] == ("edit", ["issued", "replaced"], cast.account["丹"])
    assert bind("林", old.code_text) == (REFUSED, "code")
    assert isinstance(bind("林", new.code_text), Post)


def test_a_code_voids_only_its_own_role_and_unit(issue, cast, new_schools, stored):
    both = issue("福", Target(REGION_SPECIAL, region_id=cast.region["福建省"]), Target(REGION_SUPER, region_id=cast.region["厦门市"]))
    schools = issue("丹", *(Target(SCHOOL_ADMIN, school_id=school) for school in new_schools[:2]))
    issue("丹", Target(SCHOOL_ADMIN, school_id=new_schools[2]))
    issue("运", Target(REGION_SUPER, region_id=cast.region["福建省"]))
    assert {stored(issued.permission_code_id).state for issued in (*both, *schools)} == {CodeState.ISSUED}


def test_the_same_target_twice_is_one_code(issue, new_schools):
    target = Target(SCHOOL_ADMIN, school_id=new_schools[0])
    assert len(issue("丹", target, target)) == 1


def test_a_school_with_an_administrator_needs_a_handover(issue, cast, factory, new_schools):
    before = count(factory, PermissionCode, PermissionCode.state == CodeState.ISSUED)
    with pytest.raises(RuleViolation, match="北实验小学已有管理员，请使用“更换管理员”"):
        issue("丹", *(Target(SCHOOL_ADMIN, school_id=school) for school in (*new_schools, cast.school["北"])))
    assert count(factory, PermissionCode, PermissionCode.state == CodeState.ISSUED) == before


def test_the_placeholder_has_no_administrator(issue, cast, factory, new_schools):
    with acting_as(SYSTEM), factory() as session:
        session.execute(update(School).where(School.id == new_schools[0]).values(kind=SchoolKind.OTHER))
        session.commit()
    with pytest.raises(RuleViolation, match="占位"):
        issue("丹", Target(SCHOOL_ADMIN, school_id=new_schools[0]))


def test_nothing_chosen_and_a_wrong_validity_are_told(issue, new_schools):
    with pytest.raises(RuleViolation, match="请选择"):
        issue("丹")
    with pytest.raises(RuleViolation, match="有效期"):
        issue("丹", Target(SCHOOL_ADMIN, school_id=new_schools[0]), days=0)


def test_the_daily_cap_counts_the_issuers_day_in_shanghai(issue, new_schools):
    targets = [Target(SCHOOL_ADMIN, school_id=school) for school in new_schools]
    with pytest.raises(RuleViolation, match="每天最多生成2个"):
        issue("福", *targets, daily_cap=2)
    last_second = NOW.replace(hour=15, minute=59, second=59)
    issue("福", *targets[:2], daily_cap=2, now=last_second)
    with pytest.raises(RuleViolation, match="每天最多生成2个"):
        issue("福", targets[2], daily_cap=2, now=last_second)
    assert issue("丹", targets[2], now=last_second)
    assert issue("福", targets[2], daily_cap=2, now=last_second + timedelta(seconds=1))


def test_many_issuers_at_once_leave_one_code_that_works(issue, new_schools, factory):
    target = Target(SCHOOL_ADMIN, school_id=new_schools[0])
    answers = at_once(8, lambda n: issue(("丹", "福")[n % 2], target))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    here = PermissionCode.school_id == new_schools[0]
    assert count(factory, PermissionCode, here) == 8
    assert count(factory, PermissionCode, here, PermissionCode.state == CodeState.ISSUED) == 1


def test_the_cap_holds_against_requests_at_once(issue, new_schools):
    answers = at_once(6, lambda n: issue("福", Target(SCHOOL_ADMIN, school_id=new_schools[n % 3]), daily_cap=2))
    assert sum(isinstance(answer, list) for answer in answers) == 2
    assert all("每天最多" in str(answer) for answer in answers if not isinstance(answer, list))


# --- revoking ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def revoke(cast, factory):
    def revoke(who, code):
        identity = cast.identity(who)
        with acting_as(identity), factory() as session:
            revoke_code(session, identity, code, NOW)

    return revoke


def test_a_revoked_code_opens_nothing_and_the_act_is_noted(code_of, revoke, stored, bind, factory, cast):
    issued = code_of()
    revoke("丹", stored(issued.permission_code_id))
    assert stored(issued.permission_code_id).state is CodeState.REVOKED
    assert history(factory, issued.permission_code_id)[-1] == ("revoke", ["issued", "revoked"], cast.account["丹"])
    assert bind("林", issued.code_text) == (REFUSED, "code")


def test_a_used_or_revoked_code_is_not_revoked_again(code_of, revoke, stored, bind):
    issued = code_of()
    bind("林", issued.code_text)
    with pytest.raises(Conflict):
        revoke("丹", stored(issued.permission_code_id))
    assert stored(issued.permission_code_id).state is CodeState.USED


def test_who_may_not_revoke(code_of, revoke, stored):
    issued = code_of()
    for who, error in (("岚", OutOfReach), ("远", OutOfReach), ("平", NotPermitted), ("林", NotPermitted)):
        with pytest.raises(error):
            revoke(who, stored(issued.permission_code_id))
    assert stored(issued.permission_code_id).state is CodeState.ISSUED


def test_a_special_administrator_does_not_void_the_super_code_of_their_own_county(issue, revoke, stored, cast):
    with acting_as(SYSTEM):
        [issued] = issue("", Target(REGION_SUPER, region_id=cast.region["思明区"]), identity=SYSTEM)
    with pytest.raises(RuleViolation, match="超级管理员更换或解除"):
        revoke("丹", stored(issued.permission_code_id))
    revoke("福", stored(issued.permission_code_id))


# --- binding -----------------------------------------------------------------------------------------------------------


def test_who_binds_becomes_the_administrator_with_a_contact_for_the_superior(code_of, bind, stored, factory, cast):
    issued = code_of()
    post = bind("林", issued.code_text.lower().replace("-", " "))
    row = stored(issued.permission_code_id)
    assert (row.state, row.used_by_id, row.used_at) == (CodeState.USED, cast.account["林"], NOW)
    assert (post.account_id, post.role, post.school_id, post.scope_path) == (
        cast.account["林"],
        SCHOOL_ADMIN,
        row.school_id,
        row.scope_path,
    )
    assert (post.unit_name, post.since, post.until, post.source) == ("新学校0", NOW, None, f"code:{issued.prefix}")
    assert Contact(post.contact_name, post.contact_unit, post.contact_position, post.contact_phone) == CONTACT
    assert history(factory, issued.permission_code_id)[-1] == ("bind", ["issued", "used"], cast.account["林"])
    assert [act for act, *_ in history(factory, post.id, "post")] == ["add"]


def test_one_account_may_hold_several_posts(issue, bind, new_schools, factory, cast):
    for issued in issue("丹", *(Target(SCHOOL_ADMIN, school_id=school) for school in new_schools)):
        assert isinstance(bind("林", issued.code_text), Post)
    assert count(factory, Post, Post.account_id == cast.account["林"], Post.until.is_(None)) == 3


def test_the_post_is_where_the_unit_is_now(code_of, bind, factory, cast, new_schools):
    """Between issue and bind a school may be renamed, or moved with all that is below it."""
    issued = code_of()
    moved = f"{cast.path['湖里区']}s{new_schools[0]}/"
    with acting_as(SYSTEM), factory() as session:
        session.execute(update(School).where(School.id == new_schools[0]).values(name="更名学校", scope_path=moved))
        session.commit()
    post = bind("林", issued.code_text)
    assert (post.unit_name, post.scope_path) == ("更名学校", moved)


def test_a_code_is_good_until_its_last_moment(code_of, bind):
    issued = code_of(days=1)
    for late in (timedelta(days=300), timedelta(microseconds=1), timedelta(0)):
        assert bind("林", issued.code_text, now=issued.expires_at + late) == (REFUSED, "code")
    assert isinstance(bind("林", issued.code_text, now=issued.expires_at - timedelta(microseconds=1)), Post)


def test_wrong_used_expired_revoked_replaced_and_foreign_codes_get_one_answer(issue, bind, revoke, stored, new_schools):
    targets = [Target(SCHOOL_ADMIN, school_id=school) for school in new_schools]
    used, expired, revoked = issue("丹", *targets)
    bind("林", used.code_text)
    revoke("丹", stored(revoked.permission_code_id))
    replaced, good = issue("丹", targets[2])[0], issue("丹", targets[2])[0]
    told = [
        bind("双", new_code()),
        bind("双", used.code_text),
        bind("林", used.code_text),
        bind("双", revoked.code_text),
        bind("双", replaced.code_text),
        bind("双", expired.code_text, now=NOW + timedelta(days=8)),
        bind("双", good.code_text, key=b"a key of another installation"),
    ]
    assert set(told) == {(REFUSED, "code")}
    assert isinstance(bind("双", good.code_text), Post)


def test_a_slip_of_the_pen_is_told_as_such(code_of, bind):
    text = code_of().code_text
    assert "现在是15位" in bind("林", text[:-1])[0]
    assert bind("林", " ") == ("请填写权限码。", "code")


def test_a_faulty_contact_consumes_nothing_and_counts_nothing(code_of, bind, stored):
    issued = code_of()
    for _ in range(ADDRESS_TRIES + 1):
        assert bind("林", issued.code_text, contact=CONTACT._replace(phone="1"))[1] == "phone"
    assert stored(issued.permission_code_id).state is CodeState.ISSUED
    assert isinstance(bind("林", issued.code_text), Post)


def test_a_school_that_has_an_administrator_takes_no_second_and_the_code_stays(code_of, bind, stored, factory, new_schools, cast):
    issued = code_of()
    with acting_as(SYSTEM), factory() as session:
        path = session.get(School, new_schools[0]).scope_path
        session.add(
            Post(
                account_id=cast.account["双"], role=SCHOOL_ADMIN, school_id=new_schools[0], unit_name="新学校0", since=NOW, scope_path=path
            )
        )
        session.commit()
    assert "已有管理员" in bind("林", issued.code_text)[0]
    assert "您已经是新学校0的学校管理员" in bind("双", issued.code_text)[0]
    assert stored(issued.permission_code_id).state is CodeState.ISSUED
    assert count(factory, Post, Post.school_id == new_schools[0], Post.role == SCHOOL_ADMIN) == 1


def test_the_same_region_post_is_not_bound_twice(issue, bind, cast, stored):
    target = Target(REGION_SPECIAL, region_id=cast.region["福建省"])
    assert isinstance(bind("林", issue("福", target)[0].code_text), Post)
    second = issue("福", target)[0]
    assert "您已经是福建省的区域专项管理员" in bind("林", second.code_text)[0]
    assert stored(second.permission_code_id).state is CodeState.ISSUED
    assert isinstance(bind("双", second.code_text), Post)


# --- guessing ----------------------------------------------------------------------------------------------------------


def test_an_account_guesses_ten_times_and_then_waits(code_of, bind, stored):
    issued = code_of()
    for n in range(ACCOUNT_TRIES):
        assert bind("林", new_code(), address=f"203.0.113.{n}") == (REFUSED, "code")
    told = bind("林", issued.code_text, address="203.0.113.99")
    assert told == ("尝试次数过多，请15分钟后再试。", "code")
    assert bind("林", issued.code_text, now=LATER - timedelta(seconds=1)) == told
    assert stored(issued.permission_code_id).state is CodeState.ISSUED
    assert isinstance(bind("林", issued.code_text, now=LATER), Post)


def test_an_address_guesses_thirty_times_whatever_accounts_it_uses(code_of, bind):
    issued = code_of()
    guessers = ["梅", "兰", "竹", "菊"]
    told = [bind(guessers[n % 4], new_code()) for n in range(ADDRESS_TRIES + 1)]
    assert told[:-1] == [(REFUSED, "code")] * ADDRESS_TRIES
    assert "尝试次数过多" in told[-1][0]
    assert "尝试次数过多" in bind("林", issued.code_text)[0]
    assert isinstance(bind("林", issued.code_text, address="203.0.113.8"), Post)


def test_a_room_full_of_administrators_binds_behind_one_address(cast, factory, issue, bind):
    with acting_as(SYSTEM), factory() as session:
        county = session.get(Region, cast.region["思明区"])
        schools = [School(code=f"31350002{n}", name=f"同楼学校{n}", region=county) for n in range(ADDRESS_TRIES + 2)]
        session.add_all(schools)
        session.commit()
    codes = issue("丹", *(Target(SCHOOL_ADMIN, school_id=school.id) for school in schools))
    assert all(isinstance(bind("林", issued.code_text), Post) for issued in codes)


def test_success_forgets_the_accounts_wrong_tries(issue, bind, new_schools):
    first, second = issue("丹", *(Target(SCHOOL_ADMIN, school_id=school) for school in new_schools[:2]))
    for _ in range(ACCOUNT_TRIES - 1):
        bind("林", new_code())
    assert isinstance(bind("林", first.code_text), Post)
    for _ in range(ACCOUNT_TRIES - 1):
        assert bind("林", new_code()) == (REFUSED, "code")
    assert isinstance(bind("林", second.code_text), Post)


def test_a_malformed_code_is_a_try_like_any_other(bind):
    for _ in range(ACCOUNT_TRIES):
        assert "现在是4位" in bind("林", "AAAA")[0]
    assert "尝试次数过多" in bind("林", "AAAA")[0]


# --- racing ------------------------------------------------------------------------------------------------------------


def test_a_hundred_binders_and_one_code_have_one_winner(code_of, factory, cast, stored):
    issued = code_of()
    accounts = add_accounts(factory, 100)

    def bind(n):
        identity = SYSTEM.__class__(account_id=accounts[n].id, label="试")
        with acting_as(identity), factory() as session:
            return bind_code(session, identity, KEY, issued.code_text, CONTACT, account=accounts[n], address=f"198.51.100.{n}", now=NOW)

    answers = at_once(100, bind)
    winners = [answer for answer in answers if isinstance(answer, Post)]
    told = [answer for answer in answers if isinstance(answer, RuleViolation) and (answer.message, answer.field) == (REFUSED, "code")]
    assert (len(winners), len(told)) == (1, 99)
    row = stored(issued.permission_code_id)
    assert (row.state, row.used_by_id) == (CodeState.USED, winners[0].account_id)
    assert count(factory, Post, Post.source == f"code:{issued.prefix}") == 1


def test_a_bind_and_a_second_code_at_once_never_leave_an_open_code_beside_an_administrator(issue, code_of, bind, factory, new_schools):
    issued = code_of()
    bound, reissued = at_once(
        2, lambda n: bind("林", issued.code_text) if n else issue("丹", Target(SCHOOL_ADMIN, school_id=new_schools[0]))
    )[::-1]
    open_codes = count(factory, PermissionCode, PermissionCode.school_id == new_schools[0], PermissionCode.state == CodeState.ISSUED)
    if isinstance(bound, Post):
        assert isinstance(reissued, RuleViolation) and open_codes == 0
    else:
        assert bound == (REFUSED, "code") and open_codes == 1 and len(reissued) == 1


def add_accounts(factory, number):
    with acting_as(SYSTEM), factory() as session:
        rows = [
            {
                "username": f"binder{n}",
                "first_name": f"绑{n}",
                "last_name": "",
                "email": f"binder{n}@accounts.invalid",
                "active": True,
                "scope_path": "/",
            }
            for n in range(number)
        ]
        session.execute(insert(Account.__table__), rows)
        session.commit()
        return session.scalars(select(Account).where(Account.username.startswith("binder")).order_by(Account.id)).all()
