"""Which rows a link of a form may name, where they are not simply those its writer reads; ``rules`` registers the answers here.

The one thing a newcomer gets wrong: this is what is offered and found, by every form and by REST. What is saved is still asked by
``models.invariants``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select

from models.scoping import Identity

Offer = Callable[[Identity, str], Select[Any]]
_offered: dict[tuple[type[Any], str], tuple[Offer, str]] = {}


def offers(model: type[Any], link: str, *, why: str = "") -> Callable[[Offer], Offer]:
    """Register ``rows(identity, act)``: the rows that the form of ``act`` (add, edit) offers for the link, in their order.

    ``why`` is the sentence that any other row is refused with, one out of reach or not there at all among them.
    """
    return lambda offer: _offered.setdefault((model, link), (offer, why))[0]


def offered(model: type[Any], link: str, identity: Identity, act: str) -> tuple[Select[Any], str] | None:
    """Those rows, read by whoever asks on the person's behalf, and the sentence; None where all that they read will do."""
    found = _offered.get((model, link))
    return (found[0](identity, act), found[1]) if found is not None else None
