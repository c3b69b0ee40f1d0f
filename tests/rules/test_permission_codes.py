"""Who may issue a code for whom, who may take it away again, and what a binder has to say (S3-06, S3-24, S3-35, S3-133)."""

from datetime import UTC, datetime
from itertools import product

import pytest

from models.org import RegionLevel
from rules.code_issuers import MAY_APPOINT, MAY_END, MAY_REPLACE, check_may_issue, check_stands_above
from rules.errors import RuleViolation
from rules.grants import BY_NAME, COURSE_PROVIDER, OPERATOR, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TEACHER, TRAINING_EXPERT
from rules.permission_codes import CODES_HEADER, Contact, IssuedCode, check_contact, check_days, codes_workbook_rows

PROVINCE, CITY, COUNTY, NEXT_DOOR = "/350000/", "/350000/350200/", "/350000/350200/350203/", "/350000/350200/350206/"
FAR_CITY, OTHER_PROVINCE, DIRECT_COUNTY = "/350000/350300/", "/360000/", "/350000/350999/"
SCHOOL, CITY_SCHOOL, PROVINCE_SCHOOL, FAR_SCHOOL = f"{COUNTY}s1/", f"{CITY}s2/", f"{PROVINCE}s3/", f"{FAR_CITY}350302/s4/"
LEVELS = {
    PROVINCE: RegionLevel.PROVINCE,
    OTHER_PROVINCE: RegionLevel.PROVINCE,
    CITY: RegionLevel.CITY,
    FAR_CITY: RegionLevel.CITY,
    COUNTY: RegionLevel.COUNTY,
    NEXT_DOOR: RegionLevel.COUNTY,
    DIRECT_COUNTY: RegionLevel.COUNTY,
}
UNITS = (*LEVELS, SCHOOL, CITY_SCHOOL, PROVINCE_SCHOOL, FAR_SCHOOL)
REGION_ADMINS = (REGION_SUPER, REGION_SPECIAL)
CONTACT = Contact("丹", "思明区教育局", "科员", "13860000001")

# issuer's role, issuer's path, role of the code, its units: everything that is allowed from these places, and nothing else is.
ALLOWED = [
    (OPERATOR, "/", REGION_SUPER, {PROVINCE, OTHER_PROVINCE}),
    (REGION_SUPER, PROVINCE, REGION_SPECIAL, {PROVINCE}),
    (REGION_SUPER, PROVINCE, REGION_SUPER, {CITY, FAR_CITY, DIRECT_COUNTY}),
    (REGION_SUPER, PROVINCE, SCHOOL_ADMIN, {SCHOOL, CITY_SCHOOL, PROVINCE_SCHOOL, FAR_SCHOOL}),
    (REGION_SUPER, CITY, REGION_SPECIAL, {CITY}),
    (REGION_SUPER, CITY, REGION_SUPER, {COUNTY, NEXT_DOOR}),
    (REGION_SUPER, CITY, SCHOOL_ADMIN, {SCHOOL, CITY_SCHOOL}),
    (REGION_SUPER, COUNTY, REGION_SPECIAL, {COUNTY}),
    (REGION_SUPER, COUNTY, SCHOOL_ADMIN, {SCHOOL}),
    (REGION_SPECIAL, PROVINCE, SCHOOL_ADMIN, {SCHOOL, CITY_SCHOOL, PROVINCE_SCHOOL, FAR_SCHOOL}),
    (REGION_SPECIAL, CITY, SCHOOL_ADMIN, {SCHOOL, CITY_SCHOOL}),
    (REGION_SPECIAL, COUNTY, SCHOOL_ADMIN, {SCHOOL}),
]
ISSUERS = [(OPERATOR, "/"), *product(REGION_ADMINS, (PROVINCE, CITY, COUNTY)), (SCHOOL_ADMIN, SCHOOL), (TEACHER, f"{SCHOOL}t42/")]


def refusal(act, *arguments):
    """The sentence and field of what is refused; None when it is allowed."""
    try:
        act(*arguments)
    except RuleViolation as violation:
        return violation.message, violation.field
    return None


@pytest.mark.parametrize(("role", "path"), ISSUERS)
def test_who_may_issue_what(role, path):
    allowed = {(target, unit) for issuer, at, target, units in ALLOWED for unit in units if (issuer, at) == (role, path)}
    asked = {(target, unit): refusal(check_may_issue, role, path, target, unit, LEVELS.get(unit)) for target in BY_NAME for unit in UNITS}
    assert {case for case, told in asked.items() if told is None} == allowed
    assert all(field == "role" for told in asked.values() if told for _, field in [told])


def test_a_refused_issuer_is_told_what_they_may_issue():
    for role, words in (
        (OPERATOR, "省级超级管理员"),
        (REGION_SUPER, "下一级超级管理员"),
        (REGION_SPECIAL, "学校管理员"),
        (SCHOOL_ADMIN, "不能生成"),
    ):
        assert words in refusal(check_may_issue, role, COUNTY, TEACHER, SCHOOL, None)[0]


def test_a_neighbour_whose_path_begins_alike_is_not_below():
    assert refusal(check_may_issue, REGION_SUPER, "/35/", REGION_SUPER, PROVINCE, RegionLevel.CITY)
    assert refusal(check_stands_above, REGION_SUPER, "/350000/3502/", REGION_SPECIAL, CITY)


@pytest.mark.parametrize(
    ("role", "path", "target", "unit", "allowed"),
    [
        # 区域找本级超级管理员, or one above.
        (REGION_SUPER, COUNTY, REGION_SPECIAL, COUNTY, True),
        (REGION_SUPER, COUNTY, REGION_SUPER, COUNTY, True),
        (REGION_SUPER, CITY, REGION_SPECIAL, COUNTY, True),
        (REGION_SUPER, PROVINCE, REGION_SUPER, COUNTY, True),
        (OPERATOR, "/", REGION_SUPER, PROVINCE, True),
        (REGION_SPECIAL, COUNTY, REGION_SPECIAL, COUNTY, False),
        (REGION_SPECIAL, CITY, REGION_SUPER, COUNTY, False),
        (REGION_SUPER, COUNTY, REGION_SUPER, CITY, False),
        (REGION_SUPER, NEXT_DOOR, REGION_SPECIAL, COUNTY, False),
        # 学校找区县管理员, or one above.
        (REGION_SPECIAL, COUNTY, SCHOOL_ADMIN, SCHOOL, True),
        (REGION_SUPER, COUNTY, SCHOOL_ADMIN, SCHOOL, True),
        (REGION_SPECIAL, CITY, SCHOOL_ADMIN, SCHOOL, True),
        (REGION_SPECIAL, NEXT_DOOR, SCHOOL_ADMIN, SCHOOL, False),
        (REGION_SPECIAL, COUNTY, SCHOOL_ADMIN, CITY_SCHOOL, False),
        (SCHOOL_ADMIN, SCHOOL, SCHOOL_ADMIN, SCHOOL, False),
        # What was given out with its account is ended by who could have given it, or from above.
        (REGION_SUPER, PROVINCE, COURSE_PROVIDER, PROVINCE, True),
        (REGION_SUPER, PROVINCE, TRAINING_EXPERT, COUNTY, True),
        (OPERATOR, "/", TRAINING_EXPERT, PROVINCE, True),
        (REGION_SPECIAL, COUNTY, TRAINING_EXPERT, COUNTY, False),
        (REGION_SUPER, COUNTY, COURSE_PROVIDER, CITY, False),
        (REGION_SUPER, NEXT_DOOR, TRAINING_EXPERT, COUNTY, False),
        (COURSE_PROVIDER, COUNTY, TRAINING_EXPERT, COUNTY, False),
        # Nobody else's post ends here.
        (OPERATOR, "/", TEACHER, f"{SCHOOL}t42/", False),
        (REGION_SUPER, COUNTY, OPERATOR, "/", False),
        (OPERATOR, "/", OPERATOR, "/", False),
    ],
)
def test_who_may_replace_whom(role, path, target, unit, allowed):
    assert (refusal(check_stands_above, role, path, target, unit) is None) is allowed


def test_whoever_issues_may_also_replace():
    """Else a code given to the wrong person could not be taken back by who gave it."""
    for role, path, target, units in ALLOWED:
        for unit in units:
            assert refusal(check_stands_above, role, path, target, unit) is None
    assert set(MAY_REPLACE) == {target for _, _, target, _ in ALLOWED}
    assert all(issuer in MAY_END[role] for issuer, role, _where in MAY_APPOINT)


def test_a_contact_is_kept_trimmed_with_a_phone_one_can_call():
    assert check_contact(Contact(" 丹 ", "思明区教育局\n", " 科员", "+86 138-6000-0001")) == CONTACT


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "请填写姓名"),
        ("unit", "", "请填写工作单位"),
        ("position", "\u3000", "请填写职务"),
        ("phone", "", "请填写手机号码"),
        ("phone", "12345", "11位"),
        ("name", "名" * 101, "最多100个字"),
    ],
)
def test_each_gap_of_a_contact_is_told_beside_its_field(field, value, words):
    message, told_at = refusal(check_contact, CONTACT._replace(**{field: value}))
    assert words in message and told_at == field


@pytest.mark.parametrize(("days", "allowed"), [(0, False), (1, True), (7, True), (365, True), (366, False), (-1, False)])
def test_a_code_is_valid_for_a_day_to_a_year(days, allowed):
    assert (refusal(check_days, days) is None) is allowed


def test_the_workbook_says_what_is_for_whom_until_when_and_how():
    issued = IssuedCode("AC3D-4EF6-G7HJ-9KM7", "AC3D", "北实验小学", SCHOOL_ADMIN, datetime(2026, 11, 30, 16, 30, tzinfo=UTC), 1)
    header, row = codes_workbook_rows([issued])
    assert header == CODES_HEADER == ("单位", "角色", "权限码", "有效期至", "绑定地址说明")
    assert row[:4] == ("北实验小学", "学校管理员", "AC3D-4EF6-G7HJ-9KM7", "2026.12.01 00:30")
    assert "管理系统" in row[4] and "权限绑定" in row[4]
