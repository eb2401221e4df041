"""One table has one answer, whoever asks: the command line, a kept fit, a report, Python."""

import json
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from vvlm_utils.advice.answer import ask, default_epsilon, fit_model, records
from vvlm_utils.cli import main
from vvlm_utils.runs.prepared import prepare, price_options
from vvlm_utils.site import report
from vvlm_utils.text import short_count, show_interval

FEW = 8  # members of the mix


def own_sweep(**levels) -> pd.DataFrame:
    """Runs made by a sum of powers with a little noise."""
    values = {
        "lm_params": (1e9, 3e9, 8e9),
        "frames": (4, 8, 16, 32),
        "tokens_per_frame": (16, 64, 196),
        "train_examples": (1e5, 4e5, 1e6),
    } | levels
    mesh = np.meshgrid(*values.values(), indexing="ij")
    table = pd.DataFrame({n: axis.ravel() for n, axis in zip(values, mesh, strict=True)})
    error = 18 + 15 * (table["lm_params"] / 1e9) ** -0.3 + 14 * table["frames"] ** -0.5
    error += 18 * table["tokens_per_frame"] ** -0.4 + 9 * (table["train_examples"] / 1e6) ** -0.3
    noise = np.random.default_rng(0).normal(0, 0.3, len(table))
    return table.assign(metric=100 - error + noise)


def _own_cost(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(cost_flops=3e9 * table["frames"] * (table["lm_params"] / 1e9 + 2))


# name -> (table or the name of a published one, options, budgets in TFLOPs, n)
TABLES = {
    "paper": ("paper", [], (5, 30), 1e6),
    "mini": ("mini", [], (3e-5, 1e-4), 4096),
    "own cost": (_own_cost(own_sweep()), [], (0.05, 0.5), 1e6),
    "another tower": (own_sweep(), ["--tower-params", "1e8", "--features-per-frame", "196"],
                      (2, 20), 1e6),
    "one n": (own_sweep(train_examples=(5e5,)), [], (5, 30), 5e5),
    "fixed tokens": (own_sweep(tokens_per_frame=(182,)), [], (10, 30), 1e6),
}  # fmt: skip
COMPARED = ("lm_params", "frames", "tokens_per_frame", "error", "error_low", "error_high")


def vvlm(monkeypatch, capsys, *words) -> list:
    """Run a command in this process and read its JSON."""
    monkeypatch.setattr(sys, "argv", ["vvlm", *map(str, words), "--json"])
    capsys.readouterr()
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def question(name: str, folder) -> tuple[str, list, list, float]:
    """The table's name or file, its options, its --tflops, and n."""
    table, options, budgets, n = TABLES[name]
    if isinstance(table, pd.DataFrame):
        path = folder / "runs.csv"
        table.to_csv(path, index=False)
        table = str(path)
    return table, options, [w for b in budgets for w in ("--tflops", b)], n


def assert_same(found: list[dict], wanted: list[dict]) -> None:
    """Same designs, errors, bands and votes."""
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            [ours[c] for c in COMPARED], [theirs[c] for c in COMPARED], rtol=1e-9
        )
        assert ours["votes"] == pytest.approx(theirs["votes"])


@pytest.fixture(params=TABLES)
def asked(request, tmp_path):
    return request.param, *question(request.param, tmp_path)


def in_python(name: str, table: str, n: float) -> list[dict]:
    """The answer of the package: prepare, fit, ask."""
    _, options, budgets, _ = TABLES[name]
    tower = dict(zip(["tower_params", "features_per_frame"], options[1::2], strict=False))
    price = price_options(**{k: float(v) for k, v in tower.items()})
    prepared = prepare(table, **price)
    model = fit_model(prepared, resamples=FEW)
    solution = ask(model, prepared, [1e12 * b for b in budgets], n)
    return records(solution, epsilon=default_epsilon(model, prepared))


def test_command_fit_and_python_give_one_answer(asked, tmp_path, monkeypatch, capsys):
    name, table, options, budgets, n = asked
    wanted = in_python(name, table, n)
    few, at = ["--resamples", FEW], ["--train-examples", n]
    found = vvlm(monkeypatch, capsys, "frontier", table, *budgets, *at, *options, *few)
    assert_same(found, wanted)
    fit = tmp_path / "fit.json"
    vvlm(monkeypatch, capsys, "fit", table, "--out", fit, *options, *few)
    assert_same(vvlm(monkeypatch, capsys, "frontier", fit, *budgets, *at), wanted)


@pytest.mark.long
def test_a_report_gives_the_same_answer(asked, tmp_path, monkeypatch, capsys):
    name, table, options, budgets, n = asked
    words = ["--out", tmp_path / "site", "--resamples", FEW, "--train-examples", n]
    made = vvlm(monkeypatch, capsys, "report", table, *words, *budgets, *options)
    assert_same(made["answers"]["frontier"], in_python(name, table, n))
    assert report.answers(tmp_path / "site")["train_examples"] == n


def test_what_belongs_to_the_making_of_a_fit_is_refused_for_one_that_is_made(
    tmp_path, monkeypatch, capsys
):
    fit = tmp_path / "fit.json"
    vvlm(monkeypatch, capsys, "fit", "paper", "--out", fit, "--resamples", FEW)
    words = ["frontier", str(fit), "--tflops", "10", "--train-examples", "1e6", "--law", "add"]
    monkeypatch.setattr(sys, "argv", ["vvlm", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--law belongs to the making of a fit" in capsys.readouterr().err


def test_a_fit_can_be_asked_at_another_price_and_over_another_space(tmp_path, monkeypatch, capsys):
    fit = tmp_path / "fit.json"
    vvlm(monkeypatch, capsys, "fit", "paper", "--out", fit, "--resamples", FEW)
    words = ["--tflops", 30, "--train-examples", 1e6, "--cost", "lm_only", "--lm-params", 2.8e9]
    (from_fit,) = vvlm(monkeypatch, capsys, "frontier", fit, *words)
    (from_runs,) = vvlm(monkeypatch, capsys, "frontier", "paper", *words, "--resamples", FEW)
    assert_same([from_fit], [from_runs])
    assert from_fit["lm_params"] == 2.8e9


ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)


@pytest.mark.book
def test_chapter_7_deploys_what_the_command_answers(monkeypatch, capsys):
    executed = Path(__file__).parents[2] / "_build" / "executed" / "07_frontier.ipynb"
    if not executed.exists():
        pytest.skip("the whole book is not built: make book")
    cells = {cell.id: cell for cell in nbformat.read(executed, as_version=4).cells}
    shown = {
        name: {words[0]: words for words in map(CELL.findall, ROW.findall(html))}
        for name in ("running-example", "frontier-deploy-4")
        for html in [cells[name].outputs[-1].data["text/html"]]
    }
    words = [w for b in (2, 5, 15, 30, 60, 100) for w in ("--tflops", b)]
    for row in vvlm(monkeypatch, capsys, "frontier", "paper", *words, "--train-examples", 1e6):
        size, at = short_count(row["lm_params"]), f"{row['budget_flops'] / 1e12:g}"
        design = f"{size}, {row['frames']:g} x {row['tokens_per_frame']:g}"
        assert shown["frontier-deploy-4"][at][1] == design
    words = [w for b in (2, 5, 10, 30, 100) for w in ("--tflops", b)]
    for row in vvlm(monkeypatch, capsys, "frontier", "paper", *words, "--train-examples", 5e5):
        size, at = short_count(row["lm_params"]), f"{row['budget_flops'] / 1e12:g}"
        score = show_interval(*(100 - row[k] for k in ("error", "error_high", "error_low")))
        told = [size, f"{row['frames']:g}", f"{row['tokens_per_frame']:g}", score]
        assert shown["running-example"][at][1:5] == told
