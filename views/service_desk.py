"""客服申请: the operator's list of who asks for help, with the accounts or administrators they may mean (S0-17, S3-134, S4-39…41)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from models.scoping import Identity
from models.service import RequestKind, RequestState, ServiceRequest
from models.violation import Sentence
from rules.grants import role_label
from rules.masks import mask_account, mask_id_number, mask_phone
from rules.posts import administrators_of
from rules.service import Match, matching_accounts
from rules.service_desk import call_back, change_asked_phone
from views.panel.cells import moment_text
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import listed


def _call_back(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str:
    call_back(session, identity, row, values.get("comment", ""), now)
    return "已登记回访。"


def _rebind(session: Any, identity: Identity, row: Any, values: Any, now: Any) -> str:
    phone = change_asked_phone(session, identity, row, values.get("comment", ""), now)
    return Sentence("已绑定手机 {phone}，申请已答复，并已通知本人。", phone=phone)


class ServiceRequestView(PanelView):
    """客服申请: beside each request what customer service would look up for it."""

    model = ServiceRequest

    verbs = (
        Verb(
            "call_back",
            "登记回访",
            "answer",
            _call_back,
            "phone-check",
            "primary",
            "请拨打新手机号码，核实是本人、原号码已不能接收短信，再写明由谁、何时回访、核实了什么。",
            "required",
            "回访记录",
            shown=lambda row: row.kind is RequestKind.PHONE and row.state is RequestState.WAITING,
            bulk=False,
        ),
        Verb(
            "rebind",
            "更换绑定手机",
            "answer",
            _rebind,
            "device-mobile",
            "primary",
            "姓名、身份证号码、原手机号码都一致的账号将改为绑定新手机号码，并通知本人和原号码；以手机号码为账号的，账号随之改变。",
            "optional",
            "答复内容（不填时答复“已更换”）",
            shown=lambda row: row.kind is RequestKind.PHONE and row.state is RequestState.CALLED,
            bulk=False,
        ),
    )

    def record_notice(self, row: Any) -> str:
        if row.answered_at is not None:
            return ""
        if row.kind is RequestKind.PHONE:
            days = current_app.extensions["settings"].photo_days
            called = row.state is RequestState.CALLED
            step = _("已回访。") if called else _("请核对照片和下方的账号，拨打新手机号码回访并登记，再更换绑定手机。")
            return step + _("照片在办结 %(days)s 天后自动删除。", days=days)
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
        "id_number": mask_id_number(account.id_number),
        "username": mask_account(account.username),
        "name": account.first_name,
        "phone": mask_phone(account.phone),
        "posts": [" · ".join((_(role_label(post.role)), post.unit_name)) for post in match.posts],
        "state": account.state,
        "last_login": moment_text(account.last_login) if account.last_login else "",
        "agrees": listed(_(label) for label in match.agrees),
    }
