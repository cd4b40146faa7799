"""The four files of each picture by Pillow: one decode, then from each size to the next. Arguments as of pictures.c."""
import os
import sys

from PIL import Image

Image.MAX_IMAGE_PIXELS = None
original, sizes, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def save(image, base, name, quality, method):
    more = {} if method < 0 else {"method": method}
    image.save(f"{folder}/{base}_{name}.webp", "WEBP", quality=quality, **more)


for path in sys.argv[4:]:
    base = os.path.basename(path)
    image = Image.open(path)
    image.load()
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA")
    save(image, base, "original", 85, original)
    for name, box in (("display", 1920), ("preview", 800), ("thumbnail", 256)):
        ratio = min(1, box / max(image.size))
        size = tuple(max(1, round(side * ratio)) for side in image.size)
        if size != image.size:
            image = image.resize(size, Image.Resampling.LANCZOS)
        save(image, base, name, 80, sizes)
