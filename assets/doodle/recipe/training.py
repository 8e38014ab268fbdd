"""What the training loops share: options, schedule, checkpoints, averages."""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


def add_arguments(parser: argparse.ArgumentParser, minutes: float, batch: int, lr: float) -> None:
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--lr", type=float, default=lr)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: all")


def begin(arguments: argparse.Namespace) -> None:
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")


# Steps over which the learning rate rises at the beginning.
N_WARM = 200


class Trainer:
    """Counts steps against a budget of minutes and keeps a resumable checkpoint.

    The learning rate follows a cosine over the budget, so that a run of any length ends well. Re-running the
    same command resumes; time already spent counts. A training without a checkpoint begins with what `recover.py` left.
    """

    def __init__(self, path: Path, modules: torch.nn.Module, lr: float, minutes: float, ema: float = 0.0, is_muon: bool = False):
        self.path, self.modules, self.seconds = path, modules, 60 * minutes
        self.optimizers = optimizers_of(modules, lr, is_muon)
        self.step, self.spent, self.ema_decay = 0, 0.0, ema
        if start_path(path).exists() and not path.exists():
            modules.load_state_dict(torch.load(start_path(path), map_location="cpu", weights_only=True))
        self.ema = {k: v.clone() for k, v in modules.state_dict().items()} if ema else None
        if path.exists():
            saved = torch.load(path, map_location="cpu", weights_only=True)
            modules.load_state_dict(saved["modules"])
            for optimizer, state in zip(self.optimizers, saved["optimizers"]):
                optimizer.load_state_dict(state)
            self.step, self.spent = saved["step"], saved["spent"]
            self.ema = saved.get("ema") if ema else None
        self.is_on_cpu = next(modules.parameters()).device.type == "cpu"
        self.clock, self.saved = self.now(), time.monotonic()

    def now(self) -> float:
        """Seconds; on a CPU those that it computed for us, so that a busy machine does not shorten the training."""
        return time.process_time() / torch.get_num_threads() if self.is_on_cpu else time.monotonic()

    @property
    def progress(self) -> float:
        """How much of the budget is spent, 0..1."""
        return min(1.0, self.spent / self.seconds)

    def running(self) -> bool:
        now = self.now()
        self.spent, self.clock = self.spent + now - self.clock, now
        if time.monotonic() - self.saved > 120:
            self.save()
        return self.spent < self.seconds

    def update(self, loss: torch.Tensor) -> None:
        warm = min(1.0, (self.step + 1) / N_WARM)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.progress)))
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.modules.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        if self.ema is not None:
            decay = min(self.ema_decay, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                values = self.modules.state_dict()
                floats = [key for key, value in values.items() if value.is_floating_point()]
                torch._foreach_lerp_([self.ema[key] for key in floats], [values[key] for key in floats], 1 - decay)

    def log(self, every: int, **numbers: torch.Tensor | float) -> None:
        """Prints the numbers of this step, and adds them to the curve that `record.py` keeps."""
        if self.step % every:
            return
        values = {name: float(value.detach() if torch.is_tensor(value) else value) for name, value in numbers.items()}
        print(f"step {self.step}  {self.spent / 60:.1f} min  {'  '.join(f'{k} {v:.4f}' for k, v in values.items())}", flush=True)
        curve = self.path.with_suffix(".csv")
        if not curve.exists():
            curve.write_text(",".join(["step", "minutes", *values]) + "\n")
        with curve.open("a") as file:
            file.write(",".join([str(self.step), f"{self.spent / 60:.2f}", *(f"{v:.4f}" for v in values.values())]) + "\n")

    def save(self) -> None:
        state = {"modules": self.modules.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                 "step": self.step, "spent": self.spent, "ema": self.ema}
        torch.save(state, self.path.with_suffix(".tmp"))
        os.replace(self.path.with_suffix(".tmp"), self.path)
        self.saved = time.monotonic()


# So many times AdamW's learning rate for Muon, whose updates are scaled to be as large as AdamW's.
MUON_LR = 2.5


def optimizers_of(modules: nn.Module, lr: float, is_muon: bool) -> list[torch.optim.Optimizer]:
    """AdamW; where `is_muon`, Muon (Jordan et al. 2024) for the matrices between layers and AdamW for the rest."""
    learning = [(name, p) for name, p in modules.named_parameters() if p.requires_grad]
    matrices = [p for name, p in learning if is_muon and p.ndim == 2 and (".layers." in name or "_blocks." in name)]
    apart = {id(p) for p in matrices}
    made: list[torch.optim.Optimizer] = [
        torch.optim.AdamW([p for _, p in learning if id(p) not in apart], lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
    ]
    if matrices:
        made.append(torch.optim.Muon(matrices, lr=MUON_LR * lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return made


def averaged(state: Path, name: str) -> dict[str, torch.Tensor]:
    """The averaged weights of a part, from its training's checkpoint; before that the weights that it begins with."""
    checkpoint = state / f"{name}.pt"
    if not checkpoint.exists():
        return torch.load(start_path(checkpoint), map_location="cpu", weights_only=True)
    return torch.load(checkpoint, map_location="cpu", weights_only=True)["ema"]


def start_path(path: Path) -> Path:
    """Where the weights are that the training with this checkpoint begins with, if there are any."""
    return path.with_name(f"{path.stem}_start.pt")


def use_layer_norm_kernel() -> None:
    """Computes `GroupNorm` by the layer-norm kernel: the same numbers, a quarter faster to train on CPUs."""

    def forward(self: nn.GroupNorm, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(x.shape[0] * self.num_groups, -1)
        normal = F.layer_norm(rows, (rows.shape[1],), None, None, self.eps).view(x.shape)
        per_channel = (1, x.shape[1], *(1,) * (x.dim() - 2))
        weight, bias = (p.view(per_channel).to(normal.dtype) for p in (self.weight, self.bias))
        return torch.addcmul(bias, normal, weight)

    nn.GroupNorm.forward = forward
