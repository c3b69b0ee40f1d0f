"""Every label and sentence people read, gathered from the code, and the catalogues brought in line with it: ``make translations``.

Chinese stands in the code, English in ``translations/en``; ``translations/zh`` holds only what the libraries say in English and
have no Chinese for. The one thing a newcomer gets wrong: nothing needs a mark. Whatever is written in Chinese in a declaration,
a rule or a view is a message, because sooner or later it stands on somebody's page.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import flask_appbuilder
import flask_wtf
import wtforms
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from flask import current_app
from flask.cli import ScriptInfo

if TYPE_CHECKING:
    from views.panel.screens import PanelView

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "views" / "translations"
ENGLISH, CHINESE = "en", "zh"
"""As the folders are called. Babel expands the locale zh_CN to zh_Hans_CN and then looks for zh; a folder zh_CN is never found."""

FLOORS = ("models", "rules", "views")
NOT_SHOWN = ("rules/demo/", "rules/reference_data.py", "views/commands.py")
"""Names of people, places and reference rows, which are kept in the database and edited there; and what is said at a terminal."""
FIXED = re.compile(r"[【〔_]|.*[\\]|.*\.xlsx$", re.DOTALL)
"""Signatures, marks and sheet names that a workbook or a message is recognised by, patterns, names of files."""
AS_GIVEN = ("example", "aliases")
"""What a declaration says of what people type: it has to be what they would type."""
HAN = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
MARKUP = frozenset('"<>&')
"""Templates take a translation for safe HTML: it is escaped neither in a text nor in an attribute."""
CALLS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
MARKED = frozenset({*CALLS, "lazy", "Sentence"})
"""Calls whose first argument is a message even where it holds no Chinese, such as ``、``."""
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
HEADER = """msgid ""
msgstr ""
"Language: {}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""

Id = str | tuple[str, str]
"""What is translated; singular and plural where a number decides."""


# --- what is said -----------------------------------------------------------------------------------------------------


def wanted(locale: str, screens: Iterable[PanelView]) -> set[Id]:
    """Everything the catalogue of ``locale`` has to hold."""
    if locale == CHINESE:
        return said_by_libraries()
    return {*said_in_code(), *said_in_templates(), *(screen.noun() for screen in screens)}


def said_in_code() -> set[str]:
    """Every Chinese literal of the application that is not a comment on the code."""
    files = [ROOT / "app.py", *(path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py")) if path != Path(__file__))]
    shown = [path for path in files if not path.relative_to(ROOT).as_posix().startswith(NOT_SHOWN)]
    return {text for path in shown for text in literals(path.read_text(encoding="utf-8")) if not FIXED.match(text)}


def literals(source: str) -> set[str]:
    """The messages of a module: its Chinese literals without the docstrings, and whatever it marks.

    The pieces of an f-string are left out: what is put together before it is translated cannot be translated any more.
    """
    nodes = list(ast.walk(ast.parse(source)))
    aside = {part for node in nodes for part in _not_said(node)}
    marked = {part for node in nodes if isinstance(node, ast.Call) and _name(node.func) in MARKED for part in node.args[:1]}
    texts = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {str(node.value) for node in texts if node in marked or (node not in aside and HAN.search(str(node.value)))}


def _not_said(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, ast.Expr):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return node.values
    return ast.walk(node.value) if isinstance(node, ast.keyword) and node.arg in AS_GIVEN else []


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def said_in_templates() -> set[Id]:
    """What the templates ask to be translated."""
    return set(_extracted(ROOT / "views" / "templates", [("**.html", "jinja2")]))


@cache
def said_by_libraries() -> set[Id]:
    """What Flask-AppBuilder and the forms say in English because they have no Chinese for it themselves."""
    fab, forms = Path(flask_appbuilder.__file__).parent, Path(wtforms.__file__).parent
    own = _translated(fab / "translations/zh/LC_MESSAGES/messages.po") | _translated(forms / "locale/zh/LC_MESSAGES/wtforms.po")
    return {said for folder in (fab, forms, Path(flask_wtf.__file__).parent) for said in _extracted(folder, METHODS)} - own


def _extracted(folder: Path, methods: list[tuple[str, str]]) -> Iterator[Id]:
    strict = {pattern: {"silent": "false"} for pattern, method in methods if method == "jinja2"}
    for _file, _line, said, _comments, _context in extract_from_dir(folder, methods, strict, keywords=CALLS):
        yield said


def _translated(path: Path) -> set[Id]:
    return {_id(message) for message in read_catalogue(path) if message.id and not message.fuzzy and all(_strings(message))}


# --- the catalogues ---------------------------------------------------------------------------------------------------


def path_of(locale: str) -> Path:
    """Where the catalogue of ``locale`` is kept."""
    return CATALOGUES / locale / "LC_MESSAGES" / "messages.po"


def read_catalogue(path: Path) -> Catalog:
    """A catalogue as it is kept; an empty one where there is none."""
    return read_po(BytesIO(path.read_bytes() if path.exists() else b""), ignore_obsolete=True)


def in_line(locale: str, said: Iterable[Id]) -> bytes:
    """The catalogue with exactly what is said, in order: known translations stay, what is new is empty, what is gone is gone."""
    known, fresh = read_catalogue(path_of(locale)), Catalog(locale=locale)
    for text in said:
        before = known.get(text)
        if before is None:
            fresh.add(text)
        else:
            fresh.add(text, before.string, flags=before.flags & {"fuzzy"}, user_comments=before.user_comments)
    written = BytesIO()
    write_po(written, fresh, width=0, omit_header=True, no_location=True, sort_output=True)
    return (HEADER.format(locale) + written.getvalue().decode()).encode()


def faults(catalogue: Catalog, said: Iterable[Id]) -> list[str]:
    """What keeps a catalogue from being complete and true, one line each; for tests and ``doctor``."""
    found = []
    for text in sorted(said, key=str):
        message = catalogue.get(text)
        if message is None:
            found.append(f"not in the catalogue: {text}")
        elif message.fuzzy or not all(_strings(message)):
            found.append(f"not translated: {text}")
        elif any(_placeholders(string) != _placeholders(str(text)) for string in _strings(message)):
            found.append(f"other placeholders: {text}")
        elif any(MARKUP & set(string) for string in _strings(message)):
            found.append(f"would be taken for HTML (use ' for a quotation mark): {text}")
    return found


def _id(message: Message) -> Id:
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def _strings(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def main() -> int:
    """Write both catalogues anew and name what still has to be translated."""
    with ScriptInfo(app_import_path="app").load_app().app_context():
        screens = current_app.extensions["panel"].values()
        missing = []
        for locale in (ENGLISH, CHINESE):
            said = wanted(locale, screens)
            path_of(locale).write_bytes(in_line(locale, said))
            missing += [f"{locale}: {fault}" for fault in faults(read_catalogue(path_of(locale)), said)]
    print("\n".join(missing) or "translations: complete")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
