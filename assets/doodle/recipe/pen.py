"""The pen that draws a scene's flat, antialiased shapes, and the palette of the objects."""

from __future__ import annotations

import skia

COLOURS = {
    "red": (214, 60, 52),
    "orange": (242, 133, 44),
    "yellow": (250, 208, 62),
    "green": (74, 160, 84),
    "blue": (58, 112, 212),
    "purple": (132, 82, 184),
    "pink": (246, 138, 178),
    "white": (246, 243, 236),
}


def argb(rgba):
    """Skia's number for red, green, blue and, if given, alpha, 0 to 255."""
    red, green, blue, *rest = (int(max(0, min(255, c))) for c in rgba)
    return skia.ColorSetARGB(rest[0] if rest else 255, red, green, blue)


def mix(a, b, amount):
    """The colour `amount` of the way from `a` to `b`."""
    return tuple(x + (y - x) * amount for x, y in zip(a, b))


class Pen:
    """Draws filled shapes in the object's colour, darker, lighter or as an accent.

    Coordinates are hundredths of the picture with the object's middle at 0, 0.
    """

    def __init__(self, canvas, colour, rng):
        self.canvas, self.rng = canvas, rng
        self.main = colour
        self.dark = mix(colour, (20, 20, 50), 0.38)
        self.light = mix(colour, (255, 255, 255), 0.45)
        self.accent = (250, 236, 206) if colour != COLOURS["white"] else (196, 200, 214)
        self.ink = (44, 38, 58)

    def _paint(self, colour):
        return skia.Paint(Color=argb(colour), AntiAlias=True)

    def poly(self, colour, *points):
        path = skia.Path()
        path.addPoly([skia.Point(*p) for p in points], True)
        self.canvas.drawPath(path, self._paint(colour))

    def oval(self, colour, x, y, rx, ry):
        self.canvas.drawOval(skia.Rect(x - rx, y - ry, x + rx, y + ry), self._paint(colour))

    def rect(self, colour, x0, y0, x1, y1, radius=0.0):
        self.canvas.drawRoundRect(skia.Rect(x0, y0, x1, y1), radius, radius, self._paint(colour))

    def curve(self, colour, start, *cubics):
        path = skia.Path()
        path.moveTo(*start)
        for cubic in cubics:
            path.cubicTo(*cubic)
        path.close()
        self.canvas.drawPath(path, self._paint(colour))

    def line(self, colour, width, *points):
        path = skia.Path()
        path.addPoly([skia.Point(*p) for p in points], False)
        paint = self._paint(colour)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        self.canvas.drawPath(path, paint)
