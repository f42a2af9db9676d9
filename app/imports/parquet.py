"""Parquet as JSON lines, run as a program of its own.

The library takes 60 MB before the first row and is written in a language in which a damaged file
can crash it: here it can neither swell nor take down the process that imports. It reads
``FILE LIMIT rows|check`` and writes how many rows there are, then each one; what is wrong goes to
stderr with exit status 1.
"""

import sys
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

BATCH_BYTES = 2 * 2**20


def main(path: str, limit: int, wanted: str) -> None:
    """Write the rows to stdout; ``check`` only reads them."""
    pa.set_memory_pool(pa.system_memory_pool())
    out = sys.stdout.buffer
    with pq.ParquetFile(path, buffer_size=2**18, pre_buffer=False) as file:
        rows = rows_at_once(file.metadata, limit)
        out.write(b"%d\n" % file.metadata.num_rows)
        for batch in file.iter_batches(batch_size=rows, use_threads=False):
            if wanted == "rows":
                out.writelines(map(line, batch.to_pylist()))


def line(row: dict[str, Any]) -> bytes:
    """A row without its missing values; NaN is how pandas writes those."""
    present = {key: value for key, value in row.items() if value is not None and value == value}
    return orjson.dumps(present, default=str, option=orjson.OPT_APPEND_NEWLINE)


def rows_at_once(metadata: Any, limit: int) -> int:
    """As many rows as are read with little memory. Raises ValueError for rows above the limit."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    largest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1)
    if largest > limit:
        raise ValueError(f"its rows are longer than {limit // 2**20} MB, the most one record may have")
    return max(1, min(1000, int(BATCH_BYTES / max(largest, 1))))


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    except BrokenPipeError:
        # The importing process has seen enough; flushing at exit would fail again.
        sys.stdout = None
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        sys.exit(str(error).strip().partition("\n")[0][:200])
