"""``flask --app app …``: what an operator does at a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import Flask, current_app

from migrations.run import locked, upgrade
from models.base import row_id, utcnow
from models.scoping import SYSTEM, acting_as
from models.violation import RuleViolation
from rules.accounts import create_operator
from rules.demo import load_demo
from rules.reference_data import ensure_reference_data
from views.panel.doctor import examine, examine_database, untaken_grants, why
from views.panel.permissions import sync_permissions
from views.worker import worker

IN_PRODUCTION = (
    "This installation is in production (APP_ENV=production): the demonstration would add accounts whose passwords everybody knows. "
    "Nothing was loaded. Whoever means it says --yes-in-production."
)
TRANSLATIONS = Path(__file__).with_name("translations")


def register_commands(app: Flask) -> None:
    """Add the platform's commands to ``app.cli``."""
    for command in (setup, demo, operator, doctor, why_command, worker):
        app.cli.add_command(command)


@click.command("setup")
def setup() -> None:
    """Migrate, then sync permissions and reference data; safe when several processes start at once."""
    url = current_app.extensions["settings"].database_url
    with locked(url), acting_as(SYSTEM):
        upgrade(url)
        session = current_app.extensions["db"]()
        created, dropped = sync_permissions(session, current_app.extensions["appbuilder"].baseviews)
        ensure_reference_data(session)
        session.commit()
        lacking = list(examine_database(session))
    click.echo(f"permissions: {created} created, {dropped} dropped")
    for fault in lacking:
        click.echo(fault)


@click.command("demo")
@click.option("--teachers", default=0, help="stream this many teachers more into 福建省")
@click.option("--yes-in-production", is_flag=True, help="load it although this installation is in production")
def demo(teachers: int, yes_in_production: bool) -> None:
    """Load the demonstration; a second run changes nothing."""
    if current_app.extensions["settings"].production and not yes_in_production:
        sys.exit(IN_PRODUCTION)
    with acting_as(SYSTEM):
        sessions, files = current_app.extensions["db"].session_factory, current_app.extensions["files"]
        load_demo(sessions, teachers=teachers, now=utcnow(), progress=click.echo, files=files)


@click.command("create-operator")
@click.argument("username")
@click.password_option()
def operator(username: str, password: str) -> None:
    """Make an account that runs the platform."""
    try:
        with acting_as(SYSTEM):
            create_operator(current_app.extensions["db"](), username, password, now=utcnow())
    except RuleViolation as refusal:
        sys.exit(refusal.message)
    click.echo(f"{username} may sign in.")


@click.command("doctor")
def doctor() -> None:
    """Say what declarations leave out: columns, natural key, search index, English; grants that open nothing; dead ends of workflows.

    Also what the database lacks of them, and, without finding fault with it, what shipped roles lack of rules/grants.py.
    """
    session = current_app.extensions["db"]()
    lacking = list(examine_database(session))
    faults = [*examine(TRANSLATIONS, current_app.extensions["appbuilder"].baseviews), *lacking]
    for note in untaken_grants(session) if not lacking else ():
        click.echo(f"note: {note}")
    for fault in faults:
        click.echo(fault)
    click.echo("all declarations are whole" if not faults else f"{len(faults)} fault(s)")
    sys.exit(1 if faults else 0)


@click.command("why")
@click.argument("account")
@click.argument("act")
@click.argument("table")
@click.argument("row", required=False)
def why_command(account: str, act: str, table: str, row: str | None) -> None:
    """Say which of act, row and rule answers no to ACCOUNT doing ACT on TABLE, and what would change it."""
    views = current_app.extensions["appbuilder"].baseviews
    for line in why(current_app.extensions["db"](), views, account, act, table, row_id(row) if row else None):
        click.echo(line)
