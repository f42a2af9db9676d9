"""Rows as the bytes of a file: lines of JSON as they are or compressed, Parquet, a table."""

import csv
import io
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import orjson
import zstandard

from app import cells
from app.exports.forms import ExportSpec, File
from app.exports.lines import Lines, Rows

GZIP_LEVEL, ZSTD_LEVEL = 6, 3
# zlib's way of asking for gzip's frame; it names no file and no time: the same rows, the same bytes.
GZIP_FRAME = zlib.MAX_WBITS | 16

MEDIA_TYPES = {
    File.JSONL: "application/x-ndjson",
    File.ZSTD: "application/zstd",
    File.GZIP: "application/gzip",
    File.PARQUET: "application/vnd.apache.parquet",
    File.CSV: "text/csv",
    File.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def encoded(chunks: Iterator[Rows], spec: ExportSpec) -> Iterator[bytes]:
    """Rows, of which only Parquet takes others than lines, as a file in blocks; nothing before the first."""
    return _ENCODERS[spec.file](chunks, spec)


def _lines(chunks: Iterator[Lines], _spec: ExportSpec) -> Iterator[bytes]:
    for lines in chunks:
        yield lines.text


def _gzip(chunks: Iterator[Lines], spec: ExportSpec) -> Iterator[bytes]:
    return _compressed(_lines(chunks, spec), zlib.compressobj(GZIP_LEVEL, wbits=GZIP_FRAME))


def _zstd(chunks: Iterator[Lines], spec: ExportSpec) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
    return _compressed(_lines(chunks, spec), compressor.compressobj())


def _compressed(blocks: Iterator[bytes], compressor: _Compressor) -> Iterator[bytes]:
    for block in blocks:
        if data := compressor.compress(block):
            yield data
    yield compressor.flush()


def _parquet(chunks: Iterator[Rows], spec: ExportSpec) -> Iterator[bytes]:
    # Read when pyarrow starts: its own pool keeps 16 MB in a worker that rarely needs any.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Loaded when it is asked for: pyarrow takes long to start.
    from app.exports import parquet

    return parquet.write(chunks, spec)


def _csv(chunks: Iterator[Lines], _spec: ExportSpec) -> Iterator[bytes]:
    text = io.StringIO()
    table = csv.writer(text)
    for number, lines in enumerate(chunks):
        rows = [orjson.loads(line) for line in lines]
        if not number:
            table.writerow(rows[0])
        table.writerows([cells.safe(value) for value in row.values()] for row in rows)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _xlsx(chunks: Iterator[Lines], _spec: ExportSpec) -> Iterator[bytes]:
    from app.exports import workbook

    return workbook.write(chunks)


_ENCODERS: dict[File, Callable[[Any, ExportSpec], Iterator[bytes]]] = {
    File.JSONL: _lines,
    File.ZSTD: _zstd,
    File.GZIP: _gzip,
    File.PARQUET: _parquet,
    File.CSV: _csv,
    File.XLSX: _xlsx,
}
