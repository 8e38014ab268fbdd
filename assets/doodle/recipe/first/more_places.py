"""Nine more places for the full setting, drawn as those in `places.py`."""

from __future__ import annotations

from pen import mix

WHITE = (255, 255, 255)


def forest(pen, far, near, shade, night, rng):
    pen.rect(far, 0, 60, 100, 100)
    for x in range(-4, 108, 9):
        top, trunk = rng.uniform(14, 34), mix((104, 76, 60), night, shade)
        leaf = mix(mix((56, 112, 74), (92, 150, 84), rng.random()), night, shade)
        pen.rect(trunk, x - 1.2, 56, x + 1.2, 68)
        for k in range(3):
            y, half = top + 13 * k, 5 + 2.2 * k
            pen.poly(leaf, (x - half, y + 17), (x, y), (x + half, y + 17))
    pen.rect(near, 0, 76, 100, 100)


def room(pen, far, near, shade, night, rng):
    pen.rect(mix(rng.choice(((244, 226, 196), (206, 222, 214), (232, 206, 206))), night, shade), 0, 0, 100, 76)
    x = rng.choice((6, 68))
    pen.rect(mix((250, 248, 242), night, shade), x, 10, x + 26, 38, 1)
    pen.rect({0.0: (164, 210, 242), 0.22: (246, 162, 116)}.get(shade, (28, 36, 82)), x + 2, 12, x + 24, 36)
    pen.rect(mix((250, 248, 242), night, shade), x + 12.2, 12, x + 13.8, 36)
    pen.rect(mix((250, 248, 242), night, shade), 0, 74, 100, 77)
    pen.rect(far, 0, 77, 100, 100)
    for x in range(-10, 110, 20):
        pen.line(near, 0.8, (x, 100), (50 + (x - 50) * 0.8, 77))
    pen.oval(mix((196, 92, 88), night, shade), 50, 91, 38, 6)


def space(pen, far, near, shade, night, rng):
    pen.rect(mix((38, 26, 72), night, shade), 0, 0, 100, 100)
    for _ in range(34):
        pen.oval((236, 236, 255), rng.uniform(1, 99), rng.uniform(1, 99), 0.7, 0.7)
    x = rng.choice((16, 84))
    pen.oval(far, x, 20, 10, 10)
    pen.oval(near, x + 3, 22, 7, 7)
    pen.oval(mix((226, 170, 120), night, shade / 2), 100 - x, 90, 16, 16)
    pen.line(mix((246, 214, 170), night, shade / 2), 1.6, (100 - x - 24, 96), (100 - x + 24, 84))


def underwater(pen, far, near, shade, night, rng):
    pen.rect(mix((38, 132, 170), night, shade), 0, 0, 100, 100)
    for k, y in enumerate((8, 24, 42)):
        pen.rect(mix(mix((38, 132, 170), WHITE, 0.16 - 0.05 * k), night, shade), 0, y - 8, 100, y + 6)
    pen.oval(far, 26, 98, 58, 20)
    pen.oval(near, 82, 102, 50, 22)
    for x in (6, 13, 88, 95):
        h, weed = rng.uniform(14, 26), mix((54, 146, 96), night, shade)
        pen.line(weed, 2.6, (x, 88), (x + 2, 88 - h / 2), (x - 1, 88 - h))
    for _ in range(10):
        pen.oval((214, 240, 250), rng.uniform(4, 96), rng.uniform(4, 76), 1.3, 1.3)


def river(pen, far, near, shade, night, rng):
    pen.rect(far, 0, 58, 100, 100)
    water = mix((82, 164, 208), night, shade)
    side = rng.choice((-1, 1))
    bank = [(50 + side * dx, y) for dx, y in ((-4, 58), (4, 58), (-2, 68), (26, 80), (44, 100), (-30, 100), (-12, 82), (-14, 70))]
    pen.poly(water, *bank)
    for x in (12, 88):
        pen.oval(near, x, 56, 15, 9)
    for dx, y in ((0, 76), (8, 86), (2, 94)):
        pen.line(mix(water, WHITE, 0.4), 0.9, (50 + side * dx, y), (57 + side * dx, y))


def garden(pen, far, near, shade, night, rng):
    pen.rect(far, 0, 62, 100, 100)
    for x in range(0, 100, 9):
        pen.poly(mix((252, 250, 244), night, shade), (x + 1, 74), (x + 1, 50), (x + 4, 46), (x + 7, 50), (x + 7, 74))
    pen.rect(mix((252, 250, 244), night, shade), 0, 56, 100, 59)
    pen.rect(near, 0, 74, 100, 100)
    for x in range(4, 100, 12):
        y, petal = rng.uniform(80, 94), rng.choice(((236, 92, 96), (250, 206, 92), (188, 118, 208)))
        pen.line(mix((72, 132, 72), night, shade), 1.2, (x, y), (x, y + 5))
        for dx, dy in ((-1.4, 0), (1.4, 0), (0, -1.4), (0, 1.4)):
            pen.oval(mix(petal, night, shade), x + dx, y + dy, 1.4, 1.4)


def road(pen, far, near, shade, night, rng):
    pen.oval(far, 20, 84, 60, 26)
    pen.oval(mix(far, near, 0.2), 84, 86, 58, 26)
    pen.rect(far, 0, 76, 100, 100)
    pen.poly(near, (42, 70), (58, 70), (108, 100), (-8, 100))
    for low, high, half in ((74, 78, 0.8), (83, 88, 1.3), (94, 100, 2)):
        pen.poly((244, 240, 226), (50 - half, low), (50 + half, low), (50 + half * 1.5, high), (50 - half * 1.5, high))
    for x in (8, 92):
        pen.line(mix((90, 96, 108), night, shade), 1.4, (x, 80), (x, 44))
        pen.oval((255, 232, 150) if shade else (230, 236, 240), x, 43, 2.6, 2.6)


def volcano(pen, far, near, shade, night, rng):
    x = 50 + rng.uniform(-12, 12)
    for k in range(4):
        pen.oval(mix((186, 182, 188), night, shade), x + rng.uniform(-9, 9), 16 - 4 * k, 8, 5.5)
    pen.poly(mix((120, 96, 96), night, shade), (x - 46, 76), (x - 10, 22), (x + 10, 22), (x + 46, 76))
    pen.poly((244, 116, 60), (x - 10, 22), (x + 10, 22), (x + 7, 32), (x + 3, 28), (x, 40), (x - 4, 29), (x - 8, 34))
    pen.rect(far, 0, 74, 100, 100)
    pen.rect(near, 0, 86, 100, 100)


def plain(pen, far, near, shade, night, rng):
    colour = rng.choice(((250, 226, 220), (220, 236, 250), (226, 244, 226), (250, 244, 214), (236, 226, 246), (236, 236, 238)))
    pen.rect(mix(colour, night, shade), 0, 0, 100, 100)


MORE_GROUNDS = {
    "forest": ((104, 146, 92), (84, 122, 78)),
    "room": ((196, 152, 108), (164, 122, 84)),
    "space": ((188, 120, 186), (150, 88, 156)),
    "underwater": ((226, 206, 150), (206, 184, 128)),
    "river": ((138, 188, 102), (98, 152, 84)),
    "garden": ((128, 184, 98), (98, 158, 82)),
    "road": ((136, 176, 104), (96, 98, 110)),
    "volcano": ((112, 98, 98), (86, 76, 80)),
    "plain": ((236, 236, 236), (226, 226, 226)),
}
MORE_BACKDROPS = {f.__name__: f for f in (forest, room, space, underwater, river, garden, road, volcano, plain)}
