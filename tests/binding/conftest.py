"""Puts our torch on the path: MESALE_SITE, build/site unless set. Empty, the environment's own torch is tested: the
same tests then tell whether what they expect is what PyTorch does."""
import os
import pathlib
import sys

SITE = os.environ.get("MESALE_SITE", str(pathlib.Path(__file__).resolve().parents[2] / "build/site"))
if SITE and SITE not in sys.path:
    sys.path.insert(0, SITE)
