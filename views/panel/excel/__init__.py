"""Excel and CSV for any table: export, template, import, and the workbook back with its faults.

Knows nothing of the web or of a database. Sentences for the user are ``RuleViolation``.
"""

from views.panel.excel.annotate import Fault, annotate_workbook
from views.panel.excel.cells import BrokenCell, parse_cell
from views.panel.excel.columns import LINKS_SEPARATOR, RESULT_LABEL, SheetColumn
from views.panel.excel.csv_file import write_csv
from views.panel.excel.headers import HeaderMatch, match_headers
from views.panel.excel.reader import Sheet, open_sheet
from views.panel.excel.template import write_template
from views.panel.excel.writer import write_xlsx

__all__ = [
    "LINKS_SEPARATOR",
    "RESULT_LABEL",
    "BrokenCell",
    "Fault",
    "HeaderMatch",
    "Sheet",
    "SheetColumn",
    "annotate_workbook",
    "match_headers",
    "open_sheet",
    "parse_cell",
    "write_csv",
    "write_template",
    "write_xlsx",
]
