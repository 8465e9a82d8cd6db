"""The order of training batches: a function of the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator

from penlight import Generator, randperm
from penlight.utils.data import Sampler

__all__ = ["EpochBatches"]


class EpochBatches(Sampler[list[int]]):
    """A ``batch_sampler`` for a DataLoader whose epochs can be entered anywhere.

    Epoch e of seed s has the same order in every run, whatever was drawn before, so that a resumed
    run meets the same batches without having saved the order.

    Args:
        size: number of samples.
        batch_size: of all batches but perhaps the last.
        seed: of the orders.
        drop_last: leave out a last, smaller batch.
    """

    def __init__(self, size: int, batch_size: int, seed: int, drop_last: bool = False) -> None:
        self.size, self.batch_size, self.seed, self.drop_last = size, batch_size, seed, drop_last
        self.epoch = self.first = 0

    def set_epoch(self, epoch: int, first: int = 0) -> None:
        """The next iteration is over ``epoch``, from batch number ``first`` on."""
        self.epoch, self.first = epoch, first

    def __iter__(self) -> Iterator[list[int]]:
        generator = Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = randperm(self.size, generator=generator).tolist()
        for batch in range(self.first, len(self)):
            yield order[batch * self.batch_size : (batch + 1) * self.batch_size]

    def __len__(self) -> int:
        """The number of batches in a whole epoch."""
        whole, rest = divmod(self.size, self.batch_size)
        return whole + (1 if rest and not self.drop_last else 0)
