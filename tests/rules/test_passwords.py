"""Passwords: issued, typed, chosen, locked out (S0-04, S0-07, S2-09, S2-10, Z-11, Z-12)."""

import pytest

from rules.errors import RuleViolation
from rules.passwords import (
    COMMON_PASSWORDS,
    LOCK_SECONDS,
    check_password,
    default_password,
    lock_after,
    normalise_login_name,
    normalise_typed_password,
)

ACCOUNT = "445123198101245635"


def objection(new, *, account_name=ACCOUNT, old_default="245635@Gd", id_number=None):
    """What is said against a password, beside its field; nothing when it will do."""
    try:
        check_password(new, account_name=account_name, old_default=old_default, id_number=id_number)
    except RuleViolation as refusal:
        assert refusal.field == "password"
        return refusal.message
    return None


@pytest.mark.parametrize(
    ("account_name", "password"),
    [
        (ACCOUNT, "245635@Gd"),
        ("11010519491231002X", "31002X@Gd"),
        ("11010519491231002x", "31002X@Gd"),
        ("OrganAdmin12", "dmin12@Gd"),
        ("13812344708", "344708@Gd"),
    ],
)
def test_the_default_password_is_the_last_six_of_the_account(account_name, password):
    assert default_password(account_name) == password


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" 445123198101245635 ", ACCOUNT),
        ("４４５１２３１９８１０１２４５６３５", ACCOUNT),
        ("11010519491231002x", "11010519491231002X"),
        ("１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"),
        ("OrganAdmin12", "OrganAdmin12"),
        ("ＯｒｇａｎＡｄｍｉｎ１２", "OrganAdmin12"),
        ("max", "max"),
        ("x", "x"),
    ],
)
def test_login_names_are_read_kindly(typed, stored):
    assert normalise_login_name(typed) == stored


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("31002x@Gd", "31002X@Gd"),
        ("31002X@Gd", "31002X@Gd"),
        (" 245635@Gd ", "245635@Gd"),
        ("２４５６３５＠Ｇｄ", "245635@Gd"),
        ("31002x@gd", "31002x@gd"),
        ("x31002x@Gd", "x31002x@Gd"),
        (" own secret x7 ", " own secret x7 "),
        ("ｆｕｌｌ７ width", "ｆｕｌｌ７ width"),
    ],
)
def test_only_a_default_password_is_read_kindly(typed, read):
    assert normalise_typed_password(typed) == read


@pytest.mark.parametrize("new", ["Kite7Fly!", "three owls 4 tea", "研修abc789xyz", "24563g@Gd", "5635tulips"])
def test_good_passwords_pass(new):
    assert objection(new) is None


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("", "至少需要8位"),
        ("Kite7Fl", "至少需要8位"),
        ("kitesflying", "字母和数字"),
        ("8675309867", "字母和数字"),
        ("风筝风筝风筝风筝12", "字母和数字"),
        ("a445123198101245635", "包含账号"),
        ("a1４４５１２３１９８１０１２４５６３５", "包含账号"),
        ("245635@Gd", "默认密码"),
        ("245635@gD", "默认密码"),
        ("my245635@Gd", "默认密码"),
        ("99999x@Gd", "默认密码"),
        ("password1", "太常见"),
        ("PassWord123", "太常见"),
        ("1QAZ2wsx", "太常见"),
    ],
)
def test_weak_passwords_are_refused_with_their_reason(new, words):
    assert words in objection(new)


def test_a_phone_account_may_not_use_its_owners_identity():
    phone = {"account_name": "13812344708", "old_default": "245635@Gd", "id_number": "11010519491231002X"}
    assert "账号" in objection("13812344708a", **phone)
    assert "证件号码" in objection("11010519491231002x!", **phone)
    assert "默认密码" in objection("245635@Gd", **phone)
    assert "默认密码" in objection("344708@Gd", **phone)


def test_a_role_account_is_told_whatever_the_case():
    assert "账号" in objection("organadmin12!", account_name="OrganAdmin12", old_default=None)
    assert "默认密码" in objection("Dmin12@gd", account_name="OrganAdmin12", old_default=None)


def test_an_account_without_an_issued_password_may_choose_freely():
    for nothing_issued in (None, ""):
        assert objection("Kite7Fly!", account_name="13812344708", old_default=nothing_issued, id_number="") is None


def test_the_list_of_common_ones_holds_nothing_another_rule_refuses():
    for common in COMMON_PASSWORDS:
        assert "太常见" in objection(common)


@pytest.mark.parametrize(
    ("failures", "limit", "locked"),
    [
        (0, 3, False),
        (1, 3, False),
        (3, 3, False),
        (4, 3, True),
        (5, 3, True),
        (5, 5, False),
        (6, 5, True),
        (1, 0, True),
    ],
)
def test_the_fourth_wrong_password_locks(failures, limit, locked):
    assert lock_after(failures, limit=limit) is locked


def test_the_lock_lasts_a_quarter_of_an_hour():
    assert LOCK_SECONDS == 15 * 60
    assert not lock_after(3)
    assert lock_after(4)
