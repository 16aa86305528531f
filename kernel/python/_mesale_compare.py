"""What comparing outputs needs Python for: the user's rules, which are Python's regular expressions, and pictures,
which Pillow decodes where the environment has it (whatever plots with Matplotlib does). Imported after the last cell
has run.
"""

import base64
import hashlib
import io
import re

_rules = []


def read_rules(path):
    """Take the rules of a file in nbval's form: lines "regex: …" and "replace: …" in turn."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    regexes = re.findall(r"^regex: (.*)$", text, re.MULTILINE)
    replacements = re.findall(r"^replace: (.*)$", text, re.MULTILINE)
    if len(regexes) != len(replacements):
        raise ValueError(f"{path}: {len(regexes)} lines of regex: but {len(replacements)} of replace:")
    for regex, replacement in zip(regexes, replacements, strict=True):
        try:
            _rules.append((re.compile(regex), replacement))
            _rules[-1][0].sub(replacement, "")
        except (re.error, IndexError) as error:
            raise ValueError(f"{path}: regex: {regex}: {error}") from None


def rewrite(mime, text):
    """The text to compare instead of this one, under a mime type."""
    if mime in ("image/png", "image/jpeg"):
        return _describe(text)
    for regex, replacement in _rules:
        text = regex.sub(replacement, text)
    return text


def _describe(picture):
    """The size of a picture and a digest of its pixels; the picture itself if it cannot be decoded."""
    try:
        from PIL import Image

        image = Image.open(io.BytesIO(base64.b64decode(picture)))
        if getattr(image, "n_frames", 1) > 1:
            return picture
        pixels = image.convert("RGBA").tobytes()
    except Exception:  # no Pillow, no picture, or one too large to decode: its bytes are compared
        return picture
    return f"{image.width} × {image.height} pixels, digest {hashlib.sha256(pixels).hexdigest()[:16]}\n"
