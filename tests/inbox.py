"""The outside world's telephones: what the platform sends to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from rules import sms


class Inbox:
    """The operator's gateway, with every phone at hand."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def send(self, phone: str, text: str) -> None:
        self.messages.append((phone, text))

    def code(self) -> str:
        """The code in the last message."""
        found = re.search(r"验证码(\d{6})", self.messages[-1][1])
        assert found, self.messages
        return found[1]


@contextmanager
def listening() -> Iterator[Inbox]:
    """Every message inside the block goes to the inbox."""
    inbox, before = Inbox(), sms._gateway
    sms.set_gateway(inbox)
    try:
        yield inbox
    finally:
        sms.set_gateway(before)
