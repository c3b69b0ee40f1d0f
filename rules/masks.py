"""What may be shown of a protected value to who may not see it whole (S3-99, S3-119).

The one thing a newcomer gets wrong: the stars never stand for more characters than the value has. A value too short for
the pattern is starred whole, so a nine-character passport does not give away six of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rules.account_names import looks_like_phone
from rules.id_numbers import half_width, looks_like_id_number

STAR = "*"


def mask_phone(value: str | None) -> str:
    """138****4708 (S3-99)."""
    return _keep_ends(value, head=3, stars=4, tail=4)


def mask_id_number(value: str | None) -> str:
    """35*****0375, however long the number (S3-119)."""
    return _keep_ends(value, head=2, stars=5, tail=4)


def mask_account(value: str | None) -> str:
    """An account that is a phone or an identity number, masked as such; OrganAdmin12 as it stands (S3-99, S4-52)."""
    name = half_width(value or "")
    if looks_like_phone(name):
        return mask_phone(name)
    if looks_like_id_number(name):
        return mask_id_number(name)
    return value or ""


def mask_name(value: str | None) -> str:
    """张**: the first character, unless it is the whole name."""
    name = (value or "").strip()
    if len(name) < 2:
        return STAR * len(name)
    return name[0] + STAR * (len(name) - 1)


MASKS: Mapping[str, Callable[[str | None], str]] = {
    "phone": mask_phone,
    "id_number": mask_id_number,
    "account": mask_account,
    "name": mask_name,
}


def _keep_ends(value: str | None, *, head: int, stars: int, tail: int) -> str:
    text = (value or "").strip()
    if len(text) < head + stars + tail:
        return STAR * len(text)
    return text[:head] + STAR * stars + text[-tail:]
