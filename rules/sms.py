"""How a short message reaches a phone: the gateway an installation has (``SMS_GATEWAY``), the log of a developer, or not at all.

The one thing a newcomer gets wrong: a message is sent after the transaction that it tells of, so that nobody is told what did
not happen; whether one can be sent is asked before, because a one-time password that reaches nobody locks its owner out.
"""

from __future__ import annotations

import logging
from typing import Protocol

from rules.errors import RuleViolation
from rules.masks import mask_phone

log = logging.getLogger("yanxiu.sms")
NOT_SENT = "平台还没有接通短信，短信没有发送，也没有作任何更改。请联系平台运营。"


class SmsGateway(Protocol):
    """What an operator's gateway has to offer."""

    def send(self, phone: str, text: str) -> None:
        """Deliver ``text``; whatever it raises is a fault of the installation."""


class LogGateway:
    """Writes messages to the log, codes and passwords included: for development alone."""

    def send(self, phone: str, text: str) -> None:
        log.info("%s: %s", mask_phone(phone), text)


class NoGateway:
    """Sends nothing and writes nothing: what production has until its operator names a gateway."""

    def send(self, phone: str, text: str) -> None:
        raise RuleViolation(NOT_SENT)


_gateway: SmsGateway = NoGateway()


def set_gateway(gateway: SmsGateway) -> None:
    """Use the installation's gateway, chosen once at start."""
    global _gateway
    _gateway = gateway


def can_send() -> bool:
    """Whether there is a gateway; where there is none, the log tells the operator what to set."""
    if isinstance(_gateway, NoGateway):
        log.error("no message can be sent: SMS_GATEWAY is not set, see docs/operations.md")
        return False
    return True


def send_sms(phone: str, text: str) -> None:
    """Send ``text`` to ``phone`` by the gateway in use."""
    _gateway.send(phone, text)
