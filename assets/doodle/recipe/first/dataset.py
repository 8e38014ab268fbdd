"""A fixed set of rendered scenes in array files, with the facts of each."""

from __future__ import annotations

import argparse
import random
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import models
import settings
from scenes import Scene, render, sample
from settings import SETTINGS, Setting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--setting", choices=SETTINGS, default="cpu")
    parser.add_argument("--scenes", type=int, default=48_000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    settings.keep(arguments.state, arguments.setting)
    make(arguments.state, arguments.scenes, arguments.processes)


def make(state: Path, n_scenes: int, n_processes: int, seed: int = 1) -> None:
    """Writes `scenes.npy` `[n, size, size, 3]` uint8, `small.npy`, `facts.npy` `[n, facts]` and `seeds.npy` `[n]`."""
    setting, rng = settings.of(state), random.Random(seed)
    scenes = [sample(setting, rng) for _ in range(n_scenes)]
    pictures = open_pictures(state / "scenes.npy", n_scenes, setting.size_px)
    small = open_pictures(state / "small.npy", n_scenes, models.VISION_SIZE_PX)
    with Pool(n_processes) as pool:
        drawn = pool.imap(partial(render_both, size_px=setting.size_px), scenes, chunksize=64)
        for k, (picture, reduced) in enumerate(drawn):
            pictures[k], small[k] = picture, reduced
    pictures.flush()
    small.flush()
    np.save(state / "facts.npy", np.array([facts_of(scene, setting) for scene in scenes]))
    np.save(state / "seeds.npy", np.array([scene.seed for scene in scenes]))


def open_pictures(path: Path, n_pictures: int, size_px: int) -> np.ndarray:
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(n_pictures, size_px, size_px, 3))


def render_both(scene: Scene, size_px: int) -> tuple[np.ndarray, np.ndarray]:
    """The picture, and the same as small as the vision tower sees it (bicubic, as its image processor does)."""
    picture = render(scene, size_px)
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    small = F.interpolate(x, (models.VISION_SIZE_PX,) * 2, mode="bicubic", antialias=True)
    return picture, small[0].clamp(0, 255).round().byte().permute(1, 2, 0).numpy()


def facts_of(scene: Scene, setting: Setting) -> list[int]:
    """The facts that vary, as places in the setting's tables."""
    return [values.index(getattr(scene, name)) for name, values in setting.tables.items()]


def scene_of(facts: np.ndarray, seed: int, setting: Setting) -> Scene:
    named = {name: values[int(k)] for (name, values), k in zip(setting.tables.items(), facts)}
    return Scene(**named, seed=int(seed))


def load(state: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures (memory-mapped), facts and seeds."""
    return (
        np.load(state / "scenes.npy", mmap_mode="r"),
        np.load(state / "facts.npy"),
        np.load(state / "seeds.npy"),
    )


if __name__ == "__main__":
    main()
