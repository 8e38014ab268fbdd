"""One drawing of a set by its code: a picture with a transparent ground."""

from __future__ import annotations

import io
import json
from functools import cached_property
from pathlib import Path

import resvg_py
from PIL import Image, ImageDraw

SIZE_PX = 256


class WebpSet:
    """A folder of WebP files that are named by code."""

    def __init__(self, folder: Path):
        self.folder = folder / "assets"

    def drawing(self, code: str) -> Image.Image | None:
        for name in variants(code):
            file = self.folder / f"{name}.webp"
            if file.exists():
                return Image.open(file).convert("RGBA")
        return None


class SvgSet:
    """Iconify's format: the bodies of SVG files by name, and the names by code."""

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def icons(self) -> dict:
        return json.loads((self.folder / "icons.json").read_text())

    @cached_property
    def names(self) -> dict[str, str]:
        return json.loads((self.folder / "chars.json").read_text())

    def drawing(self, code: str) -> Image.Image | None:
        name = next((self.names[v] for v in variants(code) if v in self.names), None)
        icon = self.icons["icons"].get(name)
        if icon is None:
            return None
        width, height = (icon.get(side, self.icons.get(side, 16)) for side in ("width", "height"))
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
        png = resvg_py.svg_to_bytes(svg_string=svg, width=SIZE_PX, height=SIZE_PX)
        return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


class LineSet(SvgSet):
    """Black drawings of one colour: white fills what their lines enclose, so that they stand before any ground."""

    def drawing(self, code: str) -> Image.Image | None:
        ink = super().drawing(code)
        return None if ink is None else filled(ink.getchannel("A"))


def filled(ink: Image.Image) -> Image.Image:
    """The lines in black on a white body. `ink` is what the lines cover, 0 to 255."""
    margin = 4
    padded = Image.new("L", (ink.width + 2 * margin, ink.height + 2 * margin), 0)
    padded.paste(ink, (margin, margin))
    reached = padded.point(lambda value: 0 if value < 96 else 1)
    ImageDraw.floodfill(reached, (0, 0), 2)
    body = reached.point(lambda value: 0 if value == 2 else 255).crop((margin, margin, margin + ink.width, margin + ink.height))
    covered = Image.composite(Image.new("L", ink.size, 255), ink, body)
    tone = ink.point(lambda value: 255 - value)
    return Image.merge("RGBA", (tone, tone, tone, covered))


def variants(code: str) -> tuple[str, ...]:
    """How the sets spell a code: with or without the mark that asks for a picture."""
    return (code, f"{code}-fe0f", code.replace("-fe0f", ""))
