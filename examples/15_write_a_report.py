"""Write a report: does a foreign direct product rule survive doubt about its numbers?"""

import tempfile
from pathlib import Path

from highfence import progress
from highfence.report.html import pictures_of, report_html
from highfence.study.report import gather

with progress("asking the studies"):
    found = gather("offshoring", draws=100, sections=["outcomes", "shares", "tornado", "map"])
with tempfile.TemporaryDirectory() as folder:  # anywhere that you like
    path = Path(folder) / "offshoring.html"
    path.write_text(report_html(found), encoding="utf-8")
    size = path.stat().st_size

wins = dict(zip(found.shares.regimes, found.shares.share[-1], strict=True))
best, share = max(wins.items(), key=lambda one: one[1])
print(
    f"{found.comparison[best].label} is best in {share:.0%} of 100 draws, and "
    f"{found.parameters[0]} moves its margin most. The page has {len(pictures_of(found))} figures "
    f"in {size / 1e6:.1f} MB."
)
