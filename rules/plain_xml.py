"""XML out of an uploaded file, read without entities: a line that names itself a thousand times cannot become gigabytes.

The one thing a newcomer gets wrong: entities, inner and outer, are declared in a document type and nowhere else, and no Office
program writes one.
"""

from __future__ import annotations

from xml.parsers import expat

from rules.errors import RuleViolation


def plain_parser(sentence: str, field: str | None = None) -> expat.XMLParserType:
    """An XML parser that refuses a document type, and with it every entity, with a RuleViolation of that sentence."""

    def refuse(*declaration: object) -> None:
        raise RuleViolation(sentence, field)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    return parser
