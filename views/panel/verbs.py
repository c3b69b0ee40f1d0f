"""What can be done to a record besides editing it: one value per verb, from which buttons, bulk actions and checks come.

Workflow steps become verbs by themselves; a view adds its own (``verbs = (Verb("reset", …),)``). Every verb asks its three
questions in the service it calls; the view only draws it for who holds the act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from models.scoping import Identity

Outcome = Any
"""What a verb gives back: a sentence to tell, or a whole response to send (a file, a page shown once)."""
Run = Callable[[Session, Identity, Any, Mapping[str, str], datetime], Outcome]


@dataclass(frozen=True)
class Verb:
    """``run(session, identity, row, values, now)`` does it, commits, and returns a sentence or a response."""

    name: str
    label: str
    act: str
    run: Run
    icon: str = ""
    kind: Literal["primary", "normal", "success", "danger", "ghost"] = "normal"
    confirm: str = ""
    comment: Literal["", "optional", "required"] = ""
    comment_label: str = ""
    confirm_label: str = ""
    """What the button of the second confirmation is called; empty: like the verb."""
    shown: Callable[[Any], bool] = lambda row: True
    """Whether the button makes sense for this row at all."""
    inline: bool = False
    """On the list, stands in the row itself rather than behind its three dots."""
    bulk: bool = True
    run_in_bulk: Run | None = None
    """Done instead where many are done at once and nobody looks at a page for each."""
