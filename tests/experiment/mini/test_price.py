"""What a sweep costs before it runs."""

import sys
from dataclasses import replace

import pytest

from vvlm_utils.cost import training as tc
from vvlm_utils.cost.serving import get_accelerator
from vvlm_utils.experiment.mini import price
from vvlm_utils.experiment.mini.kept import COLUMNS
from vvlm_utils.experiment.mini.live import DEFAULT
from vvlm_utils.experiment.mini.replays import read_kept
from vvlm_utils.experiment.mini.sweeps import SWEEPS

H100 = get_accelerator("h100-sxm")


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["price", *words])
    price.main()


def test_the_papers_plan_has_a_line_a_run_and_adds_up(monkeypatch, capsys):
    run(monkeypatch, "--gpu", "h100-sxm", "--utilisation", "0.25", "--gpus", "4")
    said = capsys.readouterr().out
    assert said.count("-n250k ") == said.count("-n1M ") == 13 and said.count("-n2M ") == 48
    costs = price.paper_costs(H100, 0.25, 4)
    hours = f"{costs['gpu_hours'].sum():,.0f} hours of h100-sxm at 25%"
    assert hours in said and "100,000 A100 hours" in said


def test_the_mini_plan_holds_the_counted_cost_of_the_kept_run():
    record, _ = read_kept(DEFAULT)
    costs = price.mini_costs(SWEEPS["mini"])
    assert len(costs) == len(SWEEPS["mini"].plan())
    name = f"-{record.frames}x{record.tokens_per_frame}-"
    same = costs[(costs["lm"] == record.lm) & costs["run_id"].str.contains(name)]
    counted = record.counts["training_flops_per_clip"]
    assert same["example_flops"].iloc[0] == pytest.approx(counted, rel=0.01)


def test_a_sweep_says_what_was_measured(monkeypatch, capsys, tmp_path):
    tiny = replace(SWEEPS["tiny"], table=tmp_path / "runs.csv")
    monkeypatch.setitem(SWEEPS, "tiny", tiny)
    run(monkeypatch, "--sweep", "tiny")
    assert "in the kept table" not in capsys.readouterr().out
    row = tiny.plan().head(1).assign(recipe=tiny.recipe_hash(), train_seconds=36.0)
    row.reindex(columns=COLUMNS).to_csv(tiny.table, index=False)
    run(monkeypatch, "--sweep", "tiny")
    assert "1 stand in the kept table: 0.01 hours of one CPU thread" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (["--gpu", "tpu"], "accelerator 'tpu' is not catalogued"),
        (["--utilisation", "1.5"], "utilisation must lie between 1e-06 and 1"),
        (["--gpus", "0"], "gpus must be at least 1"),
        (["--answer-tokens", "0"], "answer_tokens must be at least 1"),
    ],
)
def test_a_refused_option_is_one_line_and_exit_code_two(words, mend, monkeypatch, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, *words)
    said = capsys.readouterr()
    assert mend in said.err and said.err.count("\n") == 1 and said.out == ""


def test_longer_texts_cost_more():
    short, long = (price.paper_costs(H100, 0.4, text=tc.Text(10 * k, 10 * k)) for k in (1, 4))
    assert (long["train_flops"] > short["train_flops"]).all()
