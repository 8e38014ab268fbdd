"""A text tower that goes on under another vocabulary."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from transformers import CLIPTextModelWithProjection


@torch.no_grad()
def take_over(
    new: CLIPTextModelWithProjection,
    new_rows: Mapping[str, int],
    old: CLIPTextModelWithProjection,
    old_rows: Mapping[str, int],
    meanings: Mapping[str, str] | None = None,
) -> None:
    """Gives `new` all of `old`, each token's embedding by its name; what `old` has no token for stays as it is.

    `meanings` says of words that `old` has not which of its words they mean.
    """
    old_embeddings, new_embeddings = (tower.get_input_embeddings().weight for tower in (old, new))
    others = {name: value for name, value in old.state_dict().items() if value.shape != old_embeddings.shape}
    new.load_state_dict(others, strict=False)
    for token, row in new_rows.items():
        word = token.removesuffix("</w>")
        meant = (meanings or {}).get(word, word) + token[len(word) :]
        if meant in old_rows:
            new_embeddings[row] = old_embeddings[old_rows[meant]]
