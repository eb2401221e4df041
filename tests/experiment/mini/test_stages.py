"""Stages and runs: files made once, records that say what was measured."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from vvlm_utils.experiment.data.video import read_video
from vvlm_utils.experiment.mini import design as plan
from vvlm_utils.experiment.mini import kept, records, run, scores, sweep
from vvlm_utils.experiment.mini.stages import (
    clip_dataset,
    make_decoder,
    make_split,
    make_tower,
    split_features,
    split_questions,
)
from vvlm_utils.experiment.world.questions import FAMILIES, token_ids, vocabulary
from vvlm_utils.runs.table import validate_runs

RUN = plan.Run("mini-7k", frames=2, tokens_per_frame=4, train_examples=16)


@pytest.fixture(scope="module")
def done(tiny):
    record, model = run.train(RUN, tiny)
    return record, run.evaluate(record, model, tiny, "validation"), model


def test_a_record_holds_what_its_answers_say(done, tiny):
    record, answers, _ = done
    assert record.status == "evaluated" and record.reason == ""
    metrics = record.stages["evaluate"]["metrics"]
    assert set(metrics) == {*FAMILIES, "avg"}
    share = 100 * answers.groupby("family")["correct"].mean()
    for family in FAMILIES:
        assert metrics[family]["metric"] == pytest.approx(share[family], abs=1e-4)
    assert metrics["avg"]["metric"] == pytest.approx(share.mean(), abs=1e-4)
    assert len(answers) == len(FAMILIES) * tiny.counts["validation"]
    assert 1 < record.counts["flops_per_video"] / plan.mini_flops(record.lm_params, 2, 4) < 3
    assert {"torch", "commit", "device", "date"} <= set(record.provenance)


def test_a_two_word_answer_stands_on_what_the_model_said_first(done, tiny):
    _, answers, model = done
    held = clip_dataset("validation", tiny, 2, 4)
    ids, words = token_ids(), vocabulary()
    for clip in range(3):
        question = split_questions("validation", tiny)[clip][FAMILIES.index("sum")]
        said = []
        for _ in range(2):
            text = torch.tensor([[ids[word] for word in (*question.words, *said)]])
            with torch.no_grad():
                features = held[clip]["features"][None]
                logits = model(text, features=features, tokens_per_frame=4).logits
            said.append(words[int(logits[0, -1].argmax())])
        row = answers[(answers["clip"] == clip) & (answers["family"] == "sum")]
        assert row["predicted"].item() == said[1]


def test_standard_errors_have_their_closed_forms():
    correct = [True, True, False, False, True, False]
    table = pd.DataFrame(
        {
            "clip": [0, 0, 1, 1, 2, 2],
            "family": ["a", "b"] * 3,
            "answer": ["x", "y", "x", "z", "w", "y"],
            "correct": correct,
        }
    )
    found = scores.summarise(table)
    assert found.loc["a", "metric"] == pytest.approx(200 / 3)
    assert found.loc["a", "metric_se"] == pytest.approx(100 * np.sqrt(2 / 3 * 1 / 3 / 3))
    assert found.loc["a", "blind"] == pytest.approx(200 / 3)
    assert found.loc["avg", "metric_se"] == pytest.approx(np.std([100, 0, 50], ddof=1) / np.sqrt(3))


def test_smaller_training_sets_are_nested(tiny):
    small, large = (clip_dataset("train", tiny, 2, 4, count) for count in (8, 16))
    assert small.rows == large.rows[:8]
    assert torch.equal(small[3]["features"], large[3]["features"])


def test_too_many_examples_are_refused(tiny):
    with pytest.raises(ValueError, match="train_examples is 64, but split train has 32"):
        clip_dataset("train", tiny, 2, 4, 64)


def test_splits_share_no_clip(tiny):
    first = {
        split: read_video(make_split(split, tiny) / "000000.mp4")
        for split in ("train", "validation", "test", "align", "tower")
    }
    pixels = {frames.tobytes() for frames in first.values()}
    assert len(pixels) == len(first)


def test_finished_stages_are_left_alone(tiny):
    paths = [make_tower(tiny) / "model.safetensors", make_decoder("mini-7k", 0, tiny) / "NOTE"]
    paths[1] = paths[1].with_name("model.safetensors")
    before = [path.stat().st_mtime_ns for path in paths]
    make_tower(tiny), make_decoder("mini-7k", 0, tiny)
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_a_tower_that_lacks_a_file_is_made_again(tiny, tmp_path):
    other = replace(tiny, root=tmp_path)
    (tmp_path / "clips").symlink_to(tiny.root / "clips")
    folder = tmp_path / "weights" / "tower"
    shutil.copytree(tiny.weights_folder / "tower", folder)
    weights = folder / "model.safetensors"
    before = weights.read_bytes()
    weights.unlink()
    assert make_tower(other) == folder
    assert weights.read_bytes() == before  # the same clips and steps, the same tower
    assert [path.name for path in folder.parent.iterdir()] == ["tower"]


def test_features_are_made_from_the_files(tiny):
    features = split_features("test", tiny)
    assert features.shape == (16, 16, 64, 32) and features.dtype == np.float16
    assert len(split_questions("test", tiny)) == 16


def test_a_group_skips_what_is_done_and_makes_a_runs_table(tiny):
    planned = tiny.plan()
    runs = planned[(planned["lm"] == "mini-7k") & (planned["train_examples"] == 32)]
    assert len(sweep.run_group(runs, tiny)) == len(runs)
    assert sweep.run_group(runs, tiny) == []
    table = sweep.gather(planned, tiny)
    checked = validate_runs(table)
    assert checked["run_id"].nunique() == len(runs) and checked["task"].nunique() == 9
    path = sweep.record_path(plan.as_runs(runs)[0], tiny)
    kept, record = records.read_answers(path), records.read_record(path)
    again = 100 * kept.groupby("family")["correct"].mean()
    for family in FAMILIES:
        found = record.stages["evaluate"]["metrics"][family]["metric"]
        assert found == pytest.approx(again[family], abs=1e-4)


def test_runs_of_a_kept_table_are_not_made_again(tiny, tmp_path):
    planned = tiny.plan()
    runs = planned[(planned["lm"] == "mini-7k") & (planned["train_examples"] == 32)]
    sweep.run_group(runs, tiny)
    table = sweep.gather(planned, tiny)
    table.to_csv(tmp_path / "kept.csv", index=False)
    elsewhere = replace(tiny, root=tmp_path, table=tmp_path / "kept.csv")
    assert sweep.run_group(runs, elsewhere) == []
    assert len(kept.missing_runs(elsewhere)) == len(planned) - len(runs)
    pd.testing.assert_frame_equal(
        sweep.gather(planned, elsewhere), table, check_dtype=False, rtol=1e-9
    )
    other = replace(elsewhere, recipe=replace(tiny.recipe, steps=11))
    assert sweep.gather(planned, other).empty
    assert len(kept.missing_runs(other)) == len(planned)


def test_a_model_is_served_at_frames_it_was_not_tuned_at(tiny):
    served = sweep.serve(RUN, tiny, [1, 2, 4])
    assert served.groupby("frames").size().to_dict() == {1: 9, 2: 9, 4: 9}
    assert set(served["tuned_frames"]) == {RUN.frames}
    assert served["metric"].between(0, 100).all()


def test_what_was_served_is_gathered_once_by_draw_and_recipe(tiny, tmp_path):
    here = replace(tiny, root=tmp_path, table=tmp_path / "second.csv", served=(0, 1, 2))
    recipe = here.recipe_hash()

    def rows(draw, metric, recipe=recipe):
        return pd.DataFrame(
            {"draw": draw, "frames": [2, 4], "task": "avg", "metric": metric, "recipe": recipe}
        )

    assert sweep.gather_served(here).empty
    pd.concat([rows(0, 50.0), rows(2, 10.0, "another0")]).to_csv(here.served_table, index=False)
    (tmp_path / "served").mkdir()
    for draw, metric in ((0, 99.0), (1, 60.0)):
        path = tmp_path / "served" / f"mini-40k-{draw}_{recipe}.csv"
        rows(draw, metric).to_csv(path, index=False)
    found = sweep.gather_served(here)
    assert found[["draw", "frames"]].to_numpy().tolist() == [[0, 2], [0, 4], [1, 2], [1, 4]]
    assert found.groupby("draw")["metric"].first().tolist() == [50.0, 60.0]  # what is kept stays


def test_a_decoder_that_is_not_served_is_refused(tiny, monkeypatch, capsys):
    for lm, draw in (("mini-7k", "0"), ("mini-40k", "7")):
        monkeypatch.setattr("sys.argv", ["sweep", "serve", lm, draw])
        with pytest.raises(SystemExit, match=f"{lm} {draw} is not served; choose mini-40k"):
            sweep.main()
