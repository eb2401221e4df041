import numpy as np
import pandas as pd
import pytest

from vvlm_utils.runs.schema import COLUMNS, REQUIRED, RunsError
from vvlm_utils.runs.table import (
    TASKS,
    average_seeds,
    load_reference,
    load_runs,
    load_task_runs,
    reference,
    validate_runs,
)


@pytest.fixture
def table():
    """Four good rows of a user's table with the required columns alone."""
    return pd.DataFrame(
        {
            "lm_params": [1e9, 2.8e9, 7.5e9, 7.5e9],
            "frames": [4, 8, 16, 32],
            "tokens_per_frame": [16, 49, 100, 196],
            "train_examples": [250_000, 250_000, 500_000, 1_000_000],
            "metric": [45.0, 50.0, 55.0, 59.0],
        }
    )


@pytest.fixture
def save(tmp_path):
    def write(table: pd.DataFrame) -> str:
        path = tmp_path / "mine.csv"
        table.to_csv(path, index=False)
        return str(path)

    return write


def spoil(table, column, row, value):
    spoiled = table.astype({column: object}) if column in table else table.assign(**{column: None})
    spoiled.loc[row, column] = value
    return spoiled


def test_paper_has_39_star_and_48_isoflop_runs():
    runs = load_runs("paper")
    assert runs["sweep"].value_counts().to_dict() == {"star": 39, "isoflop": 48}
    assert runs.columns.tolist() == [*COLUMNS, "error"]
    assert runs["run_id"].is_unique
    assert (runs["metric_se"] == 0.03).all()


def test_paper_star_centre_at_1m_scores_59():
    # Figure 7: (7.5B, 32, 196) at n = 1M reads 59.04
    runs = load_runs().set_index("run_id")
    assert runs.loc["star-7.5B-32x196-n1M", "metric"] == 59.04
    assert runs.loc["star-7.5B-32x196-n1M", "error"] == pytest.approx(40.96)


def test_every_run_has_eight_tasks_with_an_uncertainty():
    tasks = load_task_runs()
    assert len(tasks) == 87 * 8
    assert set(tasks["task"]) == set(TASKS)
    assert (tasks["metric_se"] > 0).all()
    assert set(tasks["run_id"]) == set(load_runs()["run_id"])


def test_mean_of_the_tasks_is_the_average_within_the_reading_error():
    mean = load_task_runs().groupby("run_id")["metric"].mean()
    runs = load_runs().set_index("run_id")
    gap = (mean - runs["metric"]).groupby(runs["sweep"]).apply(lambda g: np.sqrt((g**2).mean()))
    assert gap["isoflop"] < 0.07
    assert gap["star"] < 0.16


def test_one_task_or_all_of_them_can_be_loaded():
    assert set(load_runs("paper", task="LVB")["task"]) == {"LVB"}
    assert len(load_runs("paper", task=None)) == 87


def test_required_columns_alone_are_enough(table, save):
    runs = load_runs(save(table))
    assert runs["task"].eq("avg").all()
    assert runs["sweep"].eq("other").all()
    assert runs["seed"].eq(0).all()
    assert runs["metric_se"].isna().all()
    assert runs["run_id"].tolist()[-1] == "other-7.5B-32x196-n1M"
    assert runs["error"].tolist() == [55.0, 50.0, 45.0, 41.0]
    assert runs["frames"].dtype == "int64"
    assert runs["lm_params"].dtype == "float64"


def test_a_loaded_table_is_valid_again():
    runs = load_runs()
    pd.testing.assert_frame_equal(validate_runs(runs), runs)


def test_provenance_columns_pass_through(table, save):
    runs = load_runs(save(table.assign(gpu="A100", run_id=[1, 2, 3, 4])))
    assert runs["gpu"].tolist() == ["A100"] * 4
    assert runs["run_id"].tolist() == ["1", "2", "3", "4"]


def test_same_design_with_another_seed_is_not_a_duplicate(table, save):
    twice = pd.concat([table.assign(seed=0), table.assign(seed=1)])
    assert len(load_runs(save(twice))) == 8


def test_blank_lines_do_not_shift_line_numbers(tmp_path):
    path = tmp_path / "gaps.csv"
    header = "lm_params,frames,tokens_per_frame,train_examples,metric\n"
    path.write_text(f"{header}\n1e9,4,16,1000,40\n\n1e9,4,-1,1000,40\n\n")
    with pytest.raises(RunsError, match=r"line 5 \(-1\)"):
        load_runs(path)


BAD_CELLS = [
    ("metric", 101, r"metric must lie on the 0-100 scale; correct it: line 4 \(101\)"),
    ("metric", None, r"metric is empty; fill it in or remove the row: line 4 \(nan\)"),
    ("metric", "good", r"metric must be a plain number, .*: line 4 \('good'\)"),
    ("metric", -1, r"metric must lie on the 0-100 scale"),
    ("tokens_per_frame", -4, r"tokens_per_frame must be a positive number.*: line 4 \(-4\)"),
    ("tokens_per_frame", 0, r"tokens_per_frame must be .* no value at 0 or below: line 4 \(0\)"),
    ("train_examples", 0, r"train_examples must be .* no value at 0 or below: line 4 \(0\)"),
    ("lm_params", 7.5, r"lm_params must be the count itself: 7.5e9, not 7.5 .*: line 4 \(7.5\)"),
    (
        "lm_params",
        "7.5B",
        r"lm_params must be a plain number, such as 7.5e9, without a letter: line 4 \('7.5B'\)",
    ),
    ("lm_params", np.inf, r"lm_params must be a number below 1e18"),
    ("frames", 0.5, r"frames must be at least 1 frame: line 4 \(0.5\)"),
    ("frames", 0, r"frames must be a positive number.*: line 4 \(0\)"),
    ("frames", "8,5", r"frames must have a decimal point, not a decimal comma.*: line 4 \('8,5'\)"),
    ("frames", "many", r"frames must be a plain number.*, and not words: line 4 \('many'\)"),
    ("train_examples", 2.5e5 + 0.5, r"train_examples must be a whole number: line 4"),
    ("train_examples", "1,000,000", r"train_examples must be written without thousands sep"),
    ("metric", "55%", r"metric must be a plain number without %: line 4 \('55%'\)"),
    ("metric", "'55'", r"metric must be a plain number without quotes"),
    ("train_examples", 1, r"train_examples must be the count itself: 250000, not 0.25"),
    ("seed", -1, r"seed must not be negative: line 4 \(-1\)"),
    ("metric_se", -0.1, r"metric_se must not be negative: line 4 \(-0.1\)"),
    ("sweep", "Star", r"sweep must be star, isoflop or other: line 4 \('Star'\)"),
    ("sweep", "isoflop", r"an isoflop row needs its target_tflops; fill it in"),
]


@pytest.mark.parametrize(("column", "value", "message"), BAD_CELLS)
def test_bad_cell_is_refused_naming_line_column_value_and_mend(table, save, column, value, message):
    defaults = {"seed": 0, "metric_se": 0.1, "sweep": "other"}
    extra = {column: defaults[column]} if column in defaults else {}
    path = save(spoil(table.assign(**extra), column, 2, value))
    with pytest.raises(RunsError, match=message) as refusal:
        load_runs(path)
    assert str(refusal.value).startswith(path)
    assert "\n" not in str(refusal.value)


def test_every_failing_row_is_reported(table, save):
    bad = spoil(spoil(table, "metric", 0, 101), "metric", 3, -5)
    bad = spoil(bad, "frames", 1, 0)
    with pytest.raises(RunsError) as refusal:
        load_runs(save(bad))
    for part in ("line 2 (101)", "line 5 (-5)", "line 3 (0)", "2 kinds of problem"):
        assert part in str(refusal.value)


def test_lm_params_in_billions_throughout_is_one_line(table, save):
    with pytest.raises(RunsError, match="7.5e9, not 7.5") as refusal:
        load_runs(save(table.assign(lm_params=table["lm_params"] / 1e9)))
    refused = "lm_params must be the count itself: 7.5e9, not 7.5 (billions): "
    assert str(refusal.value).split(refused)[1].count("line") == table["lm_params"].nunique()


def test_metrics_as_fractions_are_refused(table, save):
    with pytest.raises(RunsError, match="every metric is at most 1; write them on the 0-100"):
        load_runs(save(table.assign(metric=table["metric"] / 100)))


def test_token_counts_of_real_models_are_taken(table, save):
    # 4 x 13, 13 x 14, and 14 x 15 with a newline per row; mean frames of videos of all lengths
    real = table.assign(tokens_per_frame=[52, 182, 210, 210], frames=[4, 8, 27.4, 31.25])
    runs = load_runs(save(real))
    assert runs["tokens_per_frame"].tolist() == [52, 182, 210, 210]
    assert runs["frames"].tolist() == [4, 8, 27.4, 31.25]
    assert runs["run_id"].iloc[2] == "other-7.5B-27.4x210-n500k"


def test_rounding_noise_of_counts_is_removed(table, save):
    noisy = table.assign(
        tokens_per_frame=[16, 49, 100, 196.00000000001],
        lm_params=[1e9, 2.8000000001e9, 7.5e9, 7499999999.9999],
        train_examples=[250_000, 250_000.0000000001, 500_000, 999_999.9999999999],
    )
    pd.testing.assert_frame_equal(load_runs(save(noisy)), load_runs(save(table)))


@pytest.mark.parametrize("outcome", ["error", "loss"])
def test_an_error_or_a_loss_of_any_scale_stands_for_the_metric(table, save, outcome):
    given = table.drop(columns="metric").assign(**{outcome: [3.1, 2.9, 0.07, 1e4]})
    runs = load_runs(save(given))
    assert runs["error"].tolist() == [3.1, 2.9, 0.07, 1e4]
    assert runs["metric"].isna().all() and runs.attrs["unit"] == outcome
    again = validate_runs(runs)
    pd.testing.assert_frame_equal(again, runs)
    assert again.attrs["unit"] == outcome
    repeated = pd.concat([given, given.assign(seed=1)], ignore_index=True)
    averaged = average_seeds(validate_runs(repeated.fillna({"seed": 0})))
    assert averaged["error"].tolist() == [3.1, 2.9, 0.07, 1e4]
    assert averaged.attrs["unit"] == outcome
    assert load_runs("paper").attrs["unit"] == "points"


@pytest.mark.parametrize("bad", [0, -0.5])
def test_a_loss_is_positive(table, save, bad):
    given = table.drop(columns="metric").assign(loss=[3.1, 2.9, bad, 2.0])
    with pytest.raises(RunsError, match=r"loss must be a positive number.*: line 4 \("):
        load_runs(save(given))


def test_one_outcome_is_given_and_a_derived_error_is_none_of_its_own(table, save):
    with pytest.raises(RunsError, match="columns metric and loss are both there; keep the one"):
        load_runs(save(table.assign(loss=2.0)))
    with pytest.raises(RunsError, match="metric and error are both there, and error is not 100 -"):
        load_runs(save(table.assign(error=2.0)))
    assert len(load_runs(save(table.assign(error=100 - table["metric"])))) == 4


def test_a_refusal_of_many_rows_and_kinds_fits_ten_lines(table, save):
    many = pd.concat([table] * 5_000, ignore_index=True).astype(object)
    rng = np.random.default_rng(0)
    bad = [-1, 0, "x", "1,5", "3%", 1e19, None, 1e400, "'4'", "many"]
    for column in many.columns:
        many[column] = rng.choice(np.array(bad, dtype=object), len(many))
    with pytest.raises(RunsError) as refusal:
        load_runs(save(many))
    lines = str(refusal.value).splitlines()
    assert len(lines) <= 10 and max(map(len, lines)) < 400
    assert "more kinds" in lines[-1] and "more" in lines[1]


def test_a_factor_of_words_is_named_as_such(table, save):
    with pytest.raises(
        RunsError, match=r"tower must be a plain number.*, and not words: lines 2, 4 "
    ):
        load_runs(save(table.assign(tower=["siglip", "clip", "siglip", "clip"])), factors=["tower"])


def test_duplicate_run_is_refused_naming_both_lines(table, save):
    with pytest.raises(RunsError, match=r"duplicate run: .* lines 4, 6 "):
        load_runs(save(pd.concat([table, table.iloc[[2]].assign(metric=50)])))


@pytest.mark.parametrize("column", REQUIRED)
def test_missing_column_is_named_with_those_found(table, save, column):
    with pytest.raises(RunsError, match=f"missing column {column}.*; add it .*found: "):
        load_runs(save(table.drop(columns=column)))


def test_missing_file_is_named_with_the_known_sources(tmp_path):
    with pytest.raises(RunsError, match=r"no\.csv: no such file; give the path of a CSV, or one"):
        load_runs(tmp_path / "no.csv")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2,3\n4\n1,2,3,4\n", b"\xff\xfe\x00a,b\n"])
def test_unreadable_file_is_one_line(tmp_path, content):
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(RunsError) as refusal:
        load_runs(path)
    assert "\n" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_folder_is_not_a_table(tmp_path):
    with pytest.raises(RunsError, match="is a folder; name a CSV"):
        load_runs(tmp_path)


def test_table_with_a_header_alone_is_refused(table, save):
    with pytest.raises(RunsError, match="holds no rows"):
        load_runs(save(table.iloc[:0]))


def test_unknown_task_names_those_there():
    with pytest.raises(RunsError, match="no runs of task 'chess'; choose one of VDC, AQA"):
        load_runs("paper", task="chess")


def test_in_memory_table_is_refused_by_row_label(table):
    with pytest.raises(RunsError, match=r"runs table: metric .*: row 2 \(101\)"):
        validate_runs(spoil(table, "metric", 2, 101))


def test_validate_leaves_its_argument_alone(table):
    before = table.copy()
    validate_runs(table)
    pd.testing.assert_frame_equal(table, before)


def test_reference_gives_a_printed_number():
    assert reference("table10", "budgets=300", "e_V") == 0.79
    assert load_reference().columns.tolist() == ["table", "row", "quantity", "value"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (("table1", "mult", "cv_mse"), "table 'table1' is not among the printed numbers: table2"),
        (("table2", "multi", "cv_mse"), "row 'multi' .*: mult, add,"),
        (("table2", "mult", "mse"), "quantity 'mse' .*: cv_mse"),
    ],
)
def test_unknown_printed_number_names_the_known_ones(key, message):
    with pytest.raises(ValueError, match=message):
        reference(*key)


def test_seeds_average_within_a_draw_and_then_over_draws():
    design = {"lm_params": 1e4, "frames": 2, "tokens_per_frame": 4, "train_examples": 64}
    rows = [(0, 0, 40.0), (101, 0, 50.0), (1, 1, 55.0), (2, 2, 59.0)]
    runs = pd.DataFrame(
        [design | {"seed": s, "draw": d, "metric": m, "metric_se": 0.5} for s, d, m in rows]
    )
    averaged = average_seeds(validate_runs(runs))
    assert len(averaged) == 1 and averaged["draws"].item() == 3
    assert averaged["metric"].item() == pytest.approx((45 + 55 + 59) / 3)
    spread = np.var([45, 55, 59], ddof=1) / 3
    assert averaged["metric_se"].item() == pytest.approx(np.sqrt(0.25 + spread))


def test_a_design_repeated_at_two_isoflop_budgets_keeps_a_row_at_each(table, save):
    again = table.assign(sweep="isoflop", target_tflops=10.0, seed=0).iloc[[0, 0, 0]]
    again = again.assign(target_tflops=[10.0, 20.0, 20.0], seed=[0, 1, 2], metric=[50, 52, 53])
    averaged = average_seeds(load_runs(save(again)))
    assert averaged["target_tflops"].tolist() == [10.0, 20.0]
    assert averaged["metric"].tolist() == [50.0, 52.5] and averaged["draws"].tolist() == [1, 2]
    pd.testing.assert_frame_equal(validate_runs(averaged), averaged)


def test_the_mini_runs_hold_eight_families_and_their_mean():
    runs, tasks = load_runs("mini"), load_task_runs("mini")
    assert set(runs["source"]) == {"mini"} and len(tasks) == 8 * len(runs)
    means = tasks.groupby(["run_id", "draw", "seed"])["metric"].mean()
    mine = runs.set_index(["run_id", "draw", "seed"])["metric"]
    np.testing.assert_allclose(means.reindex(mine.index), mine, atol=1e-3)
    assert runs["recipe"].nunique() == 1
