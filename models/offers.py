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
_offered: dict[tuple[type[Any], str], Offer] = {}


def offers(model: type[Any], link: str) -> Callable[[Offer], Offer]:
    """Register ``rows(identity, act)``: the rows that the form of ``act`` (add, edit) offers for the link, in their order."""
    return lambda offer: _offered.setdefault((model, link), offer)


def offered(model: type[Any], link: str, identity: Identity, act: str) -> Select[Any] | None:
    """Those rows, read by whoever asks on the person's behalf; None where all that they read will do."""
    offer = _offered.get((model, link))
    return offer(identity, act) if offer is not None else None
