"""A law that is one entry of the registry is known wherever laws are named."""

import json

import numpy as np
import pytest
from command import vvlm

from vvlm_utils.advice.audit import audit_table
from vvlm_utils.advice.sentences import compare_supported
from vvlm_utils.laws.forms import BUILDERS
from vvlm_utils.laws.law import Law, Power, Term
from vvlm_utils.runs.prepared import prepare


@pytest.fixture(autouse=True)
def one_rate(monkeypatch):
    """A term of every factor, all of one exponent, and one of n."""

    def build(factors, data):
        by_data = (Power(data, "d", -1),) if data else ()
        each = [Term(f"c_{f}", (Power(f, "a", -1),)) for f in factors]
        terms = (*each, *([Term("xi", by_data)] if data else []), Term("eps"))
        return Law("one-rate", (*factors, *([data] if data else [])), terms)

    monkeypatch.setitem(BUILDERS, "one-rate", build)


def answer(*arguments):
    done = vvlm(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FEW = ("--law", "one-rate", "--resamples", "8")
ASKED = ("--tflops", "10", "--tflops", "50", "--train-examples", "1e6")


@pytest.mark.parametrize(
    "command",
    [
        ("frontier", "paper", *ASKED, *FEW),
        ("elasticity", "paper", *FEW),
        ("plan", "paper", *ASKED, *FEW, "--train-flops", "1e21"),
    ],
    ids=lambda command: command[0],
)
def test_a_command_answers_by_the_new_law(command):
    assert answer(*command)


def test_an_unknown_law_is_refused_with_the_new_one_among_those_there_are():
    done = vvlm("frontier", "paper", *ASKED, "--law", "no-rate")
    assert done.returncode == 2
    assert "unknown law 'no-rate'" in done.stderr and "one-rate" in done.stderr


def test_a_fit_by_the_new_law_is_kept_and_read(tmp_path):
    kept = tmp_path / "fit.json"
    assert vvlm("fit", "paper", *FEW, "--out", kept).returncode == 0
    assert answer("frontier", kept, *ASKED)


def test_check_judges_the_new_law():
    assert "one-rate" in [law["law"] for law in answer("check", "paper")["laws"]]


def test_compare_scores_the_new_law():
    assert "one-rate" in answer("compare", "paper", "--resamples", "2")["laws"]


def test_a_report_compares_the_new_law():
    prepared = prepare("mini")
    audit = audit_table(prepared, np.random.default_rng(0), resamples=0)
    few = {"splits": 1, "resamples": {"cv": 2, "extrapolation": 2}, "search": "quick"}
    held, _ = compare_supported(audit, prepared.runs, np.random.default_rng(0), **few)
    assert "one-rate" in set(held["law"])
