"""What an operator asks the platform about itself: is every declaration whole, and why may somebody (not) do something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from models.access import Account
from models.base import Base, by_table, declared, table_name
from models.fields import exported_fields, fields_of
from models.invariants import what_keeps
from models.scoping import SYSTEM, Identity, Own, Scoped, Shared, acting_as, row_in_reach
from rules.approvals import WORKFLOWS, workflow_of
from rules.grants import ROLES
from rules.workflow import check_workflow, why_not
from rules.workflow_steps import Workflow
from views.panel.permissions import asked_permissions
from views.panel.security import held_posts, identity_at, workbench_key

MIGRATE = "make migration NAME=what_changed, then make run"
SMALL = (Shared, Own)
"""Tables of few rows for any one person: no index is asked of their searches."""


def examine(translations: Path, views: Iterable[Any]) -> Iterator[str]:
    """One sentence for everything a declaration leaves out, and what to do; none when all is well.

    ``views`` are the registered ones: what they ask is what a role can be granted.
    """
    english = english_of(translations)
    for model in declared():
        for fault in (*_faults_of_screen(model), *_faults_of_search(model), *_untranslated(model, english)):
            yield f"{table_name(model)}: {fault}"
    yield from _faults_of_grants(asked_permissions(views))
    for workflow in WORKFLOWS:
        for fault in check_workflow(workflow):
            yield f"workflow {workflow.name}: {fault}"


def examine_database(session: Session) -> Iterator[str]:
    """One sentence for every declared table and column that no migration has brought into the database yet."""
    there = inspect(session.connection())
    for table in Base.metadata.sorted_tables:
        if not there.has_table(table.name):
            yield f"{table.name} is not in the database; {MIGRATE}"
            continue
        known = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                yield f"{table.name}.{column.name} is not in the database; {MIGRATE}"


def untaken_grants(session: Session) -> Iterator[str]:
    """What rules/grants.py gives a shipped role and the role has not: taken away on its page, or written after the table was first synced."""
    held = select(Role.name, Permission.name, ViewMenu.name).join(Role.permissions).join(PermissionView.permission)
    has = {(role, act, table) for role, act, table in session.execute(held.join(PermissionView.view_menu))}
    for role in ROLES:
        for table, acts in role.grants.items():
            if missing := [act for act in acts.split() if (role.name, f"can_{act}", table) not in has]:
                yield f"{role.name} may not {', '.join(missing)} {table}, as rules/grants.py says; if it should, tick it in 角色列表"


def english_of(translations: Path) -> set[str]:
    """Every msgid that has an English translation."""
    with (translations / "en" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return {str(message.id) for message in read_po(file) if message.id and message.string}


def _faults_of_screen(model: type[Any]) -> Iterator[str]:
    screen = model.__screen__
    if not screen.list:
        yield "the list shows no field; name some in list"
    if "export" in screen.acts and not exported_fields(model):
        yield "an export would be empty; name fields in export, or leave export out of acts"
    if "import" in screen.acts and not screen.key:
        yield "nothing says by what an import recognises a row; name the fields in key, or leave import out of acts"


def _faults_of_search(model: type[Any]) -> Iterator[str]:
    if issubclass(model, SMALL):
        return
    first = {column.name for index in model.__table__.indexes for column in list(index.columns)[:1]}
    leading = first | {c.name for c in model.__table__.c if c.unique}
    for name in model.__screen__.search:
        if fields_of(model)[name].key not in leading:
            yield f"search field {name} has no index; write index=True in its field(…), and a migration"


def _untranslated(model: type[Any], english: set[str]) -> Iterator[str]:
    words = [model.__screen__.label, *(f.label for f in fields_of(model).values() if not f.hidden)]
    for word in words:
        if word not in english:
            yield f"“{word}” has no English translation; make translations lists it in views/translations/en"


def _faults_of_grants(asked: set[tuple[str, str]]) -> Iterator[str]:
    """Grants that open nothing, because no screen asks for them."""
    for role in ROLES:
        for table, acts in role.grants.items():
            for act in acts.split():
                if (table, act) != ("*", "*") and (fault := _unknown_act(asked, act, table)):
                    yield f"role {role.name}: {fault}"


def _unknown_act(asked: set[tuple[str, str]], act: str, table: str) -> str:
    """What is wrong with naming this act of this table, and what there is instead; empty when a screen asks for it."""
    known = sorted(permission.removeprefix("can_") for permission, view in asked if view == table)
    if act in known:
        return ""
    tables = ", ".join(sorted({view for _permission, view in asked}))
    return f"nothing asks for {act} on {table}; there are {', '.join(known)}" if known else f"nothing is called {table}; there are {tables}"


def why(session: Session, views: Iterable[Any], username: str, act: str, table: str, row_number: int | None) -> list[str]:
    """Act, row and rule of one person's question, each answered in a line, and what would change the answer."""
    workflow, asked = _workflow_of(table), act
    act = next((step.act for step in workflow.steps if step.name == asked), asked) if workflow else asked
    if fault := _unknown_act(asked_permissions(views), act, table):
        return [fault]
    with acting_as(SYSTEM):
        account = session.scalars(select(Account).where(Account.username == username)).one_or_none()
        if account is None:
            return [f"no account is called {username}"]
        posts = held_posts(session, account.id)
        has_rows = table in map(table_name, declared())
        row = session.get(by_table(table), row_number) if has_rows and row_number is not None else None
    lines = [f"{account.first_name} holds {len(posts)} active post(s)"]
    for key in dict.fromkeys(workbench_key(post) for post in posts):
        with acting_as(SYSTEM):
            identity = identity_at(account, posts, key)
        lines += [f"at the workbench “{identity.label}”:", *_answers(identity, act, table, row)]
        if row is not None and row_in_reach(row, identity, act):
            lines += _rules(session, identity, asked, act, workflow, row)
    if row_number is not None and row is None:
        lines.append(f"row: {table} has no row {row_number}")
    return lines


def _workflow_of(table: str) -> Workflow | None:
    model = next((model for model in declared() if table_name(model) == table), None)
    return workflow_of(model) if model is not None else None


def _answers(identity: Identity, act: str, table: str, row: Any) -> Iterator[str]:
    """The first two questions."""
    paths = identity.paths(act, table)
    if not paths:
        roles = [role.name for role in ROLES if "*" in role.grants or act in role.grants.get(table, "").split()]
        yield f"  act: NO. No post here grants {act} on {table}; shipped roles that do: {', '.join(roles)}"
        return
    yield f"  act: yes, at {', '.join(paths)}"
    if row is not None and not row_in_reach(row, identity, act):
        where = f"it belongs to {row.scope_path}" if isinstance(row, Scoped) else "it is somebody else's own"
        yield f"  row: NO. {where}; a post at or above that path would reach it"


def _rules(session: Session, identity: Identity, asked: str, act: str, workflow: Workflow | None, row: Any) -> Iterator[str]:
    """The third, of a row within reach."""
    yield "  row: yes"
    for step in (s for s in workflow.steps if asked in (s.act, s.name)) if workflow else ():
        reason = why_not(identity, workflow, row, step.name, session)
        yield f"  rule ({step.name}): {'NO. ' + reason if reason else 'yes'}"
    if act == "delete":
        with acting_as(identity):
            reasons = "".join(what_keeps(session, row))
        yield f"  rule: {'NO. ' + reasons if reasons else 'yes'}"
