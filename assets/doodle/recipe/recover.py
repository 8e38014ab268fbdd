"""Makes a state out of a finished model folder, so that its autoencoder's decoder can be trained further.

Checkpoints are large and stay where they were made; the folder is what is kept. Its autoencoder has the latents'
normalisation folded in (see `export.py`): its latents are normal as they are, so their mean is 0 and deviation 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import VQModel

import models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    arguments = parser.parse_args()
    recover_movq(arguments.model, arguments.state)


def recover_movq(folder: Path, state: Path) -> None:
    """Writes `movq_encoder.pt` and `latents.pt`, which `encode.py latents` and `train_movq.py --decoder-only` read."""
    movq = VQModel.from_pretrained(folder / "movq", torch_dtype=torch.float32)
    state.mkdir(parents=True, exist_ok=True)
    torch.save(movq.state_dict(), state / "movq_encoder.pt")
    n = models.LATENT_CHANNELS
    torch.save({"mean": torch.zeros(n), "std": torch.ones(n)}, state / "latents.pt")


if __name__ == "__main__":
    main()
