"""Which column of an upload is which: by label or name, however the header was typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rules.normal_form import normal_form
from views.panel.excel.columns import RESULT_LABEL, SheetColumn

# The red star of a template and what people put in its place.
_REQUIRED_SIGNS = re.compile(r"\*|\(必填\)|\s")


@dataclass(frozen=True)
class HeaderMatch:
    """How the header of an upload falls on the columns of a table.

    ``mapping`` goes from 0-based position to column name; a column named twice is mapped where it stands first and listed
    in ``duplicated``. ``missing`` holds every column not found, required or not.
    """

    mapping: dict[int, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    missing: list[SheetColumn] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)


def match_headers(columns: Sequence[SheetColumn], header: Sequence[str]) -> HeaderMatch:
    """Find each column under its label or name, with or without star, in any width; 导入结果 is nobody's and ignored."""
    # Labels win over names: where one column's name is another's label, the label is what the user reads.
    known = {header_key(column.name): column for column in columns} | {header_key(column.label): column for column in columns}
    match = HeaderMatch()
    for position, text in enumerate(header):
        key = header_key(text)
        if not key or key == header_key(RESULT_LABEL):
            continue
        column = known.get(key)
        if column is None:
            match.unknown.append(text.strip())
        elif column.name in match.mapping.values():
            match.duplicated.append(column.label)
        else:
            match.mapping[position] = column.name
    match.missing.extend(column for column in columns if column.name not in match.mapping.values())
    return match


def header_key(text: str) -> str:
    """A header without what people write differently: star, blanks, width, case."""
    return _REQUIRED_SIGNS.sub("", normal_form(text)).casefold()
