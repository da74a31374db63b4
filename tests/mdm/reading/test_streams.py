"""Packed files give the rows of what they hold; damaged, foreign and swollen ones are refused in bounded memory."""

from __future__ import annotations

import bz2
import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mdm.errors import BadSource
from mdm.reading.chunks import Chunk
from mdm.reading.files import File
from mdm.reading.streams import MAX_LINE

TEXT = b"id,name\n1,Ann\n2,Bob\n"


def read(path: Path) -> list[Chunk]:
    return list(File(path).chunks())


def zipped(*names: str, data: bytes = TEXT) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return packed.getvalue()


def zstandard(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(data)
    return bytes(packed.getvalue())


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv.gz", gzip.compress(TEXT, mtime=0)),
        ("A.CSV.GZ", gzip.compress(TEXT, mtime=0)),
        ("a.csv.bz2", bz2.compress(TEXT)),
        ("a.csv.zst", zstandard(TEXT)),
        ("a.zip", zipped("a.csv")),
        ("a.csv.zip", zipped("folder/", "folder/any.csv", "__MACOSX/._any.csv")),
        ("a.zip", zipped("a.jsonl", data=b'{"id": 1, "name": "Ann"}\n{"id": 2, "name": "Bob"}\n')),
    ],
)
def test_a_packed_file_gives_its_rows(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert File(tmp_path / name).columns() == ("id", "name")
    assert [row for chunk in read(tmp_path / name) for row in chunk.rows] == [("1", "Ann"), ("2", "Bob")]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard)])
def test_a_cut_off_file_is_refused(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    text = b"id,name\n" + b"".join(b"%d,Ann %d\n" % (n, n * 7919 % 10007) for n in range(50_000))
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(pack(text)[:-20_000])
    with pytest.raises(BadSource, match=r"a\.csv.*: cannot be read.*damaged or cut off"):
        read(path)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.csv.zst"])
def test_a_line_that_never_ends_does_not_fill_the_memory(tmp_path: Path, name: str) -> None:
    bomb = b"id,name\n" + bytes([65]) * (200 << 20)
    packs: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "zst": zstandard}
    pack = packs[name[6:]]
    (tmp_path / name).write_bytes(pack(bomb))
    del bomb
    tracemalloc.start()
    with pytest.raises(BadSource, match=r"line 2 is longer than 8 MB"):
        read(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 8 * MAX_LINE
    tracemalloc.stop()


def test_a_line_may_be_as_long_as_a_large_cell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,name\n1," + b"A" * (1 << 20) + b"\n2,Bob\n")
    rows = [row for chunk in read(tmp_path / "a.csv") for row in chunk.rows]
    assert [len(row[1] or "") for row in rows] == [1 << 20, 3]


def test_large_cells_make_small_chunks(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(b"id,name\n")
        for n in range(100):
            file.write(b"%d,%s\n" % (n, b"A" * (1 << 20)))
    chunks = read(tmp_path / "a.csv")
    assert sum(len(c.rows) for c in chunks) == 100
    assert max(len(c.rows) for c in chunks) <= 64


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.zip", zipped("a.csv", "b.csv"), r"holds 2 files \(a.csv, b.csv\)"),
        ("a.zip", zipped(), r"holds 0 files"),
        ("a.zip", b"id,name\n", "cannot be read as a zip archive"),
        ("a.zip", zipped("a.parquet"), r"\.parquet cannot be read packed; unpack it"),
        ("a.zip", zipped("a.doc"), "unknown format"),
        ("a.csv", zipped("a.csv"), r"is not text but a zip archive"),
        ("a.csv", gzip.compress(TEXT, mtime=0), r"is not text but compressed with gzip; let its name end in \.gz"),
        ("a.csv", b"PAR1....", r"is not text but parquet"),
        ("a.csv", b"SQLite format 3\0", r"`read: sqlite:///FILE`"),
        ("a.csv", b"\xd0\xcf\x11\xe0", r"without a password"),
        ("a.csv", b"\n<!DOCTYPE html><table>", "is a web page or XML"),
        ("a.jsonl", b"%PDF-1.7", "a PDF document"),
        ("a.csv.gz", b"id,name\n", "cannot be read: .*damaged"),
        ("a.xls", b"", r"\.xls form cannot be read; save it as \.xlsx"),
    ],
)
def test_what_the_name_does_not_say_is_refused(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    for action in (File(tmp_path / name).columns, lambda: read(tmp_path / name)):
        with pytest.raises(BadSource, match=said):
            action()


def test_a_protected_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped("a.csv"))
    data[6] |= 1  # the flag that says so, in the member's own header and in the directory
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadSource, match="protected by a password"):
        read(tmp_path / "a.zip")


def test_long_text_in_every_row_of_a_parquet_file_makes_small_chunks(tmp_path: Path) -> None:
    text = pa.array(["A" * (1 << 20)] * 200)
    pq.write_table(pa.table({"id": [str(n) for n in range(200)], "name": text}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 1 << 20  # a dictionary of one
    chunks = read(tmp_path / "a.parquet")
    assert sum(len(c.rows) for c in chunks) == 200
    assert max(len(c.rows) for c in chunks) <= 32
