"""Text in a normal form: the same as ever for what people write, cheap for what nobody writes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date

import pytest

from rules.code_text import normalise_code
from rules.errors import RuleViolation
from rules.file_types import LONGEST_NAME, clean_name
from rules.id_numbers import check_resident_id, half_width
from rules.normal_form import LONGEST, PIECE, normal_form
from rules.passwords import normalise_login_name, normalise_typed_password, tells_password
from views.panel.excel.cells import parse_cell
from views.panel.excel.columns import SheetColumn
from views.panel.excel.headers import header_key

MARKS = "a" + "\u0300\u0316" * 50_000
"""Six seconds, were it normalised at once."""
CALLERS: list[Callable[[str], object]] = [
    half_width,
    normalise_login_name,
    normalise_typed_password,
    tells_password,
    normalise_code,
    clean_name,
    header_key,
    lambda text: parse_cell(SheetColumn("hours", "学时", "decimal"), text),
    lambda text: parse_cell(SheetColumn("on", "日期", "date"), text),
    lambda text: parse_cell(SheetColumn("kind", "类别", "enum", choices=("是",)), text),
]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many characters were normalised at once, each time."""
    seen: list[int] = []
    real = unicodedata.normalize

    def normalize(form: str, text: str) -> str:
        seen.append(len(text))
        return real(form, text) if len(text) <= PIECE else text  # type: ignore[arg-type]

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    return seen


@pytest.mark.parametrize("text", [MARKS, MARKS[:LONGEST]], ids=["far too long", "long"])
@pytest.mark.parametrize("caller", CALLERS)
def test_nobody_normalises_much_at_once(caller: Callable[[str], object], text: str, at_once: list[int]) -> None:
    try:
        caller(text)
    except RuleViolation as refusal:
        assert len(refusal.message) < 500
    assert max(at_once, default=0) <= PIECE


def test_text_of_any_usual_length_is_normalised_whole() -> None:
    for length in (1, PIECE, PIECE + 1, 5 * PIECE, LONGEST):
        assert normal_form("Ａ" * length) == "A" * length
    assert normal_form("e\u0301", "NFC") == "é" and normal_form("") == ""


def test_what_is_made_of_it_stays_within_bounds() -> None:
    for length in (LONGEST, LONGEST + 1, 900_000):
        assert len(half_width("\ufdfa" * length)) <= max(18 * LONGEST, length)
    assert len(clean_name("\ufdfa" * 100_000 + ".pdf")) == LONGEST_NAME


def test_a_number_that_long_has_its_own_sentence() -> None:
    with pytest.raises(RuleViolation, match="应为18位"):
        check_resident_id(MARKS, date(2026, 11, 23))
