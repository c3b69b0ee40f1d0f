"""The floors (models, rules, views) hold, files stay readable, and nothing names where packages come from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"models": {"rules", "views", "app"}, "rules": {"views", "app"}, "views": {"app"}, "migrations": {"rules", "views", "app"}}
OUTSIDE = {"tests", "migrations"}
REQUEST_STATE = {"request", "session", "g", "current_app"}
VAGUE = {"utils", "util", "helpers", "helper", "manager", "misc", "data", "info", "common"}
MODULE_LINES = 350
FUNCTION_LINES = 45
SET_UP_FILES = ("package.json", "package-lock.json", "Makefile", "requirements.txt", "pyproject.toml", ".ci/run", "gunicorn.conf.py")
ADDRESS = re.compile(r"https?://(?!127\.0\.0\.1|localhost)[^\"'\s]+")


def modules(*folders: str) -> list[Path]:
    """The project's own Python files, of ``folders`` or of all."""
    tops = [ROOT / folder for folder in folders or ("models", "rules", "views", "migrations", "tests")]
    found = [path for top in tops for path in top.rglob("*.py")]
    return sorted(found if folders else found + list(ROOT.glob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[str, set[str]]]:
    """(module, names taken from it) of every import, wherever in the file it stands."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, set()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parent.parts[: -node.level + 1 or None] if node.level else ()
            yield ".".join([*package, node.module or ""]).strip("."), {alias.name for alias in node.names}


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def outside() -> list[Path]:
    return [path for path in modules() if path.relative_to(ROOT).parts[0] not in OUTSIDE]


@pytest.mark.parametrize("floor", FLOORS)
def test_an_import_never_goes_up_a_floor(floor: str) -> None:
    up = [f"{where(path)} imports {name}" for path in modules(floor) for name, _ in imports(path) if name.split(".")[0] in FLOORS[floor]]
    assert up == []


def test_rules_and_models_never_ask_flask_who_is_calling() -> None:
    asked = [
        f"{where(path)} takes {sorted(taken)}"
        for path in modules("models", "rules")
        for name, taken in imports(path)
        if name.split(".")[0] == "flask"
    ]
    assert asked == []


def test_the_request_state_is_not_smuggled_in_by_another_name() -> None:
    """``flask_login.current_user`` and its like are request state as well."""
    taken = [
        f"{where(path)}: {name}"
        for path in modules("models", "rules")
        for name, names in imports(path)
        if name.startswith("flask_") and names & {*REQUEST_STATE, "current_user"}
    ]
    assert taken == []


def test_raw_sql_stays_in_models() -> None:
    calls = [
        f"{where(path)}:{node.lineno}"
        for path in outside()
        if path.relative_to(ROOT).parts[0] != "models"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and _name(node.func) in ("text", "exec_driver_sql") and _is_sql(path, node.func)
    ]
    assert calls == []


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""


def _is_sql(path: Path, function: ast.expr) -> bool:
    """``text`` as SQLAlchemy's, not as any other function that is called so."""
    if _name(function) == "exec_driver_sql":
        return True
    taken = any(name.split(".")[0] == "sqlalchemy" and "text" in names for name, names in imports(path))
    return (
        taken if isinstance(function, ast.Name) else isinstance(function, ast.Attribute) and _name(function.value) in ("sa", "sqlalchemy")
    )


def test_only_config_reads_the_environment() -> None:
    read = [
        f"{where(path)}:{node.lineno}"
        for path in outside()
        if path.name not in ("config.py", "gunicorn.conf.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and _name(node.value) == "os"
    ]
    assert read == []


def test_one_module_normalises_text() -> None:
    """What it costs grows with the square of the length: ``rules.normal_form`` keeps it short."""
    calls = [
        f"{where(path)}:{node.lineno}"
        for path in outside()
        if where(path) != "rules/normal_form.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "normalize" and _name(node.value) == "unicodedata"
    ]
    assert calls == []


def test_no_module_has_grown_two_subjects() -> None:
    long = {where(path): lines for path in outside() if (lines := path.read_text(encoding="utf-8").count("\n")) > MODULE_LINES}
    assert long == {}


def test_no_function_is_too_long_to_see_at_once() -> None:
    long = [
        f"{where(path)}:{node.lineno} {node.name}: {size} lines"
        for path in outside()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert long == []


def test_every_module_is_named_after_what_is_in_it() -> None:
    vague = [where(path) for path in modules() if VAGUE & {path.stem, *path.relative_to(ROOT).parent.parts}]
    assert vague == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [where(path) for path in modules() if path.stat().st_size and ast.get_docstring(tree_of(path)) is None]
    assert silent == []


@pytest.mark.parametrize("name", SET_UP_FILES)
def test_set_up_files_name_no_address_packages_come_from(name: str) -> None:
    lines = [
        line
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if "opencollective" not in line and "github.com/sponsors" not in line
    ]
    assert [line.strip() for line in lines if ADDRESS.search(line)] == []


def test_every_package_imported_is_one_that_is_installed_by_name() -> None:
    """Whatever only comes along with something else may stay away on the next machine."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = {_plain(re.split(r"[\[=]", line)[0]) for line in lines if line and not line.startswith("#")}
    providers = packages_distributions()
    heads = {name.split(".")[0] for path in modules() for name, _ in imports(path)}
    used = {head: {_plain(provider) for provider in providers[head]} for head in heads if head in providers}
    assert {head for head, names in used.items() if not names & listed} == set()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_file_lets_every_machine_use_its_own_registry() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock and '"integrity"' in lock
