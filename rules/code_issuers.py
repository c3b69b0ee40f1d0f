"""Who may issue a permission code for whom, and who may take a post or a code away again (S3-06, S3-24, S3-133).

Pure: roles and paths, no database. What is not in a table here is not allowed. The one thing a newcomer gets wrong: to
appoint is strict (the same region or the next level), to replace is not: it reaches everything below, or a county whose
only super administrator has left could be helped by nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from models.org import RegionLevel
from models.scoping import ancestors
from rules.errors import RuleViolation
from rules.grants import COURSE_PROVIDER, OPERATOR, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TRAINING_EXPERT, role_label

Where = Callable[[str, str, RegionLevel | None], bool]


def _a_province(issuer: str, unit: str, level: RegionLevel | None) -> bool:
    return level is RegionLevel.PROVINCE


def _the_same_region(issuer: str, unit: str, level: RegionLevel | None) -> bool:
    return level is not None and unit == issuer


def _the_next_level(issuer: str, unit: str, level: RegionLevel | None) -> bool:
    return level is not None and ancestors(unit)[-1:] == [issuer]


def _a_school_below(issuer: str, unit: str, level: RegionLevel | None) -> bool:
    return level is None and issuer in ancestors(unit)


def _any_region(issuer: str, unit: str, level: RegionLevel | None) -> bool:
    return level is not None


MAY_ISSUE: tuple[tuple[str, str, Where], ...] = (
    (OPERATOR, REGION_SUPER, _a_province),
    (REGION_SUPER, REGION_SPECIAL, _the_same_region),
    (REGION_SUPER, REGION_SUPER, _the_next_level),
    (REGION_SUPER, SCHOOL_ADMIN, _a_school_below),
    (REGION_SPECIAL, SCHOOL_ADMIN, _a_school_below),
)
"""The issuer's role, the role of the code, where."""

MAY_APPOINT: tuple[tuple[str, str, Where], ...] = (
    *MAY_ISSUE,
    (OPERATOR, COURSE_PROVIDER, _any_region),
    (OPERATOR, TRAINING_EXPERT, _any_region),
    (REGION_SUPER, COURSE_PROVIDER, _the_same_region),
    (REGION_SUPER, TRAINING_EXPERT, _the_same_region),
)
"""Who may open an account together with its post: whoever could give a code, and the unit that forms a team (S0-09, S0-18)."""

WHAT_ONE_ISSUES = {
    OPERATOR: "平台运营只能生成省级超级管理员的权限码。",
    REGION_SUPER: "超级管理员只能生成本级专项管理员、下一级超级管理员和辖区内学校管理员的权限码。",
    REGION_SPECIAL: "专项管理员只能生成辖区内学校管理员的权限码。",
}

MAY_REPLACE: dict[str, tuple[str, ...]] = {
    REGION_SUPER: (OPERATOR, REGION_SUPER),
    REGION_SPECIAL: (OPERATOR, REGION_SUPER),
    SCHOOL_ADMIN: (OPERATOR, REGION_SUPER, REGION_SPECIAL),
}
"""An administrator's role → the roles, at the unit or above it, that may bring in another one, or void the code for them."""

MAY_END: dict[str, tuple[str, ...]] = {
    **MAY_REPLACE,
    COURSE_PROVIDER: (OPERATOR, REGION_SUPER),
    TRAINING_EXPERT: (OPERATOR, REGION_SUPER),
}
"""Who may end a post: of an administrator the same; one that was given out with its account has no successor, but does end (S0-09, S0-18)."""


def check_may_issue(issuer_role: str, issuer_path: str, target_role: str, unit_path: str, unit_level: RegionLevel | None) -> None:
    """Refuse a code that this issuer may not give; ``unit_level`` is None for a school (S3-06, S3-24)."""
    places = (where for issuer, role, where in MAY_ISSUE if (issuer, role) == (issuer_role, target_role))
    if not any(where(issuer_path, unit_path, unit_level) for where in places):
        raise RuleViolation(WHAT_ONE_ISSUES.get(issuer_role, "您的岗位不能生成权限码。"), "role")


def check_may_appoint(issuer_role: str, issuer_path: str, role: str, unit_path: str, unit_level: RegionLevel | None) -> None:
    """Refuse an account with a post that this person may not give; ``unit_level`` is None for a school."""
    places = (where for issuer, given, where in MAY_APPOINT if (issuer, given) == (issuer_role, role))
    if not any(where(issuer_path, unit_path, unit_level) for where in places):
        raise RuleViolation("您不能为这个单位开通“{role}”账号，请核对角色和单位。", "role", role=role_label(role))


def stands_above(actor_role: str, actor_path: str, role: str, unit_path: str) -> bool:
    """Whether a holder of ``actor_role`` may end such a post, and void a code for one (S3-133)."""
    return actor_role in MAY_END.get(role, ()) and unit_path.startswith(actor_path)


def check_stands_above(actor_role: str, actor_path: str, role: str, unit_path: str) -> None:
    """Refuse to end a post, or void a code for one, to who does not stand above it."""
    if role not in MAY_END:
        raise RuleViolation("这里只能更换或解除区域管理员、学校管理员、课程供应商和研训专家。", "role")
    if not stands_above(actor_role, actor_path, role, unit_path):
        raise RuleViolation("{role}由本级或上级的超级管理员更换或解除，学校管理员由所属区域的管理员办理。", "role", role=role_label(role))
