"""The command line as a user meets it: what it prints, and its exit code."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import vvlm

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.laws.forms import laws_over

COST = ["cost", "--lm-params", "7.5e9", "--frames", "32", "--tokens-per-frame", "196", "--json"]
EXACT = ["--cost", "exact", "--frames", "32", "--tokens-per-frame", "196", "--json"]
LM = ["--lm", "llama-3.1-8b"]
QUESTION = ["--tflops", "10", "--train-examples", "5e5"]


def test_the_command_is_a_process_with_an_exit_code():
    answered, refused = (
        subprocess.run(
            [sys.executable, "-m", "vvlm_utils.cli", *command],
            capture_output=True, text=True, timeout=120,
        )
        for command in (COST, ["cost", "--lm-params", "-1"])
    )  # fmt: skip
    assert (answered.returncode, answered.stderr) == (0, "")
    assert json.loads(answered.stdout)["lm_flops"] == 2 * 32 * 7.5e9 * 196
    assert refused.returncode == 2 and refused.stderr and "Traceback" not in refused.stderr


@pytest.fixture(scope="module")
def fit_json(tmp_path_factory):
    path = tmp_path_factory.mktemp("a folder with spaces") / "fit 'one'.json"
    done = vvlm("fit", "paper", "--fit", "paper", "--resamples", 5, "--out", path)
    assert done.returncode == 0, done.stderr
    return path


def test_cost_of_the_star_centre():
    price = json.loads(vvlm(*COST).stdout)
    assert price["lm_flops"] == 2 * 32 * 7.5e9 * 196
    assert price["vision_flops"] == 2 * 32 * 0.43e9 * 768
    assert price["total_flops"] == price["lm_flops"] + price["vision_flops"]


def test_exact_cost_has_parts_that_add_up():
    by_name = json.loads(vvlm("cost", *EXACT, "--lm", "llama-3.1-8b").stdout)
    by_size = json.loads(vvlm("cost", *EXACT, "--lm-params", "7.5e9").stdout)
    assert by_name == by_size
    parts = ("tower", "projector", "linear", "attention", "logits", "decoding")
    assert by_name["total_flops"] == sum(by_name[f"{part}_flops"] for part in parts)
    text = json.loads(vvlm("cost", *EXACT, *LM, "--answer-tokens", 9).stdout)
    assert text["decoding_flops"] > by_name["decoding_flops"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cost", "exact", "--lm", "gpt"], "lm 'gpt' is not catalogued; name one of llama"),
        (["--cost", "exact", "--lm-params", "19e9"], "no decoder within 8% of lm_params 1.9e+10"),
        (["--lm", "llama-3.1-8b"], "drop --lm"),
        ([], "give --lm-params or"),
    ],
)
def test_a_cost_that_names_no_model_is_refused(arguments, words):
    done = vvlm("cost", "--frames", 32, "--tokens-per-frame", 196, *arguments)
    assert done.returncode == 2 and words in done.stderr
    assert len(done.stderr.splitlines()) == 1


TEXT = ["--prompt-tokens", 40, "--answer-tokens", 9]


def test_further_questions_share_the_video():
    one, five = (
        json.loads(vvlm("cost", *EXACT, *LM, *TEXT, "--questions", k).stdout) for k in (1, 5)
    )
    assert five["vision_flops"] == one["vision_flops"]
    assert five["logits_flops"] == 5 * one["logits_flops"]
    assert 1 < five["total_flops"] / one["total_flops"] < 1.1


def test_an_accelerator_adds_bytes_seconds_and_dollars():
    device = ["--accelerator", "a100-80gb-sxm", "--batch", 4, "--devices", 2]
    price = json.loads(vvlm("cost", *EXACT, *LM, *TEXT, *device, "--price-per-hour", 3).stdout)
    parts = sum(price[f"{part}_seconds"] for part in ("encode", "prefill", "decode"))
    assert price["seconds"] == pytest.approx(parts)
    assert price["seconds_per_video"] == pytest.approx(price["seconds"] / 4)
    hours = 1e6 * price["seconds_per_video"] / 3600
    assert price["dollars_per_million_videos"] == pytest.approx(hours * 2 * 3)
    assert price["kv_bytes"] == 4 * (32 * 196 + 40 + 8) * 32 * 2 * 8 * 128 * 2
    assert price["weight_bytes"] > 2 * 8.03e9 and price["moved_bytes"] > price["weight_bytes"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--accelerator", "v100"], "accelerator 'v100' is not catalogued; name one of a100"),
        (["--accelerator", "l4", "--batch", 40], "several devices, or another of a100-80gb-sxm"),
        (["--accelerator", "l4", "--utilisation", 0], "utilisation must lie between 1e-06"),
        (["--accelerator", "l4", "--utilisation", "1e-300"], "and 1, got 1e-300"),
        (["--accelerator", "l4", "--frames", "1e308"], "frames must be below 1e+18, got 1e+308"),
        (["--accelerator", "l4", "--price-per-hour", 0], "price_per_hour must be a positive"),
        (["--batch", 2], "need --accelerator"),
        (["--price-per-hour", 2], "need --accelerator"),
        (["--questions", 3], "3 questions differ in their words"),
    ],
)
def test_hardware_that_cannot_answer_is_refused(arguments, words):
    done = vvlm("cost", *EXACT, *LM, *arguments)
    assert done.returncode == 2 and words in done.stderr and not done.stdout
    assert len(done.stderr.splitlines()) == 1


def test_hardware_needs_the_exact_cost():
    done = vvlm(*COST, "--accelerator", "l4")
    assert done.returncode == 2 and "take --cost exact" in done.stderr


@pytest.mark.parametrize("sizes", [["19e9"], ["7.5e9", "40160"]])
def test_a_frontier_over_sizes_that_no_decoder_has_is_refused(fit_json, sizes):
    chosen = [word for size in sizes for word in ("--lm-params", size)]
    done = vvlm("frontier", fit_json, "--tflops", 30, "--train-examples", "1e6",
                "--cost", "exact", *chosen)  # fmt: skip
    assert done.returncode == 2 and not done.stdout
    missing = min(sizes, key=float)
    assert f"no decoder within 8% of lm_params {float(missing):g}; take a size" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_frontier_by_exact_cost_stays_within_the_budget(fit_json):
    done = vvlm("frontier", fit_json, "--tflops", 30, "--train-examples", "1e6",
                "--cost", "exact", "--json")  # fmt: skip
    (row,) = json.loads(done.stdout)
    assert row["cost_flops"] <= 30e12


def test_frontier_answers_every_budget_in_order(fit_json):
    sizes = ["--lm-params", "1e9", "--lm-params", "2.8e9", "--lm-params", "7.5e9"]
    budgets = ["--tflops", 2, "--tflops", 30]
    done = vvlm("frontier", fit_json, *budgets, "--train-examples", "2e6", *sizes, "--json")
    rows = json.loads(done.stdout)
    assert [r["budget_flops"] for r in rows] == [2e12, 30e12]
    assert all(r["cost_flops"] <= r["budget_flops"] for r in rows)
    assert all(r["error_low"] <= r["error_high"] and 0 <= r["probability"] <= 1 for r in rows)


def test_elasticity_has_an_interval_for_each_factor(fit_json):
    answer = json.loads(vvlm("elasticity", fit_json, "--json").stdout)
    assert set(answer) == {"lm_params", "frames", "tokens_per_frame"}
    assert all({"value", "low", "high"} == set(row) for row in answer.values())


# Runs instead of a fit


def small_sweep() -> pd.DataFrame:
    """A star of runs by a noisy power law in every factor; the tower takes two sizes."""
    lines = {"lm_params": [0.5e9, 1e9, 2e9], "frames": [2, 4, 16], "tokens_per_frame": [4, 25, 100]}
    centre = {"lm_params": 1e9, "frames": 8, "tokens_per_frame": 64}
    rows = [centre | {name: level} for name, levels in lines.items() for level in levels]
    table = pd.DataFrame(rows).drop_duplicates()
    table = table.merge(pd.DataFrame({"train_examples": [1e5, 2e5, 8e5]}), how="cross")
    table = table.merge(pd.DataFrame({"tower_params": [1e8, 4e8]}), how="cross")
    powers = {"frames": (30, 0.6), "tokens_per_frame": (25, 0.4), "lm_params": (9e3, 0.3)}
    powers |= {"train_examples": (90, 0.2), "tower_params": (3e3, 0.5)}
    error = sum(a * table[name] ** -b for name, (a, b) in powers.items())
    return table.assign(metric=100 - error * np.random.default_rng(0).normal(1, 0.02, len(table)))


@pytest.fixture(scope="module")
def own_runs(tmp_path_factory):
    """A table of a further factor, and the same at one of its levels without it."""
    folder, table = tmp_path_factory.mktemp("own"), small_sweep()
    last = (table["frames"] == 16) & (table["train_examples"] == 8e5)
    table[~last | (table["tower_params"] == 1e8)].to_csv(folder / "towers.csv", index=False)
    one = table[table["tower_params"] == 4e8].drop(columns="tower_params")
    one.to_csv(folder / "it's mine.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def own_fit(own_runs):
    done = vvlm("fit", "it's mine.csv", "--out", "fit.json", cwd=own_runs)
    assert done.returncode == 0, done.stderr
    return "fit.json"


def test_the_question_is_answered_in_one_line(tmp_path):
    at_once = vvlm("frontier", "paper", *QUESTION, cwd=tmp_path)
    assert at_once.returncode == 0 and not list(tmp_path.iterdir())
    fitting, *notes = at_once.stderr.splitlines()
    assert "`vvlm fit paper --out fit.json` keeps the fit" in fitting
    assert "Designs to choose from: LMs of 1B, 2.8B, 7.5B; 1 to 128 frames" in notes[-1]
    assert vvlm("fit", "paper", "--out", "fit.json", cwd=tmp_path).returncode == 0
    from_fit = vvlm("frontier", "fit.json", *QUESTION, cwd=tmp_path)
    assert at_once.stdout == from_fit.stdout and from_fit.stderr.splitlines() == notes


def test_a_plan_for_runs_takes_them_as_done(own_runs, own_fit):
    plan = [*QUESTION, "--tflops", 2, "--train-flops", "1e20", "--most", 3, "--json"]
    at_once = vvlm("plan", "it's mine.csv", *plan, cwd=own_runs)
    from_fit = vvlm("plan", own_fit, *plan, "--runs", "it's mine.csv", cwd=own_runs)
    assert json.loads(at_once.stdout) == json.loads(from_fit.stdout)
    keep = "`vvlm fit 'it'\"'\"'s mine.csv' --out fit.json` keeps the fit"
    assert keep in at_once.stderr.splitlines()[0]


def test_a_fit_is_told_by_what_it_holds_where_its_name_does_not_say(own_runs, own_fit):
    (own_runs / "kept").write_bytes((own_runs / own_fit).read_bytes())
    named, unnamed = (vvlm("frontier", f, *QUESTION, cwd=own_runs) for f in (own_fit, "kept"))
    assert unnamed.returncode == 0 and named.stdout == unnamed.stdout


def test_a_frontier_offers_the_lm_sizes_that_have_runs_unless_others_are_named(own_runs, own_fit):
    done = vvlm("frontier", own_fit, *QUESTION, "--json", cwd=own_runs)
    assert json.loads(done.stdout)[0]["lm_params"] in (0.5e9, 1e9, 2e9)
    assert "LMs of 500M, 1B, 2B; 2 to 16 frames" in done.stderr
    named = vvlm("frontier", own_fit, *QUESTION, "--lm-params", "3e9", "--json", cwd=own_runs)
    assert json.loads(named.stdout)[0]["lm_params"] == 3e9 and "LMs of 3B;" in named.stderr


def test_an_elasticity_of_ones_own_runs_stays_within_them(own_runs, own_fit):
    done = vvlm("elasticity", own_fit, cwd=own_runs)
    assert done.returncode == 0 and "asked within the runs, up to 800k examples" in done.stderr


def test_an_elasticity_says_how_far_it_asks(fit_json):
    done = vvlm("elasticity", fit_json)
    assert "asked up to 15M examples and LMs of 72B; the runs end at 2M and 7.5B" in done.stderr


def test_a_fit_never_replaces_its_runs(own_runs):
    before = (own_runs / "it's mine.csv").read_bytes()
    done = vvlm("fit", "it's mine.csv", "--out", "./it's mine.csv", cwd=own_runs)
    assert done.returncode == 2 and "which is read; name another file" in done.stderr
    assert (own_runs / "it's mine.csv").read_bytes() == before


def test_runs_that_all_score_alike_are_refused(own_runs, tmp_path):
    flat = pd.read_csv(own_runs / "it's mine.csv").assign(metric=50.0)
    flat.to_csv(tmp_path / "flat.csv", index=False)
    done = vvlm("frontier", "flat.csv", *QUESTION, cwd=tmp_path)
    assert done.returncode == 2 and "every run has the same metric" in done.stderr
    checked = vvlm("check", "flat.csv", "--resamples", 0, cwd=tmp_path)
    assert "every run has the same metric, so no factor matters" in checked.stdout


def test_an_lm_size_in_billions_is_refused(fit_json):
    for command in (["frontier", fit_json, *QUESTION],
                    ["cost", "--frames", 4, "--tokens-per-frame", 16]):  # fmt: skip
        done = vvlm(*command, "--lm-params", 7.5)
        assert done.returncode == 2 and "the count itself, 7.5e9 and not 7.5" in done.stderr


def test_a_factor_that_is_held_is_declared(own_runs):
    refused = vvlm("frontier", "towers.csv", *QUESTION, cwd=own_runs)
    assert refused.returncode == 2 and "duplicate run" in refused.stderr
    (own_runs / "designs.csv").write_text(
        "lm_params,frames,tokens_per_frame,train_examples\n1e9,4,64,1e5\n1e9,16,64,8e5\n"
    )
    plan = [*QUESTION, "--tflops", 2, "--train-flops", "1e22", "--candidates", "designs.csv"]
    done = vvlm("plan", "towers.csv", "--at", "tower_params=4e8", *plan, "--json", cwd=own_runs)
    (row,) = json.loads(done.stdout)
    assert row["frames"] == 16  # which was run with the other tower alone
    assert "`vvlm fit towers.csv --factor tower_params --out fit.json`" in done.stderr


def test_compare_scores_every_law_under_two_tests():
    laws = json.loads(vvlm("compare", "paper", "--resamples", 2, "--json").stdout)["laws"]
    assert list(laws) == list(laws_over(FACTORS))
    assert all(set(law[t]) == {"mse", "e_pct", "r2"} for law in laws.values() for t in law)


GOOD = "lm_params,frames,tokens_per_frame,train_examples,metric\n"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (GOOD.replace("frames,", ""), "frames"),
        (GOOD + "1e9,4,16,1e6,101\n", "101"),
        (GOOD + "1e9,4,-17,1e6,50\n", "-17"),
        (GOOD + "1e9,4,16,1e6,\n", "metric"),
        (GOOD + "1e9,many,16,1e6,50\n", "many"),
        (GOOD + "1e9,4,16,1e6,50\n" * 2, "duplicate"),
        (GOOD + "1e9,4,16,1e6,50\n", "no factor of the design moves"),
    ],
)
def test_a_bad_table_is_refused_and_nothing_is_written(tmp_path, table, words):
    (tmp_path / "runs.csv").write_text(table)
    done = vvlm("fit", "runs.csv", "--out", "fit.json", cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["runs.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cost", "--lm-params", "-1", "--frames", "1", "--tokens-per-frame", "1"], "lm_params"),
        (
            ["cost", "--lm-params", "1e9", "--frames", "0.5", "--tokens-per-frame", "1"],
            "whole number",
        ),
        ([*COST, "--questions", "9" * 400], "--questions"),
        (["fit", "none.csv", "--out", "f.json"], "none.csv"),
        (["fit", "paper", "--law", "cubic", "--out", "f.json"], "unknown law 'cubic'"),
        (["fit", "paper", "--resamples", "-3", "--out", "f.json"], "resamples"),
        (["fit", "paper", "--out", "no/folder/f.json"], "no folder"),
        (["frontier", "none.json", "--tflops", "2", "--train-examples", "1e6"], "no fit at"),
        (["elasticity", "none.json"], "no fit at"),
        (["frontier", "none.csv", *QUESTION], "none.csv: no such file"),
        (["frontier", ".", *QUESTION], ". is a folder; name a fit"),
        (["plan", "papr", *QUESTION, "--train-flops", "1e20"], "papr: no such file"),
        (["run", "none.ipynb", "-o", "out.ipynb"], "no notebook at"),
    ],
)
def test_bad_arguments_end_in_exit_code_2(tmp_path, arguments, words):
    done = vvlm(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_table_that_cannot_be_used_is_refused_before_a_kernel_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("vvlm_utils.site.build.run_notebook", lambda *_: pytest.fail("it ran"))
    table = tmp_path / "runs.csv"
    table.write_text("lm_params,frames,tokens_per_frame,train_examples,metric\n1e9,4,16,1e5,-3\n")
    notebook = Path(__file__).parents[2] / "notebooks" / "07_frontier.ipynb"
    done = vvlm("run", notebook, "-p", "runs", table, "-o", tmp_path / "out.ipynb")
    assert done.returncode == 2 and "metric must lie on the 0-100 scale" in done.stderr
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize("option", ["--law", "--prior", "--tflops"])
def test_an_option_without_its_value_is_one_line_that_names_the_help(option):
    done = vvlm("frontier", "paper", option)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert option in done.stderr and "see `vvlm frontier --help`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tflops", "0.001", "--train-examples", "1e6"], "buys no design"),
        (["--tflops", "2", "--train-examples", "0"], "train_examples"),
        (
            ["--tflops", "nan", "--train-examples", "1e6"],
            "a budget must be a positive number of FLOPs, got nan",
        ),
    ],
)
def test_an_impossible_question_is_refused(fit_json, arguments, words):
    done = vvlm("frontier", fit_json, *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def chapter(path, body="print(frames)"):
    import nbformat

    cell = nbformat.v4.new_code_cell("frames: int = 4  # frames", metadata={"tags": ["parameters"]})
    book = nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_code_cell(body)])
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book.metadata["kernelspec"] = kernel
    nbformat.write(book, path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--law", "x"], "unknown law 'x'"),
        (["--law", ""], "unknown law ''"),
        (["--resampling", "rows"], "name a law to resample"),
        (["--tflops", "nan"], "a budget must be a positive number"),
        (["--tflops", "1e-5"], "buys no design"),
        (["--train-examples", "0"], "train_examples must be a number from 1"),
        (["--tower-params", "0"], "must be a positive"),
        (["--lm-params", "1e300"], "lm_params must be below"),
    ],
)
def test_a_report_refuses_its_question_before_any_work(tmp_path, monkeypatch, arguments, words):
    from vvlm_utils.site import report

    monkeypatch.delattr(report, "build")  # a report that starts would miss it
    done = vvlm("report", "paper", "--out", tmp_path / "site", *arguments)
    assert done.returncode == 2 and words in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "site").exists()


def test_run_injects_a_typed_parameter(tmp_path):
    chapter(tmp_path / "in.ipynb")
    done = vvlm("run", "in.ipynb", "-p", "frames", "16", "-o", "out.ipynb", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "16\\n" in (tmp_path / "out.ipynb").read_text()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("speed", "1", "unknown parameter 'speed'; the chapter takes frames: int"),
        ("frames", "many", "frames is 'many', and takes a whole number"),
        ("frames", "1\nimport os", "frames is '1 import os', and takes a whole number"),
        ("frames", "2.5", "frames is '2.5', and takes a whole number"),
        ("frames", "(" * 3000, "frames is '(((("),
        ("frames", "{[]: 1}", "frames is '{[]: 1}', and takes a whole number"),
    ],
)
def test_run_refuses_what_the_chapter_does_not_take(tmp_path, name, value, words):
    chapter(tmp_path / "in.ipynb")
    done = vvlm("run", "in.ipynb", "-p", name, value, "-o", "out.ipynb", cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in.ipynb"]


def test_a_failing_chapter_leaves_nothing(tmp_path):
    chapter(tmp_path / "in.ipynb", "1 / 0")
    done = vvlm("run", "in.ipynb", "-o", "out.ipynb", cwd=tmp_path)
    assert done.returncode == 2 and "ZeroDivisionError" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in.ipynb"]


PLAN = ["--tflops", 2, "--tflops", 30, "--train-examples", "2e6"]
SIZES = ["--lm-params", "1e9", "--lm-params", "2.8e9", "--lm-params", "7.5e9"]


def test_plan_lists_runs_in_order_within_the_training_budget(fit_json):
    done = vvlm("plan", fit_json, *PLAN, *SIZES, "--train-flops", "1e20", "--most", 4, "--json")
    rows = json.loads(done.stdout)
    assert 1 <= len(rows) <= 4 and rows[-1]["cumulative_flops"] <= 1e20
    assert all(r["gain"] > 0 and r["cost_flops"] <= 30e12 for r in rows)
    assert rows[-1]["left"] == pytest.approx(1 - sum(r["gain"] for r in rows))
    hours = ["--gpu-hours", 1e20 / (100e12 * 3600), "--gpu-tflops", 100]
    again = vvlm("plan", fit_json, *PLAN, *SIZES, *hours, "--most", 4, "--json")
    assert json.loads(again.stdout) == rows


def test_plan_chooses_among_the_designs_it_is_given(fit_json, tmp_path):
    (tmp_path / "designs.csv").write_text(
        "lm_params,frames,tokens_per_frame,train_examples\n1e9,4,16,1e6\n7.5e9,32,196,1e6\n"
    )
    given = ["--candidates", tmp_path / "designs.csv", "--train-flops", "1e22", "--json"]
    (row,) = json.loads(vvlm("plan", fit_json, *PLAN, *given).stdout)
    assert row["frames"] == 4  # the other is the centre of the paper's star, which the fit holds
    assert len(json.loads(vvlm("plan", fit_json, *PLAN, *given, "--replicate").stdout)) > 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --train-flops, or --gpu-hours"),
        (["--train-flops", "1e20", "--gpu-tflops", "100"], "--gpu-hours needs --gpu-tflops"),
        (["--train-flops", "1e10"], "buy none of the candidates: the cheapest costs"),
        (["--train-flops", "nan"], "train_flops must be a positive number, got nan"),
        (["--train-flops", "1e20", "--noise", "-1"], "noise must be a positive number"),
        (["--train-flops", "1e20", "--candidates", "none.csv"], "none.csv: no such file"),
        (["--train-flops", "1e20", "--train-examples", "0"], "train_examples"),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused(fit_json, tmp_path, arguments, words):
    done = vvlm("plan", fit_json, *PLAN, *arguments, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["fit", "frontier", "elasticity", "next-runs", "report"])
def test_help_prints_the_priors_of_penalised_fits(command):
    said = " ".join(vvlm(command, "--help").stdout.split())
    assert "--prior" in said
    assert "decay (exponents d_k of add-decay and pnorm-decay) 0.1, 0.2" in said


def test_a_prior_can_be_changed_and_moves_the_fit(tmp_path):
    fits = {}
    for name, more in {"plain": [], "tight": ["--prior", "floor=0.6,0.05"]}.items():
        out = tmp_path / f"{name}.json"
        few = ["--law", "add", "--resamples", 3, *more]
        assert vvlm("fit", "paper", *few, "--out", out).returncode == 0
        fits[name] = json.loads(vvlm("frontier", out, *QUESTION, "--json").stdout)[0]["error"]
    assert fits["plain"] != fits["tight"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--prior", "decline=1,2"], "a prior is KIND=MEAN,SD or noise=SD"),
        (["--prior", "decay=1,2", "--fit", "paper"], "the paper's method has no prior"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(more, message, tmp_path):
    for command in ("fit", "report"):
        done = vvlm(command, "paper", *more, "--out", tmp_path / "out")
        assert done.returncode == 2 and message in done.stderr and not list(tmp_path.iterdir())
        assert len(done.stderr.splitlines()) == 1
