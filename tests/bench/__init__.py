"""Measures the server under load, on its real protocol, beside a bare relay that shows what the machine can do."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for what tests share, whichever way this is imported
