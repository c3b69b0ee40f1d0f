"""How a short message reaches a phone: the gateway an installation has, or the log while it has none.

The one thing a newcomer gets wrong: a message is sent after the transaction that it tells of, so that nobody is told what did
not happen.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Protocol, cast

from rules.masks import mask_phone

log = logging.getLogger("yanxiu.sms")


class SmsGateway(Protocol):
    """What an operator's gateway has to offer."""

    def send(self, phone: str, text: str) -> None:
        """Deliver ``text``; whatever it raises is a fault of the installation."""


class LogGateway:
    """Writes messages to the log: for development, and for an operator who reads codes out on the telephone."""

    def send(self, phone: str, text: str) -> None:
        log.info("%s: %s", mask_phone(phone), text)


_gateway: SmsGateway = LogGateway()


def set_gateway(gateway: SmsGateway) -> None:
    """Use the installation's gateway, chosen once at start."""
    global _gateway
    _gateway = gateway


def gateway_named(path: str) -> SmsGateway:
    """The gateway that ``package.module:Class`` names, made without arguments; raises ValueError with a sentence."""
    module, _, name = path.partition(":")
    try:
        return cast(SmsGateway, getattr(import_module(module), name)())
    except (ImportError, AttributeError, ValueError) as fault:
        raise ValueError(f"SMS_GATEWAY 应为“包.模块:类”，“{path}”不能使用：{fault}") from fault


def send_sms(phone: str, text: str) -> None:
    """Send ``text`` to ``phone`` by the gateway in use."""
    _gateway.send(phone, text)
