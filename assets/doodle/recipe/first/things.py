"""Food, vehicles, buildings, things and shapes of the full setting, drawn as those in `objects.py`."""

from __future__ import annotations

import math

LEAF = (92, 170, 88)
WOOD = (134, 94, 62)
GLASS = (204, 230, 246)
CREAM = (250, 236, 206)
STEEL = (186, 192, 204)


def pear(p):
    p.line(WOOD, 2.4, (0, -22), (3, -31))
    p.curve(LEAF, (2, -26), (8, -33, 16, -30, 17, -28), (14, -22, 8, -22, 2, -26))
    p.curve(p.main, (0, -24), (-10, -24, -8, -8, -14, -2), (-26, 12, -14, 28, 0, 27), (14, 28, 26, 12, 14, -2), (8, -8, 10, -24, 0, -24))
    p.oval(p.light, -9, 9, 4, 7)


def cherry(p):
    p.line((96, 140, 70), 2, (-13, 8), (-4, -14), (6, -27))
    p.line((96, 140, 70), 2, (13, 10), (9, -10), (6, -27))
    p.curve(LEAF, (6, -27), (14, -34, 25, -28, 27, -24), (20, -19, 11, -20, 6, -27))
    for x, y in ((-13, 14), (13, 16)):
        p.oval(p.main, x, y, 12, 12)
        p.oval(p.light, x - 4, y - 4, 3, 3)


def carrot(p):
    for x in (-8, 0, 8):
        p.line(LEAF, 3.6, (0, -14), (x, -30))
    p.curve(p.main, (-12, -12), (-10, -20, 10, -20, 12, -12), (11, 4, 4, 22, 0, 30), (-4, 22, -11, 4, -12, -12))
    for x, y in ((-10, -6), (-2, 4), (-5, 14)):
        p.line(p.dark, 1.3, (x, y), (x + 7, y))


def strawberry(p):
    p.curve(p.main, (0, 29), (-14, 22, -28, -2, -20, -13), (-12, -20, 12, -20, 20, -13), (28, -2, 14, 22, 0, 29))
    for x, y in ((-11, -4), (0, -1), (11, -4), (-6, 8), (6, 8), (0, 17)):
        p.oval(CREAM, x, y, 1.3, 1.9)
    p.poly(LEAF, (-18, -15), (-6, -17), (-5, -27), (1, -18), (9, -26), (8, -17), (18, -14), (8, -10), (0, -13), (-9, -9))


def cake(p):
    p.rect(STEEL, -28, 22, 28, 26, 2)
    p.rect(CREAM, -22, 2, 22, 23, 3)
    p.rect(p.main, -22, -4, 22, 8, 4)
    for x in (-16, -4, 9, 17):
        p.oval(p.main, x, 8, 4, 5)
    for x in (-10, 0, 10):
        p.rect(p.light, x - 1.6, -17, x + 1.6, -4)
        p.oval((255, 196, 70), x, -21, 2, 4)


def ice_cream(p):
    p.poly((226, 172, 104), (-12, 0), (12, 0), (0, 31))
    for x in (-6, 2):
        p.line((190, 134, 76), 1, (x, 1), (x + 6, 14))
    for x, y, r in ((-8, -5, 9), (8, -5, 9), (0, -16, 11)):
        p.oval(p.main, x, y, r, r)
    p.oval(p.light, -4, -20, 3.4, 3)


def cup(p):
    p.oval(p.dark, 19, 5, 10, 10)
    p.oval(CREAM, 19, 5, 5.4, 5.4)
    p.curve(p.main, (-20, -11), (-20, 12, -16, 25, 0, 25), (14, 25, 19, 12, 19, -11))
    p.oval(p.light, 0, -11, 19.5, 5)
    p.oval((112, 72, 50), 0, -10.5, 15.5, 3.2)
    for x in (-6, 4):
        p.line((240, 240, 244), 1.8, (x, -18), (x + 3, -23), (x, -28))


def bus(p):
    p.rect(p.main, -29, -20, 29, 17, 5)
    for x in (-24, -11, 2):
        p.rect(GLASS, x, -13, x + 10, -1, 1.5)
    p.rect(GLASS, 16, -13, 25, 14, 1.5)
    p.rect(p.dark, -29, 5, 14, 8)
    for x in (-15, 12):
        p.oval(p.ink, x, 18, 7, 7)
        p.oval(STEEL, x, 18, 3, 3)


def train(p):
    p.rect(p.main, -8, -8, 24, 14, 4)
    p.rect(p.dark, -28, -22, -6, 14, 2)
    p.rect(GLASS, -23, -16, -11, -5, 1)
    p.poly(p.ink, (12, -8), (10, -24), (20, -24), (18, -8))
    p.poly(STEEL, (22, 14), (31, 21), (20, 21))
    for x, r in ((-19, 9), (2, 6.5), (17, 6.5)):
        p.oval(p.ink, x, 26 - r, r, r)
        p.oval(STEEL, x, 26 - r, r * 0.4, r * 0.4)


def aeroplane(p):
    p.poly(p.dark, (-20, -2), (-30, -18), (-21, -17), (-10, -3))
    p.curve(p.main, (-28, 0), (-10, -10, 18, -12, 29, -2), (31, 2, 26, 8, 14, 9), (-6, 10, -22, 6, -28, 0))
    p.poly(p.light, (4, 2), (-12, 22), (-4, 22), (16, 4))
    p.curve(GLASS, (17, -6), (22, -6, 26, -3, 27, -1), (24, 0, 20, 0, 16, -1))
    for x in (-12, -4, 4):
        p.oval(GLASS, x, -2, 2, 2.2)


def tractor(p):
    p.rect(p.main, -6, -4, 24, 12, 3)
    p.rect(p.main, -22, -6, 0, 12, 2)
    p.poly(GLASS, (-20, -6), (-17, -22), (-3, -22), (-1, -6))
    p.rect(p.dark, -22, -25, 1, -21, 1)
    p.rect(p.ink, 14, -16, 17, -4)
    for x, r in ((-13, 13), (18, 8)):
        p.oval(p.ink, x, 27 - r, r, r)
        p.oval(p.accent, x, 27 - r, r * 0.45, r * 0.45)


def lighthouse(p):
    p.poly((250, 246, 238), (-10, 26), (-6, -14), (6, -14), (10, 26))
    for top in (-6, 8):
        low, high = 8 + top / 8, 8 + (top + 7) / 8
        p.poly(p.main, (-low, top), (low, top), (high, top + 7), (-high, top + 7))
    p.rect((255, 226, 120), -5, -23, 5, -14)
    p.rect(p.ink, -8, -15, 8, -13)
    p.poly(p.main, (-7, -23), (0, -31), (7, -23))
    p.rect(p.ink, -3, 17, 3, 26, 2)


def windmill(p):
    p.poly(p.main, (-13, 27), (-8, -8), (8, -8), (13, 27))
    p.poly(p.dark, (-10, -8), (0, -18), (10, -8))
    p.rect(p.ink, -4, 14, 4, 27, 3)
    for k in range(4):
        angle = math.pi * (k / 2 + 0.22)
        across, along = (math.sin(angle), -math.cos(angle)), (math.cos(angle), math.sin(angle))
        tip = (along[0] * 25, along[1] * 25 - 8)
        root = (along[0] * 4, along[1] * 4 - 8)
        p.poly(p.accent, root, tip, (tip[0] + across[0] * 7, tip[1] + across[1] * 7), (root[0] + across[0] * 7, root[1] + across[1] * 7))
        p.line(WOOD, 1.6, (0, -8), tip)
    p.oval(WOOD, 0, -8, 2.6, 2.6)


def tent(p):
    p.poly(p.main, (-29, 25), (0, -25), (29, 25))
    p.poly(p.light, (-29, 25), (0, -25), (-8, 25))
    p.poly(p.ink, (-9, 25), (0, -6), (9, 25))
    p.line(WOOD, 1.8, (-2, -29), (0, -24), (2, -29))


def guitar(p):
    p.rect(WOOD, -2, -24, 2, 4)
    p.rect(p.ink, -4, -31, 4, -22, 1.5)
    p.curve(p.main, (0, 0), (-10, -4, -15, 4, -10, 10), (-20, 14, -16, 29, 0, 29), (16, 29, 20, 14, 10, 10), (15, 4, 10, -4, 0, 0))
    p.oval(p.ink, 0, 11, 4.6, 4.6)
    p.rect(WOOD, -6, 20, 6, 22.5)


def key(p):
    p.oval(p.main, -16, 0, 13, 13)
    p.oval(CREAM, -17, 0, 6, 6)
    p.rect(p.main, -5, -3, 29, 3, 1)
    for x in (15, 23):
        p.rect(p.main, x, 2, x + 4.4, 11, 0.6)


def clock(p):
    for x in (-13, 13):
        p.line(p.dark, 4, (x, 20), (x * 1.3, 28))
    p.oval(p.main, 0, 0, 26, 26)
    p.oval((252, 248, 240), 0, 0, 20, 20)
    for k in range(12):
        angle = math.pi * k / 6
        p.oval(p.ink, 16.5 * math.cos(angle), 16.5 * math.sin(angle), 1.1, 1.1)
    p.line(p.ink, 2.4, (0, 0), (0, -13))
    p.line(p.ink, 2.4, (0, 0), (9, 5))


def book(p):
    p.poly(p.main, (-29, -15), (0, -10), (29, -15), (29, 18), (0, 23), (-29, 18))
    for s in (-1, 1):
        p.poly((252, 246, 230), (0, -11), (s * 26, -17), (s * 26, 13), (0, 19))
        for y in (-8, -2, 4):
            p.line(STEEL, 1.4, (s * 5, y), (s * 20, y - 3))


def lamp(p):
    p.rect(STEEL, -1.8, 2, 1.8, 24)
    p.oval(p.dark, 0, 25, 13, 4)
    p.oval((255, 236, 150), 0, 3, 8, 5)
    p.poly(p.main, (-11, -24), (11, -24), (22, 3), (-22, 3))


def chair(p):
    for x in (-15, 12):
        p.rect(p.dark, x, 6, x + 4, 28, 1)
    p.rect(p.main, -16, -28, 16, 2, 4)
    for x in (-8, 0, 8):
        p.line(p.light, 2.4, (x, -22), (x, -4))
    p.rect(p.main, -19, 0, 19, 9, 3)


def hat(p):
    p.oval(p.dark, 0, 14, 30, 8)
    p.curve(p.main, (-18, 14), (-18, -10, -16, -22, -6, -20), (0, -16, 0, -16, 6, -20), (16, -22, 18, -10, 18, 14))
    p.curve(p.light, (-18, 6), (-6, 11, 6, 11, 18, 6), (18, 10, 18, 12, 18, 13), (6, 18, -6, 18, -18, 13))


def shoe(p):
    p.curve(p.main, (-26, -14), (-18, -18, -10, -16, -7, -12), (0, 0, 8, 4, 20, 6), (29, 8, 30, 16, 28, 18), (8, 20, -12, 20, -27, 18))
    p.rect((250, 246, 238), -28, 16, 29, 22, 3)
    for x in (-6, 0, 6):
        p.line((250, 246, 238), 2, (x, 1 + x / 3), (x + 5, -6 + x / 3))


def crown(p):
    p.poly(p.main, (-26, 18), (-29, -16), (-13, 0), (0, -24), (13, 0), (29, -16), (26, 18))
    p.rect(p.dark, -26, 14, 26, 22, 1.5)
    for x, y in ((-29, -18), (0, -26), (29, -18)):
        p.oval(p.light, x, y, 3.4, 3.4)
    for x in (-14, 0, 14):
        p.oval(p.accent, x, 18, 2.6, 2.6)


def gift(p):
    p.rect(p.main, -22, -6, 22, 26, 2)
    p.rect(p.dark, -25, -12, 25, -3, 2)
    p.rect(p.accent, -4, -12, 4, 26)
    for s in (-1, 1):
        p.curve(p.accent, (0, -12), (s * 4, -28, s * 20, -30, s * 20, -20), (s * 19, -14, s * 8, -12, 0, -12))


def ball(p):
    p.oval(p.main, 0, 0, 27, 27)
    p.curve(p.light, (0, -27), (-14, -14, -14, 14, 0, 27), (14, 14, 14, -14, 0, -27))
    p.oval(p.accent, 0, -22, 6, 4)


def robot(p):
    p.line(p.ink, 1.6, (0, -22), (0, -29))
    p.oval((240, 110, 90), 0, -29, 2.6, 2.6)
    p.rect(p.light, -14, -23, 14, -3, 4)
    for x in (-6, 6):
        p.oval((255, 255, 255), x, -14, 4, 4)
        p.oval(p.ink, x, -14, 2, 2)
    p.rect(p.main, -17, -1, 17, 20, 3)
    p.rect(p.dark, -8, 4, 8, 14, 1.5)
    for s in (-1, 1):
        p.line(p.dark, 4, (s * 18, 3), (s * 26, 14))
        p.rect(p.dark, s * 9 - 4, 20, s * 9 + 4, 29, 1)


def snowman(p):
    for y, r in ((15, 14), (-4, 10.5), (-19, 8)):
        p.oval((250, 252, 255), 0, y, r, r)
    p.rect(p.main, -9, -13, 9, -9, 2)
    p.rect(p.main, 3, -11, 8, 1, 1.5)
    p.rect(p.main, -7, -34, 7, -25)
    p.rect(p.main, -11, -27, 11, -24, 1)
    for x in (-3, 3):
        p.oval(p.ink, x, -20, 1.2, 1.2)
    p.poly((242, 140, 50), (0, -18), (9, -16.5), (0, -15.5))
    for s in (-1, 1):
        p.line(WOOD, 1.6, (s * 10, -4), (s * 24, -12))


def kite(p):
    p.line(p.ink, 1, (-2, 14), (4, 22), (-4, 27), (4, 31))
    p.poly(p.main, (0, -30), (20, -8), (0, 16), (-20, -8))
    p.poly(p.light, (0, -30), (0, -8), (-20, -8))
    p.poly(p.dark, (0, -8), (20, -8), (0, 16))
    for y in (21, 27):
        p.poly(p.main, (-4, y - 3), (5, y + 2), (-4, y + 3), (5, y - 2))


def bell(p):
    p.oval(p.dark, 0, 22, 6, 6)
    p.oval(p.dark, 0, -25, 4, 4)
    p.curve(p.main, (0, -25), (-18, -24, -14, 2, -24, 17), (-8, 22, 8, 22, 24, 17), (14, 2, 18, -24, 0, -25))
    p.line(p.light, 3, (-9, -8), (-12, 8))


def drum(p):
    p.curve(p.main, (-24, -9), (-24, 4, -24, 12, -24, 17), (-14, 27, 14, 27, 24, 17), (24, 12, 24, 4, 24, -9))
    for x in (-24, -8, 8):
        p.line(p.accent, 1.6, (x, -6), (x + 8, 21), (x + 16, -6))
    p.oval(CREAM, 0, -9, 24, 7)
    for s in (-1, 1):
        p.line(WOOD, 2.2, (s * 4, -11), (s * 22, -28))
        p.oval(WOOD, s * 4, -11, 2.4, 2.4)


def circle(p):
    p.oval(p.main, 0, 0, 26, 26)


def square(p):
    p.rect(p.main, -24, -24, 24, 24)


def triangle(p):
    p.poly(p.main, (-27, 23), (0, -26), (27, 23))


DRAW = {f.__name__.replace("_", " "): f for f in (
    pear, cherry, carrot, strawberry, cake, ice_cream, cup, bus, train, aeroplane, tractor, lighthouse, windmill, tent,
    guitar, key, clock, book, lamp, chair, hat, shoe, crown, gift, ball, robot, snowman, kite, bell, drum,
    circle, square, triangle,
)}
