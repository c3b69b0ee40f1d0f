"""Registering as teacher, student or parent, and asking for an account (S2-11, S2-12, S2-23, S4-14, S4-34, S4-42 … S4-46, S4-52)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from models.access import Account, AccountState, PersonKind, Post
from models.history import Decision
from models.org import School, SchoolKind
from models.people import CertificationState, IdType, Teacher
from models.scoping import ROOT, SYSTEM, acting_as
from rules.accounts import authenticate
from rules.approvals import ACCOUNT_OPENING
from rules.errors import RuleViolation
from rules.id_numbers import make_resident_id
from rules.registration import (
    Teaching,
    become_teacher,
    register,
    register_student,
    request_account,
    send_registration_code,
    switch_identity,
)
from rules.workflow import take
from tests.cast import TODAY

NOW = TODAY
KEY = b"k" * 32
PHONE = "13700000001"
NUMBER = make_resident_id("350203", date(1990, 1, 1), 7)
CHOSEN = "Qingshan58"


@pytest.fixture
def resident(session, cast):
    return session.scalars(select(IdType.id).where(IdType.code == "resident")).one()


def add_placeholder(session, cast, region="思明区"):
    """The region's 其他: the cast is written past the hook that makes it."""
    with acting_as(SYSTEM):
        school = School(code="350203-QT", name="占位", region_id=cast.region[region])
        session.add(school)
        session.commit()
        session.execute(School.__table__.update().where(School.id == school.id).values(name="其他", kind=SchoolKind.OTHER))
        session.commit()
    return school


def ask(session, phone=PHONE, now=NOW):
    return send_registration_code(session, phone, now=now, secret_key=KEY)


def sign_up(session, inbox, kind=PersonKind.PARENT, entry=None, **given):
    ticket = given.pop("ticket", None) or ask(session, given.get("phone", PHONE))
    values = {"name": "李新", "phone": PHONE, "password": CHOSEN, "code": None, "now": NOW, "secret_key": KEY, **given}
    values["code"] = values["code"] or inbox.code()
    return register(session, kind=kind, ticket=ticket, entry=entry, **values)


def count(session, model, *conditions):
    with acting_as(SYSTEM):
        return session.scalar(select(func.count()).select_from(model).where(*conditions))


# --- registering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PersonKind.PARENT, PersonKind.STUDENT])
def test_a_person_registers_with_their_phone(session, cast, inbox, kind):
    account = sign_up(session, inbox, kind, phone=" 137-0000-0001 ")
    assert account.username == account.phone == PHONE
    assert (account.identity, account.identities, account.state) == (kind, [kind.value], AccountState.ACTIVE)
    assert (account.scope_path, account.teacher_id, account.must_change_password) == (ROOT, None, False)
    assert authenticate(session, PHONE, CHOSEN, now=NOW).id == account.id
    assert count(session, Post, Post.account_id == account.id) == 0


def test_a_teacher_is_entered_at_the_school_uncertified(session, cast, inbox, resident):
    account = sign_up(session, inbox, PersonKind.TEACHER, Teaching(resident, NUMBER.lower(), school_id=cast.school["北"]))
    with acting_as(SYSTEM):
        teacher = session.get(Teacher, account.teacher_id)
        [post] = session.scalars(select(Post).where(Post.account_id == account.id))
    assert (teacher.name, teacher.id_number, teacher.phone, teacher.account_name) == ("李新", NUMBER, PHONE, PHONE)
    assert (teacher.school_id, teacher.certification) == (cast.school["北"], CertificationState.NONE)
    assert (account.id_number, account.scope_path, account.identities) == (NUMBER, teacher.scope_path, ["teacher"])
    assert (post.role, post.scope_path) == ("teacher", teacher.scope_path)
    assert authenticate(session, PHONE, CHOSEN, now=NOW) is not None
    assert authenticate(session, NUMBER, f"{NUMBER[-6:]}@Gd", now=NOW) is None


def test_whose_school_is_not_listed_starts_at_the_regions_other(session, cast, inbox, resident):
    """S3-131, S4-34."""
    entry = Teaching(resident, NUMBER, region_id=cast.region["思明区"])
    with pytest.raises(RuleViolation) as refusal:
        sign_up(session, inbox, PersonKind.TEACHER, entry)
    assert refusal.value.field == "school_id"
    other = add_placeholder(session, cast)
    account = sign_up(session, inbox, PersonKind.TEACHER, entry)
    with acting_as(SYSTEM):
        assert session.get(Teacher, account.teacher_id).school_id == other.id


def test_who_belongs_to_a_school_is_looked_after_there(session, cast, inbox):
    account = sign_up(session, inbox, PersonKind.PARENT, school_id=cast.school["北"])
    assert account.scope_path == cast.path["北"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "长" * 65}, "name"),
        ({"phone": "123"}, "phone"),
        ({"password": "weak"}, "password"),
        ({"password": f"a{PHONE}"}, "password"),
        ({"code": "abcdef"}, "code"),
        ({"school_id": 999}, "school_id"),
    ],
)
def test_a_refused_registration_leaves_nothing_and_the_code_good(session, cast, inbox, given, field):
    ticket, before = ask(session), count(session, Account)
    with pytest.raises(RuleViolation) as refusal:
        sign_up(session, inbox, ticket=ticket, **given)
    assert refusal.value.field == field
    assert count(session, Account) == before
    sign_up(session, inbox, ticket=ticket)


def test_a_teacher_gives_a_right_number_and_an_existing_place(session, cast, inbox, resident):
    ticket, school = ask(session), cast.school["北"]
    refused = {
        "id_number": [None, Teaching(resident, "350203199001010000", school_id=school)],
        "id_type_id": [Teaching(None, NUMBER, school_id=school), Teaching(999, NUMBER, school_id=school)],
        "school_id": [Teaching(resident, NUMBER, school_id=999), Teaching(resident, NUMBER), Teaching(resident, NUMBER, region_id=999)],
    }
    before = count(session, Account), count(session, Teacher)
    for field, entries in refused.items():
        for entry in entries:
            with pytest.raises(RuleViolation) as refusal:
                sign_up(session, inbox, PersonKind.TEACHER, entry, ticket=ticket if field != "school_id" else None)
            assert refusal.value.field == field, entry
    assert (count(session, Account), count(session, Teacher)) == before


def test_who_has_a_teachers_account_is_led_to_it(session, cast, inbox, resident):
    """S0-23: also when the teacher's number is known at another school; nobody registers themselves into somebody's record."""
    before = count(session, Account)
    for number in (cast.username["梅"], cast.username["榕"]):
        with pytest.raises(RuleViolation, match="已有账号") as refusal:
            sign_up(session, inbox, PersonKind.TEACHER, Teaching(resident, number, school_id=cast.school["北"]))
        assert refusal.value.field == "id_number"
    assert count(session, Account) == before


# --- the code ---------------------------------------------------------------------------------------------------------


def test_asking_for_a_code_tells_nothing_about_a_phone(session, cast, inbox):
    free, taken = ask(session), ask(session, "13850000099")
    assert [len(part) for part in free.split(".")] == [len(part) for part in taken.split(".")]
    (_, to_the_free), (phone, to_the_taken) = inbox.messages
    assert "验证码" in to_the_free and phone == "13850000099" and "已注册" in to_the_taken
    assert not re.search(r"\d{6}", to_the_taken)


def test_nothing_is_stored_before_the_code_is_back(session, cast, inbox):
    before = count(session, Account)
    ask(session)
    assert count(session, Account) == before


def test_a_code_has_five_tries_and_ten_minutes(session, cast, inbox):
    ticket = ask(session)
    code = inbox.code()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    with pytest.raises(RuleViolation):
        sign_up(session, inbox, ticket=ticket, now=NOW + timedelta(minutes=10))
    for _ in range(5):
        with pytest.raises(RuleViolation):
            sign_up(session, inbox, ticket=ticket, code=wrong)
    with pytest.raises(RuleViolation):
        sign_up(session, inbox, ticket=ticket, code=code)


def test_a_ticket_cannot_be_bent(session, cast, inbox):
    """Another phone, a later deadline, a fresh count of tries or another installation's key: all are a wrong code."""
    expires, nonce, digest = ask(session).split(".")
    bent = [
        f"{int(expires) + 600}.{nonce}.{digest}",
        f"{expires}.{nonce}x.{digest}",
        f"0{expires}.{nonce}.{digest.upper()}",
        f"{expires}.{nonce}",
        f"{expires}..{digest}",
        "..",
        "x",
        f"{'٣' * 10}.{nonce}.{digest}",
        f"{'9' * 5000}.{nonce}.{digest}",
        "\ud800.a.b",
        f"{expires}.{nonce}.{'é' * 64}",
    ]
    for ticket in bent:
        with pytest.raises(RuleViolation) as refusal:
            sign_up(session, inbox, ticket=ticket)
        assert refusal.value.field == "code", ticket
    ticket = f"{expires}.{nonce}.{digest}"
    for given in ({"phone": "13700000002"}, {"secret_key": b"another"}):
        with pytest.raises(RuleViolation):
            sign_up(session, inbox, ticket=ticket, **given)
    sign_up(session, inbox, ticket=ticket)


def test_messages_to_a_phone_are_few(session, cast, inbox):
    for _ in range(5):
        ask(session)
    with pytest.raises(RuleViolation, match="频繁"):
        ask(session)
    ask(session, "13700000002")
    ask(session, now=NOW + timedelta(hours=1))


def test_a_phone_registers_once_also_at_once(factory, session, cast, inbox):
    ticket = ask(session)
    code = inbox.code()

    def one(_):
        with factory() as own:
            try:
                sign_up(own, inbox, ticket=ticket, code=code)
            except RuleViolation as refusal:
                return refusal.field
            return "registered"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == ["phone"] * 3 + ["registered"]
    assert count(session, Account, Account.phone == PHONE) == 1


def test_of_two_who_claim_one_number_at_once_one_is_the_teacher(factory, session, cast, inbox, resident):
    tickets = {}
    for phone in ("13700000001", "13700000002"):
        tickets[phone] = ask(session, phone), inbox.code()
    entry = Teaching(resident, NUMBER, school_id=cast.school["北"])

    def one(phone):
        ticket, code = tickets[phone]
        with factory() as own:
            try:
                sign_up(own, inbox, PersonKind.TEACHER, entry, phone=phone, ticket=ticket, code=code)
            except RuleViolation:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(one, tickets)) == 1
    assert count(session, Teacher, Teacher.id_number == NUMBER) == count(session, Account, Account.id_number == NUMBER) == 1


# --- students, parents, teachers --------------------------------------------------------------------------------------


def test_a_student_registers_with_a_students_number(session, cast):
    """S4-43: no parent's phone is needed."""
    account = register_student(session, name="小明", student_number=" g350203201501010010 ", password=CHOSEN, now=NOW)
    assert (account.username, account.phone, account.identity) == ("G350203201501010010", None, PersonKind.STUDENT)
    assert authenticate(session, "g350203201501010010", CHOSEN, now=NOW).id == account.id
    with pytest.raises(RuleViolation, match="已注册"):
        register_student(session, name="小红", student_number="G350203201501010010", password=CHOSEN, now=NOW)


def test_a_students_number_never_looks_like_somebody_elses_account(session, cast):
    for number in (
        "",
        "12345",
        "13800000000",
        NUMBER,
        NUMBER.lower(),
        "OrganAdmin9",
        "schooladmin77",
        "小明小明小明",
        "a b c d e f",
        "x\0yyyyyy",
        "1" * 31,
    ):
        with pytest.raises(RuleViolation) as refusal:
            register_student(session, name="小明", student_number=number, password=CHOSEN, now=NOW)
        assert refusal.value.field == "student_number", number


@pytest.mark.parametrize("kind", [PersonKind.PARENT, PersonKind.STUDENT])
def test_parent_or_student_becomes_a_teacher_and_goes_back(session, cast, inbox, resident, kind):
    """S4-42, S4-45, S4-46."""
    account = sign_up(session, inbox, kind)
    become_teacher(session, account, Teaching(resident, NUMBER, school_id=cast.school["南"]), now=NOW)
    assert (account.identity, account.identities) == (PersonKind.TEACHER, sorted([kind.value, "teacher"]))
    assert count(session, Teacher, Teacher.id_number == NUMBER) == 1
    with pytest.raises(RuleViolation):
        become_teacher(session, account, Teaching(resident, NUMBER, school_id=cast.school["南"]), now=NOW)
    switch_identity(session, account, kind)
    assert (account.identity, account.identities) == (kind, sorted([kind.value, "teacher"]))
    switch_identity(session, account, PersonKind.TEACHER)
    assert account.identity is PersonKind.TEACHER


def test_becoming_a_teacher_takes_over_nobody(session, cast, inbox, resident):
    account = sign_up(session, inbox)
    with pytest.raises(RuleViolation, match="已有账号"):
        become_teacher(session, account, Teaching(resident, cast.username["梅"], school_id=cast.school["南"]), now=NOW)
    session.refresh(account)
    assert (account.id_number, account.teacher_id) == (None, None)


def test_who_has_an_account_cannot_be_asked_of_a_list(session, cast, inbox, resident):
    account = sign_up(session, inbox)
    asked = Teaching(resident, cast.username["梅"], school_id=cast.school["南"])
    for _time in range(5):
        with pytest.raises(RuleViolation, match="已有账号"):
            become_teacher(session, account, asked, now=NOW)
    with pytest.raises(RuleViolation, match="过于频繁"):
        become_teacher(session, account, asked, now=NOW)


def test_an_identity_is_added_by_switching(session, cast):
    with acting_as(SYSTEM):
        account = session.get(Account, cast.account["梅"])
    switch_identity(session, account, PersonKind.PARENT)
    assert (account.identity, account.identities) == (PersonKind.PARENT, ["parent", "teacher"])


# --- asking for an account --------------------------------------------------------------------------------------------


def request(session, cast, number=NUMBER, name="李新", school="北"):
    request_account(session, name=name, id_number=number, school_id=cast.school[school], now=NOW)


def approve(session, cast, account, at=NOW):
    take(session, cast.identity("平"), ACCOUNT_OPENING, account, "approve", now=at)


def the_request(session):
    with acting_as(SYSTEM):
        return session.scalars(select(Account).where(Account.username == NUMBER)).one()


def test_an_account_asked_for_is_shut_until_the_school_approves(session, cast):
    """S2-11, S2-12, S2-23."""
    request(session, cast, NUMBER.lower())
    account = the_request(session)
    assert (account.state, account.scope_path, account.id_number) == (AccountState.REQUESTED, cast.path["北"], NUMBER)
    assert authenticate(session, NUMBER, f"{NUMBER[-6:]}@Gd", now=NOW) is None
    assert count(session, Teacher, Teacher.id_number == NUMBER) == 0
    approve(session, cast, account, NOW + timedelta(days=40))
    later = NOW + timedelta(days=69)
    assert authenticate(session, NUMBER, f"{NUMBER[-6:]}@Gd", now=later).must_change_password
    with acting_as(SYSTEM):
        teacher = session.get(Teacher, account.teacher_id)
    assert (teacher.name, teacher.school_id, teacher.certification) == ("李新", cast.school["北"], CertificationState.NONE)
    assert (account.scope_path, teacher.account_name) == (teacher.scope_path, NUMBER)
    assert authenticate(session, NUMBER, f"{NUMBER[-6:]}@Gd", now=NOW + timedelta(days=70)) is None


def test_asking_tells_nothing_and_changes_nothing_that_is_there(session, cast):
    before = count(session, Account)
    request(session, cast, cast.username["梅"], school="南")
    assert count(session, Account) == before
    request(session, cast)
    request(session, cast, name="冒名", school="南")
    account = the_request(session)
    assert (account.first_name, account.scope_path) == ("李新", cast.path["北"])


def test_whom_a_school_adds_is_open_and_waits_for_nobody(session, cast, resident):
    """Adding the teacher is the answer to the request; approving it as well is told so."""
    request(session, cast)
    account = the_request(session)
    with acting_as(SYSTEM):
        session.add(Teacher(name="李新", id_type_id=resident, id_number=NUMBER, school_id=cast.school["北"]))
        session.commit()
        session.refresh(account)
    assert account.state is AccountState.ACTIVE
    with pytest.raises(RuleViolation):
        approve(session, cast, account)
    assert count(session, Teacher, Teacher.id_number == NUMBER) == 1


@pytest.mark.parametrize(("given", "field"), [({"number": "350203199001010000"}, "id_number"), ({"name": ""}, "name")])
def test_a_request_says_who(session, cast, given, field):
    with pytest.raises(RuleViolation) as refusal:
        request(session, cast, **given)
    assert refusal.value.field == field


# --- asking again after a refusal -------------------------------------------------------------------------------------


def refuse(session, cast):
    request(session, cast)
    account = the_request(session)
    take(session, cast.identity("平"), ACCOUNT_OPENING, account, "refuse", comment="不是本校教师", now=NOW)
    return account


def sign_up_at(session, cast, inbox, resident, **given):
    entry = Teaching(resident, NUMBER, school_id=cast.school["南"])
    return sign_up(session, inbox, PersonKind.TEACHER, **{"entry": entry, **given})


def test_who_was_refused_asks_again_with_a_proven_phone_at_the_school_now_named(session, cast, inbox, resident):
    refused = refuse(session, cast)
    again = sign_up_at(session, cast, inbox, resident)
    assert (again.id, again.state, again.scope_path, again.phone) == (refused.id, AccountState.REQUESTED, cast.path["南"], PHONE)
    assert authenticate(session, PHONE, CHOSEN, now=NOW) is None
    with acting_as(SYSTEM):
        steps = list(session.scalars(select(Decision.step).where(Decision.row_id == again.id).order_by(Decision.id)))
    assert steps == ["refuse", "ask_again"]
    take(session, cast.identity("锐"), ACCOUNT_OPENING, again, "approve", now=NOW)
    opened = authenticate(session, PHONE, CHOSEN, now=NOW)
    assert (opened.id, opened.must_change_password) == (refused.id, False)
    assert count(session, Teacher, Teacher.id_number == NUMBER, Teacher.phone == PHONE, Teacher.school_id == cast.school["南"]) == 1


def test_the_request_form_alone_undoes_no_refusal(session, cast):
    refused = refuse(session, cast)
    request(session, cast, school="南")
    session.refresh(refused)
    assert (refused.state, refused.scope_path) == (AccountState.REFUSED, cast.path["北"])


@pytest.mark.parametrize(
    ("given", "field"),
    [({"name": "冒名"}, "id_number"), ({"phone": "13850000001"}, "phone"), ({"code": "000000"}, "code")],
    ids=["another name", "somebody's phone", "a wrong code"],
)
def test_nobody_else_asks_again(session, cast, inbox, resident, given, field):
    refused = refuse(session, cast)
    if "phone" in given:
        ticket = ask(session, PHONE)
        code = inbox.code()
        with acting_as(SYSTEM):
            session.execute(Account.__table__.update().where(Account.id == cast.account["梅"]).values(phone=PHONE))
            session.commit()
        given = {"ticket": ticket, "code": code}
    with pytest.raises(RuleViolation) as refusal:
        sign_up_at(session, cast, inbox, resident, **given)
    session.refresh(refused)
    assert (refusal.value.field, refused.state, refused.password) == (field, AccountState.REFUSED, None)
