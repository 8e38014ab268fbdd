"""Makes tests/fixtures/fonts/ideograph.ttf: a box for U+65E5 (the ideograph for "day") and a bar for U+0627 (alef).

noto_color_emoji_rocket.ttf beside it is the glyph of U+1F680 alone, of Noto Color Emoji (SIL Open Font License 1.1):
    pyftsubset NotoColorEmoji.ttf --unicodes=1F680 --layout-features= --no-layout-closure
noto_color_emoji_astronaut.ttf, of the same font, has a woman, a rocket and what both are joined:
    pyftsubset NotoColorEmoji.ttf --unicodes=1F469,200D,1F680 --layout-features=ccmp
"""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

FOLDER = Path(__file__).parent.parent / "fixtures" / "fonts"


def box(left, bottom, right, top):
    pen = TTGlyphPen(None)
    pen.moveTo((left, bottom))
    for point in [(left, top), (right, top), (right, bottom)]:
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


def main():
    builder = FontBuilder(1000, isTTF=True)
    glyphs = {
        ".notdef": box(0, 0, 500, 700),
        "ideograph": box(100, -100, 900, 800),
        "alef": box(100, 0, 200, 700),
        # In the character map, but nothing to be seen.
        "hollow": TTGlyphPen(None).glyph(),
    }
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({0x65E5: "ideograph", 0x0627: "alef", 0x2603: "hollow"})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (1000, 100) for name in glyphs})
    builder.setupHorizontalHeader(ascent=900, descent=-200)
    builder.setupNameTable({"familyName": "Limn test", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    FOLDER.mkdir(exist_ok=True)
    builder.save(FOLDER / "ideograph.ttf")


if __name__ == "__main__":
    main()
