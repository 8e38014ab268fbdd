"""The sixteen objects, each about 56 hundredths of the picture wide and high around 0, 0.

A function `name(p)` draws with the pen `p`: mostly in its main colour, with a darker, a lighter and an accent tone.
"""

from __future__ import annotations

import math

from pen import COLOURS

def sailboat(p):
    p.rect((110, 78, 56), -1.2, -30, 1.2, 14)
    p.poly(p.main, (2.5, -29), (2.5, 9), (25, 9))
    p.poly(p.light, (-2.5, -24), (-2.5, 9), (-19, 9))
    p.curve((120, 76, 52), (-27, 13), (-22, 26, -18, 26, -14, 26), (0, 26, 8, 26, 16, 26), (22, 26, 25, 18, 28, 13), (10, 13, -10, 13, -27, 13))
    p.rect(p.accent, -26, 13, 27, 15.5)


def house(p):
    p.rect(p.main, -20, -6, 20, 25, 1)
    p.rect(p.dark, 9, -26, 15, -8)
    p.poly(p.dark, (-26, -5), (0, -29), (26, -5))
    p.rect(p.ink, -5, 8, 5, 25, 1)
    for x in (-14, 8):
        p.rect((255, 236, 160), x, 0, x + 7, 8, 0.6)


def tree(p):
    p.rect((118, 82, 58), -4, 4, 4, 27, 1)
    for x, y, r in ((-11, -2, 13), (11, -2, 13), (0, -14, 15), (0, 0, 13)):
        p.oval(p.main, x, y, r, r)
    for x, y in ((-9, -8), (6, -16), (10, 0), (-3, 3)):
        p.oval(p.light, x, y, 2.6, 2.6)


def car(p):
    p.curve(p.main, (-17, -2), (-12, -18, -10, -18, -4, -18), (8, -18, 12, -16, 18, -2), (0, 0, 0, 0, -17, -2))
    p.rect(p.main, -28, -3, 28, 15, 6)
    p.poly((210, 232, 246), (-12, -3), (-8, -14), (-1, -14), (-1, -3))
    p.poly((210, 232, 246), (2, -3), (2, -14), (8, -13), (13, -3))
    for x in (-15, 15):
        p.oval(p.ink, x, 15, 7.5, 7.5)
        p.oval((206, 208, 216), x, 15, 3.4, 3.4)
    p.oval((255, 240, 170), 25.5, 3, 2.6, 2.6)


def fish(p):
    p.poly(p.dark, (-14, 0), (-30, -14), (-25, 0), (-30, 14))
    p.poly(p.dark, (-6, -12), (4, -23), (10, -12))
    p.oval(p.main, 3, 0, 22, 15)
    p.oval(p.light, 5, 6, 14, 6)
    p.poly(p.dark, (-2, 2), (-9, 9), (3, 8))
    p.oval((255, 255, 255), 15, -4, 3.8, 3.8)
    p.oval(p.ink, 16, -4, 2, 2)


def cat(p):
    p.line(p.dark, 5, (13, 22), (25, 16), (23, 2))
    p.oval(p.main, 0, 15, 15, 14)
    p.oval(p.light, 0, 18, 8, 9)
    p.poly(p.main, (-15, -10), (-14, -30), (-2, -18))
    p.poly(p.main, (15, -10), (14, -30), (2, -18))
    p.oval(p.main, 0, -9, 16, 13)
    for x in (-6, 6):
        p.oval((255, 255, 255), x, -11, 3.6, 4)
        p.oval(p.ink, x, -11, 1.8, 3.2)
    p.poly((226, 120, 130), (-2, -5), (2, -5), (0, -2.6))
    for s in (-1, 1):
        p.line(p.ink, 0.7, (s * 7, -3), (s * 17, -5))
        p.line(p.ink, 0.7, (s * 7, -1.5), (s * 17, 0))


def star(p):
    points = []
    for k in range(10):
        radius = 29 if k % 2 == 0 else 13
        angle = math.pi * k / 5 - math.pi / 2
        points.append((radius * math.cos(angle), radius * math.sin(angle) + 1))
    p.poly(p.main, *points)
    p.line(p.main, 4, *points, points[0])
    for x in (-5, 5):
        p.oval(p.ink, x, -1, 1.7, 2.4)
    p.line(p.ink, 1.3, (-4, 6), (0, 8), (4, 6))


def balloon(p):
    p.line(p.ink, 0.9, (-10, 6), (-5, 20))
    p.line(p.ink, 0.9, (10, 6), (5, 20))
    p.curve(p.main, (0, 13), (-12, 10, -23, -2, -23, -12), (-23, -36, 23, -36, 23, -12), (23, -2, 12, 10, 0, 13))
    p.curve(p.light, (0, 13), (-6, 8, -9, -2, -9, -12), (-9, -36, 9, -36, 9, -12), (9, -2, 6, 8, 0, 13))
    p.rect((150, 104, 66), -6, 19, 6, 28, 1.5)


def mushroom(p):
    p.curve((246, 232, 208), (-8, 0), (-7, 16, -12, 26, -10, 27), (-4, 28, 4, 28, 10, 27), (12, 26, 7, 16, 8, 0))
    p.curve(p.main, (-27, 2), (-26, -36, 26, -36, 27, 2), (14, 7, -14, 7, -27, 2))
    for x, y, r in ((-14, -8, 4), (0, -19, 4.6), (13, -8, 4), (0, -5, 3)):
        p.oval(p.accent, x, y, r, r)


def flower(p):
    p.line((70, 140, 78), 3, (0, 0), (1, 28))
    p.curve((84, 160, 88), (1, 22), (8, 10, 18, 12, 18, 12), (16, 22, 8, 24, 1, 22))
    for k in range(6):
        angle = math.pi * k / 3
        p.oval(p.main, 13 * math.cos(angle), -11 + 13 * math.sin(angle), 8.2, 8.2)
    p.oval((250, 200, 70) if p.main != COLOURS["yellow"] else (150, 96, 54), 0, -11, 8, 8)


def rocket(p):
    p.poly((255, 170, 60), (-6, 18), (0, 31), (6, 18))
    p.poly((255, 232, 120), (-3, 18), (0, 25), (3, 18))
    p.poly(p.dark, (-9, 4), (-19, 20), (-7, 18))
    p.poly(p.dark, (9, 4), (19, 20), (7, 18))
    p.curve(p.main, (0, -31), (14, -18, 12, 6, 8, 19), (3, 20, -3, 20, -8, 19), (-12, 6, -14, -18, 0, -31))
    p.oval((255, 255, 255), 0, -8, 6, 6)
    p.oval((110, 180, 226), 0, -8, 4.2, 4.2)


def bird(p):
    p.poly(p.dark, (-14, 4), (-30, -4), (-28, 8))
    p.line((232, 150, 50), 1.6, (-2, 16), (-2, 26))
    p.line((232, 150, 50), 1.6, (5, 16), (5, 26))
    p.oval(p.main, 0, 5, 18, 13)
    p.oval(p.main, 13, -9, 10.5, 10.5)
    p.oval(p.light, 5, 10, 9, 6)
    p.curve(p.dark, (-14, 0), (-8, -8, 6, -4, 6, 2), (2, 14, -8, 12, -14, 0))
    p.poly((250, 170, 50), (22, -12), (32, -8), (22, -5))
    p.oval((255, 255, 255), 15, -11, 3, 3)
    p.oval(p.ink, 15.6, -11, 1.7, 1.7)


def heart(p):
    p.curve(p.main, (0, 27), (-34, 4, -32, -24, -15, -24), (-6, -24, -1, -18, 0, -13), (1, -18, 6, -24, 15, -24), (32, -24, 34, 4, 0, 27))
    p.oval(p.light, -14, -13, 5, 4)


def umbrella(p):
    p.line((112, 80, 60), 2.2, (0, -26), (0, 20), (-2, 25), (-7, 25), (-8, 20))
    p.curve(p.main, (-29, 3), (-26, -34, 26, -34, 29, 3), (24, -4, 15, -4, 10, 3), (5, -4, -5, -4, -10, 3), (-15, -4, -24, -4, -29, 3))
    p.curve(p.light, (-10, 3), (-9, -14, -4, -24, 0, -25), (4, -24, 9, -14, 10, 3), (5, -4, -5, -4, -10, 3))


def castle(p):
    p.rect(p.main, -17, -2, 17, 26)
    for x in (-24, 11):
        p.rect(p.main, x, -14, x + 13, 26)
        p.poly(p.dark, (x - 2, -14), (x + 6.5, -30), (x + 15, -14))
        p.rect(p.ink, x + 4.5, -7, x + 8.5, 1, 2)
    for x in (-9, -2.2, 4.6):
        p.rect(p.main, x, -8, x + 4.4, -1)
    p.rect(p.ink, -6, 9, 6, 26, 5)
    p.rect(p.ink, -6, 18, 6, 26)


def apple(p):
    p.line((110, 76, 52), 2.6, (0, -14), (3, -26))
    p.curve((92, 170, 88), (3, -19), (8, -30, 18, -28, 20, -26), (17, -17, 9, -16, 3, -19))
    p.curve(p.main, (0, -14), (-10, -22, -25, -16, -25, 1), (-25, 18, -12, 30, 0, 24), (12, 30, 25, 18, 25, 1), (25, -16, 10, -22, 0, -14))
    p.oval(p.light, -14, -3, 4, 7)


DRAW = {f.__name__: f for f in (
    sailboat, house, tree, car, fish, cat, star, balloon,
    mushroom, flower, rocket, bird, heart, umbrella, castle, apple,
)}
