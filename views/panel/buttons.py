"""Which buttons a person sees on a list and a record, and what pressing one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import abort, request
from flask_babel import gettext as _

from models.base import utcnow
from models.scoping import row_in_reach
from models.violation import Conflict, Sentence
from rules.approvals import workflow_of
from rules.workflow import CHANGED, Step, Workflow, offers, take
from views.panel.pages import Button
from views.panel.verbs import Verb
from views.panel.words import told

if TYPE_CHECKING:
    from views.panel.screens import PanelView

    Base = PanelView
else:
    Base = object


SEEN = "seen"
"""What a button of a decision carries: the version its page showed. Nobody decides on what they have not seen."""


class ButtonsMixin(Base):
    """Buttons of lists and records; every one ends in a service that asks again."""

    def verb(self, name: str) -> Verb:
        """The verb of this name, a workflow step among them; 404 for an unknown one, 403 without its act."""
        return self.permitted(self._all_verbs().get(name))

    def permitted(self, verb: Verb | None) -> Verb:
        """The verb, if there is one (else 404) and the person holds its act (else 403)."""
        if verb is None:
            abort(404)
        if not self.identity.may(verb.act, self.table):
            abort(403)
        return verb

    def _all_verbs(self) -> dict[str, Verb]:
        workflow = workflow_of(self.model)
        steps = [_step_verb(workflow, step) for step in workflow.steps if step.shown] if workflow else []
        return {verb.name: verb for verb in (*steps, *self.verbs)}

    def run_verb(self, verb: Verb, row: Any) -> Any:
        """Do it; raises RuleViolation with the sentence why not."""
        if not self.reaches(verb.act, row):
            abort(403)
        return verb.run(self.db, self.identity, row, request.form, utcnow())

    def foretold(self, verb: Verb, row: Any) -> Sequence[str]:
        """What the second confirmation tells of this very record, line by line; for a subclass."""
        return ()

    def reaches(self, act: str, row: Any) -> bool:
        """Whether the person's grant for ``act`` covers this row."""
        return row_in_reach(row, self.identity, act)

    def is_theirs(self, verb: Verb, row: Any) -> bool:
        """Whether the rule could ever let this person do it to this row; what it never will is not offered."""
        return True

    def why_closed(self, name: str, row: Any) -> str:
        """The sentence why ``edit`` or ``delete``, or on a list a step, is not open for this record to who holds its act; for a subclass.

        On the record's own page each step is asked its own check.
        """
        return ""

    def why_none_added(self, above: Any | None = None) -> str:
        """The sentence why no record can be added now: to the one ``above`` it, or anywhere; for a subclass."""
        return ""

    # --- lists --------------------------------------------------------------------------------------------------------

    def list_buttons(self) -> Sequence[Button]:
        """The buttons at the top right, the main one last; import and export stand there by themselves."""
        if not self.may("add"):
            return []
        return [Button(self.add_label(), self.url("add"), "plus", "primary", why=told(self.why_none_added()))]

    def row_buttons(self, row: Any) -> tuple[list[Button], list[Button]]:
        """Inline buttons and those behind the three dots."""
        steps = [button for button in self._step_buttons(row) if not button.why]
        waits = (workflow := workflow_of(self.model)) is not None and workflow.state(row) in workflow.waits
        decides = {button.label for button in steps if waits and button.kind != "normal"}
        inline, menu = [b for b in steps if b.label in decides], [b for b in steps if b.label not in decides]
        for verb in self._open_verbs(row):
            (inline if verb.inline else menu).append(self._verb_button(verb, row))
        menu += [button for button in self._form_buttons(row)[::-1] if not button.why]
        return inline, menu

    def _form_buttons(self, row: Any) -> list[Button]:
        """To delete the record, and to edit it."""
        looks = {"delete": (_("删除"), "trash", "danger"), "edit": (self.edit_label(), "edit", "normal")}
        held = [name for name in looks if self.may(name) and self.reaches(name, row)]
        return [Button(looks[n][0], self.url(n, pk=row.id), *looks[n][1:], why=told(self.why_closed(n, row))) for n in held]  # type: ignore[arg-type]

    # --- records ------------------------------------------------------------------------------------------------------

    def record_buttons(self, row: Any) -> list[Button]:
        """Everything this person may do to the record; closed steps say why."""
        verbs = [self._verb_button(verb, row) for verb in self._open_verbs(row)]
        return [*verbs, *self._form_buttons(row), *self._step_buttons(row, thorough=True)]

    def _open_verbs(self, row: Any) -> list[Verb]:
        held = [v for v in self.verbs if v.shown(row) and self.identity.may(v.act, self.table) and self.reaches(v.act, row)]
        return [v for v in held if self.is_theirs(v, row)]

    def _verb_button(self, verb: Verb, row: Any) -> Button:
        url = self.url("do", name=verb.name, pk=row.id)
        asked = (
            "\n".join((_("：").join((_(verb.label), str(row))), told(verb.confirm)))
            if verb.confirm and verb.name not in self.asked_on_a_page
            else ""
        )
        labels = {"comment_label": told(verb.comment_label), "confirm_label": told(verb.confirm_label)}
        return Button(_(verb.label), url, verb.icon, verb.kind, "post", asked, verb.comment, **labels)

    def _step_buttons(self, row: Any, thorough: bool = False) -> list[Button]:
        workflow = workflow_of(self.model)
        if workflow is None:
            return []
        found = []
        for offer in offers(self.db, self.identity, workflow, row, thorough=thorough):
            button = self._verb_button(_step_verb(workflow, offer.step), row)
            if offer.step.not_by_author:
                button = replace(button, values=((SEEN, str(row.version)),))
            if offer.needed > 1:
                label = _("%(step)s（%(taken)s/%(needed)s 人）", step=button.label, taken=offer.taken, needed=offer.needed)
                button = replace(button, label=label)
            why = offer.why or ("" if thorough else self.why_closed(offer.step.name, row))
            found.append(replace(button, why=told(why)) if why else button)
        return found


def _step_verb(workflow: Workflow, step: Step) -> Verb:
    return Verb(
        step.name,
        step.label,
        step.act,
        _taker(workflow, step),
        kind=step.kind,  # type: ignore[arg-type]
        confirm=step.confirm or (_("请填写%(what)s。", what=_(step.comment_label)) if step.needs_comment else ""),
        comment="required" if step.needs_comment else "",
        comment_label=step.comment_label,
        confirm_label=step.confirm_label,
        inline=True,
    )


def _taker(workflow: Workflow, step: Step) -> Callable[..., str]:
    def run(session: Any, identity: Any, row: Any, values: Any, now: Any) -> str:
        if values.get(SEEN, "") not in ("", str(row.version)):
            raise Conflict(CHANGED)
        decision = take(session, identity, workflow, row, step.name, comment=values.get("comment", "").strip(), now=now)
        return Sentence("已记录，还需 {more} 人。", more=decision.still_needed) if decision.still_needed else "已办理。"

    return run
