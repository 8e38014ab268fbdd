"""What pictures are compared by."""

from __future__ import annotations

import torch


def errors(y: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean absolute errors of the colours and of the steps from pixel to pixel."""
    edge = sum((a - b).abs().mean() for a, b in zip(edges(y), edges(x)))
    return (y - x).abs().mean(), edge


def edges(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


def psnr_db(y: torch.Tensor, x: torch.Tensor) -> float:
    """The mean over the pictures of each one's peak signal-to-noise ratio, rounded to 8 bits as a file is; values 0..1."""
    rounded = (y.clamp(0, 1) * 255).round() / 255
    return float((-10 * (rounded - x).square().mean((1, 2, 3)).clamp(min=1e-10).log10()).mean())
