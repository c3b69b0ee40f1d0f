"""How a permission code is written: drawn, read back from a hurried paste, shown and hashed (S3-24, Z-14).

Sixteen characters, ``AC3D-4EF6-G7HJ-9KM7``: fifteen random ones and a check character, of an alphabet in which no two
look alike. The one thing a newcomer gets wrong: every function takes a code in any form it may arrive in, and none
repeats it in a sentence.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata

from rules.errors import RuleViolation
from rules.normal_form import normal_form

FIELD = "code"
# Without 0 O Q, 1 I L, 2 Z, 5 S, 8 B and U (V). Twenty-three is prime, which the check character rests on.
ALPHABET = "34679ACDEFGHJKMNPRTVWXY"
LENGTH = 16
# 15 × log2(23) = 67.8 bits; 49.8 remain to somebody who knows the prefix, behind limited guesses and a week's life.
RANDOM_CHARACTERS = LENGTH - 1
GROUP = 4

# What input methods put for a dash beside the dashes proper (category Pd).
DASH_LIKE = frozenset("−ー─_")
SEPARATORS = frozenset({"Pd", "Zs", "Zl", "Zp", "Cc", "Cf"})


def new_code() -> str:
    """A fresh code in the form it is shown in."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return display_code(body + check_character(body))


def normalise_code(text: str) -> str:
    """The sixteen characters of a code typed with any spaces, dashes, lower case or full width."""
    code = "".join(char for char in normal_form(text).upper() if not _separates(char))
    if not code:
        raise RuleViolation("请填写权限码。", FIELD)
    if len(code) != LENGTH:
        raise RuleViolation("权限码应为{length}位，现在是{count}位。", FIELD, length=LENGTH, count=len(code))
    if not set(code) <= set(ALPHABET):
        raise RuleViolation("权限码中有不会用到的字符：权限码不含0、1、2、5、8和B、I、L、O、Q、S、U、Z，请核对。", FIELD)
    if code[-1] != check_character(code[:-1]):
        raise RuleViolation("权限码有误，可能写错了一位或颠倒了两位，请逐位核对。", FIELD)
    return code


def display_code(text: str) -> str:
    """The code in groups of four with dashes."""
    code = normalise_code(text)
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def code_prefix(code: str) -> str:
    """The first group, kept in the clear so that support can tell which code a caller holds."""
    return normalise_code(code)[:GROUP]


def code_hash(secret_key: bytes, code: str) -> str:
    """What is stored instead of the code: HMAC-SHA256 in hex, useless to who reads the database without the key."""
    return hmac.new(secret_key, normalise_code(code).encode("ascii"), hashlib.sha256).hexdigest()


def check_character(body: str) -> str:
    """The sixteenth character: makes the weighted sum of all a multiple of 23.

    Weights 16 … 2, then 1: none is zero modulo the prime, so one wrong character always shows; all differ, so two
    exchanged ones always do.
    """
    total = sum(weight * ALPHABET.index(char) for weight, char in zip(range(LENGTH, 1, -1), body, strict=True))
    return ALPHABET[-total % len(ALPHABET)]


def _separates(char: str) -> bool:
    return char in DASH_LIKE or unicodedata.category(char) in SEPARATORS
