"""A schedule for people and machines: tables (rich), plain dicts, and a page for a browser."""

from bitfpga.report.page import report_page
from bitfpga.report.page_file import write_report
from bitfpga.report.summary import board_share, schedule_summary
from bitfpga.report.tables import facts_table, print_whole, schedule_lines

__all__ = [
    "board_share",
    "facts_table",
    "print_whole",
    "report_page",
    "schedule_lines",
    "schedule_summary",
    "write_report",
]
