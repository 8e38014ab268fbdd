"""A patch critic (Isola et al. 2017): it tells rendered scenes from decoded ones, piece by piece.

What the mean error alone leaves soft it makes sharp: an edge that is somewhere within three pixels is blurred by
the one and drawn by the other.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm


class Critic(nn.Module):
    """Shapes: `[n, 3, size, size]` → `[n, 1, size / 8, size / 8]`; each answer sees 46 px around its place."""

    WIDTHS = (32, 64, 128)

    def __init__(self):
        super().__init__()
        widths = (3, *self.WIDTHS)
        self.down = nn.ModuleList(
            spectral_norm(nn.Conv2d(n_in, n_out, 4, 2, 1)) for n_in, n_out in zip(widths, self.WIDTHS)
        )
        self.answer = spectral_norm(nn.Conv2d(self.WIDTHS[-1], 1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The answers, and what led to them."""
        seen = []
        for conv in self.down:
            x = F.leaky_relu(conv(x), 0.2)
            seen.append(x)
        return self.answer(x), seen

    def own_loss(self, rendered: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
        """Hinge loss (Lim and Ye 2017)."""
        return F.relu(1 - self(rendered)[0]).mean() + F.relu(1 + self(decoded.detach())[0]).mean()

    def decoders_loss(self, rendered: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
        """To be taken for rendered, and to lead to the same features (Wang et al. 2018)."""
        with torch.no_grad():
            wanted = self(rendered)[1]
        answers, features = self(decoded)
        alike = sum((a - b).abs().mean() for a, b in zip(features, wanted)) / len(wanted)
        return -answers.mean() + 10 * alike


class Sharpening:
    """A critic that learns beside the decoder. It begins anew with each run: a critic is soon as good as it was."""

    def __init__(self, device: str):
        self.device = device
        self.critic = Critic().to(self.device)
        self.optimizer = torch.optim.AdamW(self.critic.parameters(), lr=4e-4, betas=(0.5, 0.98), weight_decay=0.01)

    def loss(self, rendered: torch.Tensor, decoded: torch.Tensor, trusted: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """What the critic says of decoded pictures, as strong at the decoder's last weights as the `trusted` loss."""
        with torch.autocast(self.device, torch.bfloat16):
            own = self.critic.own_loss(rendered, decoded)
        self.optimizer.zero_grad(set_to_none=True)
        own.float().backward()
        self.optimizer.step()
        with torch.autocast(self.device, torch.bfloat16):
            loss = self.critic.decoders_loss(rendered, decoded)
        return balance(trusted, loss.float(), last) * loss.float()


def balance(trusted: torch.Tensor, other: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """The factor that lets two losses pull alike at the last layer (Esser et al. 2021)."""
    a, b = (torch.autograd.grad(loss, last, retain_graph=True)[0].norm() for loss in (trusted, other))
    return (a / (b + 1e-6)).clamp(max=1.0).detach()
