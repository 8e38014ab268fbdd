"""A small byte-pair vocabulary in CLIP's format, made from every word the captions can contain.

Base symbols are CLIP's: the 256 byte characters and the same with `</w>`, so that any text can be encoded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from settings import Setting
from words import ARRANGEMENTS, SCENERY, SIZES, STYLES, plural

MAX_LENGTH = 32
OTHER_WORDS = "a an the of with and is on in at by picture drawing".split()


def words(setting: Setting) -> list[str]:
    """Every plain word of the captions, sorted."""
    tables = [setting.objects, setting.places, setting.times]
    phrases = [*setting.colours, *OTHER_WORDS]
    if setting.has_styles:
        tables += [STYLES]
    if setting.has_several:
        tables += [ARRANGEMENTS, SIZES]
        phrases += [plural(name) for names in setting.objects.values() for name in names]
    if setting.has_crops:
        tables += [SCENERY]
        phrases += ["empty"]
    phrases += [phrase for table in tables for names in table.values() for phrase in names]
    return sorted({word for phrase in phrases for word in phrase.split()})


def singulars(setting: Setting) -> dict[str, str]:
    """What each plural is one of, word by word; none where the captions have plurals of their own."""
    if setting.has_several:
        return {}
    names = [name for names in setting.objects.values() for name in names]
    return {plural(name).split()[-1]: name.split()[-1] for name in names}


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
            pairs.update(zip(symbols, symbols[1:]))
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


def save(folder: Path, setting: Setting, more_words: Iterable[str] = ()) -> None:
    """Writes vocab.json, merges.txt and the configs that `CLIPTokenizer` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    characters = byte_characters()
    merges = learn_merges(sorted({*words(setting), *more_words}))
    tokens = [*characters, *(c + "</w>" for c in characters), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: k for k, token in enumerate(dict.fromkeys(tokens))}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
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
    special = {k: v for k, v in config.items() if k.endswith("_token")}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
