"""Text in one of Unicode's normal forms, however long it is and whatever its writer meant by it.

The one thing a newcomer gets wrong: ``unicodedata.normalize`` sorts every run of combining marks, at a cost that grows with its
square; a hundred thousand of them, which fit into one small request, take seconds. Nothing else in the project calls it.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

PIECE = 256
"""What is normalised at once: far more than a name, a number or a heading has."""
LONGEST = 10_000
"""Beyond it nobody means a name, number or heading. One character may become eighteen, so this bounds what is made of it as well."""


def normal_form(text: str, form: Literal["NFC", "NFKC"] = "NFKC") -> str:
    """The text in that form, at a cost that grows with its length only; one of more than ``LONGEST`` characters stays as it is.

    Long text is normalised piece by piece: only a mark that a piece ends before stays apart from its letter.
    """
    if len(text) > LONGEST:
        return text
    return "".join(unicodedata.normalize(form, text[at : at + PIECE]) for at in range(0, len(text), PIECE))
