"""Inference compute-optimal video vision-language models: the code behind the book.

The names of a whole analysis stand here; each imports its module when it is first asked for.
From a table of runs to the best design at three budgets, and a figure of it:

>>> from vvlm_utils import ask, fit_model, prepare
>>> from vvlm_utils.plots.frontier import plot_frontiers
>>> prepared = prepare("paper")  # or "mini", or the path of your own CSV
>>> model = fit_model(prepared)
>>> budgets, examples = [5e12, 20e12, 80e12], 5e5  # FLOPs per video, and n
>>> frontier = ask(model, prepared, budgets, examples).table()
>>> print(frontier["lm_params"].tolist())
[7500000000.0, 7500000000.0, 7500000000.0]
>>> axes = plot_frontiers({examples: frontier}, model.ranges)
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "advice.answer": ["ask", "fit_model"],
        "advice.audit": ["audit_runs"],
        "advice.next_runs": ["plan_runs"],
        "cost.equation": ["inference_cost"],
        "frontier.elasticities": ["elasticity"],
        "frontier.solver": ["Question", "solve"],
        "laws.bagging": ["bag"],
        "laws.fitting": ["fit"],
        "laws.forms": ["get_law"],
        "laws.recommendation": ["recommended"],
        "runs.prepared": ["prepare"],
        "runs.table": ["load_runs"],
    },
)
