"""What a generated page consists of, as plain values: the screens fill them, the templates draw them.

A template decides nothing and asks the database nothing: whatever it shows stands here. So a page can be tested without
HTML, and the whole look can change without touching a view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Button:
    """A thing to press. ``why`` is the sentence that says why it is closed; a closed button is shown disabled with it."""

    label: str
    url: str = ""
    icon: str = ""
    kind: Literal["primary", "normal", "success", "danger", "ghost"] = "normal"
    method: Literal["get", "post"] = "get"
    confirm: str = ""
    """A second confirmation asks this, in words that say what will happen."""
    comment: Literal["", "optional", "required"] = ""
    """Ask for a comment in the confirmation dialog (sent as ``comment``)."""
    comment_label: str = ""
    confirm_label: str = ""
    """What the button of the second confirmation is called; empty: like this one."""
    why: str = ""
    values: tuple[tuple[str, str], ...] = ()
    """Hidden form values sent with a POST."""


@dataclass(frozen=True)
class Cell:
    """One value on a page, already formatted, masked and translated."""

    text: str
    href: str = ""
    badge: str = ""
    """A Tabler colour (yellow, green, red, blue, gray …): the text is drawn as a badge."""
    muted: bool = False
    number: bool = False

    @property
    def look(self) -> str:
        """How a table draws it: a short value stays on one line, a sentence may wrap."""
        wraps = "text-nowrap" if len(self.text) <= 20 else "long"
        return wraps + (" num" if self.number else "") + (" text-secondary" if self.muted or self.text in ("", "--") else "")


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    sort_url: str = ""
    """Where a click on the header leads; empty when the column cannot be sorted by."""
    sorted: Literal["", "ascending", "descending"] = ""
    number: bool = False


@dataclass(frozen=True)
class Row:
    id: str
    cells: Sequence[Cell]
    buttons: Sequence[Button] = ()
    """Inline buttons (通过 / 不通过)."""
    menu: Sequence[Button] = ()
    """The rest, behind the three dots."""
    label: str = ""
    """What the record is called; a screen reader names the row's checkbox by it."""

    @property
    def lead(self) -> Cell | None:
        """What heads the row where it is drawn as a card: the cell its name begins with, else the first that leads somewhere."""
        named = (cell for cell in self.cells if cell.text and self.label.startswith(cell.text))
        return next(named, next((cell for cell in self.cells if cell.href), None))


@dataclass(frozen=True)
class Pill:
    label: str
    url: str
    count: int | None
    active: bool = False
    value: str = ""


@dataclass(frozen=True)
class Facet:
    name: str
    label: str
    pills: Sequence[Pill]
    """The first pill is 全部."""


@dataclass(frozen=True)
class Filter:
    """One control of 更多筛选. Its inputs are named ``f.<name>`` (ranges: ``f.<name>.from`` and ``f.<name>.to``)."""

    name: str
    label: str
    kind: Literal["text", "choice", "range_number", "range_date", "remote", "boolean"]
    value: str = ""
    upper: str = ""
    options: Sequence[tuple[str, str]] = ()
    remote_url: str = ""
    value_label: str = ""


@dataclass(frozen=True)
class Pager:
    page: int
    pages: int
    total: int
    size: int
    links: Sequence[tuple[int | None, str]]
    """Page number and its address; ``(None, "")`` is the gap (1 2 3 4 5 … 14700)."""
    previous: str = ""
    next: str = ""
    sizes: Sequence[tuple[int, str]] = ()
    approximate: bool = False


@dataclass(frozen=True)
class ListPage:
    title: str
    table: str
    summary: str
    breadcrumbs: Sequence[tuple[str, str]]
    base_url: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    pager: Pager
    buttons: Sequence[Button] = ()
    facets: Sequence[Facet] = ()
    facets_url: str = ""
    """Set when the counts are fetched after the page: JSON ``{facet: {value: count}}`` ("" = all)."""
    filters: Sequence[Filter] = ()
    chips: Sequence[tuple[str, str]] = ()
    """Active filters in words, each with the address without it."""
    search: str = ""
    """Sent as ``q``; ``anywhere=1`` asks for a match anywhere instead of at the beginning. (An input called ``contains`` would
    hide the method of that name every form has in a browser.)"""
    contains: bool = False
    anywhere_url: str = ""
    """The same search anywhere in the text; empty when that is what was searched, or nothing."""
    searchable: bool = False
    search_hint: str = ""
    hidden: Sequence[tuple[str, str]] = ()
    """Parameters the search form and 跳至 carry along: all but ``q``, ``anywhere`` and ``page``."""
    bulk: Sequence[Button] = ()
    """Each posts to its ``url``, or else to ``bulk_url``: ``id`` (repeated) or ``all=1`` with ``query``, and the first pair
    of its ``values``; with ``confirmed=1`` (and ``comment``) once the question has been answered. ``{n}`` in ``confirm``
    becomes the number of records."""
    bulk_url: str = ""
    saved_views: Sequence[tuple[str, str, str]] = ()
    """Name, address, address to forget it (POST)."""
    save_view_url: str = ""
    export_url: str = ""
    """Gets ``scope`` (``page``, ``selection`` with ``id``…, ``all``), ``columns``…, ``format``, ``query``, ``page``, ``size``."""
    export_columns: Sequence[tuple[str, str, bool]] = ()
    """Name, label, chosen at first."""
    import_url: str = ""
    empty_hint: str = ""
    narrowed: bool = False
    """Whether a search, a facet or a filter leaves rows out."""
    notice: str = ""
    query: str = ""
    """The list's own query string, which 全部 N 条 actions and exports carry."""


@dataclass(frozen=True)
class Fact:
    label: str
    cell: Cell
    reveal_url: str = ""
    """POST here to see the full value (an act, and noted)."""


@dataclass(frozen=True)
class HistoryLine:
    at: str
    who: str
    post: str
    what: str
    changes: Sequence[tuple[str, str, str]]
    """Label, before, after."""
    comment: str = ""


@dataclass(frozen=True)
class Related:
    """A list of rows that hang on this record."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: int
    all_url: str
    add_url: str = ""
    add_label: str = ""
    """What the button that adds one says; empty: 新增, the heading says what."""


@dataclass(frozen=True)
class FileLine:
    """One file: what it is called, how large it is, where it is looked at and downloaded."""

    id: int
    name: str
    size: str
    icon: str
    url: str
    preview_url: str = ""
    """Empty when a browser cannot show it."""


@dataclass(frozen=True)
class FileList:
    """The files of one slot of a record."""

    label: str
    files: Sequence[FileLine]
    is_noted: bool = False
    """Whoever opens one leaves a line in the history."""


@dataclass(frozen=True)
class UploadBox:
    """The control of one slot on a form. It sends ``files.<name>`` (ids, and an empty one) and, without scripts, ``upload.<name>``."""

    name: str
    label: str
    help: str
    limits: str
    accept: str
    """The endings a browser offers."""
    most: int
    required: bool
    begin_url: str
    table: str
    files: Sequence[FileLine] = ()
    errors: Sequence[str] = ()
    shown_with: str = ""
    """``kind=homework``: shown, and sent, only while that field of the form has that value."""


@dataclass(frozen=True)
class RecordPage:
    title: str
    table: str
    breadcrumbs: Sequence[tuple[str, str]]
    state: Cell | None
    facts: Sequence[Fact]
    buttons: Sequence[Button]
    related: Sequence[Related] = ()
    history: Sequence[HistoryLine] = ()
    notice: str = ""
    files: Sequence[FileList] = ()
    sections: Sequence[tuple[str, Any, Any]] = ()
    """Title, template name and what the template reads as ``about``, of hand-made blocks a subclass adds."""


@dataclass(frozen=True)
class FormPage:
    title: str
    table: str
    breadcrumbs: Sequence[tuple[str, str]]
    form: Any
    """A WTForms form; each field's ``render_kw``/``widget`` is already the right native control."""
    fields: Sequence[str]
    cancel_url: str
    submit_label: str
    errors: Sequence[tuple[str, str]] = ()
    """Field id ("" = whole form) and sentence, for the summary on top."""
    conflict: Sequence[tuple[str, str, str]] = ()
    """Somebody else changed the record meanwhile: label, theirs, yours."""
    version: str = ""
    uploads: Sequence[UploadBox] = ()
    again_label: str = ""
    """A second button that saves and opens an empty form again (sent as ``again``)."""


@dataclass(frozen=True)
class ConfirmPage:
    """A second confirmation without JavaScript, and every deletion: what will happen, in words."""

    title: str
    message: str
    submit: Button
    cancel_url: str
    details: Sequence[str] = ()
    blocked: str = ""
    values: Sequence[tuple[str, str]] = field(default=())
    comment: str = ""
    """What was typed before the step was refused."""
    refusal: str = ""
    """Why the step was refused with this comment."""
    is_revisable: bool = False
    """取消 sends the values back as ``revise``, to the form they came from, instead of leaving them behind."""


@dataclass(frozen=True)
class MenuItem:
    label: str
    url: str = ""
    icon: str = ""
    active: bool = False
    waiting: int = 0
    children: Sequence[MenuItem] = ()


@dataclass(frozen=True)
class Workbench:
    """One of the places a person works in: an admin post, or all personal posts together (S3-37, S3-40)."""

    key: str
    unit: str
    role: str
    current: bool = False


@dataclass(frozen=True)
class Shell:
    """What surrounds every page of a signed-in person; templates call ``shell()`` once."""

    menu: Sequence[MenuItem]
    workbenches: Sequence[Workbench]
    account_label: str
    banner: str = ""
    banner_url: str = ""
    notices: int = 0
    """How many the person has not read."""
    notices_url: str = ""
