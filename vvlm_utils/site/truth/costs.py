"""What the chapters on costs and sweeps say, made again from their tables: 1, 2, 12 to 14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vvlm_utils.advice.sentences import costs, designs, served
from vvlm_utils.site.truth.tables import NUMBER, Said, shown


def inference_cost(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    bills = shown(tables, "accepted by LM alone", "of these over budget")
    accepted, over = (int(bills.iloc[:, k].sum()) for k in (0, 1))
    worst = re.search(NUMBER, glued["worst"])
    said = costs.say_overspent(accepted, over, float(worst[0]) if worst else 1.0)
    return {"bills": costs.say_bills(bills), "overspent": said}


def sweep_design(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    counts = next(t for t in tables if list(t.columns) == ["1B", "2.8B", "7.5B"])
    counts = counts.astype(int)
    return {"choices": designs.say_choices(counts), "near_total": int(counts.to_numpy().sum())}


def cluster(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    fits = next((t for t in tables if "GPUs, of 1, 2, 4, 8, 16" in t.columns), None)
    names = ["llama-3.2-1b", "llama-3.2-3b", "llama-3.1-8b"]
    found = {} if fits is None else {k: int(v) for k, v in fits.iloc[:, 0].items()}
    return {"fits": costs.say_fits(found, names, [1, 2, 4, 8, 16])}


def served_models(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    bill = shown(tables, "dollars per million", "at once")
    bill.index = bill.index.astype(int)
    parameters = shown(tables, "value", "may be")["value"]
    model, device = (parameters[name].strip('"') for name in ("model_name", "accelerator"))
    return {"bill": served.say_bill(bill, model, device)}


def exact_cost(tables: list[pd.DataFrame], glued: Mapping[str, Any]) -> Said:
    parameters = shown(tables, "value", "may be")["value"]
    month = shown(tables, "videos per hour", "devices for a billion videos in 30 days")
    device = str(parameters["accelerator"]).strip('"')
    seconds, per_hour, devices = month.loc[device].iloc[:3].astype(float)
    each = seconds if seconds > 1 else 3600 / per_hour  # the one with more digits
    budget, utilisation = (float(parameters[k]) for k in ("budget_tflops", "utilisation"))
    return {"budget": costs.say_budget(budget, device, utilisation, each, devices)}
