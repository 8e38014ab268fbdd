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
MORE_COLOURS = {
    "black": (58, 56, 66),
    "brown": (142, 94, 60),
    "grey": (150, 154, 164),
    "turquoise": (64, 190, 184),
}


def argb(rgba):
    """Skia's number for red, green, blue and, if given, alpha, 0 to 255."""
    red, green, blue, *rest = (int(max(0, min(255, c))) for c in rgba)
    return skia.ColorSetARGB(rest[0] if rest else 255, red, green, blue)


def mix(a, b, amount):
    """The colour `amount` of the way from `a` to `b`."""
    return tuple(x + (y - x) * amount for x, y in zip(a, b))


class Pen:
    """Draws filled shapes in the object's colour, darker, lighter or as an accent, with a contour if asked for.

    Coordinates are hundredths of the picture with the object's middle at 0, 0.
    """

    def __init__(self, canvas, colour, rng, contour_width=0.0):
        self.canvas, self.rng, self.contour_width = canvas, rng, contour_width
        self.main = colour
        self.dark = mix(colour, (20, 20, 50), 0.38)
        self.light = mix(colour, (255, 255, 255), 0.45)
        self.accent = (250, 236, 206) if colour != COLOURS["white"] else (196, 200, 214)
        self.ink = (44, 38, 58)

    def _paint(self, colour):
        return skia.Paint(Color=argb(colour), AntiAlias=True)

    def _stroke(self, colour, width):
        paint = self._paint(colour)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        return paint

    def _fill(self, draw, shape, colour):
        draw(shape, self._paint(colour))
        if self.contour_width:
            draw(shape, self._stroke(self.ink, self.contour_width))

    def poly(self, colour, *points):
        path = skia.Path()
        path.addPoly([skia.Point(*p) for p in points], True)
        self._fill(self.canvas.drawPath, path, colour)

    def oval(self, colour, x, y, rx, ry):
        self._fill(self.canvas.drawOval, skia.Rect(x - rx, y - ry, x + rx, y + ry), colour)

    def rect(self, colour, x0, y0, x1, y1, radius=0.0):
        shape = skia.RRect.MakeRectXY(skia.Rect(x0, y0, x1, y1), radius, radius)
        self._fill(self.canvas.drawRRect, shape, colour)

    def curve(self, colour, start, *cubics):
        path = skia.Path()
        path.moveTo(*start)
        for cubic in cubics:
            path.cubicTo(*cubic)
        path.close()
        self._fill(self.canvas.drawPath, path, colour)

    def line(self, colour, width, *points):
        path = skia.Path()
        path.addPoly([skia.Point(*p) for p in points], False)
        if self.contour_width:
            self.canvas.drawPath(path, self._stroke(self.ink, width + self.contour_width))
        self.canvas.drawPath(path, self._stroke(colour, width))
