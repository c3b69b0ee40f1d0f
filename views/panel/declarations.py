"""What a declaration says that no screen could draw: found as the platform starts, before it becomes somebody's error page.

``models.base`` refuses what it can tell from the class alone; here links, menu and masks are known too. The one thing a newcomer gets
wrong: what is only left out (an index, a translation) starts nevertheless, and is named by ``doctor``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from models.base import Base, declared
from models.declaring import GUIDE, DeclarationError
from models.fields import Field, fields_of
from models.scoping import Scoped, Shared
from rules.masks import MASKS
from views.panel.menu import GROUPS

GENERIC_ACTS = ("read", "add", "edit", "delete", "export", "import")
UNCOUNTED = ("bool", "date", "datetime", "longtext", "json", "links")
UNSORTED = ("link", "links", "json")
UNFILTERED = ("longtext", "links", "json")


def check_screens(acts: dict[type[Any], Sequence[str]]) -> None:
    """Raise DeclarationError with a sentence for every mistake; ``acts`` are those of each table, its view's verbs among them."""
    found = [f"{model.__name__}: {mistake}" for model in declared() for mistake in mistakes(model, acts[model])]
    if found:
        raise DeclarationError("\n".join([*found, f"see {GUIDE}"]))


def mistakes(model: type[Any], acts: Sequence[str]) -> Iterator[str]:
    """What is wrong with one table's declaration, a sentence each that says what to write instead."""
    known = fields_of(model)
    unknown = _unknown_names(model, known)
    yield from unknown
    if not unknown:
        yield from _uses(model, known)
    yield from _fields(known, acts)
    yield from _table(model, known)
    yield from _related(model)


def _unknown_names(model: type[Any], known: dict[str, Field]) -> list[str]:
    by_column = {field.key: name for name, field in known.items() if field.key != name}
    names = sorted(model.__screen__.names() - known.keys())
    hidden = sorted(n for n, field in known.items() if field.hidden and n in model.__screen__.names() - {model.__screen__.order})
    told = [f"the screen names “{n}”, {_instead(n, by_column, known)}" for n in names]
    return [*told, *(f"the screen names “{n}”, which is hidden; take one of the two out" for n in hidden)]


def _instead(name: str, by_column: dict[str, str], known: dict[str, Field]) -> str:
    if name in by_column:
        return f"a link is called “{by_column[name]}” there"
    return f"which is no field with a label; there are {', '.join(n for n, field in known.items() if not field.hidden)}"


def _uses(model: type[Any], known: dict[str, Field]) -> Iterator[str]:
    """Fields asked for what their kind cannot do."""
    screen = model.__screen__
    for name in screen.search:
        if known[name].kind != "text":
            yield f"search looks into texts, and “{name}” is none; put it into filters"
    for name in screen.facets:
        if known[name].kind in UNCOUNTED or (known[name].kind == "link" and not _is_reference(known[name].target)):
            yield f"“{name}” has no short list of values to count as a facet; put it into filters"
    for name in screen.filters:
        if known[name].kind in UNFILTERED:
            yield f"nothing can be filtered by “{name}” ({known[name].kind}); take it out of filters"
    for name in screen.sort:
        if known[name].kind in UNSORTED:
            yield f"nothing can be sorted by “{name}” ({known[name].kind}); take it out of sort"
    for name in screen.form or ():
        if known[name].readonly:
            yield f"the form offers “{name}”, which is readonly; take one of the two out"


def _is_reference(target: type[Any]) -> bool:
    return issubclass(target, Shared) and hasattr(target, "is_active")


def _fields(known: dict[str, Field], acts: Sequence[str]) -> Iterator[str]:
    for field in known.values():
        if not field.label:
            yield f"field “{field.name}” has no label"
        if field.mask and field.mask not in MASKS:
            yield f"field “{field.name}” has the mask “{field.mask}”; there are {', '.join(MASKS)}"
        if field.act and field.act not in acts:
            yield f"field “{field.name}” asks the act “{field.act}”, which nobody can be granted; add it to extra_acts"


def _table(model: type[Any], known: dict[str, Field]) -> Iterator[str]:
    screen, owner = model.__screen__, getattr(model, "__owner__", "")
    if not screen.label:
        yield "the screen has no label"
    if screen.menu and screen.menu not in dict(GROUPS):
        yield f"the menu has no group “{screen.menu}”; there are {', '.join(dict(GROUPS))} (GROUPS in views/panel/menu.py)"
    for act in screen.acts:
        if act not in GENERIC_ACTS:
            yield f"acts knows no “{act}”, only {', '.join(GENERIC_ACTS)}; acts of the table's own go into extra_acts"
    if owner and (owner not in known or known[owner].kind != "link"):
        yield f"__owner__ names “{owner}”, which is no link of the table"
    if issubclass(model, Scoped) and not owner and {"add", "import"} & {*screen.acts}:
        yield "nothing says whose a new row is: name the link in __owner__, or leave add and import out of acts"


def _related(model: type[Any]) -> Iterator[str]:
    classes = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}
    for path in model.__screen__.related:
        name, _dot, link = path.partition(".")
        field = fields_of(classes[name]).get(link) if name in classes else None
        if field is None or field.kind != "link" or not issubclass(model, field.target):
            yield f"related names “{path}”, which is no link to this table; write the other class and its link, like “Teacher.school”"
