"""What people are told, in their own language."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from babel import Locale
from flask import Flask, current_app, g
from flask_babel import Domain, force_locale, get_locale, get_translations
from flask_babel import gettext as _
from flask_wtf.i18n import translations as of_wtforms
from jinja2.filters import do_mark_safe

from models.base import Choice
from models.violation import RuleViolation, Sentence


def refused(error: RuleViolation) -> str:
    """The sentence of a refusal."""
    return told(error.sentence)


def told(sentence: str) -> str:
    """A sentence, translated before its values are filled in, and part by part where it has parts."""
    if not sentence:
        return ""
    if not isinstance(sentence, Sentence):
        return _(sentence)
    if sentence.parts:
        return listed(map(told, sentence.parts)) if sentence.between else _together(map(told, sentence.parts))
    said = _(sentence.template)
    return said.format(**{name: word(value) for name, value in sentence.params.items()}) if sentence.params else said


def word(value: object) -> object:
    """A value as its sentence says it: labels and states are translated, the names people gave are in no catalogue and stay."""
    label = value.label if isinstance(value, Choice) else value
    return told(label) if isinstance(label, str) else label


def in_every_language(label: str) -> list[str]:
    """A label as it stands in the code and in every language the platform speaks; without an application there is only the code's."""
    said = [label]
    for locale in current_app.config["LANGUAGES"] if current_app else ():
        with force_locale(locale):
            said.append(_(label))
    return list(dict.fromkeys(said))


def listed(words: Iterable[str]) -> str:
    """Words that are already translated, one after the other."""
    return _("、").join(words)


def _together(sentences: Iterable[str]) -> str:
    """Chinese sentences follow each other without a blank."""
    locale = get_locale()
    return ("" if locale is None or locale.language == "zh" else " ").join(sentences)


class FormWords:
    """What WTForms says: from its own catalogue, and from ours what that has no Chinese for."""

    def gettext(self, text: str) -> str:
        ours: str = get_translations().ugettext(text)
        return of_wtforms.gettext(text) if ours == text else ours  # type: ignore[no-any-return]

    def ngettext(self, one: str, many: str, n: int) -> str:
        ours: str = get_translations().ungettext(one, many, n)
        return of_wtforms.ngettext(one, many, n) if ours in (one, many) else ours  # type: ignore[no-any-return]


class Catalogue(Domain):  # type: ignore[misc]
    """The platform's messages. Which language speaks is asked once a request, not for each of a page's two hundred words."""

    def get_translations(self) -> Any:
        known = _of_request()
        if known is None:
            known = super().get_translations()
            if g:
                # Where Flask-Babel itself forgets it when the language changes (``refresh``, ``force_locale``).
                g._flask_babel.babel_translations = known
        return known


def _of_request() -> Any:
    """The translations found earlier in this request; Flask-Babel would ask six times whether there is one."""
    try:
        return g._get_current_object()._flask_babel.babel_translations  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):
        return None


def in_template(text: str, **values: Any) -> str:
    """``_()`` as templates say it: the translation is trusted, the values are escaped (a sign of per cent is written twice)."""
    words = do_mark_safe((_of_request() or get_translations()).ugettext(text))
    return words % values if values or "%" in words else words


@cache
def _locale(code: str) -> Locale:
    """Read once: Babel compares a Chinese locale's name with a thousand others, half a millisecond each time."""
    return Locale.parse(code)


def speak(app: Flask) -> None:
    """Have the application's pages and sentences translated by the two above."""
    babel = app.extensions["babel"]
    babel.instance.domain_instance = Catalogue()
    chosen = babel.locale_selector
    babel.locale_selector = lambda: _locale(code) if (code := chosen()) else None
    app.jinja_env.globals.update(_=in_template, gettext=in_template)
