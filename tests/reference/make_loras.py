"""Writes tests/fixtures/loras/: LoRAs and their kin for the model of fixtures/stable_diffusion, and what they make of it.

What diffusers loads (`load_lora_weights`, with PEFT) is judged by diffusers: a U-Net's and a text encoder's output for given
tensors, and a picture. The other kinds, which it does not load, are judged by LyCORIS' formulas, written out here with
plain arithmetic on the weights.

    python tests/reference/make_loras.py
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from diffusers.loaders.lora_conversion_utils import _convert_unet_lora_key, _maybe_map_sgm_blocks_to_diffusers
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
MODEL, FOLDER = FIXTURES / "stable_diffusion", FIXTURES / "loras"
RANK = 2
BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0"
UP = "up_blocks.1.attentions.1.transformer_blocks.0"
LINEAR = [f"{BLOCK}.attn1.to_q", f"{BLOCK}.attn1.to_out.0", f"{BLOCK}.attn2.to_k", f"{BLOCK}.ff.net.0.proj", f"{UP}.attn2.to_v"]
PROJECTIONS = ["down_blocks.0.attentions.0.proj_in"]
CONVS = ["down_blocks.0.resnets.0.conv1", "down_blocks.0.downsamplers.0.conv", "up_blocks.0.upsamplers.0.conv"]
TEXT = ["encoder.layers.0.self_attn.q_proj", "encoder.layers.1.self_attn.out_proj", "encoder.layers.2.mlp.fc1"]


def pipeline():
    pipe = StableDiffusionPipeline.from_pretrained(MODEL, torch_dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


PIPE = pipeline()
UNET, TEXT_ENCODER = PIPE.unet.state_dict(), PIPE.text_encoder.state_dict()
GENERATOR = torch.Generator().manual_seed(1)


def random(*shape):
    """Large enough that a change is seen."""
    return (torch.randn(*shape, generator=GENERATOR) * 0.5).half().float()


def text_weight(layer):
    return next(value for key, value in TEXT_ENCODER.items() if key.endswith(f"{layer}.weight"))


def kohya_name(prefix, layer):
    return prefix + layer.replace(".", "_")


def thin(weight, rank=RANK):
    """Down and up of a weight, as kohya shapes them."""
    n_outputs, n_inputs, *kernel = weight.shape
    return random(rank, n_inputs, *kernel), random(n_outputs, rank, *[1] * len(kernel))


def kohya(with_text=True):
    """Names with underscores, α beside each layer."""
    tensors = {}
    layers = [(kohya_name("lora_unet_", layer), UNET[f"{layer}.weight"]) for layer in LINEAR + PROJECTIONS + CONVS]
    if with_text:
        layers += [(kohya_name("lora_te_text_model_", layer), text_weight(layer)) for layer in TEXT]
    for name, weight in layers:
        down, up = thin(weight)
        tensors |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(1.0)}
    return tensors


def peft():
    tensors = {}
    for prefix, layers, weight_of in (
        ("unet.", LINEAR, lambda layer: UNET[f"{layer}.weight"]), ("text_encoder.text_model.", TEXT, text_weight),
    ):
        for layer in layers:
            down, up = thin(weight_of(layer))
            tensors |= {f"{prefix}{layer}.lora_A.weight": down, f"{prefix}{layer}.lora_B.weight": up}
    return tensors


def dora_of_diffusers():
    """With a magnitude for each output, of linear layers alone."""
    tensors = {}
    for layer in LINEAR:
        weight = UNET[f"{layer}.weight"]
        down, up = thin(weight)
        magnitude = weight.norm(dim=1) * (1 + 0.2 * random(weight.shape[0]))
        tensors |= {
            f"unet.{layer}.lora_A.weight": down, f"unet.{layer}.lora_B.weight": up,
            f"unet.{layer}.lora_magnitude_vector": magnitude.half().float(),
        }
    return tensors


# LyCORIS' formulas: what each kind adds to a weight, in numpy.


def rebuild_tucker(kernel, a, b):
    return np.einsum("ij...,ip,jr->pr...", kernel, a, b)


def locon_mid(weight):
    """Tucker's form of a convolution."""
    n_outputs, n_inputs, *kernel = weight.shape
    down, mid, up = random(RANK, n_inputs, 1, 1), random(RANK + 1, RANK, *kernel), random(n_outputs, RANK + 1, 1, 1)
    pieces = {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up, "alpha": torch.tensor(1.0)}
    a, b = up.numpy()[:, :, 0, 0], down.numpy()[:, :, 0, 0]
    return pieces, np.einsum("or,rjkl,ji->oikl", a, mid.numpy(), b) * (1.0 / RANK)


def loha(weight):
    n_outputs, n_columns = weight.shape[0], weight[0].numel()
    parts = [random(n_outputs, RANK), random(RANK, n_columns), random(n_outputs, RANK), random(RANK, n_columns)]
    names = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"]
    a1, b1, a2, b2 = [part.numpy() for part in parts]
    change = (a1 @ b1) * (a2 @ b2) * (0.5 / RANK)
    return dict(zip(names, parts)) | {"alpha": torch.tensor(0.5)}, change.reshape(weight.shape)


def loha_tucker(weight):
    n_outputs, n_inputs, *kernel = weight.shape
    parts = [random(RANK, n_outputs), random(RANK, n_inputs), random(RANK, n_outputs), random(RANK, n_inputs)]
    kernels = [random(RANK, RANK, *kernel), random(RANK, RANK, *kernel)]
    names = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"]
    a1, b1, a2, b2, t1, t2 = [part.numpy() for part in parts + kernels]
    change = rebuild_tucker(t1, a1, b1) * rebuild_tucker(t2, a2, b2)
    return dict(zip(names, parts + kernels)) | {"alpha": torch.tensor(float(RANK))}, change


def lokr(weight):
    """The first factor whole, the second of two thin matrices."""
    n_outputs, n_inputs, *kernel = weight.shape
    n_places = int(np.prod(kernel))
    w1, a, b = random(2, 4), random(n_outputs // 2, RANK), random(RANK, n_inputs // 4 * n_places)
    change = np.kron(w1.numpy(), (a.numpy() @ b.numpy())) * (1.0 / RANK)
    if kernel:
        w2 = (a.numpy() @ b.numpy()).reshape(n_outputs // 2, n_inputs // 4, *kernel)
        change = np.kron(w1.numpy()[:, :, None, None], w2) * (1.0 / RANK)
    return {"lokr_w1": w1, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": torch.tensor(1.0)}, change.reshape(weight.shape)


def lokr_whole(weight):
    """Both factors whole: α says nothing."""
    n_outputs, n_inputs, *kernel = weight.shape
    w1, w2 = random(4, 2), random(n_outputs // 4, n_inputs // 2, *kernel)
    change = np.kron(w1.numpy().reshape(4, 2, *[1] * len(kernel)), w2.numpy())
    return {"lokr_w1": w1, "lokr_w2": w2, "alpha": torch.tensor(7.0)}, change


def lokr_tucker(weight):
    n_outputs, n_inputs, *kernel = weight.shape
    a1, b1 = random(2, RANK), random(RANK, 2)
    a2, b2, t2 = random(RANK, n_outputs // 2), random(RANK, n_inputs // 2), random(RANK, RANK, *kernel)
    w2 = rebuild_tucker(t2.numpy(), a2.numpy(), b2.numpy())
    change = np.kron((a1.numpy() @ b1.numpy())[:, :, None, None], w2) * (1.0 / RANK)
    names = ["lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b", "lokr_t2"]
    return dict(zip(names, [a1, b1, a2, b2, t2])) | {"alpha": torch.tensor(1.0)}, change


def dora(weight, by_input):
    """The direction of the sum, with magnitudes of its own; kohya's name for them."""
    down, up = thin(weight)
    n_outputs, n_inputs = weight.shape[:2]
    rest = [1] * (weight.dim() - 2)
    summed = weight.numpy() + (up.flatten(1) @ down.flatten(1)).reshape(weight.shape).numpy() * (1.0 / RANK)
    axes = tuple(axis for axis in range(weight.dim()) if axis != (1 if by_input else 0))
    norm = np.sqrt((summed**2).sum(axis=axes, keepdims=True))
    shape = [1, n_inputs, *rest] if by_input else [n_outputs, 1, *rest]
    magnitude = (torch.from_numpy(norm).reshape(shape) * (1 + 0.3 * random(*shape))).half().float()
    changed = summed * (magnitude.numpy() / (norm + np.finfo(np.float32).eps))
    pieces = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(1.0), "dora_scale": magnitude}
    return pieces, changed - weight.numpy()


def difference(weight):
    change = random(*weight.shape) * 0.3
    return {"diff": change.half().float()}, change.half().float().numpy()


CONV, MATRIX = CONVS[0], LINEAR[0]
FORMULAS = dict(
    locon_mid=[(locon_mid, CONV), (locon_mid, CONVS[2])],
    loha=[(loha, MATRIX), (loha, CONV), (loha_tucker, CONVS[1])],
    lokr=[(lokr, MATRIX), (lokr, CONV), (lokr_whole, LINEAR[2]), (lokr_whole, CONVS[2]), (lokr_tucker, CONVS[1])],
    dora=[
        (lambda weight: dora(weight, False), MATRIX), (lambda weight: dora(weight, True), LINEAR[2]),
        (lambda weight: dora(weight, False), CONV),
    ],
    difference=[(difference, MATRIX), (difference, CONV)],
)


@torch.no_grad()
def outputs(pipe, tensors, name):
    sample = pipe.unet(INPUTS["latents"], torch.tensor([999, 3]), encoder_hidden_states=INPUTS["context"]).sample
    tensors[f"{name}.unet"] = sample
    tensors[f"{name}.text"] = pipe.text_encoder(INPUTS["ids"]).last_hidden_state


INPUTS = {
    "latents": random(2, 4, 8, 6), "context": random(2, 5, 32), "ids": torch.tensor([[522, 5, 77, 300, 523, 523]]),
}


@torch.no_grad()
def by_diffusers(files, weights, tensors, name, picture=False):
    pipe = pipeline()
    names = [f"lora_{i}" for i in range(len(files))]
    for adapter, file in zip(names, files):
        pipe.load_lora_weights(FOLDER, weight_name=f"{file}.safetensors", adapter_name=adapter)
    pipe.set_adapters(names, weights)
    outputs(pipe, tensors, name)
    if picture:
        generator = torch.Generator("cpu").manual_seed(11)
        pixels = pipe(
            "A red boat on the sea", height=32, width=24, num_inference_steps=5, guidance_scale=7.5, generator=generator,
            output_type="np",
        ).images[0]
        tensors[f"{name}.pixels"] = torch.from_numpy((pixels * 255).round().astype(np.uint8))


@torch.no_grad()
def by_formulas(name, strength, tensors):
    pipe, pieces_of_file = pipeline(), {}
    for make, layer in FORMULAS[name]:
        weight = pipe.unet.get_submodule(layer).weight
        pieces, change = make(weight.detach())
        pieces_of_file |= {f"{kohya_name('lora_unet_', layer)}.{piece}": value for piece, value in pieces.items()}
        weight += torch.from_numpy(np.asarray(change, dtype=np.float32)) * strength
    save(name, pieces_of_file)
    outputs(pipe, tensors, name)


def save(name, tensors, metadata=None):
    halves = {key: value.half().contiguous() for key, value in tensors.items()}
    save_file(halves, FOLDER / f"{name}.safetensors", metadata)


def sgm_names():
    """The same layers in the first code's names, as diffusers turns them round."""
    config = PIPE.unet.config
    pairs = {}
    for old in (
        "input_blocks_1_1_transformer_blocks_0_attn1_to_q", "input_blocks_1_0_in_layers_2", "input_blocks_2_0_op",
        "output_blocks_3_1_transformer_blocks_0_attn2_to_v", "middle_block_0_in_layers_2", "middle_block_2_emb_layers_1",
        "output_blocks_0_0_in_layers_2", "input_blocks_1_1_proj_in",
    ):
        names = {f"lora_unet_{old}.lora_down.weight": torch.zeros(1)}
        mapped = _maybe_map_sgm_blocks_to_diffusers(names, config)
        name = _convert_unet_lora_key(next(iter(mapped)))
        pairs[old] = name.replace(".processor.", ".").removesuffix(".weight").removesuffix(".down").removesuffix(".lora").removesuffix("_lora")
    return pairs


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    tensors = dict(INPUTS)
    outputs(PIPE, tensors, "none")
    save("kohya", kohya())
    save("kohya_2", kohya(with_text=False))
    save("peft", peft())
    save("dora_peft", dora_of_diffusers())
    by_diffusers(["kohya"], [0.7], tensors, "kohya", picture=True)
    by_diffusers(["peft"], [1.0], tensors, "peft")
    by_diffusers(["kohya", "kohya_2"], [0.5, -0.4], tensors, "both")
    by_diffusers(["dora_peft"], [1.0], tensors, "dora_peft")
    for name in FORMULAS:
        by_formulas(name, 0.6, tensors)
    for name in ("kohya", "peft", "both", "dora_peft", *FORMULAS):
        change = (tensors[f"{name}.unet"] - tensors["none.unet"]).abs().max() / tensors["none.unet"].abs().max()
        print(name, float(change), float((tensors[f"{name}.text"] - tensors["none.text"]).abs().max()))
        assert change > 0.01, name
    save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / "expected.safetensors")
    (FOLDER / "sgm_names.json").write_text(json.dumps(sgm_names(), indent=1) + "\n")


if __name__ == "__main__":
    main()
