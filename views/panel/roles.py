"""角色列表: Flask-AppBuilder's pages of roles, in the words of the screens.

The one thing a newcomer gets wrong: the class keeps the framework's name, because permissions and addresses are called by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, current_app, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.views import RoleModelView as FabRoleModelView
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import ValidationError

from models.access import Role
from models.base import row_id
from rules.grants import BY_NAME, role_label
from rules.shipped_roles import KEPT
from views.panel.words import listed

ACTS = {
    "*": "全部操作",
    "read": "查看",
    "list": "查看列表",
    "show": "查看",
    "get": "查看",
    "add": "新增",
    "edit": "编辑",
    "delete": "删除",
    "export": "导出",
    "import": "导入",
    "move": "调整所属",
    "reveal": "查看完整信息",
    "certify": "认证审核",
    "certify_above": "审核学校管理员的认证",
    "apply": "申请",
    "leave": "从学校移除",
    "end": "解除",
    "issue": "生成",
    "revoke": "作废",
    "reset": "重置密码",
    "unlock": "解锁",
    "approve": "审核",
    "disable": "停用",
    "answer": "答复",
    "appoint": "开通账号",
    "rebind": "更换绑定手机",
    "open": "开启",
    "accept": "整校验收",
    "members": "管理成员",
    "publish": "发布",
    "join": "参与",
    "complete": "完成",
    "return": "退回",
    "moderate": "隐藏",
    "hand_in": "上传",
    "lock": "锁定",
    "submit": "提交",
    "review": "评审",
    "decide": "审批",
    "copyrole": "复制角色",
}
"""What an act is called on the pages of roles, whatever the table; complete (tests/contract/test_panel.py)."""
PAGES = {
    "*": "全部功能",
    "activation": "激活进度",
    "statistics": "数据统计",
    "RoleModelView": "角色列表",
    "SwaggerView": "接口文档",
    "OpenApi": "接口说明",
    "MenuApi": "菜单接口",
}


def _label(name: str) -> str:
    return _(role_label(name))


def _count(permissions: Sequence[Any]) -> str:
    return _("共 %(count)s 项", count=len(permissions))


def _in_words(permissions: Sequence[Any]) -> str:
    """A line for each screen: what it is called, and what may be done there."""
    acts: dict[str, list[str]] = defaultdict(list)
    for one in permissions:
        act = one.permission.name.removeprefix("can_")
        acts[one.view_menu.name].append(_(ACTS.get(act, act)))
    return "\n".join(sorted(_("：").join((_screen(name), listed(dict.fromkeys(words)))) for name, words in acts.items()))


def _in_a_word(permission: Any) -> str:
    """What the forms of a role offer: 教师管理：查看."""
    return _in_words([permission])


def _screen(name: str) -> str:
    view = current_app.extensions["panel"].get(name)
    return _(view.screen.label if view is not None else PAGES.get(name, name))


def _keeps_its_name(form: Any, field: Any) -> None:
    """Said beside the field, so that nothing else of the form is lost; ``rules.shipped_roles`` asks behind every door."""
    number = getattr(form, "_id", None)
    role = current_app.extensions["db"].get(Role, number) if number is not None else None
    if role is not None and role.name in BY_NAME and field.data != role.name:
        raise ValidationError(_(KEPT))


class RoleModelView(FabRoleModelView):  # type: ignore[misc]
    """Roles by the names people read; what they may do as a number in the list, in words on the page of one. They have no files.

    Several are copied from the list; one alone has no action.
    """

    exclude_route_methods: ClassVar[set[str]] = {"download", "action"}
    search_columns: ClassVar[list[str]] = ["name"]
    formatters_columns: ClassVar[dict[str, Any]] = {"name": _label, "permissions": _in_words}
    description_columns: ClassVar[dict[str, Any]] = {"name": lazy_gettext("角色的代号，岗位凭它认出角色。平台自带的角色不能改名。")}
    validators_columns: ClassVar[dict[str, Any]] = {"name": [_keeps_its_name]}

    def _init_forms(self) -> None:
        super()._init_forms()
        for form in (self.add_form, self.edit_form):
            form.permissions.kwargs["get_label"] = _in_a_word

    def _deserialize_pk_if_composite(self, pk: Any) -> Any:
        """What the address names, if a role can be called so."""
        return row_id(pk) or abort(404)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        """复制角色; what the list does not offer, or a role that is gone, is not there (upstream: a crash)."""
        chosen = [self.datamodel.get(self._deserialize_pk_if_composite(pk)) for pk in request.form.getlist("rowid")]
        if request.form.get("action") not in self.actions or None in chosen:
            abort(404)
        return super().action_post()

    def post_add_redirect(self) -> Any:
        return redirect(url_for(".list"))

    post_edit_redirect = post_add_redirect

    def _get_list_widget(self, filters: Any, order_column: str = "", **asked: Any) -> Any:
        """Sorted by nothing but what it offers: the order of a column of another table (``user.password``) tells of its values."""
        widgets = super()._get_list_widget(filters, order_column=order_column if order_column in self.order_columns else "", **asked)
        widgets["list"].template_args["formatters_columns"] = {"name": _label, "permissions": _count}
        return widgets
