"""Read a CSV of runs from a disk, and name the true cause where it cannot be read.

What spreadsheets add is taken: a byte-order mark, a first line ``sep=,``, comments at the head,
spaces around column names, blank lines. What would change numbers is refused: other separators,
decimal commas, other encodings, other formats under the name of a CSV.
"""

from __future__ import annotations

import csv
import re
import stat
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from pandas._libs.parsers import STR_NA_VALUES

from vvlm_utils.runs.schema import RunsError

LARGEST = 200_000_000  # bytes of a table: several million runs
HEAD = 1 << 16  # bytes in which the header must end
SAVE = "save the table as a UTF-8 CSV"
FORMATS = (  # how files of other formats begin
    (b"\x1f\x8b", "a gzip archive", "unpack it first (gunzip)"),
    (b"BZh", "a bzip2 archive", "unpack it first (bunzip2)"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive", "unpack it first (unzstd)"),
    (b"PK\x03\x04", "a spreadsheet (xlsx, ods) or a zip archive", f"{SAVE} or unpack it"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (xls)", SAVE),
    (b"PAR1", "a parquet file", f"{SAVE} (pandas: read_parquet, to_csv)"),
    (b"ARROW1", "an Arrow file", f"{SAVE} (pandas: read_feather, to_csv)"),
    (b"SQLite format 3", "a database", SAVE),
    (b"%PDF", "a PDF", SAVE),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"<", "a web page or XML", "download the table itself"),
    (b"{", "JSON", SAVE),
    (b"version https://git-lfs", "a pointer of git-lfs", "fetch the file itself (git lfs pull)"),
)
ENDINGS = {  # of names under which a table of another format is often given
    ".gz": "a gzip archive", ".xlsx": "a spreadsheet", ".xls": "a spreadsheet",
    ".ods": "a spreadsheet", ".parquet": "a parquet file", ".zip": "a zip archive",
    ".feather": "an Arrow file",
}  # fmt: skip
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
EMPTY = sorted(STR_NA_VALUES)  # what pandas takes for an empty cell


def _check_file(path: Path, known: Sequence[str]) -> None:
    """Refuse what is no regular file of a sensible size, before it is opened."""
    try:
        status = path.stat()
    except FileNotFoundError:
        called = next((kind for end, kind in ENDINGS.items() if path.name.endswith(end)), None)
        also = f" (and {called} is not read: {SAVE})" if called else ""
        others = f", or one of {', '.join(known)}" if known else ""
        raise RunsError(
            f"{_short(path)}: no such file{also}; give the path of a CSV{others}"
        ) from None
    except (OSError, ValueError) as bad:  # a name too long, or with a null in it
        reason = getattr(bad, "strerror", None) or bad
        raise RunsError(f"{_short(path)}: not the name of a file ({reason})") from None
    if stat.S_ISDIR(status.st_mode):
        raise RunsError(f"{path} is a folder; name a CSV")
    if not stat.S_ISREG(status.st_mode):
        raise RunsError(f"{path} is a device or a pipe; write the table to a file and name that")
    if status.st_size > LARGEST:
        raise RunsError(
            f"{path} holds {status.st_size / 1e6:,.0f} MB, and a table of runs at most "
            f"{LARGEST / 1e6:.0f} MB; keep the columns of the runs alone, or fewer rows"
        )


def _short(path: Path) -> str:
    text = str(path) if str(path).isprintable() else repr(str(path))
    return text if len(text) <= 200 else f"{text[:200]} ..."


def _head(path: Path) -> tuple[int, str, str]:
    """Lines before the header, its line and the next; refuses what is no text with commas."""
    with path.open("rb") as file:
        raw = file.read(HEAD)
    for start, kind, hint in FORMATS:
        if raw.removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n").startswith(start):
            raise RunsError(f"{path} is {kind}, not a CSV; {hint}")
    if b"\x00" in raw:
        raise RunsError(f"{path} is no text (it holds null bytes); {SAVE}")
    text = raw.decode("utf-8-sig", errors="replace")
    lines = re.split(r"\r\n|\r|\n", text)
    for skipped, line in enumerate(lines):
        bare = line.strip().strip('\ufeff"').lower()
        if bare.strip(",;\t") and not bare.startswith(("#", "sep=")):
            if skipped == len(lines) - 1 and len(raw) == HEAD:
                break
            return skipped, line, "".join(lines[skipped + 1 : skipped + 2])
    if len(raw) == HEAD:
        raise RunsError(f"{path}: its first line does not end within {HEAD // 1024} kB, so it is "
                        "no header of a table")  # fmt: skip
    raise RunsError(f"{path}: holds no table; the first line names the columns")


def _check_header(path: Path, header: str, next_line: str) -> None:
    """Refuse a header with another separator, or one that is a row of numbers."""
    if "\ufffd" in header:  # bytes that are no UTF-8: whoever reads them all says where
        return
    names = header.split(",")
    for separator, name in SEPARATORS.items():
        if header.count(separator) > header.count(","):
            decimal = re.search("[0-9],[0-9]", next_line)
            point = ", and numbers with a decimal point" if decimal else ""
            raise RunsError(f"{path}: its fields are separated by {name}; save it with commas"
                            f"{point}")  # fmt: skip
    if len(names) == 1 and len(re.findall("[^ ]+", header)) > 3:
        raise RunsError(f"{path}: its fields are separated by spaces; save it with commas")
    if len(names) > 3 and all(re.fullmatch('[ \t]*"?[-+.0-9eE]+"?[ \t]*', name) for name in names):
        raise RunsError(f"{path}: the first line holds numbers; it must name the columns")


def _wide_line(path: Path, skipped: int, fields: int) -> str:
    """Where the first row with more fields than the header stands, and what it probably is."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for _ in range(skipped):
            file.readline()
        reader = csv.reader(file)
        with suppress(csv.Error):  # a field beyond the reader's own limit
            for row in reader:
                if len(row) > fields:
                    return f"line {reader.line_num + skipped} has {len(row)}"
    return "some rows have more"


def _explain(path: Path, bad: Exception, skipped: int) -> str:
    """Why pandas gave up, in words."""
    text = (str(bad).splitlines() or [type(bad).__name__])[0]
    if isinstance(bad, UnicodeDecodeError):
        try:
            path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as where:
            line = where.object[: where.start].count(b"\n") + 1
            return f"line {line} is not UTF-8 text (byte {where.object[where.start]:#x}); {SAVE}"
    if found := re.search(r"EOF inside string starting at row (\d+)", text):
        line = int(found[1]) + skipped + 1
        return f'a quote (") that opens in line {line} never closes; remove or close it'
    return f"not a readable CSV ({text[:200]}); {SAVE}"


def read_table(path: str | Path, known: Sequence[str] = ()) -> pd.DataFrame:
    """The rows of a CSV, each indexed by its line in the file; column names without spaces.

    Raises RunsError, in one line, where it cannot be read. At most ``LARGEST`` bytes are read, and
    only of a regular file. ``known`` are names that may be given instead of a path.
    """
    path = Path(path)
    _check_file(path, known)
    try:
        skipped, header, next_line = _head(path)
    except OSError as bad:
        raise RunsError(f"{path}: cannot be read ({bad.strerror})") from None
    _check_header(path, header, next_line)
    plain = {"skip_blank_lines": False, "index_col": False, "compression": None}
    plain["low_memory"] = False  # else each part of a long file has types of its own: task 01 is 1
    try:
        with warnings.catch_warnings():
            # Rows longer than the header: pandas would drop what hangs over.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with path.open(encoding="utf-8-sig", newline="") as file:
                for _ in range(skipped):  # pandas would skip one more where lines end in \r
                    file.readline()
                table = pd.read_csv(file, **plain)
    except (pd.errors.ParserWarning, ValueError, OSError) as bad:  # pandas' own are ValueErrors
        wide = isinstance(bad, Warning) or re.search(r"Expected \d+ fields", str(bad))
        if not wide:
            raise RunsError(f"{path}: {_explain(path, bad, skipped)}") from None
        fields = len(next(csv.reader([header])))
        raise RunsError(
            f"{path}: rows have more fields than the header: {_wide_line(path, skipped, fields)}, "
            f"the header {fields}; write numbers with a decimal point and without thousands "
            "separators (45.3, 7500000000 or 7.5e9), and put quotes around text with a comma"
        ) from None
    # A column with a whole number beyond 64 bits keeps its empty cells as they are written.
    texts = table.select_dtypes(["object", "str"])
    table[texts.columns] = texts.mask(texts.isin(EMPTY))
    table.columns = [str(name).strip().strip("\ufeff") for name in table.columns]
    table.index = np.arange(len(table)) + skipped + 2
    noted = table.iloc[:, 0].astype(str).str.startswith("#") & table.iloc[:, 1:].isna().all(axis=1)
    if noted.any():
        raise RunsError(f"{path}: line {noted.idxmax()} is a comment; remove it")
    return table.dropna(how="all")
