"""Seven places under a sky by day, at sunset or at night. Coordinates are hundredths of the picture."""

from __future__ import annotations

import skia

from more_places import MORE_BACKDROPS, MORE_GROUNDS
from pen import Pen, argb, mix

SKIES = {
    "day": ((112, 178, 232), (206, 232, 246)),
    "sunset": ((92, 70, 140), (250, 164, 108)),
    "night": ((16, 22, 58), (44, 60, 112)),
}
GROUNDS = {
    "sea": ((46, 118, 176), (28, 84, 142)),
    "meadow": ((128, 190, 96), (88, 152, 74)),
    "snow": ((240, 246, 252), (206, 222, 240)),
    "desert": ((236, 196, 128), (214, 162, 92)),
    "mountains": ((126, 160, 118), (92, 128, 98)),
    "city": ((120, 122, 134), (92, 94, 108)),
    "beach": ((244, 222, 168), (228, 198, 136)),
    **MORE_GROUNDS,
}


def sky_and_ground(canvas, scene, rng):
    top, bottom = SKIES[scene.time]
    gradient = skia.GradientShader.MakeLinear(
        points=[skia.Point(0, 0), skia.Point(0, 66)], colors=[argb(top), argb(bottom)]
    )
    canvas.drawRect(skia.Rect(0, 0, 100, 100), skia.Paint(Shader=gradient))
    pen = Pen(canvas, (255, 255, 255), rng)
    lamp_x = rng.choice((14, 86)) + rng.uniform(-3, 3)
    if scene.time == "night":
        for _ in range(12):
            pen.oval((230, 234, 255), rng.uniform(2, 98), rng.uniform(2, 48), 0.7, 0.7)
        pen.oval((246, 240, 214), lamp_x, 15, 8, 8)
        pen.oval(mix(top, bottom, 0.25), lamp_x + 4, 13, 7, 7)
    elif scene.time == "sunset":
        pen.oval((255, 214, 130), lamp_x, 46, 10, 10)
    else:
        pen.oval((255, 232, 130), lamp_x, 15, 8.5, 8.5)
        for x, y in ((100 - lamp_x, 13), (50 + rng.uniform(-6, 6), 7)):
            pen.oval((255, 255, 255, 220), x, y, 9, 3.4)
            pen.oval((255, 255, 255, 220), x + 4, y - 2.5, 5, 3.4)
    shade = {"day": 0.0, "sunset": 0.22, "night": 0.5}[scene.time]
    night = (44, 30, 70) if scene.time == "sunset" else (14, 20, 52)
    far, near = (mix(c, night, shade) for c in GROUNDS[scene.place])
    BACKDROPS[scene.place](pen, far, near, shade, night, rng)


def sea(pen, far, near, shade, night, rng):
    pen.rect(far, 0, 58, 100, 100)
    pen.rect(near, 0, 78, 100, 100)
    for y in (64, 70, 76, 86, 93):
        x = rng.uniform(0, 25)
        while x < 100:
            pen.line(mix(far, (255, 255, 255), 0.35), 0.9, (x, y), (x + 8, y))
            x += rng.uniform(20, 30)


def meadow(pen, far, near, shade, night, rng):
    pen.oval(far, 22, 92, 60, 34)
    pen.oval(mix(far, near, 0.5), 86, 94, 58, 32)
    pen.rect(near, 0, 80, 100, 100)
    for _ in range(12):
        pen.oval(mix(rng.choice(((255, 240, 150), (255, 255, 255), (250, 170, 190))), night, shade),
                 rng.uniform(2, 98), rng.uniform(80, 98), 1.1, 1.1)


def snow(pen, far, near, shade, night, rng):
    for x in (10, 26, 78, 92):
        h = rng.uniform(16, 22)
        pen.poly(mix((74, 116, 108), night, shade), (x - 7, 66), (x, 66 - h), (x + 7, 66))
        pen.poly(far, (x - 3.2, 66 - h * 0.55), (x, 66 - h), (x + 3.2, 66 - h * 0.55))
    pen.oval(near, 24, 90, 58, 28)
    pen.oval(far, 80, 96, 66, 30)
    for _ in range(22):
        pen.oval((255, 255, 255), rng.uniform(1, 99), rng.uniform(1, 70), 0.9, 0.9)


def desert(pen, far, near, shade, night, rng):
    pen.oval(mix(far, near, 0.4), 20, 88, 52, 26)
    pen.oval(far, 84, 92, 60, 32)
    pen.oval(near, 36, 108, 80, 28)
    green = mix((72, 132, 84), night, shade)
    x = rng.choice((11, 89))
    pen.line(green, 4.2, (x, 74), (x, 52))
    pen.line(green, 3, (x, 66), (x - 6, 64), (x - 6, 58))
    pen.line(green, 3, (x, 62), (x + 6, 60), (x + 6, 55))


def mountains(pen, far, near, shade, night, rng):
    rock = mix((104, 118, 152), night, shade)
    for x, h, w in ((18, 40, 32), (82, 44, 34), (50, 30, 30)):
        x += rng.uniform(-4, 4)
        pen.poly(mix(rock, (255, 255, 255), rng.uniform(0, 0.12)), (x - w, 72), (x, 72 - h), (x + w, 72))
        pen.poly(mix((248, 250, 255), night, shade * 0.6), (x - w * 0.26, 72 - h * 0.74), (x, 72 - h),
                 (x + w * 0.26, 72 - h * 0.74), (x + w * 0.08, 72 - h * 0.66), (x - w * 0.08, 72 - h * 0.68))
    pen.rect(far, 0, 68, 100, 100)
    pen.rect(near, 0, 84, 100, 100)


def city(pen, far, near, shade, night, rng):
    wall = mix((160, 152, 172), night, shade)
    lit = (255, 222, 130) if shade else (214, 226, 240)
    for x0 in range(-2, 100, 15):
        h = rng.uniform(24, 50)
        pen.rect(mix(wall, (255, 255, 255), rng.uniform(0, 0.18)), x0, 76 - h, x0 + 13, 78)
        for y in range(int(80 - h), 70, 8):
            for x in (x0 + 3, x0 + 8):
                pen.rect(lit, x, y, x + 2.6, y + 3.4)
    pen.rect(far, 0, 76, 100, 100)
    pen.rect(near, 0, 84, 100, 100)
    for x in range(2, 100, 18):
        pen.rect((236, 232, 214), x, 91, x + 9, 92.4)


def beach(pen, far, near, shade, night, rng):
    water = mix((74, 176, 196), night, shade)
    pen.rect(water, 0, 54, 100, 100)
    pen.oval(mix((250, 252, 252), night, shade * 0.6), 50, 104, 86, 34.5)
    pen.oval(far, 50, 106, 84, 34)
    pen.oval(near, 46, 112, 84, 30)
    x = rng.choice((10, 90))
    side = 1 if x < 50 else -1
    pen.line(mix((134, 96, 62), night, shade), 3, (x, 82), (x + 2 * side, 60), (x + 4 * side, 44))
    leaf = mix((66, 146, 82), night, shade)
    for dx, dy in ((-11, 3), (-8, -6), (8, -7), (12, 2), (1, -9)):
        pen.line(leaf, 3, (x + 4 * side, 44), (x + 4 * side + dx, 44 + dy))


BACKDROPS = {f.__name__: f for f in (sea, meadow, snow, desert, mountains, city, beach)} | MORE_BACKDROPS
