"""Permission sync: every act of every view gets its row, shipped roles get what is new, and what people edited stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu, assoc_permissionview_role
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rules.grants import ROLES


def asked_permissions(views: Iterable[Any]) -> set[tuple[str, str]]:
    """(permission, view) of everything the registered views ask."""
    return {(permission, view.class_permission_name) for view in views for permission in view.base_permissions or ()}


def wanted_permissions(views: Iterable[Any]) -> set[tuple[str, str]]:
    """What the registered views ask, and what the shipped roles name."""
    granted = {(f"can_{act}", table) for role in ROLES for table, acts in role.grants.items() for act in acts.split()}
    return asked_permissions(views) | granted


def sync_permissions(session: Session, views: Iterable[Any]) -> tuple[int, int]:
    """Create what is missing, drop what no view asks for; returns (created, dropped).

    A permission is given to the shipped roles when it is first created, never again: a role edited on the role pages keeps its
    edits (S3-41).
    """
    wanted = wanted_permissions(views)
    known = {
        (p.name, v.name): row
        for row, p, v in session.execute(
            select(PermissionView, Permission, ViewMenu)
            .join(Permission, PermissionView.permission_id == Permission.id)
            .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
        )
    }
    dropped = [row.id for key, row in known.items() if key not in wanted]
    if dropped:
        session.execute(delete(assoc_permissionview_role).where(assoc_permissionview_role.c.permission_view_id.in_(dropped)))
        session.execute(delete(PermissionView).where(PermissionView.id.in_(dropped)))
    roles = {role.name: role for role in session.scalars(select(Role))}
    fresh_roles = {role.name for role in ROLES if role.name not in roles}
    for name in sorted(fresh_roles):
        roles[name] = Role(name=name)
        session.add(roles[name])
    created = _create(session, sorted(wanted - known.keys()))
    rows = {**known, **created}
    for role in ROLES:
        for key in _grants_of(role, fresh_roles, created):
            if rows[key] not in roles[role.name].permissions:
                roles[role.name].permissions.append(rows[key])
    session.commit()
    return len(created), len(dropped)


def _grants_of(role: Any, fresh_roles: set[str], created: dict[tuple[str, str], PermissionView]) -> list[tuple[str, str]]:
    keys = [(f"can_{act}", table) for table, acts in role.grants.items() for act in acts.split()]
    return keys if role.name in fresh_roles else [key for key in keys if key in created]


def _create(session: Session, keys: list[tuple[str, str]]) -> dict[tuple[str, str], PermissionView]:
    permissions = {p.name: p for p in session.scalars(select(Permission))}
    views = {v.name: v for v in session.scalars(select(ViewMenu))}
    made = {}
    for permission, view in keys:
        p = permissions.setdefault(permission, Permission(name=permission))
        v = views.setdefault(view, ViewMenu(name=view))
        made[permission, view] = PermissionView(permission=p, view_menu=v)
        session.add(made[permission, view])
    session.flush()
    return made
