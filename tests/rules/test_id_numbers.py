"""Identity numbers: which are taken, in which form, and which sentence names the fault (S2-77, S2-10, S3-120)."""

from datetime import date

import pytest

from rules.errors import RuleViolation
from rules.id_numbers import (
    OTHER_IDS,
    PROVINCES,
    birth_date,
    check_digit,
    check_id_number,
    check_other_id,
    check_resident_id,
    half_width,
    looks_like_id_number,
    make_resident_id,
)

TODAY = date(2024, 2, 29)
# The worked example of GB 11643 and a number of ours that ends in X.
STANDARD = "11010519491231002X"
ENDS_IN_DIGIT = make_resident_id("350203", date(1985, 7, 16), 21)


def refusal(kind_code, text, today=TODAY):
    with pytest.raises(RuleViolation) as caught:
        check_id_number(kind_code, text, today)
    return caught.value


@pytest.mark.parametrize(
    "typed",
    [
        STANDARD,
        "11010519491231002x",
        "  11010519491231002X\n",
        "１１０１０５１９４９１２３１００２Ｘ",
        "１１０１０５１９４９１２３１００２ｘ　",
        "110105 19491231 002X",
        "\u202d11010519491231002X\u202c",
        "\ufeff11010519491231002X",
        "11010519491231002Ⅹ",
    ],
)
def test_one_number_however_typed_has_one_stored_form(typed):
    assert check_resident_id(typed, TODAY) == STANDARD


@pytest.mark.parametrize("province", sorted(PROVINCES))
def test_every_province_is_known(province):
    number = make_resident_id(province + "0101", date(1990, 1, 1), 1)
    assert check_resident_id(number, TODAY) == number


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "请填写"),
        (" \u3000", "请填写"),
        (STANDARD[:-1], "现在是17位"),
        (STANDARD + "1", "现在是19位"),
        ("350203850716021", "现在是15位"),
        ("1101051949123100XX", "只能是数字"),
        ("11010519491231O02X", "只能是数字"),
        ("11010519491231002Y", "只能是数字"),
        ("1101051949123100٢X", "只能是数字"),
        (make_resident_id("990105", date(1990, 1, 1), 1), "前两位"),
        (make_resident_id("000105", date(1990, 1, 1), 1), "前两位"),
        ("110105202302290021", "没有这一天"),
        ("110105199013010021", "没有这一天"),
        ("110105199004310021", "没有这一天"),
        ("110105199000100021", "没有这一天"),
        ("110105000001010021", "没有这一天"),
        ("110105099001010021", "没有这一天"),
        (make_resident_id("110105", date(2024, 3, 1), 1), "晚于今天"),
        ("110105194912310021", "校验码"),
        ("445123198101245635"[:-1] + "6", "校验码"),
    ],
)
def test_the_sentence_names_the_check_that_failed(number, words):
    violation = refusal("resident", number)
    assert words in violation.message
    assert violation.field == "id_number"


def test_no_sentence_repeats_the_number():
    for number in (STANDARD[:-1], "990105199001010010", "110105202302290021", "110105194912310021"):
        assert not any(number[start : start + 4] in refusal("resident", number).message for start in range(len(number) - 3))


def test_who_is_born_today_or_on_a_leap_day_exists():
    for born in (TODAY, date(2000, 2, 29), date(1900, 1, 1)):
        number = make_resident_id("350203", born, 7)
        assert check_resident_id(number, TODAY) == number
        assert birth_date(number) == born


def test_every_wrong_digit_and_every_exchange_of_neighbours_is_noticed():
    for number in (STANDARD, ENDS_IN_DIGIT):
        for place in range(17):
            for digit in "0123456789":
                changed = number[:place] + digit + number[place + 1 :]
                assert (changed == number) == (check_digit(changed[:17]) == changed[17])
        for place in range(16):
            swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
            assert (swapped == number) == (check_digit(swapped[:17]) == swapped[17])


def test_made_numbers_are_valid_distinct_and_reach_every_check_digit():
    numbers = [make_resident_id("350203", date(1970, 1, 1), serial) for serial in range(1000)]
    assert [check_resident_id(number, TODAY) for number in numbers] == numbers
    assert len(set(numbers)) == 1000
    assert {number[-1] for number in numbers} == set("0123456789X")


@pytest.mark.parametrize(("area6", "serial"), [("35020", 1), ("35020３", 1), ("35020x", 1), ("350203", 1000), ("350203", -1)])
def test_a_number_cannot_be_made_of_wrong_parts(area6, serial):
    with pytest.raises(ValueError, match="area6"):
        make_resident_id(area6, date(1990, 1, 1), serial)


NEW_FOREIGNER = "91184019901012001" + check_digit("91184019901012001")


@pytest.mark.parametrize(
    ("kind_code", "typed", "stored"),
    [
        ("resident", STANDARD.lower(), STANDARD),
        ("passport", "e12345678", "E12345678"),
        ("passport", "EA1234567", "EA1234567"),
        ("passport", "G 1234 5678", "G12345678"),
        ("passport", "141234567", "141234567"),
        ("passport", "Ｅ１２３４５６７８", "E12345678"),
        ("passport", "P1234567A", "P1234567A"),
        ("hkmo", "h12345678", "H12345678"),
        ("hkmo", "M1234567801", "M1234567801"),
        ("hkmo", "HA1234567", "HA1234567"),
        ("taiwan", "12345678", "12345678"),
        ("taiwan", "0012345678b", "0012345678B"),
        ("foreigner", "usa110190010112", "USA110190010112"),
        ("foreigner", NEW_FOREIGNER, NEW_FOREIGNER),
    ],
)
def test_other_documents_are_taken(kind_code, typed, stored):
    assert check_id_number(kind_code, typed, TODAY) == stored


@pytest.mark.parametrize(
    ("kind_code", "typed"),
    [
        ("passport", ""),
        ("passport", "ABCDEFGHI"),
        ("passport", "E123"),
        ("passport", "E1234567890"),
        ("passport", "E1234-678"),
        ("passport", "护照12345"),
        ("hkmo", "12345678"),
        ("hkmo", "C12345678"),
        ("hkmo", "H1234567"),
        ("hkmo", "H123456789"),
        ("taiwan", "1234567"),
        ("taiwan", "T12345678"),
        ("taiwan", "12345678B"),
        ("foreigner", "US110190010112"),
        ("foreigner", STANDARD),
        ("foreigner", NEW_FOREIGNER[:-1] + ("0" if NEW_FOREIGNER[-1] != "0" else "1")),
    ],
)
def test_other_documents_are_refused(kind_code, typed):
    with pytest.raises(RuleViolation) as caught:
        check_other_id(kind_code, typed)
    assert caught.value.field == "id_number"


def test_an_unknown_kind_of_document_is_refused_beside_its_own_field():
    assert refusal("student_card", "12345678").field == "id_kind"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STANDARD, True),
        (STANDARD.lower(), True),
        ("110105194912310021", True),
        ("11010519491231002", True),
        ("350203850716021", True),
        ("E12345678", True),
        ("H12345678", True),
        ("12345678", True),
        ("USA110190010112", True),
        ("OrganAdmin12", False),
        ("SchoolAdmin3502030017", False),
        ("admin", False),
        ("admin1", False),
        ("张三丰", False),
        ("", False),
    ],
)
def test_what_looks_like_an_identity_number(text, expected):
    assert looks_like_id_number(text) is expected


def test_half_width_keeps_chinese_and_inner_spaces():
    assert half_width("　ＡＢ　１２ 张三\u200b\n") == "AB 12 张三"


def test_every_other_document_says_in_its_sentence_what_it_expects():
    assert all(any(char.isdigit() for char in other.sentence) for other in OTHER_IDS.values())
