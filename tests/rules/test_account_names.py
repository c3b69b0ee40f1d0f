"""Account names and mobile numbers (S0-08…12, S4-52, Z-05)."""

from datetime import date

import pytest

from rules.account_names import ACCOUNT_PREFIXES, check_phone, is_account_name, looks_like_phone, next_account_name
from rules.errors import RuleViolation
from rules.id_numbers import make_resident_id

TEACHER = make_resident_id("350203", date(1985, 7, 16), 21)
ENDS_IN_X = "11010519491231002X"


@pytest.mark.parametrize(
    ("kind", "last_number", "name"),
    [
        ("province", 0, "OrganAdmin1"),
        ("region", 9, "OrganAdmin10"),
        ("provider", 41, "TrainingAdmin42"),
        ("school", 19999, "SchoolAdmin20000"),
    ],
)
def test_names_count_on(kind, last_number, name):
    assert next_account_name(ACCOUNT_PREFIXES[kind], last_number) == name
    assert is_account_name(kind, name)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("region", "OrganAdmin1", True),
        ("region", "OrganAdmin", False),
        ("region", "organadmin1", False),
        ("region", "OrganAdmin1 ", False),
        ("region", "OrganAdmin1\n", False),
        ("region", "OrganAdmin1a", False),
        ("region", "OrganAdmin１", False),
        ("region", "SchoolAdmin1", False),
        ("region", "XOrganAdmin1", False),
        ("provider", "TrainingAdmin7", True),
        ("provider", "OrganAdmin7", False),
        ("school", "SchoolAdmin350203", True),
        ("school", TEACHER, False),
        ("teacher", TEACHER, True),
        ("teacher", ENDS_IN_X, True),
        ("teacher", ENDS_IN_X.lower(), False),
        ("teacher", " " + TEACHER, False),
        ("teacher", TEACHER[:-1], False),
        ("teacher", "110105194912310021", False),
        ("teacher", "H12345678", True),
        ("teacher", "SchoolAdmin1", False),
        ("teacher", "13812344708", False),
        ("expert", TEACHER, True),
        ("expert", "梅老师", False),
    ],
)
def test_each_kind_of_account_has_its_form(kind, text, expected):
    assert is_account_name(kind, text) is expected


def test_an_installation_may_name_its_province_accounts_otherwise():
    prefixes = {**ACCOUNT_PREFIXES, "province": "Province.Admin"}
    assert is_account_name("province", "Province.Admin3", prefixes)
    assert not is_account_name("province", "ProvinceXAdmin3", prefixes)
    assert not is_account_name("province", "OrganAdmin3", prefixes)


@pytest.mark.parametrize(
    "typed",
    [
        "13812344708",
        " 138 1234 4708 ",
        "138-1234-4708",
        "138—1234—4708",
        "+8613812344708",
        "+86 138 1234 4708",
        "(+86) 138-1234-4708",
        "（＋８６）１３８１２３４４７０８",
        "8613812344708",
        "008613812344708",
        "\u202d13812344708\u202c",
    ],
)
def test_a_mobile_however_typed(typed):
    assert check_phone(typed) == "13812344708"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "1381234470",
        "138123447080",
        "12812344708",
        "23812344708",
        "1381234470a",
        "0591-87654321",
        "+85291234567",
        "+1 3812344708",
        "电话",
    ],
)
def test_what_is_no_mobile_is_refused_beside_the_phone(typed):
    with pytest.raises(RuleViolation) as caught:
        check_phone(typed)
    assert caught.value.field == "phone"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("19912344708", True), ("13012344708", True), ("138 12344708", False), ("12012344708", False)],
)
def test_what_looks_like_a_mobile(text, expected):
    assert looks_like_phone(text) is expected
