"""The upscaler's net: SRVGGNetCompact, Real-ESRGAN's small one (Wang et al. 2021, `realesrgan/archs/srvgg_arch.py`), with
that file's names of the weights, so that whatever reads those files reads this one.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, N_LAYERS = 32, 10


class Upscaler(nn.Module):
    """Convolutions on the small picture, then a shuffle of channels into pixels, added to the enlarged picture.

    Shapes: `[n, 3, h, w]` in 0..1 → `[n, 3, zoom h, zoom w]`.
    """

    def __init__(self, zoom: int):
        super().__init__()
        self.zoom = zoom
        layers = [nn.Conv2d(3, WIDTH, 3, padding=1), nn.PReLU(WIDTH)]
        for _ in range(N_LAYERS):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.PReLU(WIDTH)]
        self.body = nn.ModuleList([*layers, nn.Conv2d(WIDTH, 3 * zoom * zoom, 3, padding=1)])
        self.begin_as_bilinear()

    @torch.no_grad()
    def begin_as_bilinear(self) -> None:
        """Three channels hand the picture through, and the last layer makes nearest neighbours bilinear.

        From there it learns in hundreds of steps; from noise it first unlearns everything.
        """
        *hidden, last = self.body[::2]
        for layer in hidden:
            # Keeps the signal's size, PReLU's 0.25 counted.
            nn.init.kaiming_normal_(layer.weight, a=0.25)
            layer.weight[:3] = 0
            layer.weight[range(3), range(3), 1, 1] = 1
        for layer in self.body[::2]:
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(last.weight)
        zoom = self.zoom
        # Row by row of the pixels: how much is of the pixel before, of this one, of the next.
        at = torch.tensor([[max(-o, 0), 1 - abs(o), max(o, 0)] for o in ((k + 0.5) / zoom - 0.5 for k in range(zoom))])
        kernel = torch.einsum("ik,jl->ijkl", at, at).reshape(zoom * zoom, 3, 3)
        kernel[:, 1, 1] -= 1
        for colour in range(3):
            last.weight[colour * zoom * zoom : (colour + 1) * zoom * zoom, colour] = kernel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for layer in self.body:
            y = layer(y)
        return F.pixel_shuffle(y.float(), self.zoom) + F.interpolate(x, scale_factor=self.zoom, mode="nearest")
