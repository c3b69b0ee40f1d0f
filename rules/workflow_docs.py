"""docs/workflows.md, written from the workflows themselves: ``python -m rules.workflow_docs > docs/workflows.md``.

The one thing a newcomer gets wrong: the page is never edited. A test compares it with what stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.approvals import WORKFLOWS
from rules.grants import ROLES
from rules.workflow_steps import Step, Workflow

HEAD = """# Workflows

Generated from `rules/approvals.py` by `python -m rules.workflow_docs > docs/workflows.md`; do not edit.

A state is written by `rules.workflow.take` alone, never by a form, an import, the API or the console. Each step leaves a
row in `decision`: who, as which post, from, to, comment, when. Of two people who decide at once one wins and the other is told.
Whose matter it is finds every step another person took behind the bell, with its comment. A step that asks for several persons
moves the state when the last of them takes it; those before leave a row in `decision` that goes nowhere, and whoever takes
another step from the same state decides at once. A substitute decides under their own name, as the post they stand in for.
"""


def workflows_page(workflows: Sequence[Workflow] = WORKFLOWS) -> str:
    """The page: a diagram and a table of steps for every workflow."""
    return "\n".join([HEAD, *(line for workflow in workflows for line in _section(workflow))])


def diagram(workflow: Workflow) -> str:
    """The workflow as a mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state.label}" as {state.value}' for state in workflow.states]
    lines += [f"    [*] --> {state.value}" for state in workflow.starts]
    arrows = [(source, step) for step in workflow.steps for source in step.sources]
    lines += [f"    {source.value} --> {step.target.value} : {step.label}{_persons(step)}" for source, step in arrows]
    lines += [f"    {state.value} --> [*]" for state in workflow.ends]
    return "\n".join(lines)


def _section(workflow: Workflow) -> Iterator[str]:
    yield f"## {workflow.name} (`{workflow.table}.{workflow.field}`)\n"
    yield f"```mermaid\n{diagram(workflow)}\n```\n"
    if workflow.waits:
        yield f"Counted in the menu for who may decide: {'、'.join(state.label for state in workflow.waits)}.\n"
    yield "| step | label | from | to | act | shipped roles that hold it | conditions |"
    yield "|---|---|---|---|---|---|---|"
    for step in workflow.steps:
        sources = "、".join(state.label for state in step.sources)
        cells = (
            f"`{step.name}`",
            step.label,
            sources,
            step.target.label,
            f"`{step.act}`",
            _holders(workflow, step),
            _conditions(workflow, step),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _holders(workflow: Workflow, step: Step) -> str:
    if not step.shown:
        return "services only"
    acts = {role.label: {act for table in (workflow.table, "*") for act in role.grants.get(table, "").split()} for role in ROLES}
    return "、".join(label for label, held in acts.items() if held & {step.act, "*"})


def _persons(step: Step) -> str:
    if not step.is_vote:
        return ""
    return " (several persons)" if callable(step.quorum) else f" ({step.quorum} persons)"


def _conditions(workflow: Workflow, step: Step) -> str:
    persons = f"as many different persons as `{getattr(step.quorum, '__name__', '')}` says" if callable(step.quorum) else ""
    said = {
        persons or f"{step.quorum} different persons": step.is_vote,
        "not on one's own work": step.not_by_author,
        f"nor on what `{getattr(workflow.own, '__name__', '')}` finds": step.not_by_author and workflow.own,
        f"{step.comment_label} required": step.needs_comment,
        "asks for confirmation": step.confirm,
        f"`{getattr(step.check, '__name__', '')}` finds nothing": step.check,
    }
    return "; ".join(words for words, applies in said.items() if applies) or "—"


if __name__ == "__main__":
    print(workflows_page(), end="")
