"""What the training loops share: schedule, checkpoints, averages."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class Trainer:
    """Counts steps against a wall-clock budget and keeps a resumable checkpoint.

    The learning rate follows a cosine over the budget, so that a run of any length ends well. Re-running the
    same command resumes; time already spent counts.
    """

    def __init__(self, path: Path, modules: torch.nn.Module, lr: float, minutes: float, ema: float = 0.0):
        self.path, self.modules, self.lr, self.seconds = path, modules, lr, 60 * minutes
        self.optimizer = torch.optim.AdamW(
            [p for p in modules.parameters() if p.requires_grad], lr=lr, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.step, self.spent, self.ema_decay = 0, 0.0, ema
        self.ema = {k: v.clone() for k, v in modules.state_dict().items()} if ema else None
        if path.exists():
            saved = torch.load(path, map_location="cpu", weights_only=True)
            modules.load_state_dict(saved["modules"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step, self.spent = saved["step"], saved["spent"]
            self.ema = saved.get("ema") if ema else None
        self.clock = self.saved = time.monotonic()

    def running(self) -> bool:
        now = time.monotonic()
        self.spent, self.clock = self.spent + now - self.clock, now
        if now - self.saved > 120:
            self.save()
        return self.spent < self.seconds

    def update(self, loss: torch.Tensor) -> None:
        progress = min(1.0, self.spent / self.seconds)
        warm = min(1.0, (self.step + 1) / 200)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.modules.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        if self.ema is not None:
            decay = min(self.ema_decay, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                values = self.modules.state_dict()
                floats = [key for key, value in values.items() if value.is_floating_point()]
                torch._foreach_lerp_([self.ema[key] for key in floats], [values[key] for key in floats], 1 - decay)

    def log(self, every: int, **numbers: torch.Tensor | float) -> None:
        if self.step % every == 0:
            text = "  ".join(f"{name} {float(value.detach() if torch.is_tensor(value) else value):.4f}" for name, value in numbers.items())
            print(f"step {self.step}  {self.spent / 60:.1f} min  {text}", flush=True)

    def save(self) -> None:
        state = {"modules": self.modules.state_dict(), "optimizer": self.optimizer.state_dict(),
                 "step": self.step, "spent": self.spent, "ema": self.ema}
        torch.save(state, self.path.with_suffix(".tmp"))
        os.replace(self.path.with_suffix(".tmp"), self.path)
        self.saved = time.monotonic()


def use_layer_norm_kernel() -> None:
    """Computes `GroupNorm` by the layer-norm kernel: the same numbers, a quarter faster to train on CPUs."""

    def forward(self: nn.GroupNorm, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(x.shape[0] * self.num_groups, -1)
        normal = F.layer_norm(rows, (rows.shape[1],), None, None, self.eps).view(x.shape)
        per_channel = (1, x.shape[1], *(1,) * (x.dim() - 2))
        weight, bias = (p.view(per_channel).to(normal.dtype) for p in (self.weight, self.bias))
        return torch.addcmul(bias, normal, weight)

    nn.GroupNorm.forward = forward
