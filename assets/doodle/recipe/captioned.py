"""Facts with sentences about them, made beside the training by other processes where there are any to spare."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from settings import Setting
from tokenizer import Tokens
from world.captions import caption
from world.facts import Facts

# Of the sentences for the prior one in ten is empty: the unconditional side of its guidance.
EMPTY = 0.1


class Captioned(IterableDataset):
    """Batches without end of facts `[n, facts]`, where they are from `[n]`, and token ids `[n, tokens]`.

    Of new facts, or of those of a store, which `numbers` are rows of.
    """

    def __init__(self, tokens: Path, facts: Facts, batch: int, seed: int, stored: np.ndarray | None = None, empty: float = 0.0):
        self.tokens, self.facts, self.batch, self.seed, self.stored, self.empty = tokens, facts, batch, seed, stored, empty

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        worker = get_worker_info()
        seed = (self.seed, worker.id if worker else 0)
        rng, words, tokens = np.random.default_rng(seed), random.Random(str(seed)), Tokens(self.tokens)
        while True:
            if self.stored is None:
                numbers, rows = np.zeros(self.batch, np.int64), self.facts.sample(self.batch, rng)
            else:
                numbers = rng.integers(0, len(self.stored), self.batch)
                rows = self.stored[numbers].astype(np.int64)
            texts = ["" if words.random() < self.empty else caption(row, words) for row in rows]
            yield torch.from_numpy(rows), torch.from_numpy(numbers), tokens(texts)


def batches(state: Path, setting: Setting, batch: int, processes: int, stored: np.ndarray | None = None, empty: float = 0.0):
    dataset = Captioned(state / "tokenizer", setting.facts, batch, int(np.random.default_rng().integers(2**31)), stored, empty)
    return iter(DataLoader(dataset, batch_size=None, num_workers=processes, prefetch_factor=4 if processes else None))
