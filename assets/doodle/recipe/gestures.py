"""Judges what Limn's engine does with pictures: variations, inpainting, blends.

The sources are renders of scenes that the training never saw, so that the truth about them is known. The judge of their
facts is the classifier; the rank of a variation is by the model's own vision tower.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import CLIPVisionModelWithProjection

import settings
from classifier import judged
from drawing import Drawer, to_tensor
from scenes import UNSEEN_SEED, Scenes
from sheets import contact_sheet
from train_clip import normalised
from world import facts as f
from world.captions import plainly


class Judge:
    """The sources, their facts, and the hand that draws from them."""

    def __init__(self, arguments: argparse.Namespace, folder: Path):
        self.state, self.program = arguments.state, arguments.limn
        self.setting = settings.of(arguments.state)
        self.drawer = Drawer.of(arguments.model)
        scenes = Scenes.of(self.state, self.setting, "cpu", UNSEEN_SEED)
        self.facts = alone(scenes.rows(arguments.pictures, held_out=True))
        self.names = list(f.COLUMNS)
        self.files = [folder / f"{k}.png" for k in range(len(self.facts))]
        for picture, file in zip(scenes.drawn(self.facts, self.setting.size_px, in_part=False), self.files):
            Image.fromarray((picture * 255).round().byte().permute(1, 2, 0).numpy()).save(file)
        self.sources = torch.stack([to_tensor(Image.open(file)) for file in self.files])

    def draw(self, deed: str, number: int, *words: tuple[str, object]) -> torch.Tensor:
        return to_tensor(self.drawer.deed(self.program, deed, number, list(words)))

    def share(self, pictures: torch.Tensor, truth: torch.Tensor, name: str) -> str:
        """How many show this fact as `truth` has it. Shapes: `pictures` `[n, 3, h, w]`, `truth` `[n, facts]`."""
        column = self.names.index(name)
        right = judged(self.state, pictures)[:, column] == truth[:, column]
        return f"{name} {100 * right.float().mean():.1f} %"

    def variations(self) -> torch.Tensor:
        drawn = torch.stack([self.draw("variations", k, ("image", file)) for k, file in enumerate(self.files)])
        kept = [self.share(drawn, self.facts, name) for name in ("thing", "colour", "place", "style")]
        ranks = rank_of_own_source(self.drawer.model, drawn, self.sources)
        print(f"variations: {', '.join(kept)} as the source; own source ranked first {100 * (ranks == 0).float().mean():.1f} %, "
              f"mean rank {1 + ranks.float().mean():.2f} of {len(ranks)}")
        return drawn

    def inpainting(self, folder: Path) -> torch.Tensor:
        """Where the thing stands another one is asked for, in the colour of that one's own scene."""
        size_px = self.setting.size_px
        mask = np.zeros((size_px, size_px), np.uint8)
        low, high = round(0.16 * size_px), round(0.92 * size_px)
        mask[low:high, low:high] = 255
        Image.fromarray(mask).save(folder / "mask.png")
        drawn, truth = [], []
        for k, file in enumerate(self.files):
            wanted = self.facts[k].clone()
            wanted[[f.THING, f.COLOUR]] = self.facts[(k + len(self.facts) // 2) % len(self.facts), [f.THING, f.COLOUR]]
            prompt = ("prompt", plainly(wanted))
            exactly = (("grow", 0), ("feather", 0))
            drawn.append(self.draw("edit", k, ("image", file), ("mask", folder / "mask.png"), *exactly, prompt))
            truth.append(wanted)
        drawn, outside = torch.stack(drawn), torch.from_numpy(mask == 0)
        same = [bool((a == b)[:, outside].all()) for a, b in zip(drawn, self.sources)]
        asked_for = ", ".join(self.share(drawn, torch.stack(truth), name) for name in ("thing", "colour"))
        print(f"inpainting: {asked_for} as asked; outside of the mask bit-identical {sum(same)} of {len(same)}")
        return drawn

    def blends(self) -> torch.Tensor:
        """Half-way between two sources; ones that all look alike would be no blends."""
        n = len(self.files)
        # No pair twice, the other way round.
        pairs = [(k, (k + max(1, n // 3)) % n) for k in range(n)]
        drawn = torch.stack([
            self.draw("blend", k, ("image", self.files[a]), ("weight", 0.5), ("image", self.files[b]), ("weight", 0.5))
            for k, (a, b) in enumerate(pairs)
        ])
        seen, column = judged(self.state, drawn)[:, f.THING], self.facts[:, f.THING]
        of_either = [bool(seen[k] == column[a] or seen[k] == column[b]) for k, (a, b) in enumerate(pairs)]
        print(f"blends: thing of one of the two {100 * sum(of_either) / n:.1f} %; "
              f"diversity {spread(drawn) / spread(self.sources):.2f} of the sources'")
        return drawn


def alone(rows: torch.Tensor) -> torch.Tensor:
    """The same scenes with one thing of middle size in each."""
    rows = rows.clone()
    rows[:, [f.COUNT, f.SIZE, f.RELATION, f.OTHER, f.OTHER_COLOUR]] = 0
    return rows


@torch.no_grad()
def rank_of_own_source(model: Path, drawn: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """How many other sources are nearer to a picture than its own, by cosine. Shapes: `[n, 3, h, w]` twice → `[n]`."""
    tower = CLIPVisionModelWithProjection.from_pretrained(model / "prior_image_encoder", torch_dtype=torch.float32).eval()

    def embedded(pictures: torch.Tensor) -> torch.Tensor:
        return F.normalize(tower(normalised(pictures)).image_embeds, dim=-1)

    likeness = embedded(drawn) @ embedded(sources).T
    return (likeness > likeness.diagonal()[:, None]).sum(1)


def spread(pictures: torch.Tensor) -> float:
    """The mean difference of a pixel between two pictures."""
    flat = pictures.flatten(1)
    return float(torch.stack([(flat - flat.roll(k, 0)).abs().mean() for k in range(1, len(flat))]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--limn", type=Path, required=True, help="the program that draws")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--sheet", type=Path, help="the sources, variations, inpaintings and blends of the first 16 in rows")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        judge = Judge(arguments, Path(name))
        rows = [judge.sources, judge.variations(), judge.inpainting(Path(name)), judge.blends()]
    if arguments.sheet:
        n_columns = min(16, arguments.pictures)
        contact_sheet(torch.cat([row[:n_columns] for row in rows]), n_columns).save(arguments.sheet)


if __name__ == "__main__":
    main()
