"""Contact sheets: many pictures in one, to be looked at."""

from __future__ import annotations

import torch
from PIL import Image


def contact_sheet(pictures: torch.Tensor, n_columns: int) -> Image.Image:
    """Full rows only. Shapes: `pictures` `[n, 3, h, w]` in 0..1."""
    rows = [torch.cat(list(row), 2) for row in pictures.split(n_columns) if len(row) == n_columns]
    return Image.fromarray((torch.cat(rows, 1) * 255).round().byte().permute(1, 2, 0).numpy())
