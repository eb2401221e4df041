"""Table 2 by the paper's full protocol: 500 cold starts for every resample of every bag.

Prints the table and the minutes; ``python -m benchmarks.exact --out table.csv`` keeps it.
"""

import argparse
import time

import numpy as np

from vvlm_utils.runs import load_runs
from vvlm_utils.validation import compare_laws, score


def main() -> None:
    """Run the protocol; a smaller --resamples tries it out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=None)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    held = compare_laws(
        load_runs("paper"),
        np.random.default_rng(arguments.seed),
        resamples=arguments.resamples,
        search="cold",
        progress=True,
    )
    table = score(held).round(4)
    print(table.to_string(index=False))
    print(f"{(time.perf_counter() - begin) / 60:.1f} minutes")
    if arguments.out:
        table.to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
