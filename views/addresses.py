"""Addresses are put together by code that is compiled when the first link needs it.

A process has hundreds of routes and links to few of them before its first page; compiling all took a sixth of its start. The one thing
a newcomer gets wrong: matching a request's address needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Build = Callable[..., tuple[str, str]]


class LateRule(Rule):
    """A route whose ``url_for`` is compiled at its first use."""

    def _compile_builder(self, append_unknown: bool = True) -> Build:
        compile_now, made = super()._compile_builder, list[Build]()

        def build(rule: LateRule, **values: Any) -> tuple[str, str]:
            if not made:
                made.append(compile_now(append_unknown))
            return made[0](rule, **values)

        return build
