"""From answers, one row per question, to metrics with their errors. No torch here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vvlm_utils.experiment.world.questions import blind_error


def summarise(answers: pd.DataFrame) -> pd.DataFrame:
    """Metric (accuracy, 0-100) with its standard error and the blind metric, per family and "avg".

    The average's error comes from the spread over clips, since a clip's questions share a video.
    """
    by_family = answers.groupby("family", sort=False)
    metric = 100 * by_family["correct"].mean()
    count = by_family.size()
    table = pd.DataFrame(
        {
            "metric": metric,
            "metric_se": np.sqrt(metric * (100 - metric) / count),
            "blind": 100 - by_family["answer"].agg(lambda a: blind_error(list(a))),
        }
    )
    per_clip = 100 * answers.groupby("clip")["correct"].mean()
    table.loc["avg"] = [
        metric.mean(),
        per_clip.std(ddof=1) / np.sqrt(len(per_clip)),
        table["blind"].mean(),
    ]
    return table


def by_level(answers: pd.DataFrame, groups: int = 5) -> pd.DataFrame:
    """Error (0-100) of every family against its difficulty, in groups of about equal size.

    Columns family, level (mean of the group), error, se, count; levels that few questions have in
    common are joined with their neighbours, and a question without a level is left out.
    """
    rows = []
    for family, part in answers.dropna(subset="level").groupby("family", sort=False):
        part = part.sort_values("level", kind="stable")
        rank = part["level"].rank(method="average") / len(part)
        group = np.minimum((rank * groups).astype(int), groups - 1)
        for _, asked in part.groupby(group.to_numpy()):
            wrong = 1 - asked["correct"].mean()
            rows.append(
                {
                    "family": family,
                    "level": asked["level"].mean(),
                    "error": 100 * wrong,
                    "se": 100 * np.sqrt(wrong * (1 - wrong) / len(asked)),
                    "count": len(asked),
                }
            )
    return pd.DataFrame(rows, columns=["family", "level", "error", "se", "count"])
