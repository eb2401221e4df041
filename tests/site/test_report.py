"""A report on somebody's own sweep: further factors, own costs, and the page itself."""

import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from command import vvlm
from hypothesis import given, settings
from hypothesis import strategies as st

from vvlm_utils.advice import sentences as answers
from vvlm_utils.advice.answer import ask, elasticity_grid, fit_model
from vvlm_utils.cost.equation import FACTORS, TRAIN_EXAMPLES
from vvlm_utils.frontier.elasticities import elasticity
from vvlm_utils.frontier.solver import Question, solve
from vvlm_utils.laws.bag_io import load_bag, save_bag
from vvlm_utils.laws.bagging import bag, hold_factors
from vvlm_utils.laws.forms import make_law
from vvlm_utils.laws.options import FitOptions
from vvlm_utils.runs.prepared import candidates_of, prepare
from vvlm_utils.runs.space import Candidates, space_within
from vvlm_utils.runs.table import RunsError, validate_runs
from vvlm_utils.site import build as book
from vvlm_utils.site import report as reports
from vvlm_utils.site.report import NOTEBOOK

ROOT = Path(__file__).parents[2]
TOWER = "tower_params"
NASTY = "a b'c\"; $(touch pwned) `touch pwned` {x} \\n.csv"


def sweep(**levels) -> pd.DataFrame:
    """Runs of every combination, with the size of the tower as a further factor."""
    values = {
        "lm_params": (1e9, 3e9, 8e9),
        "frames": (4, 8, 16),
        "tokens_per_frame": (16, 64, 196),
        TRAIN_EXAMPLES: (1e5, 4e5),
        TOWER: (1e8, 4e8),
    } | levels
    mesh = np.meshgrid(*values.values(), indexing="ij")
    table = pd.DataFrame({name: axis.ravel() for name, axis in zip(values, mesh, strict=True)})
    error = 10 + 50 * table["frames"] ** -0.5 + 90 * table[TRAIN_EXAMPLES] ** -0.2
    error += 40 * table["tokens_per_frame"] ** -0.3 + 900 * table["lm_params"] ** -0.3
    return table.assign(metric=100 - error - 3e3 * table[TOWER] ** -0.5)


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return validate_runs(sweep(), factors=[TOWER])


@pytest.fixture(scope="module")
def bagged(runs):
    law, few = make_law("add-interact", (*FACTORS, TOWER)), FitOptions(starts=4)
    rng = np.random.default_rng(0)
    return bag(law, runs, few, rng=rng, resamples=5, search="cold")


def test_a_declared_factor_tells_runs_apart(runs):
    assert len(runs) == 108
    with pytest.raises(RunsError, match="duplicate run"):
        validate_runs(sweep())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("metric", "is a column of its own"),
        ("bits", "missing column bits"),
        ("a b", "must be a name of letters"),
        (TOWER, "must be a positive number: .* row 0 .-1."),
    ],
)
def test_a_factor_that_is_no_column_of_numbers_is_refused(name, words):
    table = sweep()
    table.loc[0, TOWER] = -1
    with pytest.raises(RunsError, match=words):
        validate_runs(table, factors=[name])


def test_a_law_over_four_factors_gets_its_coefficients_back(runs):
    law = make_law("add", (*FACTORS, TOWER))
    found = bag(law, runs, rng=np.random.default_rng(1), resamples=3)
    assert found.predict(runs) == pytest.approx(runs["error"].to_numpy(), rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(level=st.floats(1e7, 1e10))
def test_a_held_factor_leaves_every_prediction_as_it_is(bagged, runs, level):
    held = hold_factors(bagged, {TOWER: level})
    assert held.law.factors == (*FACTORS, TRAIN_EXAMPLES)
    whole = bagged.predict_members(runs.assign(**{TOWER: level}))
    assert np.allclose(held.predict_members(runs), whole, rtol=1e-10)


def test_a_held_bag_answers_and_survives_its_file(bagged, runs, tmp_path):
    held = hold_factors(bagged, {TOWER: 4e8})
    save_bag(held, tmp_path / "fit.json")
    again, space = load_bag(tmp_path / "fit.json"), space_within(runs)
    assert again.law == held.law
    solved = solve(again, Question([10e12], 4e5, space)).table()
    assert solved["cost_flops"].iloc[0] <= 10e12
    with pytest.raises(ValueError, match=r"--at tower_params=VALUE"):
        solve(bagged, Question([10e12], 4e5, space)).table()
    with pytest.raises(ValueError, match="cannot hold 'frames'"):
        hold_factors(bagged, {"frames": 8})


def test_own_costs_choose_among_the_designs_that_have_one(bagged, runs):
    price = 2 * runs["frames"] * (runs[TOWER] * 768 + runs["lm_params"] * runs["tokens_per_frame"])
    candidates = candidates_of(runs.assign(cost_flops=price), [TOWER])
    assert len(candidates.designs) == 54
    budgets = np.geomspace(price.min(), price.max(), 9)
    solved = solve(bagged, Question(budgets, 4e5, candidates)).table()
    error = bagged.predict(candidates.designs.assign(**{TRAIN_EXAMPLES: 4e5}))
    best = [error[candidates.cost_flops <= c].min() for c in budgets]
    assert solved["error"].to_numpy() == pytest.approx(best)
    assert set(solved[TOWER]) <= {1e8, 4e8}
    with pytest.raises(ValueError, match="need a cost each"):
        Candidates(candidates.designs, candidates.cost_flops[1:])


@pytest.mark.parametrize("source", ["paper", "mini"])
def test_a_report_asks_within_the_runs(source):
    prepared = prepare(source)
    grid = elasticity_grid(prepared.runs)
    most = prepared.runs[TRAIN_EXAMPLES].max()
    assert grid["train_examples"].max() + grid["step"] == most
    flops = prepared.cost_flops
    budgets = answers.round_budgets(flops.min(), flops.max())
    assert flops.min() <= budgets[0] < budgets[-1] <= flops.max()


def test_a_law_without_interaction_says_that_it_was_not_asked(runs):
    additive = bag(make_law("add"), runs, FitOptions(starts=2), rng=np.random.default_rng(0),
                   resamples=2, search="cold")  # fmt: skip
    space = space_within(runs)
    moved = elasticity(additive, space, budgets=[5e12, 9e12], **elasticity_grid(runs))
    assert (moved == 0).all(axis=None)
    assert "the runs were not asked" in answers.say_elasticity(moved, space, [additive.law])


def test_the_last_digit_of_a_sum_that_cancels_is_no_direction(runs):
    table = pd.DataFrame({"low": [1e-17, 0, -0.2], "high": [0.2, 1e-17, -1e-17]}, index=FACTORS)
    said = answers.say_elasticity(table, space_within(runs), [make_law("add-interact")])
    assert said.endswith(": LM size is open, frames stays, tokens per frame is open.")


def test_a_loss_is_spoken_of_as_a_loss(runs):
    table = runs.assign(loss=runs["error"] / 40).drop(columns=["error", "metric"])
    prepared = prepare(table, factors=[TOWER])
    assert prepared.unit == "loss"
    model = fit_model(prepared, "add", resamples=2)
    solved = ask(model, prepared, [20e12], 4e5, {TOWER: 4e8}).table()
    (said,) = answers.say_frontier(solved, 4e5, ("TFLOPs", 1e12), 0.01, (), prepared.unit)
    assert "predicted loss " in said and "points" not in said
    table = answers.frontier_table(solved, ("TFLOPs", 1e12), (TOWER,), prepared.unit)
    assert re.match(r"\d\.\d{3} \(", table["loss"].iloc[0])


def test_laws_that_predict_worse_than_the_mean_are_no_answer():
    held = pd.DataFrame({"law": "add", "test": "cv", "split": 0, "resample": 0, "row": range(4)})
    held = held.assign(observed=[50.0, 51, 49, 50], predicted=[49.0, 49, 51, 51])
    assert any(said.startswith("No law predicts them") for said in answers.say_scores(held))
    near = held.assign(predicted=[50.0, 50.9, 49.1, 50])
    assert len(answers.say_scores(near)) == 1


def test_a_gap_in_a_loss_keeps_its_digits():
    gap = {"mse_difference": 0.00123, "low": -0.0004, "high": 0.002}
    said = answers.say_gap("mult", "add", gap, "loss")
    assert "higher by 0.0012 (-0.0004 to 0.002)" in said and "points" not in said


# The page


def cells(kind: str) -> list:
    return [c for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == kind]


def test_the_page_is_written_like_a_chapter():
    every = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(c.outputs or c.execution_count for c in cells("code"))
    computing = [c for c in cells("code") if "parameters" not in c.metadata.get("tags", [])]
    assert max(len(c.source.splitlines()) for c in computing) <= 20
    kinds = [c.cell_type for c in every]
    assert ("code", "code") not in zip(kinds, kinds[1:], strict=False)
    for cell in cells("code"):
        if "plt.show()" in cell.source:
            assert {"caption", "name"} <= set(cell.metadata["mystnb"]["figure"])
            assert cell.metadata["mystnb"]["image"]["alt"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """An environment that holds the wheel, and beside it what else is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    source, env = folder / "source", folder / "env"
    pycache = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "vvlm_utils", source / "vvlm_utils", ignore=pycache)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, source]
    subprocess.run([*pip, *wheel], check=True, timeout=600)
    venv.create(env)
    packages = next(env.glob("lib/*/site-packages"))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    install = ["install", "--no-deps", "--no-index", "--target", packages]
    subprocess.run([*pip, *install, *folder.glob("*.whl")], check=True, timeout=600)
    share_compiled(packages / "vvlm_utils")
    return env


def share_compiled(package: Path) -> None:
    """Give a copy of the package what numba compiled of the same sources, known by their times."""
    for kept in (ROOT / "vvlm_utils").rglob("*.nb[ci]"):
        there = package / kept.relative_to(ROOT / "vvlm_utils")
        there.parent.mkdir(exist_ok=True)
        shutil.copy(kept, there)
        module = there.parent.parent / f"{there.name.partition('.')[0]}.py"
        shutil.copystat(ROOT / "vvlm_utils" / module.relative_to(package), module)


def wheel_run(installed: Path, *arguments, cwd: Path) -> subprocess.CompletedProcess:
    """Python of that environment: nothing of this tree, and no module of the folder it is in."""
    command = [installed / "bin" / "python", "-P", *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=500)


def test_the_wheel_holds_the_whole_package(installed):
    def files(package: Path) -> set[Path]:
        every = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
        return {path for path in every if "__pycache__" not in path.parts}

    (package,) = installed.glob("lib/*/site-packages/vvlm_utils")
    assert files(package) == files(ROOT / "vvlm_utils")
    where = wheel_run(installed, "-c", "import vvlm_utils as v; print(v.__file__)", cwd=ROOT)
    assert Path(where.stdout.strip()) == package / "__init__.py"


@pytest.fixture(scope="module")
def site(installed, tmp_path_factory) -> Path:
    """The wheel's report on required columns and a further factor, in a folder of odd content."""
    folder = tmp_path_factory.mktemp("it's {one} folder")
    sweep().sample(60, random_state=0).to_csv(folder / "my 'own' {runs}.csv", index=False)
    (folder / "pandas.py").write_text("raise ValueError('not the package')")
    command = ["report", "my 'own' {runs}.csv", "--out", "a site", "--factor", TOWER]
    few = ["--resamples", 5, "--law", "add", "--json"]
    done = wheel_run(installed, "-m", "vvlm_utils.cli", *command, *few, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "a site"


@pytest.mark.slow
def test_a_report_is_a_site(site):
    page = html.unescape((site / "report.html").read_text())
    for words in ("Held: tower_params", "Law add", "my 'own' {runs}.csv", "TFLOPs per video"):
        assert words in page, words
    assert (site / "index.html").exists() and "http" not in re.findall(r'<script src="(.)', page)
    there = {"my 'own' {runs}.csv", "pandas.py", "a site"}
    assert {p.name for p in site.parent.iterdir()} == there


def test_a_report_never_replaces_what_is_no_report(tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "mine.txt").write_text("kept")
    done = vvlm("report", "paper", "--out", "papers", cwd=tmp_path)
    assert done.returncode == 2 and "holds files that are no report" in done.stderr
    assert (tmp_path / "papers" / "mine.txt").read_text() == "kept"


def test_a_page_that_cannot_be_computed_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="no report could be made: RunsError: .*: no such file"):
        reports.build({"runs": str(tmp_path / "none.csv")}, tmp_path / "site")
    assert not list(tmp_path.iterdir())


# What a parameter or a path holds stays text


def echo(path: Path) -> Path:
    """A notebook that writes its parameter beside itself, as JSON."""
    new = nbformat.v4
    parameters = new.new_code_cell('text: str = ""', metadata={"tags": ["parameters"]})
    body = "import json\nfrom pathlib import Path\n\nPath('said.json').write_text(json.dumps(text))"
    notebook = new.new_notebook(cells=[parameters, new.new_code_cell(body)])
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, path)
    return path


INJECTIONS = [
    '"; open("pwned", "w"); "',
    "'''\nopen('pwned', 'w')\n'''",
    "\\\"\nopen('pwned', 'w') #",
    "{__import__('os').system('touch pwned')} %s $(touch pwned)",
    "\u2028open('pwned', 'w')\\",
]


def test_a_parameter_stays_a_string(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = echo(tmp_path / "in {braces}.ipynb")
    text = "\n".join(INJECTIONS)
    book.execute(source, tmp_path / "out {text}.ipynb", {"text": text})
    assert json.loads((tmp_path / "said.json").read_text()) == text
    done = vvlm("run", source, "-p", f"text={text}", "-o", "again {text}.ipynb", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "said.json").read_text()) == text
    assert not (tmp_path / "pwned").exists()


@given(st.text(max_size=80))
def test_every_text_comes_back_from_a_parameter_cell(text):
    from papermill.translators import PythonTranslator

    found: dict = {}
    text = text.encode("utf-8", "replace").decode()  # a file holds no lone surrogates
    exec(PythonTranslator.codify({"text": text}, "Parameters"), found)
    assert found["text"] == text


def test_a_path_reaches_the_report_as_it_is(tmp_path):
    """The real recipe of `make book RUNS=...`, its environment taken as it is."""
    env = Path(sys.executable).parent.parent
    command = ["make", "-C", str(ROOT), "-o", "env", "book", f"RUNS={tmp_path}/{NASTY}"]
    command += [f"ENV={env}", f"PYTHON={sys.executable}", "ARGS=--seed 1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2 and f"{tmp_path}/{NASTY}: no such file" in done.stderr
    assert not list(ROOT.glob("pwned")) and not list(tmp_path.iterdir())


def test_a_table_reaches_the_sweep_as_it_is():
    command = [sys.executable, "-m", "snakemake", "sweep", "--cores", "1", "--nolock", "--dry-run",
               "--printshellcmds", "--config", "sweep=tiny"]  # fmt: skip
    env = os.environ | {"VVLM_TABLE": NASTY, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    shown = [line for line in said.splitlines() if ".sweep table " in line]
    assert shown and {shlex.split(line)[-1] for line in shown} == {f"--table={NASTY}"}
