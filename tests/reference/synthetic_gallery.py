#!/usr/bin/env python3
"""Makes a gallery of many small pictures, to measure and look at Limn with: files with recipes in month folders, and
marks. Needs nothing but Python.

    synthetic_gallery.py FOLDER [N]        N = 100,000 unless said
    LIMN_HOME=… limn gallery --folder FOLDER overview
"""

import json
import random
import struct
import sys
import time
import uuid
import zlib
from pathlib import Path

SIDE_PX = 32
LAST_MS = 1_795_000_000_000  # November 2026
SPAN_MS = 2 * 365 * 24 * 3600 * 1000
THINGS = "boat house lighthouse tree mountain fox cat bridge balloon island castle windmill train bicycle".split()
KINDS = "red blue golden tiny old stormy quiet striped broken shining snowy foggy".split()
PLACES = "at night|at dusk|in the rain|by the sea|on a hill|in a forest|under the stars|in snow".split("|")
STYLES = ["", ", watercolour", ", ink drawing", ", flat colours", ", pencil sketch"]
MODELS = ["Doodle", "Kandinsky 2.2", "Stable Diffusion 1.5"]
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    "<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    "</Iptc4xmpExt:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def uuid7(milliseconds, rng):
    value = (milliseconds << 80) | (7 << 76) | (rng.getrandbits(12) << 64) | (2 << 62) | rng.getrandbits(62)
    return str(uuid.UUID(int=value))


def chunk(kind, contents):
    checksum = zlib.crc32(kind + contents)
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", checksum)


def text(keyword, value):
    return chunk(b"iTXt", keyword.encode() + b"\0\0\0\0\0" + value.encode())


def png(colour, recipe, level):
    red, green, blue = colour
    rows = b"".join(
        b"\0" + bytes(v for x in range(SIDE_PX) for v in (red, min(255, green + 4 * y), (blue + 3 * x) % 256))
        for y in range(SIDE_PX)
    )
    header = struct.pack(">IIBBBBB", SIDE_PX, SIDE_PX, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + text("XML:com.adobe.xmp", XMP)
        + text("limn", json.dumps(recipe))
        + chunk(b"IDAT", zlib.compress(rows, level))
        + chunk(b"IEND", b"")
    )


def recipe(id, created_ms, run, parents, seed, rng):
    prompt = f"a {rng.choice(KINDS)} {rng.choice(THINGS)} {rng.choice(PLACES)}{rng.choice(STYLES)}"
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created_ms / 1000))
    return {
        "format": 1, "id": id, "parents": parents, "created": created, "run": run, "deed": "text_to_image",
        "prompt": prompt, "model": rng.choice(MODELS), "model_hash": "0" * 64, "width": SIDE_PX, "height": SIDE_PX,
        "seed": seed, "sampler": "ddim", "n_steps": 8, "guidance_scale": 4.0, "n_prior_steps": 5,
        "prior_guidance_scale": 4.0, "best_of": 1, "score": round(rng.uniform(0.1, 0.4), 4),
        "has_own_latents": False, "device": "CPU", "dtype": "f32", "limn": "0.1.0",
    }


def main():
    folder = Path(sys.argv[1])
    n_pictures = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    rng = random.Random(4)
    start = time.time()
    marks = []
    run, previous = None, []
    for i in range(n_pictures):
        created_ms = LAST_MS - SPAN_MS + SPAN_MS * i // n_pictures
        if i % 4 == 0:
            # Every tenth run goes on from a picture of the run before.
            parents = [rng.choice(previous)] if previous and rng.random() < 0.1 else []
            run, previous = str(uuid.UUID(int=rng.getrandbits(128), version=4)), []
        id = uuid7(created_ms, rng)
        previous.append(id)
        month = folder / time.strftime("%Y-%m", time.gmtime(created_ms / 1000))
        if i % 1000 == 0 or not month.is_dir():
            month.mkdir(parents=True, exist_ok=True)
        colour = [rng.randrange(256) for _ in range(3)]
        (month / f"{id}.png").write_bytes(png(colour, recipe(id, created_ms, run, parents, i, rng), 1))
        say = {"at": "2026-11-25T12:00:00Z", "picture": id}
        if rng.random() < 0.05:
            marks.append(say | {"star": True})
        if rng.random() < 0.1:
            marks.append(say | {"board": {"name": f"Board {rng.randrange(20)}", "on": True}})
        if rng.random() < 0.1:
            marks.append(say | {"tag": {"name": f"tag{rng.randrange(50)}", "on": True}})
        if rng.random() < 0.01:
            marks.append(say | {"title": f"Draft {i}"})
    with open(folder / "marks.jsonl", "a") as file:
        file.writelines(json.dumps(mark) + "\n" for mark in marks)
    print(f"{n_pictures} pictures and {len(marks)} marks in {time.time() - start:.0f} s: {folder}")


main()
