"""Makes small random-weight upscalers with the outputs that spandrel's networks give, and enlarged pictures.

    python tests/reference/make_upscalers.py

Weights are rounded to half precision before anything is computed, so the files can hold them in half the size and both
sides still calculate with the same numbers in f32. spandrel itself reads every spelling of names that is written here.
"""

import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN, _to_old_arch
from spandrel.architectures.__arch_helpers import block

FIXTURES = Path(__file__).parent.parent / "fixtures" / "upscalers"


def esrgan(
    n_features: int,
    n_growth: int,
    n_blocks: int,
    n_doublings: int,
    shuffle: int = 1,
    plus: bool = False,
    channels: int = 3,
):
    net = ESRGAN(
        in_nc=channels * shuffle**2,
        out_nc=channels,
        num_filters=n_features,
        num_blocks=n_blocks,
        scale=2**n_doublings,
        plus=plus,
        shuffle_factor=shuffle if shuffle > 1 else None,
    )
    # spandrel has the usual 32 built in.
    for i in range(n_blocks):
        net.model[1].sub[i] = block.RRDB(n_features, gc=n_growth, plus=plus)
    return net


def later_esrgan(name: str, last: int) -> str:
    """From the sequence of ESRGAN's first code, whose last convolution is at `last`, to the names of its later code."""
    trunk = r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\."
    name = re.sub(trunk, r"RRDB_trunk.\1.RDB\2.conv\3.", name)
    name = re.sub(r"model\.1\.sub\.\d+\.", "trunk_conv.", name)
    places = {0: "conv_first", last - 2: "HRconv", last: "conv_last"}
    places |= {3 * i: f"upconv{i}" for i in range(1, last // 3)}
    for place, new in places.items():
        name = re.sub(rf"^model\.{place}\.", f"{new}.", name)
    return name


def real_esrgan(name: str, last: int) -> str:
    name = later_esrgan(name, last)
    for old, new in [
        ("RRDB_trunk", "body"),
        (".RDB", ".rdb"),
        ("trunk_conv", "conv_body"),
        ("upconv", "conv_up"),
        ("HRconv", "conv_hr"),
    ]:
        name = name.replace(old, new)
    return name


def save(name: str, net: torch.nn.Module, image_shape: list[int], rename=lambda name: name) -> None:
    with torch.no_grad():
        for key, parameter in net.named_parameters():
            if parameter.ndim == 1:
                parameter.normal_(std=0.1)
            parameter.copy_(parameter.half().float())
        # Whole bytes, so that the same picture can go the way of a picture too.
        image = torch.randint(0, 256, image_shape) / 255
        output = net.eval()(image)
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    state = {rename(key): value.half().contiguous() for key, value in net.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    save_file({"image": image, "output": output.contiguous()}, folder / "expected.safetensors")
    if isinstance(net, ESRGAN):
        net.load_state_dict({key: value.float() for key, value in _to_old_arch(dict(state)).items()})


torch.manual_seed(5)
save("esrgan_x4", esrgan(8, 4, 2, 2), [1, 3, 6, 9])
save("esrgan_later_x2", esrgan(6, 3, 1, 1), [1, 3, 7, 5], lambda name: later_esrgan(name, 7))
# A picture that is no whole number of squares: the reference mirrors its edges.
save("esrgan_shuffled_x2", esrgan(8, 4, 2, 2, shuffle=2), [1, 3, 7, 9], lambda name: real_esrgan(name, 10))
save("esrgan_plus_x1", esrgan(6, 3, 1, 0, plus=True), [1, 3, 5, 8])
save("compact_x3", Compact(num_feat=8, num_conv=3, upscale=3), [1, 3, 6, 9])
# For grey pictures.
save("esrgan_grey_x2", esrgan(6, 3, 1, 1, channels=1), [1, 1, 7, 6], lambda name: real_esrgan(name, 7))
grey = Compact(num_in_ch=1, num_out_ch=1, num_feat=8, num_conv=2, upscale=2)
save("compact_grey_x2", grey, [1, 1, 6, 9])


def enlarged_along(values: np.ndarray, n_target: int) -> np.ndarray:
    """One axis by Pillow's Lanczos filter in floating point, held between the two pixels that are nearest."""
    n_source = values.shape[1]
    planes = [Image.fromarray(plane).resize((n_target, plane.shape[0]), Image.LANCZOS) for plane in values.transpose(2, 0, 1)]
    larger = np.stack([np.asarray(plane) for plane in planes], 2)
    before = np.floor((np.arange(n_target) + 0.5) * n_source / n_target - 0.5).astype(int)
    left = values[:, before.clip(0, n_source - 1)]
    right = values[:, (before + 1).clip(0, n_source - 1)]
    return larger.clip(np.minimum(left, right), np.maximum(left, right))


def make_enlarged() -> None:
    random = np.random.default_rng(3)
    tensors = {}
    for i, (size, target) in enumerate([((7, 5), (14, 10)), ((6, 9), (24, 36)), ((1, 1), (4, 4)), ((2, 3), (16, 24)), ((5, 4), (7, 9))]):
        source = random.integers(0, 256, [size[1], size[0], 3], dtype=np.uint8)
        across = enlarged_along(source.astype(np.float32), target[0])
        down = enlarged_along(across.transpose(1, 0, 2).astype(np.float32), target[1]).transpose(1, 0, 2)
        tensors[f"picture_{i}"] = torch.from_numpy(source)
        tensors[f"enlarged_{i}"] = torch.from_numpy(np.ascontiguousarray(down))
    folder = FIXTURES / "enlarge"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "expected.safetensors")


make_enlarged()
