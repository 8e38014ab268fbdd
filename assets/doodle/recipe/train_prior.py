"""Trains the prior: a caption's text embedding → the image embedding (Ramesh et al. 2022)."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import PriorTransformer

import models
import settings
from captioned import EMPTY, batches
from settings import Setting
from store import Store
from tokenizer import Tokens
from train_clip import Pair
from training import Trainer, add_arguments, averaged, begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, minutes=60, batch=96, lr=6e-4)
    parser.add_argument("--processes", type=int, default=0, help="that make sentences beside the training")
    arguments = parser.parse_args()
    begin(arguments)
    train(arguments.state, settings.of(arguments.state), arguments)


def train(state: Path, setting: Setting, arguments: argparse.Namespace) -> None:
    """Writes `prior.pt`."""
    device = arguments.device
    store = Store.open(state)
    captions = batches(state, setting, arguments.batch, arguments.processes, store.facts, EMPTY)
    mean, std = store.numbers["embed_mean"], store.numbers["embed_std"]
    target = ((torch.from_numpy(store.embeds[:]).float() - mean) / std).to(device)
    end = Tokens(state / "tokenizer").ids["<|endoftext|>"]
    pair = Pair(len(Tokens(state / "tokenizer")), setting)
    pair.load_state_dict(averaged(state, "clip"))
    text = pair.text.to(device).eval()
    alphas = models.prior_scheduler().alphas_cumprod.to(device)
    model = models.prior(setting).to(device).train()
    trainer = Trainer(state / "prior.pt", model, arguments.lr, arguments.minutes, ema=0.998, is_muon=True)
    while trainer.running():
        _, numbers, ids = (values.to(device) for values in next(captions))
        x0 = target[numbers]
        t = torch.randint(0, 1000, (len(x0),), device=device)
        alpha = alphas[t].unsqueeze(1)
        noisy = alpha.sqrt() * x0 + (1 - alpha).sqrt() * torch.randn_like(x0)
        with torch.autocast(device, torch.bfloat16):
            with torch.no_grad():
                encoded = text(ids)
            # What follows the first end is padding.
            mask = ((ids == end).cumsum(1) - (ids == end).long()) == 0
            predicted = forward_unpadded(model, noisy, t, encoded.text_embeds, encoded.last_hidden_state, mask)
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
