"""角色列表: Flask-AppBuilder's pages for roles, but for what they would tell or fail on."""

from __future__ import annotations

from typing import Any

from flask import abort
from flask_appbuilder.security.views import RoleModelView as StockView

from models.base import row_id


class RoleModelView(StockView):  # type: ignore[misc]
    """Roles and what each may do; roles have no files to download."""

    exclude_route_methods = {"download"}

    def _deserialize_pk_if_composite(self, pk: Any) -> Any:
        """What the address names, if a role can be called so."""
        return row_id(pk) or abort(404)

    def _get_list_widget(self, filters: Any, order_column: str = "", **asked: Any) -> Any:
        """Sorted by nothing but what it offers: the order of a column of another table (``user.password``) tells of its values."""
        return super()._get_list_widget(filters, order_column=order_column if order_column in self.order_columns else "", **asked)
