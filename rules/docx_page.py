"""A .docx as HTML in which nothing acts, made in a process of its own: ``python -m rules.docx_page <document >page``.

A document of a few kilobytes may ask for minutes and gigabytes (a million empty paragraphs, one picture shown a thousand times), so
what the process takes is limited and it can be ended, which a thread of the web server cannot. The one thing a newcomer gets wrong:
this runs alone, so nothing of the platform is imported or known here.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from io import BytesIO
from typing import IO, Any, cast

SECONDS = 30
MEMORY = 1024**3
LARGEST_HTML = 32 * 1024**2
"""Characters, pictures among them: two dozen photographs; a browser shows more only slowly."""
TAGS = {
    *("p", "br", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "u", "s", "sub", "sup", "a", "img", "blockquote", "pre"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "td", "th", "dl", "dt", "dd"),
}
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
PICTURES = ("data:image/png;", "data:image/jpeg;", "data:image/gif;", "data:image/bmp;", "data:image/webp;")


def html_of(document: IO[bytes]) -> str:
    """Its text, tables and pictures; ValueError when that is too much, and whatever the reader raises when it is no document."""
    import mammoth
    import nh3

    html = cast("Any", mammoth).convert_to_html(document).value
    if len(html) > LARGEST_HTML:
        raise ValueError("too much to show")
    return nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, attribute_filter=_harmless, url_schemes={"http", "https", "mailto", "data"})


def _harmless(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if value.startswith(PICTURES) else None
    return None if attribute == "href" and value.lower().lstrip().startswith("data:") else value


def _limit() -> None:
    """Ends the process when it has worked for too long, even if whoever started it is gone."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    # Some systems of developers know no such limit.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    _limit()
    sys.stdout.buffer.write(html_of(BytesIO(sys.stdin.buffer.read())).encode())
