"""Puts our torch on the path: MESALE_SITE, build/site unless set."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SITE = os.environ.get("MESALE_SITE", str(ROOT / "build/site"))
if SITE not in sys.path:
    sys.path.insert(0, SITE)
