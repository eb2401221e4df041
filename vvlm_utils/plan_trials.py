"""Do planned runs find the frontier sooner than others that cost the same?

A trial holds some known runs and a pool of runs whose errors are hidden. Each strategy spends the
same training budget on the pool; what it buys is revealed, the law is fitted again, and the best
designs that the new bag names are scored.

Simulated trials: the truth is a law fitted to a bootstrap resample of the paper's runs, another in
every trial, so its frontier is known and the regret of a choice is exact. Known are the star's
designs; the pool is a grid of designs that cost no more than the largest budget asked. All errors
carry noise as large as the residuals of the paper's runs. Strategies see the same errors.

``make next-runs`` (``benchmarks/next_runs.py``) is the long study behind the kept table.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import pandas as pd

from vvlm_utils.bagging import BaggedLaw, bag
from vvlm_utils.cost import FACTORS, paper_flops
from vvlm_utils.coverage import TRAINED, Truth, known_law, simulate
from vvlm_utils.fitting import LawFit
from vvlm_utils.frontier import best_errors, member_designs
from vvlm_utils.laws import DATA, LAWS, Law
from vvlm_utils.next_runs import Question, candidate_designs, plan_runs, training_price

EXAMPLES = (250_000, 500_000, 1_000_000, 2_000_000)
QUESTION = Question((2e12, 5e12, 15e12, 30e12), 2e6, TRAINED)
