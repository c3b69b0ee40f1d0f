"""客服申请: the operator's list of who asks for help, with the accounts or administrators they may mean (S0-17, S3-134)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from models.service import RequestKind, RequestState, ServiceRequest
from rules.grants import role_label
from rules.masks import mask_account, mask_phone
from rules.posts import administrators_of
from rules.service import Match, matching_accounts
from views.panel.cells import moment_text
from views.panel.screens import PanelView
from views.panel.words import listed


class ServiceRequestView(PanelView):
    """客服申请: beside each request what customer service would look up for it."""

    model = ServiceRequest

    def record_notice(self, row: Any) -> str:
        if row.state is not RequestState.WAITING:
            return ""
        return _("请先核实身份。答复可凭查询号公开查看，不能写密码；密码在账号页面重置，只发到账号登记的手机。")

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        """The administrators around the unit for who asks for theirs, else the accounts that match; all of it within reach."""
        if row.kind is RequestKind.ADMINISTRATOR:
            found = administrators_of(self.db, self.identity, row.scope_path)
            return [(_("该单位和上级单位的管理员"), "service/_administrators.html", found)]
        if not self.identity.may("read", "account"):
            return []
        matches = [_told(match) for match in matching_accounts(self.db, self.identity, row)]
        return [(_("可能是申请人的账号"), "service/_matches.html", matches)]


def _told(match: Match) -> dict[str, Any]:
    """A matching account as the panel shows it: masked, because whoever needs it in full reveals it on its own page."""
    account = match.account
    return {
        "id": account.id,
        "username": mask_account(account.username),
        "name": account.first_name,
        "phone": mask_phone(account.phone),
        "posts": [" · ".join((_(role_label(post.role)), post.unit_name)) for post in match.posts],
        "state": account.state,
        "last_login": moment_text(account.last_login) if account.last_login else "",
        "agrees": listed(_(label) for label in match.agrees),
    }
