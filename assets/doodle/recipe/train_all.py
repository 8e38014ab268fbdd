"""Trains every part in its share of a few minutes on one large GPU, and packs the weights into pieces.

    python train_all.py --state STATE --sprites FILE --out DIR --device cuda --minutes 8.6

The only input is the array file of `sets/pack.py`: nothing is fetched. In `DIR` there are then `doodle.tar.0` and so on, 15 MB each at
most, `log.txt` with the curves' last rows and the table, and a sheet. Together again: `cat doodle.tar.* | tar x`.
A part that fails is told and left out, so that the others come back all the same.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

import classifier
import evaluate
import export
import recover
import settings
import store
import tokenizer
import train_clip
import train_decoder
import train_movq
import train_prior
import train_upscaler
from scenes import Scenes
from training import begin

PIECE_BYTES = 15_000_000
# Of all the time: what follows the trainings.
CLOSING = 0.09


@dataclass(frozen=True)
class Part:
    """One training: its share of the time, its batch and learning rate on a large GPU, and on a CPU in a rehearsal."""

    name: str
    share: float
    batch: int
    lr: float
    small_batch: int
    options: tuple[tuple[str, object], ...] = ()


PARTS = (
    Part("movq", 0.2, 160, 1.2e-3, 4, (("crop", 128), ("critic", 0.0), ("decoder_only", False))),
    Part("clip", 0.15, 1024, 1e-3, 16),
    Part("store", 0.13, 0, 0, 0),
    Part("movq whole", 0.13, 40, 4e-4, 1, (("crop", 0), ("critic", 0.5), ("decoder_only", True))),
    Part("unet", 0.25, 1024, 1.5e-3, 16),
    Part("prior", 0.05, 1024, 8e-4, 16),
    Part("upscaler", 0.06, 128, 7e-4, 4, (("critic", 0.3),)),
    Part("classifier", 0.05, 384, 2e-3, 8),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--sprites", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--setting", choices=settings.SETTINGS, default="doodle-256")
    parser.add_argument("--start", type=Path, help="a finished model folder to go on from: see recover.py")
    parser.add_argument("--minutes", type=float, default=8.6)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--processes", type=int, default=12, help="that make sentences beside the training")
    parser.add_argument("--prompts", type=int, default=500)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    begin(arguments)
    Run(arguments).whole()


class Run:
    def __init__(self, arguments: argparse.Namespace):
        self.arguments, self.state, self.device = arguments, arguments.state, arguments.device
        # On a CPU the seconds that it computed for us, as the trainings count them.
        self.clock = time.process_time if self.device == "cpu" else time.monotonic
        self.start = self.clock()
        settings.keep(self.state, arguments.setting)
        self.setting = settings.of(self.state)
        place = self.state / "sprites.npz"
        if not place.exists():
            place.symlink_to(arguments.sprites.resolve())
        tokenizer.save(self.state / "tokenizer")
        if arguments.start:
            recover.recover(self.state, arguments.start)
            # Its numbers are those of the old encoders, which learn on.
            (self.state / "store.pt").unlink()
        # Fine enough for every part: the finished pictures are composed with the same drawings.
        self.scenes = Scenes.of(self.state, self.setting, self.device, px=self.setting.zoom * self.setting.size_px)
        self.log(f"drawings ready after {self.spent():.0f} s")

    def spent(self) -> float:
        return self.clock() - self.start

    def log(self, text: str) -> None:
        print(text, flush=True)
        with (self.arguments.out / "log.txt").open("a") as file:
            file.write(text + "\n")

    def whole(self) -> None:
        self.trainings()
        self.guarded("export", self.export)
        self.guarded("table", self.judge)
        self.log(f"all in {self.spent():.0f} s")

    def trainings(self) -> None:
        left = sum(part.share for part in PARTS)
        for part in PARTS:
            remaining = 60 * self.arguments.minutes * (1 - CLOSING) - self.spent()
            minutes = max(0.02, remaining * part.share / left / 60)
            left -= part.share
            begun = self.spent()
            self.guarded(part.name, lambda part=part, minutes=minutes: self.train(part, minutes))
            self.log(f"{part.name}: {self.spent() - begun:.0f} s of {60 * minutes:.0f}; {last_row(self.state, part.name)}")

    def guarded(self, name: str, deed: Callable[[], None]) -> None:
        try:
            deed()
        except Exception:  # noqa: BLE001 whatever it is, the other parts are worth having
            self.log(f"{name} failed:\n{traceback.format_exc()}")
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def train(self, part: Part, minutes: float) -> None:
        batch = part.batch if self.device == "cuda" else part.small_batch
        options = argparse.Namespace(device=self.device, minutes=minutes, batch=batch, lr=part.lr, processes=self.arguments.processes, **dict(part.options))
        if part.name.startswith("movq"):
            train_movq.train(self.state, self.scenes, options)
        elif part.name == "clip":
            train_clip.train(self.state, self.scenes, options)
        elif part.name == "store":
            store.fill(self.state, self.scenes, n_scenes=2_000_000, minutes=minutes)
        elif part.name == "unet":
            train_decoder.train(self.state, self.setting, options)
        elif part.name == "prior":
            train_prior.train(self.state, self.setting, options)
        elif part.name == "upscaler":
            train_upscaler.train(self.state, self.scenes, options)
        else:
            classifier.train(self.state, self.scenes.world, options)

    def export(self) -> None:
        folder = self.state / "model"
        export.export(self.state, folder, self.scenes)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(folder, arcname="doodle")
            for curve in sorted(self.state.glob("*.csv")):
                archive.add(curve, arcname=f"record/{curve.name}")
        data = packed.getvalue()
        for k, at in enumerate(range(0, len(data), PIECE_BYTES)):
            (self.arguments.out / f"doodle.tar.{k}").write_bytes(data[at : at + PIECE_BYTES])
        self.log(f"{len(data) / 1e6:.1f} MB in {k + 1} pieces after {self.spent():.0f} s")

    def judge(self) -> None:
        sampling = {"steps": None, "prior_steps": None, "guidance_scale": None, "prior_guidance_scale": None}
        options = argparse.Namespace(
            state=self.state, model=self.state / "model", prompts=self.arguments.prompts, batch=125, sheets=self.state / "sheets",
            limn=None, device=self.device, **sampling,
        )
        self.log(evaluate.judgement(options, self.scenes.world))
        for sheet in (self.state / "sheets").glob("*.jpg"):
            (self.arguments.out / sheet.name).write_bytes(sheet.read_bytes())


def last_row(state: Path, name: str) -> str:
    curve = state / f"{'movq_decoder' if name == 'movq whole' else name}.csv"
    if not curve.exists():
        return "no curve"
    head, *rows = curve.read_text().splitlines()
    return " ".join(f"{key} {value}" for key, value in zip(head.split(","), rows[-1].split(","))) if rows else "no curve"


if __name__ == "__main__":
    main()
