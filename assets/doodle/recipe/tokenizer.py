"""A byte-pair vocabulary in CLIP's format, made from every word the captions can contain: each is one token.

Base symbols are CLIP's: the 256 byte characters and the same with `</w>`, so that any text can be encoded.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import torch

from world import vocabulary as v

MAX_LENGTH = 32
OTHER_WORDS = ["a", "an", "the", "of", "with", "and", "is", "on", "in", "at", "by", "empty"]
# CLIP's own way of cutting a text into what is encoded, as far as the captions need it; `export.py` checks that it is the same.
PIECES = re.compile(r"'s|[a-z]+|[0-9]|[^\sa-z0-9]+")


def phrases() -> list[str]:
    """Every phrase that a caption may have."""
    names = [name for thing in v.THINGS for name in (thing.name, *thing.synonyms)]
    tables = (v.PLACES, v.SCENERY, v.TIMES, v.SIZES, v.COUNTS, v.RELATIONS, v.INVERSE, v.COLOUR_WORDS, v.STYLES)
    others = [phrase for table in tables for row in table.values() for phrase in row]
    return [*names, *map(v.plural, names), *v.COLOURS[1:], *v.FILLERS, *v.OPENINGS, *v.RIDING, *v.BESIDE, *OTHER_WORDS, *others]


def words() -> list[str]:
    """Every plain word of the captions, sorted."""
    return sorted({word for phrase in phrases() for word in phrase.split()})


def pieces(text: str) -> list[str]:
    return PIECES.findall(text.lower())


class Tokens:
    """Words to ids, as `CLIPTokenizer` does it with the files of `save` for what the captions contain, and quicker."""

    def __init__(self, folder: Path):
        self.ids = json.loads((folder / "vocab.json").read_text())

    def __len__(self) -> int:
        return len(self.ids)

    def __call__(self, texts: list[str]) -> torch.Tensor:
        """Padded with the end to the longest. Shapes: `[n, tokens]`."""
        start, end = self.ids["<|startoftext|>"], self.ids["<|endoftext|>"]
        rows = [[start, *(self.ids[piece + "</w>"] for piece in pieces(text)), end] for text in texts]
        longest = min(MAX_LENGTH, max(map(len, rows)))
        # The end stands last also where a text is too long.
        cut = [[*row[: longest - 1], end] if len(row) > longest else row + [end] * (longest - len(row)) for row in rows]
        return torch.tensor(cut)


def byte_characters() -> list[str]:
    """The printable stand-in of every byte, in GPT-2's order (Radford et al. 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + k) for k in range(len(others))]


def learn_merges(vocabulary: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges (Sennrich et al. 2016) until every word is one token."""
    split = {word: [*word[:-1], word[-1] + "</w>"] for word in vocabulary}
    merges = []
    while True:
        pairs = Counter()
        for symbols in split.values():
            pairs.update(pairwise(symbols))
        if not pairs:
            return merges
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for symbols in split.values():
            k = 0
            while k + 1 < len(symbols):
                if (symbols[k], symbols[k + 1]) == best:
                    symbols[k : k + 2] = ["".join(best)]
                k += 1


def save(folder: Path) -> None:
    """Writes vocab.json, merges.txt and the configs that `CLIPTokenizer` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    characters = byte_characters()
    merges = learn_merges(sorted({piece for word in words() for piece in pieces(word)}))
    tokens = [*characters, *(c + "</w>" for c in characters), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: k for k, token in enumerate(dict.fromkeys(tokens))}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)]) + "\n")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_LENGTH,
        "do_lower_case": True,
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    special = {k: value for k, value in config.items() if k.endswith("_token")}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
