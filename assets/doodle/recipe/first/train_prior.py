"""Trains the prior: a caption's text embedding → the image embedding (Ramesh et al. 2022)."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import PriorTransformer

import dataset
import models
import settings
from encode import clip_pair
from scenes import caption
from training import Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    setting = settings.of(arguments.state)
    _, facts, seeds = dataset.load(arguments.state)
    saved = torch.load(arguments.state / "image_embeds.pt", weights_only=True)
    target = (saved["embeds"] - saved["mean"]) / saved["std"]
    pair, tokens = clip_pair(arguments.state)
    text = pair.text.to(arguments.device)
    alphas = models.prior_scheduler().alphas_cumprod.to(arguments.device)
    rng, words = np.random.default_rng(), random.Random()
    model = models.prior(setting).to(arguments.device).train()
    trainer = Trainer(arguments.state / "prior.pt", model, arguments.lr, arguments.minutes, ema=0.998)
    while trainer.running():
        chosen = rng.integers(0, len(target), arguments.batch)
        # One caption in ten is empty: the unconditional side of the guidance.
        texts = ["" if rng.random() < 0.1 else caption(dataset.scene_of(facts[k], seeds[k], setting), setting, words) for k in chosen]
        tokenized = tokens(texts, padding=True, truncation=True, return_tensors="pt").to(arguments.device)
        x0 = target[chosen].to(arguments.device)
        t = torch.randint(0, 1000, (len(x0),), device=x0.device)
        alpha = alphas[t].unsqueeze(1)
        noisy = alpha.sqrt() * x0 + (1 - alpha).sqrt() * torch.randn_like(x0)
        with torch.autocast(arguments.device, torch.bfloat16):
            with torch.no_grad():
                encoded = text(tokenized.input_ids)
            predicted = forward_unpadded(
                model, noisy, t, encoded.text_embeds, encoded.last_hidden_state, tokenized.attention_mask
            )
        loss = (predicted.float() - x0).square().mean()
        trainer.update(loss)
        trainer.log(50, loss=loss)
    trainer.save()


def forward_unpadded(
    model: PriorTransformer,
    noisy: torch.Tensor,
    t: torch.Tensor,
    text_embeds: torch.Tensor,
    text_states: torch.Tensor,
    text_mask: torch.Tensor,
) -> torch.Tensor:
    """`PriorTransformer.forward` without the padding that fills the text up to `num_embeddings`.

    Masked tokens change nothing, so the result is the same; short captions make it twice as fast.

    Shapes: `noisy` `[n, dim]`, `text_states` `[n, tokens, dim]`, `text_mask` `[n, tokens]` → `[n, dim]`.
    """
    n, n_text = text_mask.shape
    last = [
        model.embedding_proj(text_embeds),
        model.time_embedding(model.time_proj(t)),
        model.proj_in(noisy),
        model.prd_embedding[:, 0].expand(n, -1),
    ]
    hidden = torch.cat([model.encoder_hidden_states_proj(text_states), torch.stack(last, 1)], 1)
    positions = torch.cat([model.positional_embedding[:, :n_text], model.positional_embedding[:, -4:]], 1)
    hidden = hidden + positions
    keys = torch.nn.functional.pad(text_mask.bool(), (0, 4), value=True)
    allowed = keys[:, None, :] & torch.ones(n_text + 4, n_text + 4, dtype=torch.bool, device=keys.device).tril()
    bias = torch.where(allowed, 0.0, -10000.0).to(hidden.dtype)
    bias = bias.repeat_interleave(model.config.num_attention_heads, dim=0)
    for block in model.transformer_blocks:
        hidden = block(hidden, attention_mask=bias)
    return model.proj_to_clip_embeddings(model.norm_out(hidden)[:, -1])


if __name__ == "__main__":
    main()
