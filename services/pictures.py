"""Draws pictures anew, so that nothing of what else they carried is kept.

Apart from the other kinds because Pillow costs memory that whoever only sends files need not pay.
"""

import io

from PIL import Image, ImageOps

from services.file_types import DAMAGED, MOVING, TOO_BIG, RefusedFile

MAX_PIXELS = 50_000_000
MAX_SIDE = 2560

_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 88

# `draw_anew` compares the size with MAX_PIXELS before a pixel is decoded, and refuses; Pillow
# alone would only warn.
Image.MAX_IMAGE_PIXELS = None


def draw_anew(data: bytes) -> bytes:
    """The picture upright on white, at most MAX_SIDE wide and high, as a JPEG of its own.

    Raises RefusedFile.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise RefusedFile(TOO_BIG)
            # A JPEG with a preview behind it (MPO) counts as moving too, and is none.
            if picture.format in ("PNG", "WEBP") and getattr(picture, "is_animated", False):
                raise RefusedFile(MOVING)
            return _to_jpeg(picture)
    except RefusedFile:
        raise
    except Exception:  # hostile bytes in three decoders: whatever they stumble over is no picture
        raise RefusedFile(DAMAGED) from None


def _to_jpeg(picture: Image.Image) -> bytes:
    picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a big JPEG is decoded at half the size or less
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    upright = ImageOps.exif_transpose(picture)
    opaque = upright.convert("RGBA") if upright.has_transparency_data else upright.convert("RGB")
    fresh = Image.new("RGB", opaque.size, "white")  # a new picture knows nothing of the old one
    fresh.paste(opaque, mask=opaque if opaque.mode == "RGBA" else None)
    out = io.BytesIO()
    fresh.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()
