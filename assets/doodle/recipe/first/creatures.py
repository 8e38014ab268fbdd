"""Animals of the full setting, drawn as those in `objects.py`."""

from __future__ import annotations


def eye(p, x, y, size=1.0):
    p.oval((255, 255, 255), x, y, 3.4 * size, 3.8 * size)
    p.oval(p.ink, x + 0.4, y, 1.8 * size, 2.6 * size)


def dog(p):
    p.line(p.dark, 4.5, (-17, 14), (-27, 4), (-27, -4))
    p.rect(p.main, -19, 4, 14, 19, 7)
    for x in (-17, -8, 3, 9):
        p.rect(p.main, x, 14, x + 5, 27, 2)
    p.oval(p.main, 13, -9, 13, 12)
    p.oval(p.light, 20, -4, 8, 6)
    p.oval(p.ink, 26, -6, 3, 2.4)
    p.oval(p.dark, 4, -9, 4.6, 10)
    eye(p, 14, -13)


def rabbit(p):
    for x in (-7, 7):
        p.oval(p.main, x, -21, 5, 11)
        p.oval(p.light, x, -20, 2.4, 8)
    p.oval(p.main, 0, 15, 14, 13)
    p.oval(p.light, 0, 18, 7, 8)
    p.oval((255, 255, 255), 14, 20, 5, 5)
    p.oval(p.main, 0, -4, 13, 11)
    for x in (-5, 5):
        eye(p, x, -6)
    p.poly((226, 120, 130), (-2, 0), (2, 0), (0, 2.4))


def butterfly(p):
    for s in (-1, 1):
        p.curve(p.main, (0, -2), (s * 6, -24, s * 30, -28, s * 28, -12), (s * 27, 0, s * 10, 4, 0, 2))
        p.curve(p.dark, (0, 2), (s * 10, 4, s * 24, 8, s * 20, 19), (s * 15, 28, s * 4, 16, 0, 8))
        p.oval(p.light, s * 18, -13, 5, 4.5)
        p.line(p.ink, 1.1, (0, -12), (s * 6, -22))
    p.oval(p.ink, 0, 0, 2.6, 15)


def turtle(p):
    for x in (-15, 12):
        p.oval((120, 170, 100), x, 16, 5.5, 7)
    p.oval((120, 170, 100), 25, 2, 8, 7)
    p.poly((120, 170, 100), (-22, 8), (-31, 13), (-20, 14))
    p.curve(p.main, (-25, 12), (-24, -28, 20, -28, 22, 12))
    for x, y, r in ((-13, 2, 5), (-1, -8, 5.5), (11, 1, 5)):
        p.oval(p.dark, x, y, r, r * 0.85)
    p.oval(p.ink, 28, 0, 1.6, 2)


def whale(p):
    p.poly(p.dark, (-20, 2), (-31, -14), (-22, -12), (-17, -17), (-12, 0))
    p.curve(p.main, (-24, 2), (-10, 6, -8, -20, 10, -20), (28, -20, 32, 2, 24, 12), (14, 24, -20, 22, -24, 2))
    p.curve(p.light, (-12, 14), (0, 10, 16, 12, 26, 8), (20, 20, 0, 22, -12, 14))
    p.line((180, 220, 244), 2, (8, -21), (8, -29))
    for s in (-1, 1):
        p.line((180, 220, 244), 2, (8, -28), (8 + 6 * s, -31), (8 + 9 * s, -27))
    eye(p, 17, -4, 0.8)


def snail(p):
    p.curve((236, 208, 168), (-28, 24), (-20, 12, 8, 18, 16, 2), (14, -10, 28, -10, 28, 2), (28, 18, 20, 25, -28, 24))
    for x in (20, 26):
        p.line((236, 208, 168), 2, (x, -4), (x + 2, -16))
        p.oval(p.ink, x + 2, -17, 2, 2)
    p.oval(p.main, -4, 2, 18, 18)
    p.oval(p.light, -4, 2, 12, 12)
    p.oval(p.dark, -4, 2, 6, 6)


def penguin(p):
    for x in (-7, 7):
        p.oval((246, 164, 60), x, 26, 6, 3)
    for s in (-1, 1):
        p.curve(p.dark, (s * 14, -6), (s * 28, 4, s * 26, 14, s * 22, 16), (s * 20, 10, s * 16, 10, s * 14, -6))
    p.oval(p.main, 0, 0, 18, 26)
    p.oval((250, 248, 242), 0, 6, 12, 18)
    for x in (-6, 6):
        eye(p, x, -13)
    p.poly((246, 164, 60), (-4, -8), (4, -8), (0, -2))


def owl(p):
    for s in (-1, 1):
        p.poly(p.dark, (s * 4, -22), (s * 15, -31), (s * 16, -16))
    p.oval(p.main, 0, 1, 20, 25)
    p.oval(p.light, 0, 9, 12, 15)
    for s in (-1, 1):
        p.oval(p.dark, s * 18, 6, 5, 14)
        p.oval((255, 255, 255), s * 8, -10, 7.5, 7.5)
        p.oval(p.ink, s * 8, -10, 3.4, 3.4)
    p.poly((246, 164, 60), (-3, -5), (3, -5), (0, 2))


def duck(p):
    p.curve(p.main, (-28, 0), (-20, 8, -6, -2, 6, 2), (24, 4, 22, 24, 0, 24), (-18, 24, -26, 14, -28, 0))
    p.oval(p.main, 10, -12, 12, 11.5)
    p.curve(p.dark, (-12, 8), (-2, 2, 8, 6, 8, 12), (2, 20, -8, 18, -12, 8))
    p.curve((246, 150, 50), (19, -12), (24, -14, 30, -12, 31, -9), (28, -5, 22, -6, 19, -7))
    eye(p, 13, -15, 0.8)


def octopus(p):
    for x in (-20, -12, -4, 4, 12, 20):
        p.line(p.main, 5.5, (x * 0.6, 4), (x, 16), (x * 1.2, 25))
    p.oval(p.main, 0, -8, 20, 20)
    for x, y in ((-10, -22), (0, -24), (11, -21)):
        p.oval(p.light, x, y, 2.6, 2.2)
    for x in (-7, 7):
        eye(p, x, -7, 1.2)
    p.line(p.ink, 1.3, (-4, 3), (0, 5), (4, 3))


def ladybird(p):
    for x in (-12, 0, 12):
        p.line(p.ink, 2, (x, 10), (x, 23))
    p.oval(p.ink, 20, 2, 9, 9)
    p.curve(p.main, (-27, 14), (-28, -26, 20, -26, 21, 14))
    p.line(p.ink, 1.4, (-2, -16), (-5, 13))
    for x, y in ((-16, -2), (-12, 8), (8, -4), (11, 7)):
        p.oval(p.ink, x, y, 3.4, 3.4)
    p.oval((255, 255, 255), 23, -1, 2.6, 2.6)
    for x in (22, 26):
        p.line(p.ink, 1, (x, -5), (x + 4, -14))


def bear(p):
    for x in (-12, 12):
        p.oval(p.main, x, -24, 6, 6)
        p.oval(p.light, x, -24, 3, 3)
    for x in (-11, 11):
        p.oval(p.dark, x, 24, 7, 5)
    p.oval(p.main, 0, 13, 17, 15)
    p.oval(p.light, 0, 15, 10, 10)
    p.oval(p.main, 0, -12, 17, 14)
    p.oval(p.light, 0, -7, 8, 6)
    p.oval(p.ink, 0, -9, 3, 2.2)
    for x in (-8, 8):
        p.oval(p.ink, x, -15, 2, 2.4)


DRAW = {f.__name__: f for f in (
    dog, rabbit, butterfly, turtle, whale, snail, penguin, owl, duck, octopus, ladybird, bear,
)}
