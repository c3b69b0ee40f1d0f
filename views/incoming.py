"""What a request may hold at all: asked before any page looks at it, because no page is made for what no person can send.

The one thing a newcomer gets wrong: these are not rules about a field. They keep out what a parser, a database or a template would
fail on, so that it is refused with a sentence instead of ending as a crash.
"""

from __future__ import annotations

from itertools import chain
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, Response, abort, request
from flask.json.provider import DefaultJSONProvider
from flask_babel import gettext as _
from werkzeug.routing import IntegerConverter, RequestRedirect, ValidationError

DEEPEST = 20
"""Lists and objects within each other; what the platform reads has three."""
LARGEST_ID = 2**31 - 1
LARGEST_FORM = 1024 * 1024
"""Bytes of a form without files, or of JSON: the longest text somebody writes has a tenth, two thousand chosen records a thirtieth."""


class RowNumber(IntegerConverter):
    """``<int:…>`` in an address: a number no row can have leads nowhere."""

    def to_python(self, value: str) -> int:
        number: int = super().to_python(value)
        if number > LARGEST_ID:
            raise ValidationError
        return number


class PlainJson(DefaultJSONProvider):
    """JSON whose texts can be stored and whose depth can be followed; everything else is no JSON (ValueError, a 400)."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            value = super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        _check(value, DEEPEST)
        return value


def _check(value: Any, left: int) -> None:
    if isinstance(value, str):
        # Half of a surrogate pair is no character: it cannot be encoded, which is a ValueError.
        value.encode()
        if "\0" in value:
            raise ValueError("a NUL is no part of a text")
    elif isinstance(value, (dict, list)):
        if not left:
            raise ValueError("nested too deeply")
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(part, left - 1)


def refuse_large() -> None:
    """A form or JSON is read whole, whoever sends it; files come as multipart or in pieces and have limits of their own."""
    if request.is_json or request.mimetype == "application/x-www-form-urlencoded" or request.path.startswith("/api/"):
        # Who sends in chunks announces no length: one byte more than is taken tells that there is too much.
        request.max_content_length = LARGEST_FORM + 1
        announced = request.content_length
        if (len(request.get_data()) if announced is None else announced) > LARGEST_FORM:
            abort(413, _("提交的内容太大，没有处理。"))


def refuse_nul() -> None:
    """No text of a person holds a NUL, and a database may refuse it: such a request is somebody trying things."""
    given = [*request.args.items(multi=True), *(request.form.items(multi=True) if request.method == "POST" else ())]
    texts = [request.path, *chain.from_iterable(given)]
    # The query of a list travels as one value, which is taken apart by whoever shows the list.
    queries = [unquote(value) for name, value in given if name == "query"]
    if any("\0" in text for text in (*texts, *queries)):
        abort(400, _("请求中含有不能识别的字符。"))


def lead_by_path(answer: Response) -> Response:
    """Routing completes an address (``/login`` is ``/login/``) with the host the client named: nobody is led to one somebody made up."""
    if isinstance(request.routing_exception, RequestRedirect):
        answer.location = urlsplit(request.routing_exception.new_url)._replace(scheme="", netloc="").geturl()
    return answer


def check_incoming(app: Flask) -> None:
    """Ask this of every request of ``app``; before its routes are made."""
    app.url_map.converters["int"] = RowNumber
    app.json = PlainJson(app)
    app.before_request(refuse_large)
    app.before_request(refuse_nul)
    app.after_request(lead_by_path)
