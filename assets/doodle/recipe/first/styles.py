"""How a picture is drawn, beyond flat shapes: what the pen does for the objects, and what is done to the pixels."""

from __future__ import annotations

import numpy as np
import skia
from PIL import Image, ImageFilter

from pen import argb

CONTOUR_WIDTHS = {"comic": 1.7}


def object_layer(canvas, style):
    """Opens a layer for one object; `close_object_layer` closes it."""
    if style == "clay":
        shadow = skia.ImageFilters.DropShadow(1.5, 2.5, 1.6, 1.6, argb((20, 20, 50, 120)))
        canvas.saveLayer(None, skia.Paint(ImageFilter=shadow))
    else:
        canvas.save()


def close_object_layer(canvas, style):
    """Clay is lit from the upper left: a soft gradient over what the object covers."""
    if style == "clay":
        for centre, radius, colour in (((-10, -14), 34, (255, 255, 255, 120)), ((14, 18), 40, (20, 10, 50, 110))):
            glow = skia.GradientShader.MakeRadial(skia.Point(*centre), radius, [argb(colour), argb((*colour[:3], 0))])
            canvas.drawPaint(skia.Paint(Shader=glow, BlendMode=skia.BlendMode.kSrcATop))
    canvas.restore()


def pixels(picture, rng, zoom):
    """Big square pixels of few colours, four a side of what was asked for."""
    size = picture.size
    small = picture.resize((size[0] // (4 * zoom), size[1] // (4 * zoom)), Image.Resampling.BOX)
    return small.quantize(24, dither=Image.Dither.NONE).convert("RGB").resize(size, Image.Resampling.NEAREST)


def pastel(picture, rng, zoom):
    """Light tones, and what is dark tinted."""
    x = np.asarray(picture, np.float32)
    return as_picture(0.5 * x + 0.5 * np.array((255, 246, 250)))


def watercolour(picture, rng, zoom):
    """Wobbly edges, darker where the colour ran to, uneven washes, grain of the paper."""
    size = picture.size[0]
    shift = (smooth_noise(size, 12, rng), smooth_noise(size, 12, rng))
    y, x = np.mgrid[:size, :size]
    wobble = 0.016 * size
    rows = np.clip(y + wobble * shift[0], 0, size - 1).astype(int)
    columns = np.clip(x + wobble * shift[1], 0, size - 1).astype(int)
    moved = Image.fromarray(np.asarray(picture)[rows, columns])
    soft = np.asarray(moved.filter(ImageFilter.GaussianBlur(size / 260)), np.float32)
    wide = np.asarray(moved.filter(ImageFilter.GaussianBlur(size / 32)), np.float32)
    edge = np.abs(soft - wide).mean(-1, keepdims=True)
    wash = 0.84 + 0.1 * smooth_noise(size, 5, rng)[..., None]
    grain = 4 * smooth_noise(size, size // (2 * zoom), rng)[..., None]
    return as_picture(252 - (252 - soft) * wash - 0.35 * edge + grain)


def smooth_noise(size, n_cells, rng):
    """About −1..1, from so many cells a side. Shapes: `[size, size]`."""
    coarse = np.random.default_rng(rng.getrandbits(32)).uniform(-1, 1, (n_cells, n_cells)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def neon(picture, rng, zoom):
    """Bright edges that glow, everything else nearly black."""
    x = np.asarray(picture, np.float32)
    size = picture.size[0]
    wide = np.asarray(picture.filter(ImageFilter.GaussianBlur(size / 80)), np.float32)
    edge = np.clip(np.abs(x - wide).max(-1, keepdims=True) / 40, 0, 1)
    grey = x.mean(-1, keepdims=True)
    vivid = np.clip(grey + (x - grey) * 1.9 + 40, 0, 255)
    lines = Image.fromarray((vivid * edge).astype(np.uint8))
    halo = np.asarray(lines.filter(ImageFilter.GaussianBlur(size / 40)), np.float32)
    return as_picture(0.22 * vivid * (1 - edge) + np.asarray(lines, np.float32) + 0.6 * halo)


def as_picture(x):
    return Image.fromarray(np.clip(x, 0, 255).round().astype(np.uint8))


FINISH = {f.__name__: f for f in (pixels, pastel, watercolour, neon)}
