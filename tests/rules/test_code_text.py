"""Permission codes as text: drawn, read, checked, hashed (S3-24, Z-14)."""

import hashlib
import hmac
import math
import re
from itertools import pairwise

import pytest

from rules.code_text import (
    ALPHABET,
    LENGTH,
    RANDOM_CHARACTERS,
    check_character,
    code_hash,
    code_prefix,
    display_code,
    new_code,
    normalise_code,
)
from rules.errors import RuleViolation

BODY = "AC3D4EF6G7HJ9KM"
# Written out: codes already handed over must stay valid whatever changes here.
SHOWN = "AC3D-4EF6-G7HJ-9KM7"
PLAIN = SHOWN.replace("-", "")
KEY = b"a key of this installation"


def refusal(text):
    with pytest.raises(RuleViolation) as caught:
        normalise_code(text)
    assert caught.value.field == "code"
    return caught.value.message


def accepted(text):
    try:
        return normalise_code(text) == text
    except RuleViolation:
        return False


def test_a_code_holds_sixty_random_bits_without_look_alikes():
    assert RANDOM_CHARACTERS * math.log2(len(ALPHABET)) >= 60
    assert len(set(ALPHABET)) == len(ALPHABET) == 23
    assert not set(ALPHABET) & set("0OQ1IL2Z5S8BU")
    assert ALPHABET.isupper()


def test_the_check_character_rests_on_a_prime():
    assert all(len(ALPHABET) % divisor for divisor in range(2, len(ALPHABET)))
    assert len(ALPHABET) > LENGTH


def test_new_codes_are_valid_shown_in_fours_and_never_alike():
    codes = [new_code() for _ in range(2000)]
    shape = re.compile(rf"[{ALPHABET}]{{4}}(-[{ALPHABET}]{{4}}){{3}}")
    assert all(shape.fullmatch(code) and display_code(code) == code for code in codes)
    assert len(set(codes)) == 2000
    for place in range(LENGTH):
        assert {normalise_code(code)[place] for code in codes} == set(ALPHABET)


@pytest.mark.parametrize(
    "typed",
    [
        PLAIN,
        SHOWN,
        SHOWN.lower(),
        f"  {SHOWN}\n",
        SHOWN.replace("-", " "),
        SHOWN.replace("-", "\u3000"),
        SHOWN.replace("-", " - "),
        *(SHOWN.replace("-", dash) for dash in "‐‑‒–—―−－﹣ー─_＿"),
        SHOWN.replace("-", "——"),
        "".join(chr(ord(char) + 0xFEE0) for char in SHOWN),
        "".join(chr(ord(char) + 0xFEE0) for char in SHOWN.lower()),
        "\ufeff" + SHOWN + "\u200b",
        "\t".join(PLAIN),
        SHOWN.replace("-", "\u2028"),
        SHOWN.replace("-", "\u2029"),
    ],
)
def test_one_code_however_pasted(typed):
    assert normalise_code(typed) == PLAIN
    assert display_code(typed) == SHOWN
    assert code_prefix(typed) == PLAIN[:4]
    assert code_hash(KEY, typed) == code_hash(KEY, PLAIN)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "请填写"),
        (" -- ", "请填写"),
        (PLAIN[:-1], "现在是15位"),
        (PLAIN + "A", "现在是17位"),
        ("0" + PLAIN[1:], "不会用到"),
        (PLAIN[:-1] + "码", "不会用到"),
        (PLAIN[:-1] + "*", "不会用到"),
        (PLAIN[1] + PLAIN[0] + PLAIN[2:], "颠倒"),
        ("ß" * 8, "不会用到"),
    ],
)
def test_the_sentence_says_what_to_look_at_and_not_the_code(typed, words):
    message = refusal(typed)
    assert words in message
    assert not any(typed[start : start + 4] in message for start in range(max(len(typed) - 3, 0)))


def test_the_sentence_lists_exactly_the_characters_that_are_never_used():
    listed = set(re.findall("[0-9A-Z]", refusal("0" + PLAIN[1:])))
    assert listed == set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set(ALPHABET)


def test_every_single_wrong_character_is_noticed():
    for place in range(RANDOM_CHARACTERS):
        for right in ALPHABET:
            body = BODY[:place] + right + BODY[place + 1 :]
            code = body + check_character(body)
            assert [wrong for wrong in ALPHABET if accepted(code[:place] + wrong + code[place + 1 :])] == [right]
            assert [last for last in ALPHABET if accepted(body + last)] == [code[-1]]


def test_every_exchange_of_two_neighbours_is_noticed():
    for left, right in pairwise(range(RANDOM_CHARACTERS)):
        for first in ALPHABET:
            for second in ALPHABET.replace(first, ""):
                body = BODY[:left] + first + second + BODY[right + 1 :]
                swapped = BODY[:left] + second + first + BODY[right + 1 :]
                assert not accepted(swapped + check_character(body))


def test_the_check_character_exchanged_with_its_neighbour_is_noticed():
    different = 0
    for first in ALPHABET:
        for second in ALPHABET:
            body = BODY[:-2] + first + second
            code = body + check_character(body)
            if code[-1] != code[-2]:
                different += 1
                assert not accepted(code[:-2] + code[-1] + code[-2])
    assert different > 400


def test_the_hash_is_keyed_and_says_nothing():
    digest = code_hash(KEY, SHOWN)
    assert digest == hmac.new(KEY, PLAIN.encode(), hashlib.sha256).hexdigest()
    assert digest != code_hash(b"another key", SHOWN)
    assert digest != hashlib.sha256(PLAIN.encode()).hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", digest)


def test_nothing_is_hashed_or_shown_that_is_no_code():
    for act in (display_code, code_prefix, lambda text: code_hash(KEY, text)):
        with pytest.raises(RuleViolation):
            act(PLAIN[:-1])
