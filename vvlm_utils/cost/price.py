"""The price of a design, by name: what a command, a fit on disk and a report all mean by "cost"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from numpy.typing import ArrayLike

from vvlm_utils.cost.architectures import ALL_COSTS
from vvlm_utils.cost.equation import SOVIT_400M, Number, VisionTower, inference_cost


@dataclass(frozen=True)
class Price:
    """FLOPs of one video as a function of its design.

    Parameters
    ----------
    name
        A key of ``ALL_COSTS``: "paper" (Equation 1), "lm_only" (prior work's count), or "exact"
        (every matrix product of the decoder of that size, with the paper's encoder).
    tower
        The encoder that Equation 1 prices.

    Raises
    ------
    ValueError
        An unknown name, or an encoder that the named cost does not read.

    Examples
    --------
    >>> f"{Price()(7.5e9, 32, 196) / 1e12:.1f} TFLOPs"
    '115.2 TFLOPs'
    """

    name: str = "paper"
    tower: VisionTower = SOVIT_400M

    def __post_init__(self) -> None:
        if self.name not in ALL_COSTS:
            raise ValueError(f"unknown cost {self.name!r}; the costs are {', '.join(ALL_COSTS)}")
        if self.name != "paper" and self.tower != SOVIT_400M:
            raise ValueError(
                f"cost {self.name!r} does not read the encoder's size; drop --tower-params and "
                "--features-per-frame, or take cost 'paper'"
            )

    def __call__(
        self, lm_params: ArrayLike, frames: ArrayLike, tokens_per_frame: ArrayLike
    ) -> Number:
        """FLOPs of one video; arrays are broadcast."""
        design = (lm_params, frames, tokens_per_frame)
        if self.name == "paper":
            return inference_cost(*design, self.tower).total_flops
        return ALL_COSTS[self.name](*design)

    def to_dict(self) -> dict:
        """Plain types for JSON; :meth:`from_dict` reads them."""
        return {"name": self.name, "tower": asdict(self.tower)}

    @classmethod
    def from_dict(cls, record: Mapping) -> Price:
        """The price that :meth:`to_dict` described."""
        return cls(record["name"], VisionTower(**record["tower"]))
