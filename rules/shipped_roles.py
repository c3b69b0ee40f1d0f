"""What holds of the roles the platform brings: they keep their names and stay, whatever door they are written by.

What they may do is changed on their page. The one thing a newcomer gets wrong: posts hold a role by its name, so another name would
leave its holders with nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event, inspect
from sqlalchemy.orm import Mapper

from models.access import Role
from rules.errors import RuleViolation
from rules.grants import BY_NAME

KEPT = "平台自带的角色不能改名或删除；可以改变它能做的事，或复制后修改。"


@event.listens_for(Role, "before_update")
def keep_name(mapper: Mapper[Any], connection: Connection, role: Role) -> None:
    if any(before in BY_NAME for before in inspect(role).attrs["name"].history.deleted or ()):
        raise RuleViolation(KEPT)


@event.listens_for(Role, "before_delete")
def keep_role(mapper: Mapper[Any], connection: Connection, role: Role) -> None:
    """``setup`` would bring it back, with nobody in it."""
    if role.name in BY_NAME:
        raise RuleViolation(KEPT)
