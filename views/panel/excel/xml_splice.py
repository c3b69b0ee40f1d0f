"""Changing a few places of a large XML part while all the rest passes through byte by byte.

Whatever a workbook carries that we know nothing of (extensions, prefixes, the order of attributes) stays as its program wrote
it. The parser tells where elements begin and end; the bytes between two edits are copied, never written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from views.panel.excel.package import feed, guarded_parser
from views.panel.excel.scan import Kinds

# A start tag, minding a ">" inside an attribute.
_TAG = re.compile(rb"<([^\s/>]+)(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")


class Splice:
    """One pass over a part. A subclass says in ``start`` and ``end`` what to do at an element.

    Edits go forward only: each begins where the parser stands or after.
    """

    def __init__(self) -> None:
        self.kinds = Kinds()
        self.parser = guarded_parser()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self._held = b""
        self._held_from = 0
        self._done_to = 0
        self._kept_from: int | None = None
        self._out: list[bytes] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        raise NotImplementedError

    def end(self, name: str) -> None:
        """An element ends."""
        raise NotImplementedError

    def run(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The part with its edits."""
        for chunk in chunks:
            self._held += chunk
            feed(self.parser, chunk)
            # Whatever comes next begins where the parser stopped, or where an edit is still being decided.
            self.copy_to(self.parser.CurrentByteIndex if self._kept_from is None else self._kept_from)
            yield self._take()
        feed(self.parser, b"", is_last=True)
        self.copy_to(self._held_from + len(self._held))
        yield self._take()

    def tag(self, at: int | None = None) -> bytes:
        """The start tag as it stands, here or at an earlier place that was kept."""
        found = _TAG.match(self._held, (self.here if at is None else at) - self._held_from)
        if found is None:
            raise ValueError("no start tag at this place")
        return found[0]

    @property
    def here(self) -> int:
        """The place the parser stands at: the "<" of the tag it reports."""
        return self.parser.CurrentByteIndex

    def copy_to(self, place: int) -> None:
        """Pass everything on up to this place."""
        if place > self._done_to:
            self._out.append(self._held[self._done_to - self._held_from : place - self._held_from])
            self._done_to = place

    def insert(self, text: bytes) -> None:
        """Put something in front of the tag the parser reports."""
        self.copy_to(self.here)
        self._out.append(text)

    def replace_tag(self, text: bytes, at: int | None = None) -> None:
        """Put something in the place of a start tag."""
        place = self.here if at is None else at
        self.copy_to(place)
        self._out.append(text)
        self._done_to = place + len(self.tag(place))

    def keep(self) -> int:
        """Pass nothing on from this start tag until ``release`` or ``cut``; the place it is at."""
        self._kept_from = self.here
        return self.here

    def release(self) -> None:
        """Let go what was kept."""
        self._kept_from = None

    def cut(self) -> None:
        """Leave out the element that was kept, at its end."""
        assert self._kept_from is not None
        self.copy_to(self._kept_from)
        is_empty = self.tag(self._kept_from).endswith(b"/>")
        self._done_to = self.here if is_empty else self._held.index(b">", self.here - self._held_from) + 1 + self._held_from
        self._kept_from = None

    def _take(self) -> bytes:
        self._held = self._held[self._done_to - self._held_from :]
        self._held_from = self._done_to
        taken = b"".join(self._out)
        self._out.clear()
        return taken


def prefix_of(tag: bytes) -> bytes:
    """The namespace prefix of a start tag with its colon, or nothing."""
    name = _TAG.match(tag)
    return name[1].rpartition(b":")[0] + b":" if name and b":" in name[1] else b""
