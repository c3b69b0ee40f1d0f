"""Which passwords are issued, accepted and locked out (S0-04, S0-07, S2-09, S2-10, Z-11, Z-12).

The default password follows from the account name, so whoever knows the one knows the other: it opens the door once and
must be changed there. The one thing a newcomer gets wrong: a password is compared as typed; only a text that reads as
a default password is put into the issued form first (S2-10).
"""

from __future__ import annotations

import re

from rules.code_text import ALPHABET
from rules.errors import RuleViolation
from rules.id_numbers import RESIDENT_SHAPE, half_width

FIELD = "password"
SUFFIX = "@Gd"
FAILURES_ALLOWED = 3
LOCK_SECONDS = 900
SHORTEST = 8

TYPED_DEFAULT = re.compile(r"[0-9]{5}[0-9Xx]" + SUFFIX)
ISSUED = re.compile(rf"(?:[{ALPHABET}]{{4}}-){{2}}[{ALPHABET}]{{4}}")
"""How one-time passwords and permission codes are written."""
# Those of the usual lists that would pass every other rule.
COMMON_PASSWORDS = frozenset(
    [
        "1234abcd",
        "1234qwer",
        "123456aa",
        "123456abc",
        "123456qq",
        "12345678a",
        "123456789a",
        "123qweasd",
        "1a2b3c4d",
        "1q2w3e4r",
        "1q2w3e4r5t",
        "1qaz2wsx",
        "1qaz@wsx",
        "a1234567",
        "a12345678",
        "a123456789",
        "aa123456",
        "aa12345678",
        "aaa12345",
        "abc12345",
        "abc123456",
        "abc123456789",
        "abcd1234",
        "abcd12345",
        "admin123",
        "admin1234",
        "admin@123",
        "asd12345",
        "asd123456",
        "asdf1234",
        "iloveyou1",
        "letmein1",
        "p@ssw0rd",
        "p@ssword1",
        "passw0rd",
        "password1",
        "password12",
        "password123",
        "q1w2e3r4",
        "q1w2e3r4t5",
        "q123456789",
        "qaz12345",
        "qazwsx123",
        "qq123456",
        "qq123456789",
        "qwe12345",
        "qwe123456",
        "qwer1234",
        "qwerty12",
        "qwerty123",
        "teacher1",
        "teacher123",
        "welcome1",
        "welcome123",
        "woaini123",
        "woaini1314",
        "woaini520",
        "zxc12345",
        "zxc123456",
        "zxcv1234",
        "zxcvbnm1",
        "zxcvbnm123",
    ]
)


def default_password(account_name: str) -> str:
    """The last six characters of the account and ``@Gd``: 445123198101245635 gives 245635@Gd (S0-04, S2-09)."""
    return normalise_login_name(account_name)[-6:] + SUFFIX


def normalise_login_name(text: str) -> str:
    """The login name as stored: half width, trimmed, an identity number's x upper case (S2-10)."""
    name = half_width(text)
    return name.upper() if RESIDENT_SHAPE.fullmatch(name) else name


def normalise_typed_password(text: str) -> str:
    """A password at the login: one that reads as a default password gets its upper-case X, any other stays (S2-10)."""
    if not _is_default_shaped(text):
        return text
    return half_width(text)[:6].upper() + SUFFIX


def check_password(new: str, *, account_name: str, old_default: str | None, id_number: str | None = None) -> None:
    """Refuse a new password that is weak, or that follows from what others know about its owner (Z-12)."""
    if len(new) < SHORTEST:
        raise RuleViolation("新密码至少需要{count}位。", FIELD, count=SHORTEST)
    if not re.search("[A-Za-z]", new) or not re.search("[0-9]", new):
        raise RuleViolation("新密码必须同时包含字母和数字。", FIELD)
    if _contains(new, account_name):
        raise RuleViolation("新密码不能包含账号。", FIELD)
    if _contains(new, id_number):
        raise RuleViolation("新密码不能包含证件号码。", FIELD)
    derived = (default_password(account_name), old_default)
    if _is_default_shaped(new) or any(_contains(new, default) for default in derived):
        raise RuleViolation("新密码不能是默认密码，也不能包含默认密码。", FIELD)
    if _folded(new) in COMMON_PASSWORDS:
        raise RuleViolation("这个密码太常见，容易被猜到，请换一个。", FIELD)


def tells_password(text: str) -> bool:
    """Whether a text others will read holds a default password, a one-time password or a permission code."""
    typed = half_width(text)
    return TYPED_DEFAULT.search(typed) is not None or ISSUED.search(typed.upper()) is not None


def lock_after(failures: int, *, limit: int = FAILURES_ALLOWED) -> bool:
    """Whether this many consecutive wrong passwords lock the account: more than three, so the fourth (S0-07, Z-11)."""
    return failures > limit


def _contains(password: str, known: str | None) -> bool:
    return bool(known and _folded(known) in _folded(password))


def _is_default_shaped(password: str) -> bool:
    # Anybody's: the login rewrites every text of this shape, so nobody may choose one.
    return TYPED_DEFAULT.fullmatch(half_width(password)) is not None


def _folded(text: str) -> str:
    return half_width(text).casefold()
