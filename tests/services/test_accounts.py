"""Logging in, locks and passwords, and the account that comes with every teacher (S0-04 … S0-23, S2-09, S2-10, Z-05, Z-11, Z-12)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import event, func, select, update
from werkzeug.security import check_password_hash

import rules.people  # noqa: F401  (puts a number into its stored form)
from models.access import Account, AccountState, PersonKind, Post
from models.history import Change, Decision
from models.org import School
from models.people import CertificationState, IdType, Teacher
from models.scoping import ROOT, SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach
from rules.accounts import (
    Policy,
    account_for_admin,
    authenticate,
    change_password,
    create_operator,
    reset_many,
    reset_password,
    set_policy,
    unlock,
)
from rules.errors import RuleViolation
from rules.grants import BY_NAME, COURSE_PROVIDER, OPERATOR, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TRAINING_EXPERT
from rules.id_numbers import make_resident_id
from rules.issuing import given, new_account, teaching
from tests.cast import PASSWORD, TODAY

NOW = TODAY
QUARTER = timedelta(minutes=15)
WRONG = "Wrong2026x"
NEW = "Qingshan58"


def account_of(session, cast, name):
    with acting_as(SYSTEM):
        return session.get(Account, cast.account[name], populate_existing=True)


def change(session, account, **values):
    """Bring an account into a state that only time or somebody else could."""
    with acting_as(SYSTEM):
        session.execute(update(Account).where(Account.id == account.id).values(values))
        session.commit()
        session.refresh(account)


def appoint(session, account, role, path):
    with acting_as(SYSTEM):
        session.add(Post(account_id=account.id, role=role, scope_path=path, unit_name="", since=NOW))
        session.commit()


def add_account(session, username, path=ROOT, **values):
    with acting_as(SYSTEM):
        account = Account(**(new_account(username, "某人", path, NOW) | values))
        session.add(account)
        session.commit()
    return account


def at_work(role, path, account_id=None):
    """Somebody who works as ``role`` at ``path``."""
    grants = {(act, table, path) for table, acts in BY_NAME[role].grants.items() for act in acts.split()}
    every = {(act, "account", path) for act in ("read", "add", "reset", "unlock")} if role == OPERATOR else set()
    return Identity(account_id=account_id, grants=frozenset(grants | every), label=role)


def notes(session, account):
    with acting_as(SYSTEM):
        mine = (Change.table_name == "account", Change.row_id == account.id)
        return list(session.scalars(select(Change.act).where(*mine).order_by(Change.id)))


def all_at_once(factory, number, act):
    """Run ``act(session)`` in as many sessions at once; the results, a refusal as the exception itself."""
    start = threading.Barrier(number)

    def one(_):
        with factory() as session:
            start.wait()
            try:
                return act(session)
            except RuleViolation as refusal:
                return refusal

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


# --- logging in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["35020319900501004X", "35020319900501004x", " ３５０２０３１９９００５０１００４ｘ ", "13850000002", "+86 138 5000-0002"]
)
def test_the_account_answers_to_number_and_phone_however_typed(session, cast, typed):
    assert authenticate(session, typed, PASSWORD, now=NOW).id == cast.account["兰"]


def test_a_login_is_counted_and_dated(session, cast):
    account = authenticate(session, cast.username["梅"], PASSWORD, now=NOW)
    assert (account.login_count, account.last_login) == (1, NOW)


def test_a_phone_never_leads_past_an_account_of_that_name(session, cast):
    assert authenticate(session, "13850000099", PASSWORD, now=NOW).id == cast.account["林"]


@pytest.mark.parametrize(
    ("number", "typed"),
    [
        ("445123198101245635", "245635@Gd"),
        ("35020319900501008X", "01008X@Gd"),
        ("35020319900501008X", "01008x@Gd"),
        ("35020319900501008X", "０１００８ｘ＠Ｇｄ"),
    ],
)
def test_the_default_password_opens_a_new_account_once_changed_never_again(session, cast, number, typed):
    """S0-04, S2-09: the manual's own example, and the letter in either case."""
    add_account(session, number, **(teaching(NOW) | {"id_number": number}))
    account = authenticate(session, number, typed, now=NOW)
    assert account.must_change_password
    assert notes(session, account)[-1] == "login_default"
    change_password(session, account, typed, NEW, now=NOW)
    assert authenticate(session, number, typed, now=NOW) is None
    assert authenticate(session, number, NEW, now=NOW).must_change_password is False


def test_a_default_password_expires_unused(session, cast):
    add_account(session, "445123198101245635", **(teaching(NOW) | {"id_number": "445123198101245635"}))
    last = NOW + timedelta(days=30)
    assert authenticate(session, "445123198101245635", "245635@Gd", now=last) is None
    assert authenticate(session, "445123198101245635", "245635@Gd", now=last - timedelta(seconds=1)) is not None


def test_a_default_password_never_issued_opens_nothing(session, cast):
    number = "445123198101245635"
    add_account(session, number, id_number=number, must_change_password=True)
    assert authenticate(session, number, "245635@Gd", now=NOW) is None


@pytest.mark.parametrize("role", [OPERATOR, REGION_SUPER, REGION_SPECIAL, SCHOOL_ADMIN, COURSE_PROVIDER])
def test_no_office_is_opened_by_a_default_password(session, cast, role):
    """Z-12: OrganAdmin12 gives away Admin12's password, so such accounts are never on it, whatever stands in the table."""
    account = add_account(session, "Leader88", **given(None, NOW))
    appoint(session, account, role, cast.path["思明区"])
    assert authenticate(session, "Leader88", "ader88@Gd", now=NOW) is None


@pytest.mark.parametrize(("role", "opens"), [(OPERATOR, False), (REGION_SUPER, False), (REGION_SPECIAL, True), (SCHOOL_ADMIN, True)])
def test_a_default_password_of_somebody_with_an_id_number_and_a_post(session, cast, role, opens):
    number = "445123198101245635"
    account = add_account(session, number, **(teaching(NOW) | {"id_number": number}))
    appoint(session, account, role, cast.path["思明区"])
    assert (authenticate(session, number, "245635@Gd", now=NOW) is not None) is opens


def test_an_office_without_a_post_yet_is_not_opened_either(session, cast):
    add_account(session, "OrganAdmin77", **given(None, NOW))
    assert authenticate(session, "OrganAdmin77", "dmin77@Gd", now=NOW) is None


@pytest.mark.parametrize("state", [AccountState.REQUESTED, AccountState.REFUSED, AccountState.DISABLED])
def test_only_an_active_account_is_entered(session, cast, state):
    change(session, account_of(session, cast, "梅"), state=state)
    assert authenticate(session, cast.username["梅"], PASSWORD, now=NOW) is None


def test_a_switched_off_account_is_not_entered(session, cast):
    change(session, account_of(session, cast, "梅"), active=False)
    assert authenticate(session, cast.username["梅"], PASSWORD, now=NOW) is None


def test_strange_names_are_nobodys(session, cast):
    for name in ("", "nobody", "x\0y", "\ud800", "a" * 5000, "梅", "%", "' OR 1=1 --"):
        assert authenticate(session, name, PASSWORD, now=NOW) is None, name


def test_strange_passwords_are_wrong(session, cast):
    for password in ("", "\0", "\ud800", "é@Gd", "a" * 5000):
        change(session, account_of(session, cast, "梅"), fail_login_count=0)
        assert authenticate(session, cast.username["梅"], password, now=NOW) is None, password
        assert account_of(session, cast, "梅").fail_login_count == 1


# --- no hint ----------------------------------------------------------------------------------------------------------


def refusals(session, cast):
    """Name and password of every kind of login that is refused."""
    locked, disabled, stale = (account_of(session, cast, name) for name in ("兰", "竹", "菊"))
    change(session, locked, locked_until=NOW + QUARTER)
    change(session, disabled, state=AccountState.DISABLED)
    change(session, stale, **given(None, NOW - timedelta(days=31)))
    return {
        "unknown": ("nobody", PASSWORD),
        "unknown phone": ("13899999999", PASSWORD),
        "wrong": (cast.username["梅"], WRONG),
        "locked": (locked.username, PASSWORD),
        "locked and wrong": (locked.username, WRONG),
        "disabled": (disabled.username, PASSWORD),
        "expired default": (stale.username, f"{stale.username[-6:]}@Gd"),
    }


def test_every_refusal_costs_one_hash_and_says_nothing(session, cast):
    for case, (name, password) in refusals(session, cast).items():
        computed = []

        def count(stored, typed, computed=computed):
            computed.append(stored.split("$")[0])
            return check_password_hash(stored, typed)

        assert authenticate(session, name, password, now=NOW, hash_check=count) is None, case
        assert computed == ["pbkdf2:sha256:1000"], case


# --- the lock ---------------------------------------------------------------------------------------------------------


def guess(session, cast, times, now=NOW):
    for _ in range(times):
        assert authenticate(session, cast.username["梅"], WRONG, now=now) is None


def test_three_wrong_passwords_are_forgiven(session, cast):
    guess(session, cast, 3)
    account = authenticate(session, cast.username["梅"], PASSWORD, now=NOW)
    assert account.fail_login_count == 0
    guess(session, cast, 3)
    assert authenticate(session, cast.username["梅"], PASSWORD, now=NOW) is not None


def test_the_fourth_locks_for_fifteen_minutes(session, cast):
    """S0-07, Z-11: the right password does not open it before, and it opens by itself after."""
    guess(session, cast, 4)
    account = account_of(session, cast, "梅")
    assert account.locked_until == NOW + QUARTER
    assert notes(session, account) == ["lock"]
    assert authenticate(session, cast.username["梅"], PASSWORD, now=NOW + QUARTER - timedelta(seconds=1)) is None
    assert authenticate(session, cast.username["梅"], PASSWORD, now=NOW + QUARTER) is not None
    assert account_of(session, cast, "梅").locked_until is None


def test_guessing_at_a_locked_account_prolongs_nothing(session, cast):
    guess(session, cast, 4)
    guess(session, cast, 20, NOW + timedelta(minutes=14))
    assert account_of(session, cast, "梅").locked_until == NOW + QUARTER


def test_after_a_lock_counting_begins_anew(session, cast):
    guess(session, cast, 4)
    guess(session, cast, 3, NOW + QUARTER)
    assert authenticate(session, cast.username["梅"], PASSWORD, now=NOW + QUARTER) is not None


def test_an_installation_may_be_stricter(session, cast):
    set_policy(Policy(lock_limit=1, lock_seconds=60, hash_method="pbkdf2:sha256:1000"))
    guess(session, cast, 2)
    assert account_of(session, cast, "梅").locked_until == NOW + timedelta(seconds=60)


def test_simultaneous_guesses_are_counted_one_by_one(factory, session, cast):
    """Eight at once lock once: the fourth does, whichever it is, and the rest change nothing."""
    assert all_at_once(factory, 8, lambda s: authenticate(s, cast.username["梅"], WRONG, now=NOW)) == [None] * 8
    account = account_of(session, cast, "梅")
    assert (account.locked_until, account.fail_login_count) == (NOW + QUARTER, 0)
    assert notes(session, account) == ["lock"]


def test_three_simultaneous_guesses_do_not_lock(factory, session, cast):
    all_at_once(factory, 3, lambda s: authenticate(s, cast.username["梅"], WRONG, now=NOW))
    account = account_of(session, cast, "梅")
    assert (account.locked_until, account.fail_login_count) == (None, 3)


@pytest.mark.parametrize(
    "meanwhile",
    [{"locked_until": NOW + QUARTER}, {"password_stamp": "changed"}, {"state": AccountState.DISABLED}],
    ids=["locked", "new password", "disabled"],
)
def test_what_happens_while_the_hash_is_computed_counts(factory, session, cast, meanwhile):
    """Of a hundred guesses sent together, those after the lock fail even when right."""

    def slow_check(stored, typed):
        with factory() as other, acting_as(SYSTEM):
            change(other, other.get(Account, cast.account["梅"]), **meanwhile)
        return check_password_hash(stored, typed)

    assert authenticate(session, cast.username["梅"], PASSWORD, now=NOW, hash_check=slow_check) is None
    assert account_of(session, cast, "梅").login_count in (None, 0)


# --- one's own password -----------------------------------------------------------------------------------------------


def test_a_new_password_ends_other_sessions(session, cast):
    account = account_of(session, cast, "梅")
    before = account.get_id()
    change_password(session, account, PASSWORD, NEW, now=NOW)
    assert account.get_id() != before
    assert authenticate(session, account.username, PASSWORD, now=NOW) is None
    assert authenticate(session, account.username, NEW, now=NOW) is not None
    assert notes(session, account) == ["change_password"]


@pytest.mark.parametrize(
    ("new", "field"),
    [
        ("short1", "password"),
        ("onlyletters", "password"),
        ("120028@Gd", "password"),
        (PASSWORD, "password"),
        ("x350203198503120028", "password"),
        ("Password1", "password"),
    ],
)
def test_a_weak_password_is_refused_and_changes_nothing(session, cast, new, field):
    account = account_of(session, cast, "梅")
    with pytest.raises(RuleViolation) as refusal:
        change_password(session, account, PASSWORD, new, now=NOW)
    assert refusal.value.field == field
    assert authenticate(session, account.username, PASSWORD, now=NOW).password_stamp == "first"


def test_guessing_the_old_password_locks_too(session, cast):
    account = account_of(session, cast, "梅")
    for _ in range(4):
        with pytest.raises(RuleViolation) as refusal:
            change_password(session, account, WRONG, NEW, now=NOW)
        assert refusal.value.field == "old"
    with pytest.raises(RuleViolation, match="已锁定"):
        change_password(session, account, PASSWORD, NEW, now=NOW)
    assert authenticate(session, account.username, PASSWORD, now=NOW) is None


def test_of_two_who_change_it_at_once_one_is_told(factory, engine, session, cast):
    """Both have been found right before either writes."""
    both_have_read, mine = threading.Barrier(2), threading.local()

    def wait_once(connection, cursor, statement, *rest):
        if statement.startswith("UPDATE ab_user") and not getattr(mine, "waited", False):
            mine.waited = True
            both_have_read.wait(10)

    def change_it(new):
        with factory() as own:
            try:
                change_password(own, account_of(own, cast, "梅"), PASSWORD, new, now=NOW)
            except Conflict as refusal:
                return refusal
        return new

    event.listen(engine, "before_cursor_execute", wait_once)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(change_it, [NEW, "Lvshui5858"]))
    event.remove(engine, "before_cursor_execute", wait_once)
    [winner] = [answer for answer in told if isinstance(answer, str)]
    assert authenticate(session, cast.username["梅"], winner, now=NOW) is not None


# --- reset by whom ----------------------------------------------------------------------------------------------------

ALLOWED, FORBIDDEN, UNSEEN = "allowed", NotPermitted, OutOfReach
# Who (role, unit) resets whom: a teacher, a team's expert formed by the county, an administrator's own account or a teacher who is one.
TARGETS = {
    "teacher of North": ("梅", None, None),
    "teacher of South": ("菊", None, None),
    "expert of the county": ("expert", TRAINING_EXPERT, "思明区"),
    "admin of North": ("平", None, None),
    "special of the county": ("丹", None, None),
    "super of the county": ("super", REGION_SUPER, "思明区"),
    "super of the province": ("福", None, None),
    "operator": ("运", None, None),
    "teacher of North, special of the next county": ("兰", REGION_SPECIAL, "湖里区"),
    "nobody's": ("林", None, None),
}
RESETTERS = {
    "admin of North": (SCHOOL_ADMIN, "北"),
    "special of the county": (REGION_SPECIAL, "思明区"),
    "super of the county": (REGION_SUPER, "思明区"),
    "super of the city": (REGION_SUPER, "厦门市"),
    "super of another city": (REGION_SUPER, "莆田市"),
    "operator": (OPERATOR, None),
    "teacher": ("teacher", "梅"),
}
WHO_RESETS_WHOM = {
    "teacher of North": {"admin of North", "super of the county", "super of the city", "operator"},
    "teacher of South": {"super of the county", "super of the city", "operator"},
    "expert of the county": {"super of the county", "super of the city", "operator"},
    "admin of North": {"super of the county", "super of the city", "operator"},
    "special of the county": {"super of the county", "super of the city", "operator"},
    "super of the county": {"super of the city", "operator"},
    "super of the province": {"operator"},
    "operator": {"operator"},
    "teacher of North, special of the next county": {"super of the city", "operator"},
    "nobody's": {"operator"},
}
SEEN_BUT_CLOSED = {
    ("admin of North", "admin of North"),
    ("super of the county", "super of the county"),
    ("admin of North", "teacher of North, special of the next county"),
    ("super of the county", "teacher of North, special of the next county"),
}


def outcome(who, target):
    if who in WHO_RESETS_WHOM[target]:
        return ALLOWED
    holds_no_act = who in ("special of the county", "teacher")
    return FORBIDDEN if holds_no_act or (who, target) in SEEN_BUT_CLOSED else UNSEEN


@pytest.fixture
def targets(session, cast):
    """The accounts of TARGETS, with the posts that make them so."""
    found = {}
    for target, (name, role, unit) in TARGETS.items():
        account = account_of(session, cast, name) if name in cast.account else add_account(session, name, cast.path[unit])
        if role:
            appoint(session, account, role, cast.path[unit])
        found[target] = account
    return found


@pytest.mark.parametrize("who", RESETTERS)
def test_who_resets_whom(session, cast, targets, who):
    """S0-16 … S0-19: a teacher's by the school, a team's by who formed it, an administrator's by who stands above."""
    role, unit = RESETTERS[who]
    identity = at_work(role, cast.path[unit] if unit else ROOT)
    for target, account in targets.items():
        before, expected = account.password_stamp, outcome(who, target)
        try:
            reset_password(session, identity, account, NOW)
        except (NotPermitted, OutOfReach) as refusal:
            assert type(refusal) is expected, target
            assert account.password_stamp == before
        else:
            assert expected == ALLOWED, target
            assert account.password_stamp != before


def test_nobody_resets_their_own_account(session, cast):
    with pytest.raises(NotPermitted):
        reset_password(session, at_work(OPERATOR, ROOT, cast.account["运"]), account_of(session, cast, "运"), NOW)


def test_a_school_cannot_reset_itself_through_the_teacher_who_runs_it(session, cast):
    with pytest.raises(NotPermitted):
        reset_password(session, cast.identity("双"), account_of(session, cast, "双"), NOW)


def test_a_teacher_is_back_on_the_default_password(session, cast):
    """S0-16: opened, sessions ended, to be changed at the next login, and only for a while."""
    account = account_of(session, cast, "梅")
    guess(session, cast, 4)
    assert reset_password(session, cast.identity("平"), account, NOW) is None
    assert account.password is None
    assert (account.must_change_password, account.default_password_until) == (True, NOW + timedelta(days=30))
    assert authenticate(session, account.username, PASSWORD, now=NOW) is None
    assert authenticate(session, account.username, "120028@Gd", now=NOW).must_change_password
    assert notes(session, account) == ["lock", "reset", "login_default"]


@pytest.mark.parametrize("name", ["丹", "运"])
def test_an_office_is_told_a_password_once(session, cast, name):
    account = account_of(session, cast, name)
    once = reset_password(session, at_work(OPERATOR, ROOT), account, NOW)
    assert authenticate(session, account.username, f"{account.username[-6:]}@Gd", now=NOW) is None
    assert authenticate(session, account.username, once, now=NOW + timedelta(days=30)) is None
    assert authenticate(session, account.username, once, now=NOW).must_change_password
    assert once not in (account.password or "")


def test_a_super_administrator_with_an_id_number_gets_no_default_password(session, cast):
    account = account_of(session, cast, "梅")
    appoint(session, account, REGION_SUPER, cast.path["思明区"])
    assert reset_password(session, at_work(OPERATOR, ROOT), account, NOW)


def test_everybody_is_reset_as_a_project_starts(factory, session, cast):
    """S0-06: all personal accounts of the county; 丹 and 平 and the teacher who runs a school keep theirs."""
    appoint(session, account_of(session, cast, "松"), REGION_SPECIAL, cast.path["湖里区"])
    stamps = {name: account_of(session, cast, name).password_stamp for name in cast.account}
    identity = at_work(REGION_SUPER, cast.path["厦门市"], cast.account["丹"])
    assert reset_many(session, identity, cast.path["厦门市"], NOW) == 5
    changed = {name for name in cast.account if account_of(session, cast, name).password_stamp != stamps[name]}
    assert changed == {"梅", "兰", "竹", "菊", "荷"}
    assert authenticate(session, cast.username["荷"], f"{cast.username['荷'][-6:]}@Gd", now=NOW).must_change_password
    with acting_as(SYSTEM):
        lines = session.scalars(select(Change).where(Change.act == "reset").order_by(Change.row_id)).all()
    assert [line.row_id for line in lines] == sorted(cast.account[name] for name in changed)
    assert {(line.table_name, line.account_id, line.post, line.at) for line in lines} == {
        ("account", cast.account["丹"], REGION_SUPER, NOW)
    }
    assert all(line.changes == {} and line.scope_path for line in lines)


def test_everybody_is_reset_by_who_may(session, cast):
    with pytest.raises(OutOfReach):
        reset_many(session, cast.identity("平"), cast.path["南"], NOW)
    with pytest.raises(OutOfReach):
        reset_many(session, cast.identity("平"), ROOT, NOW)
    with pytest.raises(NotPermitted):
        reset_many(session, cast.identity("丹"), cast.path["北"], NOW)
    assert reset_many(session, cast.identity("平"), cast.path["北"], NOW) == 3


# --- unlocking --------------------------------------------------------------------------------------------------------


def test_the_superior_unlocks(session, cast):
    guess(session, cast, 4)
    account = account_of(session, cast, "梅")
    with pytest.raises(OutOfReach):
        unlock(session, cast.identity("锐"), account, NOW)
    unlock(session, cast.identity("平"), account, NOW)
    assert authenticate(session, account.username, PASSWORD, now=NOW) is not None
    with pytest.raises(RuleViolation):
        unlock(session, cast.identity("平"), account, NOW)
    assert notes(session, account) == ["lock", "unlock"]


# --- offices ----------------------------------------------------------------------------------------------------------


def test_offices_are_numbered_on(session, cast):
    """S0-08 … S0-10, Z-05; the cast holds OrganAdmin1 to 4. A name that only begins like one counts for nothing."""
    add_account(session, "OrganAdminBackup")
    account, once = account_for_admin(
        session, at_work(OPERATOR, ROOT), "OrganAdmin", name="厦门市教育局", scope_path=cast.path["厦门市"], now=NOW
    )
    assert (account.username, account.first_name, account.scope_path) == ("OrganAdmin5", "厦门市教育局", cast.path["厦门市"])
    assert authenticate(session, "OrganAdmin5", once, now=NOW).must_change_password
    first, _ = account_for_admin(session, at_work(OPERATOR, ROOT), "TrainingAdmin", name="出版社", scope_path=ROOT, now=NOW)
    assert first.username == "TrainingAdmin1"


def test_each_of_many_offices_gets_its_own_number(factory, cast):
    made = all_at_once(
        factory,
        8,
        lambda s: account_for_admin(s, at_work(OPERATOR, ROOT), "SchoolAdmin", name="学校", scope_path=ROOT, now=NOW)[0].username,
    )
    assert sorted(made) == sorted(f"SchoolAdmin{n}" for n in range(3, 11))


def test_offices_are_made_by_the_operator_alone(session, cast):
    for name in ("福", "平"):
        with pytest.raises(NotPermitted):
            account_for_admin(session, cast.identity(name), "SchoolAdmin", name="学校", scope_path=cast.path["北"], now=NOW)


def test_an_operator_is_made_at_the_terminal(session, cast):
    account = create_operator(session, "chief", NEW, now=NOW)
    assert authenticate(session, "chief", NEW, now=NOW).id == account.id
    with acting_as(SYSTEM):
        [post] = session.scalars(select(Post).where(Post.account_id == account.id))
    assert (post.role, post.scope_path, post.until) == (OPERATOR, ROOT, None)
    for name, password in (("chief", NEW), ("", NEW), ("second", "weak"), ("second", "second2026")):
        with pytest.raises(RuleViolation):
            create_operator(session, name, password, now=NOW)


# --- the account that comes with a teacher ----------------------------------------------------------------------------


def id_type(session, code="resident"):
    return session.scalars(select(IdType.id).where(IdType.code == code)).one()


def a_teacher(session, cast, number="", name="李新", kind="resident"):
    number = number or make_resident_id("350203", date(1990, 1, 1), 7)
    return Teacher(name=name, id_type_id=id_type(session, kind), id_number=number, school_id=cast.school["北"])


def add_as(session, identity, *rows):
    with acting_as(identity):
        session.add_all(rows)
        session.commit()


def the_account(session, teacher):
    with acting_as(SYSTEM):
        return session.scalars(select(Account).where(Account.teacher_id == teacher.id).execution_options(populate_existing=True)).one()


def test_a_teacher_just_added_can_log_in(session, cast):
    """S0-14, S0-15: by the school's administrator, at once, with the number and the default password."""
    teacher = a_teacher(session, cast)
    add_as(session, cast.identity("平"), teacher)
    account = the_account(session, teacher)
    assert account.username == account.id_number == teacher.account_name == teacher.id_number
    assert (account.first_name, account.scope_path, account.state) == ("李新", teacher.scope_path, AccountState.ACTIVE)
    assert (account.identities, account.identity, account.created_by_fk) == (["teacher"], PersonKind.TEACHER, cast.account["平"])
    with acting_as(SYSTEM):
        [post] = session.scalars(select(Post).where(Post.account_id == account.id))
        stored = session.scalar(select(Teacher.account_name).where(Teacher.id == teacher.id))
    assert (post.role, post.scope_path, post.unit_name, post.school_id) == ("teacher", teacher.scope_path, "北实验小学", cast.school["北"])
    assert stored == teacher.id_number
    now = account.default_password_until - timedelta(days=1)
    assert authenticate(session, teacher.id_number.lower(), f"{teacher.id_number[-6:]}@Gd", now=now).must_change_password


def test_a_refused_teacher_leaves_no_account(session, cast):
    with pytest.raises(RuleViolation):
        add_as(session, cast.identity("平"), a_teacher(session, cast, number=cast.username["菊"]))
    with acting_as(SYSTEM):
        assert session.scalar(select(func.count()).select_from(Account).where(Account.username == cast.username["菊"])) == 1


def test_a_whole_import_costs_a_handful_of_statements(session, cast, engine):
    """S0-14: five thousand teachers in one flush; what the hook adds does not grow with the teachers."""
    numbers = [make_resident_id("350203", date(1960, 1, 1) + timedelta(days=n), n % 1000) for n in range(5000)]
    with acting_as(SYSTEM):
        kind, school = session.get(IdType, id_type(session)), session.get(School, cast.school["北"])
    teachers = [Teacher(name="李新", id_type=kind, id_number=number, school=school) for number in numbers]
    seen = []
    event.listen(engine, "before_cursor_execute", lambda conn, cur, statement, *rest: seen.append(statement))
    add_as(session, SYSTEM, *teachers)
    assert sum("ab_user" in statement or "post" in statement for statement in seen) < 100
    with acting_as(SYSTEM):
        made = select(func.count()).select_from(Account).where(Account.username.in_(numbers), Account.teacher_id.is_not(None))
        assert session.scalar(made) == 5000
        unnamed = select(func.count()).select_from(Teacher).where(Teacher.account_name.is_distinct_from(Teacher.id_number))
        assert session.scalar(unnamed) == 0
        posts = (
            select(func.count())
            .select_from(Post)
            .join(Teacher, Teacher.scope_path == Post.scope_path)
            .where(Teacher.id_number.in_(numbers))
        )
        assert session.scalar(posts) == 5000


def test_an_account_the_platform_named_is_linked(session, cast):
    """An expert, or a teacher once deleted, comes back to the same account and password; one never used, also under another name."""
    number = make_resident_id("350203", date(1990, 1, 1), 7)
    account = add_account(session, number, id_number=number, first_name="另一写法", password="kept")
    teacher = a_teacher(session, cast, number=number)
    add_as(session, cast.identity("平"), teacher)
    account = the_account(session, teacher)
    assert (account.password, account.scope_path, account.identities) == ("kept", teacher.scope_path, ["teacher"])


def test_nobody_is_taken_over_by_their_number(session, cast):
    """Whoever uses an account, or holds a post with it, is that person and nobody else; adding them under another name is refused."""
    number = make_resident_id("350203", date(1990, 1, 1), 7)
    account = add_account(session, number, id_number=number, first_name="省专家", password="kept", last_login=NOW)
    with pytest.raises(RuleViolation, match="登记的姓名不同") as refusal:
        add_as(session, cast.identity("平"), a_teacher(session, cast, number=number))
    assert refusal.value.field == "id_number"
    session.refresh(account)
    assert (account.teacher_id, account.password) == (None, "kept")


def test_who_holds_a_post_elsewhere_is_looked_after_there_as_before(session, cast):
    """S0-19: a province's expert who teaches at the school has the password reset by the province."""
    number = make_resident_id("350203", date(1990, 1, 1), 7)
    account = add_account(session, number, id_number=number, first_name="李新", scope_path=cast.path["福建省"])
    post = {"role": TRAINING_EXPERT, "region_id": cast.region["福建省"], "unit_name": "福建省", "scope_path": cast.path["福建省"]}
    with acting_as(SYSTEM):
        session.add(Post(account_id=account.id, since=NOW, **post))
        session.commit()
    teacher = a_teacher(session, cast, number=number)
    add_as(session, cast.identity("平"), teacher)
    found = the_account(session, teacher)
    assert (found.id, found.scope_path) == (account.id, cast.path["福建省"])
    with pytest.raises(OutOfReach), acting_as(cast.identity("平")):
        reset_password(session, cast.identity("平"), found, now=NOW)


@pytest.mark.parametrize("claimed", ["13700000001", "E20498452"])
def test_who_only_claims_a_number_is_not_handed_its_teacher(session, cast, claimed):
    """Registered by phone under a colleague's number, or as a student under it: the teacher's account is another."""
    number = "E20498452"
    by_phone = claimed != number
    kind = {"id_number": number} if by_phone else {"identities": ["student"]}
    claims = add_account(session, claimed, first_name="李新", password="theirs", **kind)
    teacher = a_teacher(session, cast, number=number, kind="passport")
    add_as(session, cast.identity("平"), teacher)
    account = the_account(session, teacher)
    assert account.id != claims.id and account.password != "theirs"
    assert account.username == teacher.account_name == (number if by_phone else f"{number}-{teacher.id}")
    session.refresh(claims)
    assert (claims.teacher_id, claims.id_number) == (None, None)


@pytest.mark.parametrize("state", [AccountState.REQUESTED, AccountState.REFUSED])
def test_adding_the_teacher_opens_the_account_that_was_asked_for(session, cast, state):
    number = make_resident_id("350203", date(1990, 1, 1), 7)
    claimed = {"phone": "13700000001", "password": "chosen by whoever asked"}
    account = add_account(session, number, id_number=number, state=state, must_change_password=True, **claimed)
    add_as(session, cast.identity("平"), a_teacher(session, cast, number=number))
    session.refresh(account)
    assert (account.state, account.version, account.phone) == (AccountState.ACTIVE, 2, None)
    assert authenticate(session, number, f"{number[-6:]}@Gd", now=account.default_password_until - timedelta(days=1)) is not None
    assert "open" in notes(session, account)
    with acting_as(SYSTEM):
        [decision] = session.scalars(select(Decision).where(Decision.table_name == "account", Decision.row_id == account.id))
    assert (decision.step, decision.source, decision.target) == ("open", state.value, "active")
    assert (decision.account_id, decision.post) == (cast.account["平"], "学校管理员 · 北实验小学")


def test_adding_the_teacher_does_not_open_a_disabled_account(session, cast):
    number = make_resident_id("350203", date(1990, 1, 1), 7)
    account = add_account(session, number, id_number=number, state=AccountState.DISABLED)
    add_as(session, cast.identity("平"), a_teacher(session, cast, number=number))
    session.refresh(account)
    assert account.state is AccountState.DISABLED


def test_one_number_on_two_kinds_of_document_makes_two_accounts(session, cast):
    passport, permit = (
        a_teacher(session, cast, number="12345678", name=name, kind=kind) for name, kind in (("甲", "passport"), ("乙", "taiwan"))
    )
    add_as(session, SYSTEM, passport, permit)
    assert [the_account(session, t).username for t in (passport, permit)] == ["12345678", f"12345678-{permit.id}"]


def test_a_corrected_number_renames_the_account(session, cast):
    teacher = a_teacher(session, cast)
    add_as(session, cast.identity("平"), teacher)
    right = make_resident_id("350203", date(1990, 1, 1), 8)
    with acting_as(cast.identity("平")):
        teacher.id_number, teacher.name = f" {right} ", "李欣"
        session.commit()
    account = the_account(session, teacher)
    assert (account.username, account.id_number, account.first_name, teacher.account_name) == (right, right, "李欣", right)


def test_a_number_is_not_corrected_into_somebody_elses_account(session, cast):
    taken = make_resident_id("350203", date(1990, 1, 1), 8)
    add_account(session, taken, id_number=taken)
    teacher = a_teacher(session, cast)
    add_as(session, cast.identity("平"), teacher)
    with acting_as(cast.identity("平")), pytest.raises(RuleViolation) as refusal:
        teacher.id_number = taken
        session.commit()
    assert refusal.value.field == "id_number"


def test_whose_account_is_the_phone_keeps_it_when_the_number_is_corrected(session, cast):
    number = make_resident_id("350203", date(1990, 1, 1), 7)
    phone = add_account(session, "13700000001", id_number=number, first_name="李新", phone="13700000001")
    teacher = a_teacher(session, cast, number=number)
    add_as(session, replace(SYSTEM, account_id=phone.id), teacher)
    right = make_resident_id("350203", date(1990, 1, 1), 8)
    with acting_as(cast.identity("平")):
        teacher.id_number = right
        session.commit()
    account = the_account(session, teacher)
    assert (account.username, account.id_number, teacher.account_name) == ("13700000001", right, "13700000001")


def test_a_deleted_teacher_leaves_an_account_without_a_post(session, cast):
    """The next teacher may get the same number in the database; nobody may inherit the path with it."""
    teacher = a_teacher(session, cast)
    add_as(session, cast.identity("平"), teacher)
    account, old = the_account(session, teacher), teacher.scope_path
    with acting_as(cast.identity("平")):
        session.delete(teacher)
        session.commit()
    session.refresh(account)
    assert (account.teacher_id, account.scope_path) == (None, cast.path["北"])
    with acting_as(SYSTEM):
        assert session.scalar(select(func.count()).select_from(Post).where(Post.scope_path == old, Post.until.is_(None))) == 0


def test_the_teacher_stays_uncertified(session, cast):
    teacher = a_teacher(session, cast)
    add_as(session, cast.identity("平"), teacher)
    assert teacher.certification is CertificationState.NONE
    with acting_as(SYSTEM):
        assert session.get(School, teacher.school_id).name == "北实验小学"
