"""Changing the phone an account is bound to: a code to the phone one has, a few tries, one use (S4-38, S4-52)."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.access import Account, OneTimeCode
from models.people import Teacher
from models.scoping import SYSTEM, acting_as
from rules import sms
from rules.accounts import authenticate
from rules.errors import RuleViolation
from rules.phones import CODES_PER_HOUR, confirm_phone_change, start_phone_change
from tests.cast import PASSWORD, TODAY

NOW = TODAY
KEY = b"k" * 32
NEW_PHONE = "13700000001"


def account_of(session, cast, name):
    with acting_as(SYSTEM):
        return session.get(Account, cast.account[name], populate_existing=True)


def start(session, cast, name="梅", phone=NEW_PHONE, now=NOW):
    return start_phone_change(session, account_of(session, cast, name), phone, now, secret_key=KEY)


def confirm(session, cast, code, name="梅", now=NOW):
    confirm_phone_change(session, account_of(session, cast, name), code, now, secret_key=KEY)


def another(code):
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_code_goes_to_the_old_phone(session, cast, inbox):
    assert start(session, cast) == "138****0001"
    [(phone, text)] = inbox.messages
    assert phone == "13850000001"
    assert NEW_PHONE not in text
    assert account_of(session, cast, "梅").phone == "13850000001"


def test_with_the_code_the_new_phone_is_bound(session, cast, inbox):
    start(session, cast, phone=" +86 137 0000 0001 ")
    confirm(session, cast, f" {inbox.code()} ")
    account = account_of(session, cast, "梅")
    with acting_as(SYSTEM):
        teacher = session.get(Teacher, cast.teacher["梅"], populate_existing=True)
    assert (account.phone, teacher.phone, account.username) == (NEW_PHONE, NEW_PHONE, cast.username["梅"])
    assert authenticate(session, NEW_PHONE, PASSWORD, now=NOW).id == account.id
    assert authenticate(session, "13850000001", PASSWORD, now=NOW) is None


def test_for_whom_the_phone_is_the_account_it_changes_too(session, cast, inbox):
    start(session, cast, "林")
    confirm(session, cast, inbox.code(), "林")
    account = account_of(session, cast, "林")
    assert account.username == account.phone == NEW_PHONE
    assert authenticate(session, "13850000099", PASSWORD, now=NOW) is None


def test_a_first_phone_is_proved_itself(session, cast, inbox):
    start(session, cast, "平")
    assert inbox.messages[-1][0] == NEW_PHONE
    confirm(session, cast, inbox.code(), "平")
    account = account_of(session, cast, "平")
    assert (account.phone, account.username) == (NEW_PHONE, "SchoolAdmin1")


def test_codes_are_kept_as_keyed_hashes(session, cast, inbox):
    start(session, cast)
    with acting_as(SYSTEM):
        [kept] = session.scalars(select(OneTimeCode))
    assert inbox.code() not in kept.digest and len(kept.digest) == 64
    with pytest.raises(RuleViolation):
        confirm_phone_change(session, account_of(session, cast, "梅"), inbox.code(), NOW, secret_key=b"another")


def test_five_tries_and_the_code_is_gone(session, cast, inbox):
    start(session, cast)
    for _ in range(5):
        with pytest.raises(RuleViolation) as refusal:
            confirm(session, cast, another(inbox.code()))
        assert refusal.value.field == "code"
    with pytest.raises(RuleViolation):
        confirm(session, cast, inbox.code())
    assert account_of(session, cast, "梅").phone == "13850000001"


def test_the_fifth_try_may_be_right(session, cast, inbox):
    start(session, cast)
    for _ in range(4):
        with pytest.raises(RuleViolation):
            confirm(session, cast, another(inbox.code()))
    confirm(session, cast, inbox.code())
    assert account_of(session, cast, "梅").phone == NEW_PHONE


def is_taken(factory, cast, code):
    """Whether the code is accepted from somebody in a session of their own."""
    with factory() as own:
        try:
            confirm(own, cast, code)
        except RuleViolation:
            return False
        return True


def test_simultaneous_guesses_are_five_too(factory, session, cast, inbox):
    start(session, cast)
    guesses = [another(inbox.code())] * 11 + [inbox.code()]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda code: is_taken(factory, cast, code), guesses[:-1]))
    assert not is_taken(factory, cast, guesses[-1])
    with acting_as(SYSTEM):
        assert session.scalar(select(OneTimeCode.tries)) == 5


def test_a_code_lives_ten_minutes(session, cast, inbox):
    start(session, cast)
    with pytest.raises(RuleViolation):
        confirm(session, cast, inbox.code(), now=NOW + timedelta(minutes=10))
    confirm(session, cast, inbox.code(), now=NOW + timedelta(minutes=10, seconds=-1))


def test_a_code_works_once_also_at_once(factory, session, cast, inbox):
    start(session, cast)
    code = inbox.code()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: is_taken(factory, cast, code), range(4))) == 1
    with pytest.raises(RuleViolation):
        confirm(session, cast, code)


def test_a_code_is_good_for_its_account_its_phone_and_the_latest_request(session, cast, inbox):
    start(session, cast)
    first = inbox.code()
    start(session, cast, "兰", "13700000002")
    of_another = inbox.code()
    start(session, cast, phone="13700000003")
    for code in {first, of_another} - {inbox.code()}:
        with pytest.raises(RuleViolation):
            confirm(session, cast, code)
    confirm(session, cast, inbox.code())
    assert account_of(session, cast, "梅").phone == "13700000003"


def test_without_a_request_no_code_is_right(session, cast, inbox):
    for code in ("", "000000", "abc", "\ud800", "1" * 1000):
        with pytest.raises(RuleViolation):
            confirm(session, cast, code)


def test_a_phone_in_use_is_told_only_after_the_code(session, cast, inbox):
    """Whoever asks for a code learns nothing about other people's phones; who proves to be somebody learns what they must."""
    start(session, cast, phone="13850000002")
    with pytest.raises(RuleViolation, match="已绑定其他账号"):
        confirm(session, cast, inbox.code())
    start(session, cast, "兰", "13850000099")
    with pytest.raises(RuleViolation, match="已绑定其他账号"):
        confirm(session, cast, inbox.code(), "兰")
    assert [account_of(session, cast, name).phone for name in "梅兰"] == ["13850000001", "13850000002"]


def test_two_accounts_cannot_end_with_one_phone(factory, session, cast, inbox):
    codes = {}
    for name in "梅兰竹":
        start(session, cast, name)
        codes[name] = inbox.code()

    def bind(name):
        with factory() as own:
            try:
                confirm(own, cast, codes[name], name)
            except RuleViolation:
                return False
            return True

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(bind, codes)) == 1


def test_messages_are_few(session, cast, inbox):
    for n in range(CODES_PER_HOUR):
        start(session, cast, phone=f"1370000001{n}")
    with pytest.raises(RuleViolation, match="频繁"):
        start(session, cast)
    assert len(inbox.messages) == CODES_PER_HOUR
    start(session, cast, now=NOW + timedelta(hours=1))


@pytest.mark.parametrize("phone", ["", "12345", "23800000000", "1370000000a", "13850000001"])
def test_no_code_for_what_cannot_be_the_new_phone(session, cast, inbox, phone):
    with pytest.raises(RuleViolation) as refusal:
        start(session, cast, phone=phone)
    assert refusal.value.field == "phone"
    assert inbox.messages == []


@pytest.mark.usefixtures("inbox")
def test_in_development_messages_are_in_the_log_with_the_phone_masked(session, cast, caplog):
    sms.set_gateway(sms.LogGateway())
    with caplog.at_level(logging.INFO, logger="yanxiu.sms"):
        start(session, cast)
    assert re.search(r"138\*\*\*\*0001: .*验证码\d{6}", caplog.text)
    assert "13850000001" not in caplog.text
