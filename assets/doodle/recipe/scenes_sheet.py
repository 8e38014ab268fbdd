"""A contact sheet of composed scenes, to be looked at: what the training sees.

    python scenes_sheet.py --state STATE --out FILE [--place city] [--style flat]
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch

from sheets import contact_sheet
from world import facts as f
from world.captions import caption
from world.compose import World


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--px", type=int, default=256)
    parser.add_argument("--scenes", type=int, default=48)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    for name in f.COLUMNS:
        parser.add_argument(f"--{name.replace('_', '-')}", help="only this")
    arguments = parser.parse_args()
    facts = f.Facts()
    rows = facts.sample(arguments.scenes, np.random.default_rng(arguments.seed))
    for column, (name, table) in enumerate(facts.tables.items()):
        if getattr(arguments, name):
            rows[:, column] = table.index(getattr(arguments, name))
    world = World.load(arguments.state / "sprites.npz", arguments.px)
    pictures = torch.cat([world.compose(torch.from_numpy(rows[k : k + 8]), arguments.px, arguments.seed + k) for k in range(0, len(rows), 8)])
    contact_sheet(pictures, arguments.columns).save(arguments.out)
    words = random.Random(arguments.seed)
    print("\n".join(caption(row, words) for row in rows))


if __name__ == "__main__":
    main()
