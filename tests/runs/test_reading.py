import gzip
import os
import subprocess
import sys
import threading

import pandas as pd
import pytest

from vvlm_utils.runs import reading
from vvlm_utils.runs.reading import read_table
from vvlm_utils.runs.schema import RunsError
from vvlm_utils.runs.table import load_runs

HEADER = "lm_params,frames,tokens_per_frame,train_examples,metric"
ROWS = "1e9,4,16,250000,45\n2.8e9,8,49,500000,50.5\n"
PLAIN = f"{HEADER}\n{ROWS}"


@pytest.fixture
def save(tmp_path):
    def write(content: str | bytes, name: str = "mine.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


HEADS = {
    "a separator's line": f"sep=,\n{PLAIN}",
    "a quoted separator's line": f'"sep=,"\r\n{PLAIN}',
    "comments": f"# my sweep, exported 2025-03-01\n#\n{PLAIN}",
    "a mark": f"\ufeff{PLAIN}",
    "a mark before a comment": f"\ufeff# mine\n{PLAIN}",
    "blank lines": f"\n\n,,,,\n{PLAIN}",
    "spaces": f" lm_params , frames,tokens_per_frame\t,train_examples , metric \n{ROWS}",
    "quotes": '"' + HEADER.replace(",", '","') + f'"\n{ROWS}',
    "carriage returns": PLAIN.replace("\n", "\r"),
    "both ends of a line": PLAIN.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("content", HEADS.values(), ids=HEADS)
def test_what_spreadsheets_add_is_taken(save, content):
    pd.testing.assert_frame_equal(load_runs(save(content)), load_runs(save(PLAIN, "plain.csv")))


def test_lines_are_counted_from_the_top_of_the_file(save):
    bad = f"sep=,\n# one\n\n{PLAIN}\n1e9,4,0,250000,45\n"
    assert read_table(save(bad)).index.tolist() == [5, 6, 8]
    with pytest.raises(RunsError, match=r"tokens_per_frame must be .*: line 8 \(0\)"):
        load_runs(save(bad))


OTHER = {
    "semicolons": (PLAIN.replace(",", ";"), "separated by semicolons; save it with commas$"),
    "decimal commas": (
        PLAIN.replace(",", ";").replace("50.5", "50,5").replace(";45", ";45,5"),
        "separated by semicolons; save it with commas, and numbers with a decimal point",
    ),
    "tabs": (PLAIN.replace(",", "\t"), "separated by tabs; save it with commas"),
    "bars": (PLAIN.replace(",", "|"), "separated by bars"),
    "spaces": (PLAIN.replace(",", "  "), "separated by spaces"),
    "sep=;": ("sep=;\n" + PLAIN.replace(",", ";"), "separated by semicolons"),
    "thousands": (
        PLAIN.replace("500000", "500,000"),
        "rows have more fields than the header: line 3 has 6, the header 5; write numbers with a",
    ),
    "no header": (ROWS, "the first line holds numbers; it must name the columns"),
    "open quote below a first line": (
        "sep=,\n" + PLAIN + '"1e9,4,16,250000,45\n', 'a quote .* opens in line 5 never closes'),
    "open quote": (PLAIN + '"1e9,4,16,250000,45\n', 'a quote .* opens in line 4 never closes'),
    "nothing": ("", "holds no table; the first line names the columns"),
    "comments alone": ("# a\n# b\n", "holds no table"),
    "a comment within": (f"{HEADER}\n# rerun\n{ROWS}", "line 2 is a comment; remove it"),
    "a page": ("<!DOCTYPE html><html>", "is a web page or XML, not a CSV"),
    "json": ('{"runs": []}', "is JSON, not a CSV"),
    "latin": (PLAIN.encode() + "1e9,4,16,250000,45é\n".encode("latin1"), "line 4 is not UTF-8"),
    "utf-16": (PLAIN.encode("utf-16"), "is text in UTF-16, not a CSV; save it as UTF-8"),
    "gzip": (gzip.compress(PLAIN.encode()), r"is a gzip archive, not a CSV; unpack it first"),
    "xlsx": (b"PK\x03\x04" + bytes(50), r"is a spreadsheet \(xlsx, ods\) or a zip archive, not"),
    "parquet": (b"PAR1" + bytes(50), "is a parquet file, not a CSV; .*read_parquet, to_csv"),
    "nulls": (bytes(5_000), "is no text"),
    "one endless line": ("1" * 200_000, "its first line does not end within 64 kB"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), OTHER.values(), ids=OTHER)
def test_the_true_cause_is_named_in_one_line(save, content, message):
    with pytest.raises(RunsError, match=message) as refusal:
        load_runs(save(content))
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RunsError, match="no such file; give the path of a CSV$"):
        read_table(tmp_path / "a.csv")
    with pytest.raises(RunsError, match=r"no such file \(and a parquet file is not read: save"):
        read_table(tmp_path / "a.parquet")
    with pytest.raises(RunsError, match="not the name of a file"):
        read_table("a" * 5_000)


def test_what_is_no_regular_file_is_refused_before_it_is_read(tmp_path):
    fifo = tmp_path / "pipe.csv"
    os.mkfifo(fifo)
    for path in (fifo, "/dev/zero"):
        asked = threading.Thread(target=lambda p=path: pytest.raises(RunsError, read_table, p))
        asked.start()
        asked.join(timeout=5)
        assert not asked.is_alive()
        with pytest.raises(RunsError, match="is a device or a pipe; write the table to a file"):
            read_table(path)


def test_a_huge_file_is_refused_with_little_memory(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(reading.LARGEST * 1_000)  # sparse: it takes no room
    with pytest.raises(RunsError, match="holds 200,000 MB, and a table of runs at most 200 MB"):
        read_table(path)


@pytest.mark.slow
def test_a_million_rows_are_read_within_twenty_seconds_and_a_gigabyte(tmp_path):
    path = tmp_path / "large.csv"
    rows = (f"{(5e8, 7e9)[k % 2]},{4 + k % 9},49,250000,{40 + k % 7},{k}" for k in range(10**6))
    path.write_text(f"{HEADER},seed\n" + "\n".join(rows))
    code = """
import sys, time
from pathlib import Path
from vvlm_utils.runs.table import load_runs
assert len(load_runs(sys.argv[1])) == 10**6
# Not ru_maxrss, which begins at the size of the process that launched this one.
status = dict(s.split(":", 1) for s in Path("/proc/self/status").read_text().splitlines())
print(time.process_time(), int(status["VmHWM"].split()[0]) / 1e6)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    seconds, gigabytes = map(float, done.stdout.split())
    assert seconds < 20 and gigabytes < 1


ROW = "1e9,4,16,250000,50"


def test_a_number_beyond_64_bits_leaves_empty_cells_empty(save):
    path = save(f"{HEADER},id\n{ROW},{'9' * 20}\n\n")
    assert len(read_table(path)) == 1


def test_names_are_read_alike_in_all_parts_of_a_long_file(save):
    lines = [f"{ROW},01"] * 300_000 + [f"{ROW},a"]
    path = save(f"{HEADER},task\n" + "\n".join(lines))
    assert set(read_table(path)["task"]) == {"01", "a"}
