"""The one exception a user's sentence comes from, under the name the rules use.

It lives in ``models`` because a table's own invariants raise it too, and an import never goes up a floor.
"""

from models.violation import RuleViolation

__all__ = ["RuleViolation"]
