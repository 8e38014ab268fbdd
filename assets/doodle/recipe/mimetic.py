"""How the vision tower begins (Trockman and Kolter 2023): its attention already looks at what lies nearby and is alike.

From noise a transformer sees nothing in small scenes for hours on a processor; so begun it tells the drawings apart within minutes.
"""

from __future__ import annotations

import torch
from transformers import CLIPVisionModelWithProjection

# Shares of chance and of the identity, in queries times keys and in values times outputs.
ALIKE, THROUGH = (0.7, 0.7), (0.4, -0.4)
# How strong the queries' and keys' products are, and the places' waves beside the patches.
SHARPNESS, PLACES = 0.5, 0.3


@torch.no_grad()
def begin_mimetic(tower: CLIPVisionModelWithProjection) -> None:
    config = tower.config
    dim, n_heads = config.hidden_size, config.num_attention_heads
    head = dim // n_heads
    for layer in tower.vision_model.encoder.layers:
        attention = layer.self_attn
        for k in range(n_heads):
            rows = slice(k * head, (k + 1) * head)
            queries, keys = factors(dim, *ALIKE, head)
            attention.q_proj.weight[rows] = SHARPNESS * queries.T
            attention.k_proj.weight[rows] = SHARPNESS * keys.T
        out, values = factors(dim, *THROUGH, dim)
        attention.v_proj.weight.copy_(values.T)
        attention.out_proj.weight.copy_(out)
    side = config.image_size // config.patch_size
    tower.vision_model.embeddings.position_embedding.weight[1:] = PLACES * waves(side, dim)


def factors(dim: int, chance: float, identity: float, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two matrices `[dim, rank]` whose product is that of chance and the identity, as well as the rank allows."""
    left, values, right = torch.linalg.svd(chance * torch.randn(dim, dim) / dim**0.5 + identity * torch.eye(dim))
    root = values[:rank].sqrt()
    return left[:, :rank] * root, right[:rank].T * root


def waves(side: int, dim: int) -> torch.Tensor:
    """Sines and cosines of where each patch lies. Shapes: `[side * side, dim]`."""
    y, x = (place.reshape(-1, 1).float() for place in torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"))
    quarter = dim // 4
    speeds = 100 ** -(torch.arange(quarter) / quarter)
    return torch.cat([wave(place * speeds) for place in (x, y) for wave in (torch.sin, torch.cos)], 1)
