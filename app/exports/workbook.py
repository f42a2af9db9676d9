"""An Excel workbook, for people who report: it starts when its last row is known."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import xlsxwriter
from flask_babel import gettext as _

from app import language
from app.errors import Conflict
from app.exports.lines import Lines

# Excel's own limits.
MOST_ROWS = 1_048_576 - 1
LONGEST_CELL = 32_767
CUT = " … (cut: a cell holds no more)"

BLOCK = 2**18

# The same rows are the same bytes, whenever they are written.
CREATED = datetime(1980, 1, 1, tzinfo=UTC)

OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
           "strings_to_numbers": False}  # fmt: skip


def write(chunks: Iterator[Lines]) -> Iterator[bytes]:
    """The workbook in blocks. Raises Conflict where it has more rows than a sheet holds."""
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, OPTIONS)
        book.set_properties({"created": CREATED})
        sheet = book.add_worksheet("Judgments")
        sheet.freeze_panes(1, 0)
        written = 0
        for lines in chunks:
            rows = [orjson.loads(line) for line in lines]
            if not written:
                sheet.write_row(0, 0, list(rows[0]))
            if written + len(rows) > MOST_ROWS:
                raise Conflict(
                    _(
                        "An Excel sheet holds %(most)s rows and there are more. Take CSV or Parquet.",
                        most=language.number(MOST_ROWS),
                    )
                )
            for row in rows:
                written += 1
                sheet.write_row(written, 0, [_cell(value) for value in row.values()])
        book.close()
        file.seek(0)
        yield from iter(lambda: file.read(BLOCK), b"")


def _cell(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        return value[: LONGEST_CELL - len(CUT)] + CUT
    return value
