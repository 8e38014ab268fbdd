"""Makes one array file of every drawing of every thing: `sprites.npz`, small enough to carry to a machine with a GPU.

    python -m sets.pack --state STATE
"""

from __future__ import annotations

import argparse
import io
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from sets import fetch
from sets.drawings import SIZE_PX, LineSet, SvgSet, WebpSet
from world.vocabulary import SETS, THINGS

# Room at every side, so that a turned or softened drawing is not cut.
MARGIN_PX = 4
QUALITY = 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    pack(arguments.state, arguments.processes)


def pack(state: Path, n_processes: int) -> None:
    """Writes `sprites.npz`, from packages that it fetches if they are not there."""
    folders = fetch.fetch(state)
    check_codes(folders[fetch.NAMES])
    with ProcessPoolExecutor(n_processes, initializer=open_sets, initargs=(folders,)) as pool:
        found = list(pool.map(drawn_thing, range(len(THINGS)), chunksize=8))
    rows = [row for rows in found for row in rows]
    report_missing(rows)
    blobs = [blob for *_, blob in rows]
    np.savez(
        state / "sprites.npz",
        names=np.array([thing.name for thing in THINGS]),
        # Thing and set of each drawing.
        table=np.array([row[:2] for row in rows], np.int16),
        ends=np.cumsum([len(blob) for blob in blobs]),
        webp=np.frombuffer(b"".join(blobs), np.uint8),
    )
    size = (state / "sprites.npz").stat().st_size
    print(f"{len(rows)} drawings of {len(THINGS)} things, {size / 1e6:.1f} MB")


def check_codes(names: Path) -> None:
    """Every code of `things.csv` is one that the list of names has."""
    known = {entry["hexcode"].lower().replace("-fe0f", "") for entry in json.loads((names / "en" / "data.json").read_text())}
    unknown = [code for thing in THINGS for code in thing.codes if code.replace("-fe0f", "") not in known]
    if unknown:
        raise SystemExit(f"codes that no list has: {unknown}")


def open_sets(folders: dict[fetch.Package, Path]) -> None:
    global OPEN_SETS
    OPEN_SETS = {
        "3d": [WebpSet(folders[fetch.FLUENT_3D])],
        "flat": [SvgSet(folders[fetch.FLUENT_FLAT])],
        "cartoon": [SvgSet(folders[fetch.NOTO])],
        "lines": [LineSet(folders[fetch.FLUENT_LINES])],
    }
    assert tuple(OPEN_SETS) == SETS


def drawn_thing(k: int) -> list[tuple[int, int, bytes]]:
    """Thing, set and WebP file of every drawing of one thing."""
    rows = []
    for number, drawings in enumerate(OPEN_SETS.values()):
        for code in THINGS[k].codes:
            picture = next((p for p in (one.drawing(code) for one in drawings) if p), None)
            if picture:
                rows.append((k, number, as_webp(standing(picture))))
    return rows


def standing(picture: Image.Image) -> Image.Image:
    """The drawing without its margins, as large as it fits, standing at the bottom's middle."""
    box = picture.getchannel("A").point(lambda value: 255 if value > 24 else 0).getbbox()
    cut = picture.crop(box)
    side = SIZE_PX - 2 * MARGIN_PX
    zoom = side / max(cut.size)
    cut = premultiplied_resize(cut, (max(1, round(cut.width * zoom)), max(1, round(cut.height * zoom))))
    canvas = Image.new("RGBA", (SIZE_PX, SIZE_PX))
    canvas.paste(cut, ((SIZE_PX - cut.width) // 2, SIZE_PX - MARGIN_PX - cut.height))
    return canvas


def premultiplied_resize(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Without the dark rims that the colour of transparent pixels would leave."""
    return picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def as_webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, alpha_quality=80, method=6)
    return file.getvalue()


def report_missing(rows: list[tuple[int, int, bytes]]) -> None:
    there = {row[:2] for row in rows}
    for number, name in enumerate(SETS):
        missing = [thing.name for k, thing in enumerate(THINGS) if (k, number) not in there]
        if missing:
            print(f"{name} lacks {', '.join(missing)}")


if __name__ == "__main__":
    main()
