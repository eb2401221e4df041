"""Whether an executed chapter is true: what its sentences state, against its own tables.

``tables`` reads the tables of a page, ``recomputed`` names for each chapter the function that makes
its sentences again from them (a module per group of chapters), and ``faults`` finds what differs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"faults": ["find_faults", "own_sizes"], "tables": ["read_tables"]},
)
