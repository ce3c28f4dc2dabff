"""A picture that somebody uploads is decoded, made smaller and encoded anew: nothing of the file itself is kept.

So what is served is a picture and nothing else, whatever its name says, and holds neither a script nor the place where
a photograph was taken. SVG is a document with scripts, and not taken.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps

from apis.words import phrase

BYTES_LIMIT: Final = 1 << 20
PIXELS_LIMIT: Final = 12_000_000  # of the file; a few kilobytes of it can say that they are gigabytes of pixels
SIDE: Final = 512  # pixels: the longer side of what is kept
FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
_KINDS: Final = "PNG, JPEG, GIF or WebP"

# Beyond twice this number Pillow does not even open a file; below, it warns, which says nothing new: `_read` is strict.
Image.MAX_IMAGE_PIXELS = 2 * PIXELS_LIMIT
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


class NotAPicture(ValueError):
    """What was uploaded is refused; its text says why."""


class _TooManyPixels(ValueError):
    """More than PIXELS_LIMIT."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as we encoded it, PNG or JPEG."""

    content: bytes
    media_type: str
    width: int
    height: int

    @property
    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def picture_of(content: bytes) -> Picture:
    """The first frame of an uploaded file, upright, at most SIDE pixels long.

    Raises: NotAPicture for more than BYTES_LIMIT bytes or PIXELS_LIMIT pixels, and for what none of FORMATS reads.
    """
    if not content:
        raise NotAPicture(phrase("Choose a file: {kinds}.", kinds=_KINDS))
    if len(content) > BYTES_LIMIT:
        raise NotAPicture("A thumbnail has at most 1 MiB.")
    try:
        return _read(content)
    except (Image.DecompressionBombError, _TooManyPixels):
        raise NotAPicture(phrase("A thumbnail has at most {most:,} pixels.", most=PIXELS_LIMIT)) from None
    except Exception:  # a decoder at work on a stranger's bytes: whatever it stumbles over, the file is to blame
        raise NotAPicture(
            phrase("This cannot be read as a picture; {kinds} are taken, whatever the name says.", kinds=_KINDS)
        ) from None


def _read(content: bytes) -> Picture:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > PIXELS_LIMIT:  # as the file says; nothing is decoded yet
            raise _TooManyPixels
        photograph = image.format == "JPEG"
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((SIDE, SIDE))
        upright = upright.convert("RGB" if photograph else "RGBA")
    done = Image.new(upright.mode, upright.size)  # a new one: `info` of the other holds comments and profiles
    done.paste(upright)
    out = io.BytesIO()
    if photograph:
        done.save(out, "JPEG", quality=88, optimize=True)
    else:
        done.save(out, "PNG", optimize=True)
    media_type = "image/jpeg" if photograph else "image/png"
    return Picture(out.getvalue(), media_type, done.width, done.height)
