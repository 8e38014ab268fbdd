"""Writes tests/fixtures/prompts/: what prompts with weights, breaks and learned embeddings say to a text encoder.

The prompts are read here once more, by the rules of the AUTOMATIC1111 web interface and by the plainest means: ids come
from transformers' tokenizer, tokens from its text encoder, learned embeddings and the picture from diffusers. Needs
the folders that `make_stable_diffusion.py` and `make_stable_diffusion_xl.py` leave.

    python tests/reference/make_prompts.py
"""

import json
import re
import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FOLDER = FIXTURES / "prompts"
COMMA_BACKTRACK = 20

PROMPTS = dict(
    plain="a red boat on the sea",
    empty="",
    weighted="a (red:1.4) boat, ((big)) and [dark] sea",
    escaped=r"a \(red\) boat \[big\] (sea \(blue\):1.3)",
    unclosed="a (red boat ((on the [sea",
    zero="a (red:0) boat (on:-0.5) the sea",
    broken="a red boat BREAK (blue sea:1.2) BREAK a house",
    long=", ".join(["a red boat on the sea", "a (blue:1.5) house"] * 6),
    one_run="boat " * 40 + "(sea:1.6)",
    lora="a <lora:ink:0.8>boat (sea:1.1)",
)
NEGATIVE = "(dark:1.3), blue"


def weighted_pieces(text):
    """Pieces with a weight each; None for a break."""
    text = re.sub(r"<lora:[^>]+>", "", text)
    pieces, stack = [], []

    def multiply(start, factor):
        for piece in pieces[start:]:
            piece[1] *= factor

    token = re.compile(r"\\[()\[\]\\]|:\s*([+-]?[.\d]+)\s*\)|[()\[\]]|[^\\()\[\]:]+|.", re.S)
    for match in token.finditer(text):
        word, weight = match.group(0), match.group(1)
        rounds = [i for i, (kind, _) in enumerate(stack) if kind == "("]
        squares = [i for i, (kind, _) in enumerate(stack) if kind == "["]
        if len(word) == 2 and word[0] == "\\":
            pieces.append([word[1], 1.0])
        elif word in "([":
            stack.append((word, len(pieces)))
        elif weight is not None and rounds:
            multiply(stack.pop(rounds[-1])[1], float(weight))
        elif word == ")" and rounds:
            multiply(stack.pop(rounds[-1])[1], 1.1)
        elif word == "]" and squares:
            multiply(stack.pop(squares[-1])[1], 1 / 1.1)
        else:
            for i, part in enumerate(re.split(r"\s*\bBREAK\b\s*", word)):
                if i > 0:
                    pieces.append(["BREAK", -1.0])
                pieces.append([part, 1.0])
    for kind, start in stack:
        multiply(start, 1.1 if kind == "(" else 1 / 1.1)
    joined = []
    for text, weight in pieces:
        if text == "BREAK" and weight < 0:
            joined.append(None)
        elif joined and joined[-1] is not None and joined[-1][1] == weight:
            joined[-1] = (joined[-1][0] + text, weight)
        else:
            joined.append((text, weight))
    return joined


def chunks_of(tokenizer, text):
    """Lists of (id, weight), without begin and end."""
    room = tokenizer.model_max_length - 2
    comma = tokenizer(",", add_special_tokens=False).input_ids[0]
    chunks, chunk, last_comma = [], [], None
    for piece in weighted_pieces(text):
        if piece is None:
            chunks, chunk, last_comma = chunks + [chunk], [], None
            continue
        for token in tokenizer(piece[0], add_special_tokens=False).input_ids:
            if token == comma:
                last_comma = len(chunk)
            elif len(chunk) == room and last_comma is not None and room - last_comma <= COMMA_BACKTRACK:
                chunks, chunk, last_comma = chunks + [chunk[: last_comma + 1]], chunk[last_comma + 1 :], None
            if len(chunk) == room:
                chunks, chunk, last_comma = chunks + [chunk], [], None
            chunk = chunk + [(token, piece[1])]
    return chunks + [chunk] if chunk or not chunks else chunks


@torch.no_grad()
def embed(pipe, text, n_chunks, tensors=None, name=None):
    tokenizer = pipe.tokenizer
    chunks = chunks_of(tokenizer, text)
    chunks += [[]] * (n_chunks - len(chunks))
    all_ids, all_weights, states = [], [], []
    for chunk in chunks:
        length = tokenizer.model_max_length
        ids = [tokenizer.bos_token_id] + [id for id, _ in chunk] + [tokenizer.eos_token_id]
        ids += [tokenizer.pad_token_id] * (length - len(ids))
        weights = torch.tensor([1.0] + [weight for _, weight in chunk] + [1.0] * (length - 1 - len(chunk)))
        state = pipe.text_encoder(torch.tensor([ids])).last_hidden_state
        mean = state.mean()
        state = state * weights[None, :, None]
        states.append(state * (mean / state.mean()))
        all_ids.append(ids)
        all_weights.append(weights)
    states = torch.cat(states, 1)
    if tensors is not None:
        tensors[f"{name}.ids"] = torch.tensor(all_ids, dtype=torch.int64)
        tensors[f"{name}.weights"] = torch.stack(all_weights)
        tensors[f"{name}.states"] = states
    return states


@torch.no_grad()
def learned(pipe, tensors):
    """Embeddings as people's files hold them, read by diffusers."""
    folder = FOLDER / "embeddings"
    folder.mkdir()
    width = pipe.text_encoder.config.hidden_size
    generator = torch.Generator().manual_seed(8)
    ink = torch.randn(2, width, generator=generator) * 0.5
    toy = torch.randn(width, generator=generator) * 0.5
    save_file({"emb_params": ink}, folder / "ink.safetensors")
    save_file({"<cat-toy>": toy}, folder / "learned_embeds.safetensors")
    save_file({"emb_params": torch.zeros(1, width + 8)}, folder / "wide.safetensors")
    save_file({"clip_l": torch.zeros(1, width), "clip_g": torch.zeros(1, width)}, folder / "two.safetensors")
    pipe.load_textual_inversion(folder / "ink.safetensors", token="ink")
    pipe.load_textual_inversion(folder / "learned_embeds.safetensors")
    for name, prompt in LEARNED.items():
        states, _ = pipe.encode_prompt(prompt, "cpu", 1, False)
        tensors[f"{name}.states"] = states


@torch.no_grad()
def learned_for_two(tensors):
    """One embedding for both text encoders of Stable Diffusion XL."""
    pipe = StableDiffusionXLPipeline.from_pretrained(FIXTURES / "stable_diffusion_xl").to(torch.float32)
    widths = [encoder.config.hidden_size for encoder in (pipe.text_encoder, pipe.text_encoder_2)]
    generator = torch.Generator().manual_seed(9)
    both = {
        key: torch.randn(2, width, generator=generator) * 0.5 for key, width in zip(["clip_l", "clip_g"], widths)
    }
    save_file(both, FOLDER / "embeddings" / "paper.safetensors")
    for key, encoder, tokenizer in [
        ("clip_l", pipe.text_encoder, pipe.tokenizer), ("clip_g", pipe.text_encoder_2, pipe.tokenizer_2),
    ]:
        # As for one encoder: diffusers takes a token for each row.
        for row in range(2):
            pipe.load_textual_inversion(
                both[key][row], token=f"paper_{row}", text_encoder=encoder, tokenizer=tokenizer
            )
    states, _, pooled, _ = pipe.encode_prompt("a paper_0 paper_1 boat", device="cpu", do_classifier_free_guidance=False)
    tensors |= {"two.states": states, "two.pooled": pooled}


LEARNED = dict(
    by_file="a boat in ink on the sea",
    by_token="a <cat-toy> on the sea",
    both="ink, <cat-toy>, red",
)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    pipe = StableDiffusionPipeline.from_pretrained(FIXTURES / "stable_diffusion", safety_checker=None).to(torch.float32)
    pipe.set_progress_bar_config(disable=True)
    tensors = {}
    for name, prompt in PROMPTS.items():
        embed(pipe, prompt, 1, tensors, name)
    prompt = PROMPTS["broken"]
    n_chunks = len(chunks_of(pipe.tokenizer, prompt))
    picture = pipe(
        prompt_embeds=embed(pipe, prompt, n_chunks), negative_prompt_embeds=embed(pipe, NEGATIVE, n_chunks),
        num_inference_steps=5, guidance_scale=5.0, guidance_rescale=0.7, height=32, width=24,
        generator=torch.Generator("cpu").manual_seed(21), output_type="np",
    ).images[0]
    picture = torch.from_numpy(picture)
    assert 8 < (picture * 255).std() < 120
    tensors["picture"] = (picture * 255).round().to(torch.uint8)
    learned(pipe, tensors)
    learned_for_two(tensors)
    save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / "expected.safetensors")
    cases = dict(prompts=PROMPTS, learned=LEARNED, picture=dict(prompt=prompt, negative=NEGATIVE))
    (FOLDER / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    print({name: len(tensors[f"{name}.ids"]) for name in PROMPTS})


if __name__ == "__main__":
    main()
