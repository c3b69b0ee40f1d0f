"""Column types that migrations write down by name. What is here is never changed once a migration has used it."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.types import TypeEngine


def bytewise(length: int) -> TypeEngine[str]:
    """Text compared byte by byte on every database, so that a range over an index answers "begins with"."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")
