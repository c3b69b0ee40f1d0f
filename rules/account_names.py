"""What an account is called: the formats of S0-08…12 and the mobile number (S4-52).

Offices, providers and schools get a word and a number; a teacher or an expert is their own identity number. Who
registers alone logs in with the phone, which ``check_phone`` judges. The one thing a newcomer gets wrong: these
functions only know the form; that a name is still free is for the database to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from rules.errors import RuleViolation
from rules.id_numbers import OTHER_IDS, RESIDENT, check_id_number, half_width

# The manuals name no format for a province (Z-05): an installation sets its own, see ``rules.issuing.prefixes``.
ACCOUNT_PREFIXES: Mapping[str, str] = {
    "province": "OrganAdmin",
    "region": "OrganAdmin",
    "provider": "TrainingAdmin",
    "school": "SchoolAdmin",
}
NAMED_BY_ID_NUMBER = frozenset({"teacher", "expert"})

MOBILE = re.compile(r"1[3-9][0-9]{9}")
COUNTRY_CODE = re.compile(r"^(?:\+|00)?86(?=1[0-9]{10}$)")
PHONE_SEPARATORS = re.compile(r"[\s()\u2010-\u2015\u2212-]")


def next_account_name(prefix: str, last_number: int) -> str:
    """The account name after the one numbered ``last_number`` (0 where there is none yet) (S0-08…10)."""
    return f"{prefix}{last_number + 1}"


def is_account_name(kind: str, text: str, prefixes: Mapping[str, str] = ACCOUNT_PREFIXES) -> bool:
    """Whether the text, exactly as it stands, is a name that this kind of account may carry (S0-08…12)."""
    if kind in NAMED_BY_ID_NUMBER:
        return any(_is_stored_number(kind_code, text) for kind_code in (RESIDENT, *OTHER_IDS))
    return re.fullmatch(re.escape(prefixes[kind]) + "[0-9]+", text) is not None


def check_phone(text: str) -> str:
    """The eleven digits of a mainland mobile, however spaced, dashed, full width or with +86 it was typed."""
    phone = COUNTRY_CODE.sub("", PHONE_SEPARATORS.sub("", half_width(text)))
    if not phone:
        raise RuleViolation("请填写手机号码。", "phone")
    if not looks_like_phone(phone):
        raise RuleViolation("手机号码应为11位数字，以13至19开头，请核对。", "phone")
    return phone


def looks_like_phone(text: str) -> bool:
    """Whether the text is the eleven digits of a mainland mobile."""
    return MOBILE.fullmatch(text) is not None


def _is_stored_number(kind_code: str, text: str) -> bool:
    try:
        # A name has no clock: whether a birth date is still to come was asked when the number was taken in.
        return check_id_number(kind_code, text, date.max) == text
    except RuleViolation:
        return False
