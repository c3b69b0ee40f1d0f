"""What a request may hold at all: asked before any page looks at it, because no page is made for what no person can send.

The one thing a newcomer gets wrong: these are not rules about a field. They keep out what a parser, a database or a template would
fail on, so that it is refused with a sentence instead of ending as a crash.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from flask.json.provider import DefaultJSONProvider
from flask_babel import gettext as _
from werkzeug.routing import IntegerConverter, RequestRedirect, ValidationError

DEEPEST = 20
"""Lists and objects within each other; what the platform reads has three."""
LARGEST_ID = 2**31 - 1


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
    elif isinstance(value, (dict, list)):
        if not left:
            raise ValueError("nested too deeply")
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(part, left - 1)


def refuse_nul() -> None:
    """No text of a person holds a NUL, and a database may refuse it: such a request is somebody trying things."""
    texts = [request.path, *request.args.values(), *(request.form.values() if request.method == "POST" else ())]
    if any("\0" in text for text in texts):
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
    app.before_request(refuse_nul)
    app.after_request(lead_by_path)
