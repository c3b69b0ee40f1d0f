"""Addresses put together late are those put together at once."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import Map, Rule

from views.addresses import LateRule

RULES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/teacher/show/<pk>", {}),
    ("/research/<int:pk>/", {}),
    ("/research/", {"defaults": {"pk": 1}}),
    ("/files/<path:name>", {}),
)
ASKED: tuple[dict[str, Any], ...] = ({"pk": 7}, {"pk": 1}, {"pk": 7, "q": "王伟"}, {"name": "附件/方 案.docx"})


@pytest.mark.parametrize(("rule", "options"), RULES)
def test_a_late_rule_builds_what_a_plain_one_builds(rule: str, options: dict[str, Any]) -> None:
    plain, late = (Map([kind(rule, endpoint="one", **options)]).bind("localhost").map._rules[0] for kind in (Rule, LateRule))
    for values in ASKED:
        for known in (True, False):
            if plain.suitable_for(values):
                assert late.build(values, known) == plain.build(values, known)
    assert any(plain.suitable_for(values) for values in ASKED)


def test_every_route_is_late_and_compiled_once(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    whole = Rule._compile_builder
    monkeypatch.setattr(Rule, "_compile_builder", lambda rule, unknown: compiled.append(unknown) or whole(rule, unknown))
    adapter = Map([LateRule("/jobs/<int:pk>", endpoint="job")]).bind("localhost")
    assert compiled == []
    assert [adapter.build("job", {"pk": pk}) for pk in (1, 2)] == ["/jobs/1", "/jobs/2"]
    assert len(compiled) == 1
    assert all(isinstance(rule, LateRule) for rule in app.url_map.iter_rules() if not rule.endpoint.endswith("static"))
