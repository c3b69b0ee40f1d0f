"""Is this a number that the named kind of identity document could carry? (S2-77, S3-120, S0-11)

The number is a teacher's natural key and often the account name, so every check answers the one normal form in which
it is stored. The one thing a newcomer gets wrong: no sentence here repeats the number, because sentences end up in logs
and returned workbooks.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import NamedTuple

from rules.errors import RuleViolation
from rules.normal_form import normal_form

FIELD = "id_number"
RESIDENT = "resident"
RESIDENT_LENGTH = 18

# GB/T 2260; 81, 82 and 83 also begin the residence permits of people from Hong Kong, Macao and Taiwan.
PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
# GB 11643: ISO 7064 MOD 11-2.
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
# Nobody alive is older; without a floor a mistyped 0981 would pass as a year.
EARLIEST_BIRTH_YEAR = 1900

RESIDENT_SHAPE = re.compile(r"[0-9]{17}[0-9Xx]")
# The number before 2000, and any other with a digit missing or doubled.
LONG_NUMBER = re.compile(r"[0-9]{10,}")
NEW_FOREIGNER_SHAPE = re.compile(r"9[0-9]{16}[0-9X]")


class OtherId(NamedTuple):
    """A document that is not the resident identity card: how its number looks, and the sentence when it does not."""

    shape: re.Pattern[str]
    sentence: str


OTHER_IDS: dict[str, OtherId] = {
    "passport": OtherId(
        # Any country's: the machine-readable field holds nine characters.
        re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{5,9}"),
        "护照号码应为5至9位字母和数字，例如E12345678。",
    ),
    "hkmo": OtherId(
        # Ten digits until 2013 (the last two count renewals); a second letter on the cards of non-Chinese nationals.
        re.compile(r"[HM](?:[0-9]{8}(?:[0-9]{2})?|[A-Z][0-9]{7})"),
        "港澳居民来往内地通行证号码应为字母H或M加8位数字（旧版为10位数字）。",
    ),
    "taiwan": OtherId(
        re.compile(r"[0-9]{8}|[0-9]{10}[A-Z]?"),
        "台湾居民来往大陆通行证号码应为8位数字（旧版为10位数字，可加1位字母）。",
    ),
    "foreigner": OtherId(
        re.compile(rf"{NEW_FOREIGNER_SHAPE.pattern}|[A-Z]{{3}}[0-9]{{12}}"),
        "外国人永久居留身份证号码应为以9开头的18位号码（旧版为3位字母加12位数字）。",
    ),
}


def half_width(text: str) -> str:
    """The text as an ASCII keyboard types it: half width, trimmed, without the invisible marks of a paste."""
    if text.isascii():
        return text.strip()
    return "".join(char for char in normal_form(text) if unicodedata.category(char) != "Cf").strip()


def one_line(text: str) -> str:
    """One line as typed, without surplus blanks; nothing where there is nothing to see."""
    return " ".join(text.split()) if half_width(text) else ""


def check_id_number(kind_code: str, text: str, today: date) -> str:
    """The number in its stored form, checked as the kind of document demands (S2-77, S3-120)."""
    if kind_code == RESIDENT:
        return check_resident_id(text, today)
    return check_other_id(kind_code, text)


def check_resident_id(text: str, today: date) -> str:
    """The 18 characters of a 居民身份证 number, X upper case, or the sentence of the check it fails (S2-77)."""
    number = _normal_form(text)
    _check_shape(number)
    if number[:2] not in PROVINCES:
        raise RuleViolation("身份证号码前两位不是任何省（区、市）的代码，请核对号码开头。", FIELD)
    _check_birth_date(number, today)
    _check_last_character(number)
    return number


def check_other_id(kind_code: str, text: str) -> str:
    """The number of a passport, permit or foreigner's card in its stored form (S3-120)."""
    if kind_code not in OTHER_IDS:
        raise RuleViolation("不支持这种证件类型，请重新选择。", "id_kind")
    number = _normal_form(text)
    if not OTHER_IDS[kind_code].shape.fullmatch(number):
        raise RuleViolation(OTHER_IDS[kind_code].sentence, FIELD)
    if NEW_FOREIGNER_SHAPE.fullmatch(number):
        _check_last_character(number)
    return number


def looks_like_id_number(text: str) -> bool:
    """Whether the text has the shape of some document's number, right or wrong: what must not be shown unmasked."""
    shapes = (RESIDENT_SHAPE, LONG_NUMBER, *(other.shape for other in OTHER_IDS.values()))
    return any(shape.fullmatch(text) for shape in shapes)


def birth_date(number: str) -> date:
    """The day of birth that a resident number in its stored form carries; ValueError where the calendar lacks it."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def check_digit(first_seventeen: str) -> str:
    """The last character that GB 11643 demands after the first seventeen digits."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, first_seventeen, strict=True))
    return CHECK_DIGITS[total % 11]


def make_resident_id(area6: str, birth_date: date, serial: int) -> str:
    """A valid, invented number for demonstrations and tests: six-digit area, day of birth, serial 0 to 999."""
    if not re.fullmatch(r"[0-9]{6}", area6) or not 0 <= serial <= 999:
        raise ValueError("area6 takes six digits, serial 0 to 999")
    first_seventeen = f"{area6}{birth_date:%Y%m%d}{serial:03d}"
    return first_seventeen + check_digit(first_seventeen)


def _normal_form(text: str) -> str:
    return "".join(half_width(text).split()).upper()


def _check_shape(number: str) -> None:
    if not number:
        raise RuleViolation("请填写身份证号码。", FIELD)
    if len(number) != RESIDENT_LENGTH:
        raise RuleViolation("身份证号码应为18位，现在是{count}位。", FIELD, count=len(number))
    if not RESIDENT_SHAPE.fullmatch(number):
        raise RuleViolation("身份证号码前17位只能是数字，最后一位只能是数字或X。", FIELD)


def _check_birth_date(number: str, today: date) -> None:
    try:
        born = birth_date(number)
    except ValueError:
        born = date.min
    if born.year < EARLIEST_BIRTH_YEAR:
        raise RuleViolation("身份证号码第7至14位应为出生日期，但没有这一天，请核对。", FIELD)
    if born > today:
        raise RuleViolation("身份证号码第7至14位的出生日期晚于今天，请核对。", FIELD)


def _check_last_character(number: str) -> None:
    if number[-1] != check_digit(number[:-1]):
        raise RuleViolation("证件号码最后一位（校验码）与前17位不符，一定有某一位写错了，请逐位核对。", FIELD)
