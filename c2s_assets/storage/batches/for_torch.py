"""Batches as PyTorch reads them; importing this module imports PyTorch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch.utils.data import IterableDataset, get_worker_info

from c2s_assets.core.batches.order import next_turns

if TYPE_CHECKING:  # it imports this module
    from c2s_assets.storage.batches.iterating import Batch, Batches


class TorchBatches(IterableDataset):
    """Whole batches, of which each worker of a DataLoader gives those of its own share of the cells."""

    def __init__(self, batches: "Batches") -> None:
        self.batches = batches

    def __iter__(self) -> "Iterator[Batch]":
        """Read the batches, or in a worker its own; see `Batches.for_torch`."""
        worker = get_worker_info()
        if worker is None:
            return iter(self.batches)
        whole = self.batches.at(epoch=self.batches.epoch)
        shares = [whole.share(index, worker.num_workers) for index in range(worker.num_workers)]
        # A DataLoader begins with its first worker, which so stands for the one whose turn it is.
        turns = next_turns(self.batches.batch, n_per_worker=[len(share) for share in shares])
        index, n_taken = turns[worker.id]
        return iter(shares[index].at(epoch=whole.epoch, batch=n_taken))
