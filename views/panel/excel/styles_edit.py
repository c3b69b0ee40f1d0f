"""Two more looks in a workbook's styles: a cell with a fault, and the sentences about it."""

from __future__ import annotations

import re

from views.panel.excel.xml_splice import Splice, prefix_of

# In this order, as differential formats: what a conditional format lays over a cell.
FAULT_LOOK = b'<{p}dxf><{p}fill><{p}patternFill><{p}bgColor rgb="FFFFC7CE"/></{p}patternFill></{p}fill></{p}dxf>'
RESULT_LOOK = b'<{p}dxf><{p}font><{p}b/><{p}color rgb="FFC00000"/></{p}font></{p}dxf>'
AFTER_DXFS = frozenset({"tableStyles", "colors", "extLst"})

_COUNT = re.compile(rb"\scount\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def add_result_looks(styles: bytes) -> tuple[bytes, int]:
    """The styles part with both looks appended, and the number of the first."""
    edit = _StylesEdit()
    changed = b"".join(edit.run(iter([styles])))
    return changed, edit.count


class _StylesEdit(Splice):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._depth = 0
        self._prefix = b""
        self._list_at: int | None = None
        self._is_done = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self.kinds[name]
        if self._depth == 0:
            self._prefix = prefix_of(self.tag())
        elif self._depth == 1 and kind == "dxfs":
            self._list_at = self.keep()
        elif self._depth == 1 and kind in AFTER_DXFS and not self._is_done:
            self.insert(self._whole_list())
        elif self._depth == 2 and kind == "dxf" and self._list_at is not None and not self._is_done:
            self.count += 1
        self._depth += 1

    def end(self, name: str) -> None:
        self._depth -= 1
        kind = self.kinds[name]
        if self._depth == 1 and kind == "dxfs" and self._list_at is not None:
            self._extend_list(self._list_at)
        elif self._depth == 0 and not self._is_done:
            self.insert(self._whole_list())

    def _extend_list(self, at: int) -> None:
        self._is_done = True
        tag = self.tag(at)
        opening = _COUNT.sub(b"", tag.rstrip(b"/>")) + b' count="%d">' % (self.count + 2)
        self.release()
        self.replace_tag(opening, at)
        if tag.endswith(b"/>"):
            self.insert(self._looks() + self._closing())
        else:
            self.insert(self._looks())

    def _whole_list(self) -> bytes:
        self._is_done = True
        return b'<%sdxfs count="2">' % self._prefix + self._looks() + self._closing()

    def _looks(self) -> bytes:
        return (FAULT_LOOK + RESULT_LOOK).replace(b"{p}", self._prefix)

    def _closing(self) -> bytes:
        return b"</%sdxfs>" % self._prefix
