"""Small CLIP vocabularies, and what transformers' CLIPTokenizer makes of a table of texts.

    python make_tokenizer.py

writes `../fixtures/tokenizer/`: `plain/` has `vocab.json` and `merges.txt` and pads with the end token;
`json/` has `tokenizer.json` alone and pads with `!`, as SDXL's second tokenizer does; `texts.json` has the
table. `python make_tokenizer.py CLIP_VOCABULARY.txt.gz` also prints, from CLIP's own vocabulary (in the
package open-clip-torch), the ids of the table for a check by hand.
"""

import collections
import gzip
import json
import pathlib
import sys

from transformers import CLIPTokenizer

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "tokenizer"
MAX_LENGTH = 24
BOS, EOS = "<|startoftext|>", "<|endoftext|>"

WORDS = """a photo of the cat dog cats dogs red yellow house houses in on under tree trees painting drawing
watercolour castle mountain mountains sunset night snow blue green small large old new don't it's we're they'll
i'd i'm you've 2024 1984 garden flower flowers street city river boat boats bird birds horse horses""".split()

TEXTS = [
    "", " ", "\t\n ", "a", "a photo of a cat", "A Photo Of A CAT", "  a   photo\tof\n\na   cat  ",
    "don't it's we're they'll I'd I'm you've", "DON'T IT'S", "rock 'n' roll", "''''s", "cat's's",
    "hello, world!!! (really?) [yes] {no} <b>bold</b> a/b\\c", "!", "cat! dog!", "!!!cat", "1234567890", "3.14 1,000 1e5",
    "½ ⅓ ² ① Ⅳ ٣٤ ४५", "snake_case CamelCase kebab-case", "caf\u00e9 cafe\u0301", "\u212b \u00c5 A\u030a",
    "İstanbul ISTANBUL ıstanbul", "Straße STRASSE ẞ", "ΣΑΣ σας Σ", "ǅ ǆ Ǆ", "ﬁ ﬂ ﬀ", "Привет мир", "שלום עולם",
    "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "日本語の写真", "中文 图片", "한국어 사진", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "😀", "👍🏽", "👩‍👩‍👧‍👦",
    "🇩🇪🇫🇷", "cat😀dog", "☃️ ❤️", "\u200b\u200d\ufeff", "zero\u200bwidth", "a\u00a0b\u2003c\u3000d", "soft\u00adhyphen",
    "<|startoftext|>", "<|endoftext|>", "cat <|endoftext|> dog", "<|EndOfText|>", "<|endoftext", "\x00\x01\x7f", "\ufffd",
    "a\u0301\u0302\u0303\u0304", "\u0301", "e\u0301" * 40, "\u1100\u1161\u11a8", "((masterpiece:1.2)), [ugly], best quality",
    "photo, of, a, cat, " * 12, "cat" * 100, "supercalifragilisticexpialidocious " * 4, "$€£¥ © ® ™ …—–“”‘’",
    "x² + y² = z²", "http://example.com/a?b=c&d=e", "a\r\nb\rc\x0bd\x0ce\x85f\u2028g", "…", "٪", "𓀀𓁐", "Z̸a̷l̶g̵o̴",
]


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes, in the order of CLIP's vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def learn_merges(words, n_merges):
    """Byte-pair encoding learned from a list of words, Sennrich et al. 2016."""
    alphabet = byte_alphabet()
    spelled = [[alphabet[byte] for byte in word.encode()] for word in words]
    spelled = [[*word[:-1], word[-1] + "</w>"] for word in spelled]
    merges = []
    while len(merges) < n_merges:
        counts = collections.Counter(pair for word in spelled for pair in zip(word, word[1:]))
        if not counts:
            break
        left, right = max(sorted(counts), key=counts.__getitem__)
        merges.append((left, right))
        for word in spelled:
            for i in range(len(word) - 2, -1, -1):
                if word[i : i + 2] == [left, right]:
                    word[i : i + 2] = [left + right]
    return merges


def vocabulary(merges):
    alphabet = list(byte_alphabet().values())
    tokens = alphabet + [letter + "</w>" for letter in alphabet] + [left + right for left, right in merges]
    return {token: i for i, token in enumerate([*dict.fromkeys(tokens), BOS, EOS])}


def encode(tokenizer, text, length):
    encoded = tokenizer(text, padding="max_length", max_length=length, truncation=True)
    whole = tokenizer(text, verbose=False)
    return {"ids": encoded["input_ids"], "n_tokens": len(whole["input_ids"]), "mask": encoded["attention_mask"]}


def main():
    words = [word.lower() for word in WORDS] + ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
    merges = learn_merges(words, 250)
    vocab = vocabulary(merges)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    plain, as_json = FIXTURES / "plain", FIXTURES / "json"
    tokenizers = {}
    for folder, pad_token in ((plain, EOS), (as_json, "!")):
        tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad_token, model_max_length=MAX_LENGTH)
        tokenizer.save_pretrained(folder)
        tokenizers[folder.name] = tokenizer
    # As CLIP's own repositories have them.
    (plain / "tokenizer.json").unlink()
    (plain / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    (plain / "merges.txt").write_text("\n".join(lines) + "\n")
    texts = TEXTS + ["a photo of a cat, " * 556]
    table = [
        {"text": text} | {name: encode(tokenizer, text, MAX_LENGTH) for name, tokenizer in tokenizers.items()}
        for text in texts
    ]
    (FIXTURES / "texts.json").write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":")) + "\n")
    if sys.argv[1:]:
        lines = gzip.open(sys.argv[1], "rt").read().split("\n")[1 : 49152 - 256 - 2 + 1]
        merges = [tuple(line.split()) for line in lines]
        tokenizer = CLIPTokenizer(vocab=vocabulary(merges), merges=merges, model_max_length=77)
        tokenizer.save_pretrained(sys.argv[2])
        table = [{"text": text, "json": encode(tokenizer, text, 77)} for text in texts]
        (pathlib.Path(sys.argv[2]) / "texts.json").write_text(json.dumps(table))


if __name__ == "__main__":
    main()
