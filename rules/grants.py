"""The shipped roles and what each may do: one table to read.

A role says which acts its holder may do to which tables; a post says at which unit. Roles are kept in the database and edited on
the role pages: this table is what a fresh platform starts with, and what a new table or act is first given to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OPERATOR = "operator"
REGION_SUPER = "region_super"
REGION_SPECIAL = "region_special"
SCHOOL_ADMIN = "school_admin"
COURSE_PROVIDER = "course_provider"
TRAINING_EXPERT = "training_expert"
TEACHER = "teacher"
GROUP_LEADER = "group_leader"
GROUP_MEMBER = "group_member"
IT_TEAM = "it_team"


@dataclass(frozen=True)
class Role:
    """``label`` is what people read; ``admin`` roles are a workbench each, the others together are the personal one (S3-37)."""

    name: str
    label: str
    admin: bool
    grants: dict[str, str] = field(default_factory=dict)
    """Table → acts, separated by blanks. ``*`` is every table and every act."""


_COMMON = {"region": "read", "school": "read", "job": "read", "SwaggerView": "show", "OpenApi": "get"}
_SEEN_FROM_ABOVE = (
    "research_group",
    "group_plan",
    "topic",
    "activity",
    "participation",
    "improvement_plan",
    "ability_summary",
    "outcome",
    "scale_score",
)
_RESEARCH_ABOVE = {
    **dict.fromkeys(_SEEN_FROM_ABOVE, "read export"),
    "school_programme": "read export accept",
    "removal_request": "read export decide",
    "scale_item": "read add edit delete export import",
}
_RESEARCH_AT_SCHOOL = {
    "school_programme": "read add edit open apply export",
    "research_group": "read add edit delete export import members",
    "group_plan": "read export",
    "topic": "read delete export",
    # Looked at only (S0-62).
    "activity": "read export",
    "rubric": "read",
    "participation": "read export",
    "comment": "read export",
    "evaluation": "read export",
    "improvement_plan": "read export lock",
    "ability_summary": "read export review",
    # Looked at only: the IT team reviews (S0-133).
    "outcome": "read export",
    "removal_request": "read export apply",
    "scale_item": "read",
    "scale_score": "read export",
}
_IN_THE_GROUP = dict.fromkeys(("research_group", "group_plan", "topic", "rubric", "outcome"), "read")
_RESEARCHING = {"programme": "read", "hour_policy": "read"}
_BELONGING = {**_RESEARCHING, "school_programme": "read"}
"""Whoever belongs to a group reads its school's programme, also when they teach elsewhere by now (S1-43)."""
_REGION_BASICS = {
    **_COMMON,
    "programme": "read add edit delete export",
    "hour_policy": "read add edit delete export",
    "hour_entry": "read export",
    "region": "read edit export import",
    "school": "read add edit delete export import move",
    "teacher": "read export certify_above",
    "certification": "read export",
    "account": "read export unlock",
    "post": "read export end reveal",
    "permission_code": "read export issue revoke",
    "question": "read export answer",
    "activation": "read export",
    **_RESEARCH_ABOVE,
}

ROLES: tuple[Role, ...] = (
    Role(OPERATOR, "平台运营", True, {"*": "*"}),
    Role(
        REGION_SUPER,
        "区域超级管理员",
        True,
        {
            **_REGION_BASICS,
            "region": "read add edit delete export import",
            "account": "read export unlock reset approve disable reveal appoint",
            "RoleModelView": "list show",
            "statistics": "read export",
        },
    ),
    Role(REGION_SPECIAL, "区域专项管理员", True, _REGION_BASICS),
    Role(
        SCHOOL_ADMIN,
        "学校管理员",
        True,
        {
            **_COMMON,
            **_RESEARCHING,
            "hour_entry": "read export",
            "school": "read edit",
            "teacher": "read add edit delete export import reveal certify leave",
            "certification": "read export",
            "account": "read export reset unlock approve reveal",
            "post": "read",
            "question": "read export answer",
            **_RESEARCH_AT_SCHOOL,
        },
    ),
    Role(COURSE_PROVIDER, "课程供应商", True, _COMMON),
    Role(TRAINING_EXPERT, "研训专家", False, _COMMON),
    Role(
        TEACHER,
        "教师",
        False,
        {
            **_COMMON,
            **_RESEARCHING,
            "hour_entry": "read",
            "teacher": "read edit apply leave",
            "certification": "read",
            "school_programme": "read",
            "participation": "read",
            "evaluation": "read",
            "improvement_plan": "read hand_in",
            "ability_summary": "read hand_in",
            "removal_request": "read",
        },
    ),
    Role(
        GROUP_LEADER,
        "教研组组长",
        False,
        {
            **_COMMON,
            **_BELONGING,
            "hour_entry": "read",
            "research_group": "read members",
            "group_plan": "read add edit",
            "topic": "read add edit delete publish",
            "activity": "read add edit delete publish join",
            "rubric": "read add edit delete",
            "participation": "read export return",
            "comment": "read moderate",
            "evaluation": "read",
            "outcome": "read add edit delete submit",
        },
    ),
    Role(GROUP_MEMBER, "教研组成员", False, {**_COMMON, **_BELONGING, **_IN_THE_GROUP, "activity": "read join", "comment": "read"}),
    Role(
        IT_TEAM,
        "信息化团队",
        False,
        {
            **_COMMON,
            **_RESEARCHING,
            "school_programme": "read",
            "research_group": "read",
            "group_plan": "read",
            "topic": "read",
            "activity": "read",
            "improvement_plan": "read",
            "ability_summary": "read review",
            "outcome": "read review",
            "scale_item": "read",
            "scale_score": "read add edit delete",
        },
    ),
)

BY_NAME = {role.name: role for role in ROLES}


def role_label(name: str) -> str:
    """What people read for a role; a role made on the role pages is called by its name."""
    return BY_NAME[name].label if name in BY_NAME else name


def is_admin_role(name: str) -> bool:
    """Whether posts of this role are a workbench of their own."""
    return name not in BY_NAME or BY_NAME[name].admin
