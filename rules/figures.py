"""How a statistic is printed: rates and averages, half up, with a fixed number of decimals (S3-48, S3-55).

Halves go up, as on the published tables; Python's own ``round`` and formatting send them to the even neighbour or
stumble over binary fractions. The one thing a newcomer gets wrong: nothing to divide by prints zero, ``EMPTY`` is for
a column that does not apply to the row at all (the region columns of 直属学校).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

EMPTY = "--"


def rate(part: int | Decimal | None, whole: int | Decimal | None, decimals: int) -> str:
    """The share of ``part`` in ``whole``: 5498 of 6557 with one decimal is 83.8%; of nothing, 0.0% (S3-48)."""
    return f"{_quotient(Decimal(part or 0) * 100, whole, decimals)}%"


def average(total: int | Decimal | None, count: int | Decimal | None, decimals: int) -> str:
    """``total`` spread over ``count``, for instance hours per learner: 7.5; over nobody, 0.0."""
    return str(_quotient(Decimal(total or 0), count, decimals))


def growth(now: int, before: int | None, decimals: int) -> str:
    """By how much ``now`` is more than ``before``: 30 after 24 is +25.0%; ``EMPTY`` after nothing, or where it is not known."""
    if not before:
        return EMPTY
    return f"{'+' if now > before else ''}{rate(now - before, before, decimals)}"


def _quotient(dividend: Decimal, divisor: int | Decimal | None, decimals: int) -> Decimal:
    value = dividend / Decimal(divisor) if divisor else Decimal(0)
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
