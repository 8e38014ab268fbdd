"""Makes tests/fixtures/pictures: one small picture in the formats that Limn reads and does not write.

    python tests/reference/make_pictures.py

Red at the top left, blue elsewhere, 24×16. Each file is by the library that is the reference for its format, or the
one that designers' programs use.
"""

import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_jxl  # noqa: F401 registers JPEG XL with Pillow
import tifffile
from PIL import Image

OUT = Path(__file__).parent.parent / "fixtures" / "pictures"
WIDTH, HEIGHT = 24, 16
RED, BLUE = (250, 20, 10), (10, 20, 250)
# An Exif block with the one entry 0x0112: a quarter clockwise.
TURNED = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


def sample():
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:] = BLUE
    pixels[:8, :8] = RED
    return pixels


def see_through(pixels):
    """The lower half lets half of what is below through."""
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[8:] = 128
    return np.concatenate([pixels, alpha], axis=2)


def by_pillow(pixels):
    picture, clear = Image.fromarray(pixels), Image.fromarray(see_through(pixels))
    few = picture.quantize(16)
    few.save(OUT / "still.gif")
    few.save(OUT / "animated.gif", save_all=True, append_images=[few.rotate(180)] * 3)
    picture.save(OUT / "rgb.bmp")
    picture.save(OUT / "packed.tga", compression="tga_rle")
    clear.save(OUT / "alpha.tga")
    picture.save(OUT / "rgb.ppm")
    picture.save(OUT / "rgb.qoi")
    large = picture.resize((48, 32), 0)
    large.save(OUT / "sizes.ico", sizes=[(24, 16), (48, 32)])
    picture.resize((32, 32), 0).save(OUT / "bitmap.ico", sizes=[(32, 32)], bitmap_format="bmp")
    picture.save(OUT / "eight.avif", quality=95)
    clear.save(OUT / "alpha.avif", quality=95)
    picture.save(OUT / "turned.avif", quality=95, exif=TURNED)
    picture.save(OUT / "lossy.jxl", quality=95)
    clear.save(OUT / "alpha.jxl", lossless=True)
    picture.save(OUT / "lzw.tif", compression="tiff_lzw")
    picture.save(OUT / "turned.tif", tiffinfo={274: 6})
    picture.convert("CMYK").save(OUT / "cmyk.tif")
    picture.convert("CMYK").save(OUT / "cmyk.jpg", quality=95)
    picture.convert("YCbCr").save(OUT / "ycbcr.tif")
    clear.save(OUT / "alpha.tif")
    few.save(OUT / "palette.tif")


def by_others(pixels):
    deep = pixels.astype(np.uint16) * 257
    rgb = {"photometric": "rgb"}
    tifffile.imwrite(OUT / "deep.tif", deep, **rgb)
    tifffile.imwrite(
        OUT / "tiles.tif", np.tile(deep, (3, 3, 1)), tile=(16, 16), compression="zlib", predictor=True, **rgb
    )
    tifffile.imwrite(OUT / "planar.tif", np.moveaxis(pixels, 2, 0), planarconfig="separate", **rgb)
    tifffile.imwrite(OUT / "float.tif", (pixels / 255).astype(np.float32), **rgb)
    tifffile.imwrite(OUT / "half.tif", (pixels / 255).astype(np.float16), **rgb)
    tifffile.imwrite(OUT / "big.tif", pixels, bigtiff=True, **rgb)
    tifffile.imwrite(OUT / "pages.tif", np.stack([pixels, 255 - pixels]), **rgb)
    half = np.concatenate([pixels // 2, np.full((HEIGHT, WIDTH, 1), 128, np.uint8)], axis=2)
    tifffile.imwrite(OUT / "premultiplied.tif", half, extrasamples=["assocalpha"], **rgb)
    # A camera's raw file: a small preview first, the picture in a directory below it.
    with tifffile.TiffWriter(OUT / "raw.tif") as file:
        file.write(pixels, subifds=1, subfiletype=1, **rgb)
        file.write(np.tile(deep, (2, 2, 1)), **rgb)
    (OUT / "ten.avif").write_bytes(imagecodecs.avif_encode(pixels.astype(np.uint16) * 4, level=95, bitspersample=10))
    (OUT / "full.avif").write_bytes(imagecodecs.avif_encode(pixels, level=100))


def photoshop(mode, planes, *, depth=8, n_layers=0, large=False, packed=True):
    """A file as Photoshop writes it: header, no palette, no resources, layers, planes."""
    n_channels, height, width = planes.shape
    header = b"8BPS" + struct.pack(">H6xHIIHH", 2 if large else 1, n_channels, height, width, depth, mode)
    length = ">Q" if large else ">I"
    info = struct.pack(">h", n_layers) + bytes(10)
    layers = struct.pack(length, len(info)) + info
    layers = struct.pack(length, len(layers)) + layers
    rows = [row.astype(">u2" if depth == 16 else np.uint8).tobytes() for plane in planes for row in plane]
    if packed:
        rows = [imagecodecs.packbits_encode(row) for row in rows]
        lengths = b"".join(struct.pack(">I" if large else ">H", len(row)) for row in rows)
    else:
        lengths = b""
    return header + bytes(8) + layers + struct.pack(">H", int(packed)) + lengths + b"".join(rows)


def by_photoshop(pixels):
    planes = np.moveaxis(pixels, 2, 0)
    files = {
        "rgb.psd": photoshop(3, planes, n_layers=1),
        "raw.psd": photoshop(3, planes, packed=False),
        "deep.psd": photoshop(3, planes.astype(np.uint16) * 257, depth=16),
        "large.psb": photoshop(3, planes, large=True),
        # A fourth channel that is a selection, and one that is transparency, laid over white.
        "selection.psd": photoshop(3, np.concatenate([planes, planes[:1] * 0]), n_layers=1),
    }
    over_white = ((planes.astype(int) * 128 + 255 * 127 + 127) // 255).astype(np.uint8)
    files["alpha.psd"] = photoshop(3, np.concatenate([over_white, planes[:1] * 0 + 128]), n_layers=-1)
    inks = np.moveaxis(np.array(Image.fromarray(pixels).convert("CMYK")), 2, 0)
    files["cmyk.psd"] = photoshop(4, 255 - inks)
    for name, file in files.items():
        (OUT / name).write_bytes(file)


def png(pixels):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def damaged_png():
    """A list of colours that ends within the third, over which a decoder once broke."""

    def chunk(kind, contents):
        checksum = zlib.crc32(kind + contents)
        return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", checksum)

    rows = (b"\0" + bytes(i * 37 % 256 for i in range(8))) * 8
    header = struct.pack(">IIBBBBB", 8, 8, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", bytes(7)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    file = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)
    (OUT / "palette-cut-short.png").write_bytes(file)


def open_raster(pixels):
    """As Krita and MyPaint write it: groups, a moved layer, a blend mode."""
    stack = """<?xml version='1.0' encoding='UTF-8'?>
<image w="24" h="16" version="0.0.6"><stack>
 <stack name="Group" opacity="0.5" visibility="visible">
  <layer name="Ink &amp; wash" src="data/1.png" x="4" y="-2" opacity="0.5" composite-op="svg:multiply"/>
  <layer name="Draft" src="data/1.png" x="0" y="0" visibility="hidden"/>
 </stack>
 <layer name="Paper" src="data/0.png" x="0" y="0" opacity="1.0" visibility="visible"/>
</stack></image>"""
    with zipfile.ZipFile(OUT / "layers.ora", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        archive.writestr("stack.xml", stack)
        archive.writestr("data/0.png", png(pixels))
        archive.writestr("data/1.png", png(np.full((6, 5, 4), (0, 200, 0, 255), np.uint8)))
        archive.writestr("mergedimage.png", png(see_through(pixels)))
        archive.writestr("Thumbnails/thumbnail.png", png(pixels))


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    by_pillow(sample())
    by_others(sample())
    by_photoshop(sample())
    open_raster(sample())
    damaged_png()
