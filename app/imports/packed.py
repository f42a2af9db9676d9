"""Unpacking what is packed with gzip or zstd, in bounded memory, to its end or not at all."""

import gzip
import io
import zlib
from typing import Any, BinaryIO, cast

import zstandard

MB = 2**20
# 1 kB of zstd can unfold to 32 MB at most (256 run-length blocks of 128 kB).
ZSTD_STEP = 1024
ZSTD_WINDOW = 32 * MB

# What reading raises where a file is damaged or was cut off.
BROKEN = (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile)


def compression(magic: bytes) -> str:
    """What a file that begins with these bytes is packed with: gzip, zstd, or nothing."""
    if magic.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zstd" if magic.startswith(b"\x28\xb5\x2f\xfd") else ""


def unpacked(file: BinaryIO, compression: str) -> io.BufferedReader:
    """The file's bytes, unpacked; reading past a cut-off end raises one of BROKEN."""
    if compression == "gzip":
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=file)), MB)
    if compression == "zstd":
        return io.BufferedReader(_Zstd(file), MB)
    return cast(io.BufferedReader, file)


class _Zstd(io.RawIOBase):
    """The library's own reader takes a cut-off file for a whole one; this one raises EOFError."""

    def __init__(self, file: BinaryIO) -> None:
        self._packed = file
        self._library = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._frame = self._library.decompressobj()
        self._ready = memoryview(b"")
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._fill():
            pass
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _fill(self) -> bool:
        rest = self._frame.unused_data if self._frame.eof else b""
        if self._frame.eof:
            self._frame, self._begun = self._library.decompressobj(), False
        packed = rest or self._packed.read(ZSTD_STEP)
        if not packed and self._begun:
            raise EOFError("the end is missing")
        if packed:
            self._begun = True
            self._ready = memoryview(self._frame.decompress(packed))
        return bool(packed)
