"""The sentences a person may be told. Everything else that goes wrong is a bug and reaches only the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Sentence(str):
    """What a person is told, in Chinese, which still knows its template and values: a view says it again in another language.

    ``parts`` are the sentences or words it is put together from, ``between`` what stands between them.
    """

    template: str
    params: Mapping[str, object]
    parts: tuple[str, ...]
    between: str

    def __new__(cls, template: str, /, **params: object) -> Sentence:
        said = super().__new__(cls, template.format(**params) if params else template)
        said.template, said.params, said.parts, said.between = template, params, (), ""
        return said

    @classmethod
    def of(cls, parts: Iterable[str], between: str = "") -> Sentence:
        """Several as one."""
        known = tuple(parts)
        said = cls(between.join(known))
        said.parts, said.between = known, between
        return said


def kept(said: object) -> Any:
    """A sentence, or a value of one, as JSON can hold it: template, values and parts."""
    if isinstance(said, Sentence):
        values = {name: kept(value) for name, value in said.params.items()}
        return {"template": said.template, "params": values, "parts": [kept(part) for part in said.parts], "between": said.between}
    value = getattr(said, "label", said)
    return value if isinstance(value, str | int) else str(value)


def again(told: Any) -> Any:
    """What :func:`kept` wrote, as it was: a sentence that still knows how it is put together."""
    if not isinstance(told, dict):
        return told
    if told["parts"]:
        return Sentence.of(map(again, told["parts"]), told["between"])
    return Sentence(told["template"], **{name: again(value) for name, value in told["params"].items()})


class RuleViolation(Exception):
    """The rules do not allow it now; ``message`` says why in the reader's words, ``field`` names the input it belongs to.

    ``params`` fill the ``{names}`` of the message after it has been translated.
    """

    def __init__(self, message: str, field: str | None = None, **params: object) -> None:
        self.sentence = message if isinstance(message, Sentence) else Sentence(message, **params)
        super().__init__(str(self.sentence))
        self.template, self.params = self.sentence.template, self.sentence.params
        self.field = field

    @property
    def message(self) -> str:
        """The sentence in the source language (Chinese)."""
        return str(self.args[0])


class Conflict(RuleViolation):
    """Somebody else acted first: the reader is told and may try again."""


class OutOfReach(Exception):
    """The row is not within the person's reach: to them it does not exist (404)."""


class NotPermitted(Exception):
    """The person may not do this to this table at all (403); a ``Sentence`` given says whom to ask, anything else is for the log."""

    @property
    def sentence(self) -> str:
        """What the person may be told, empty when there is no more to say."""
        return self.args[0] if self.args and isinstance(self.args[0], Sentence) else ""
