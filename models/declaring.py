"""What is said of a wrong declaration: one sentence that names the class, what it says, what is right, and the page to read.

The one thing a newcomer gets wrong: an option is read while the class is still being written, so nobody could be told its name;
the body that gives the option knows it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from types import FrameType

GUIDE = "docs/adding-a-table.md"


class DeclarationError(TypeError):
    """A table's declaration is incomplete; the message says what is missing and which page to read."""


def check_options(what: str, given: Iterable[str], known: Collection[str]) -> None:
    """Raise DeclarationError for an option of ``what`` that there is not, naming the nearest there is."""
    for option in given:
        if option not in known:
            nearest = get_close_matches(option, known, n=1)
            instead = f"write “{nearest[0]}”" if nearest else f"there are {', '.join(known)}"
            raise DeclarationError(f"{_class_being_written()}: {what} has no option “{option}”; {instead}, see {GUIDE}")


def _class_being_written() -> str:
    """The class whose body calls, or the module where none does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and "__qualname__" not in frame.f_locals:
        frame = frame.f_back
    return str(frame.f_locals["__qualname__"]) if frame is not None else "a declaration"
