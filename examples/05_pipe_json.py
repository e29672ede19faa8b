"""Pipe JSON: ask the command line for an answer, and read it as data."""

import json
import subprocess
import sys

command = [sys.executable, "-m", "highfence", "solve", "offshoring", "--json"]
for reach in ("0.5", "0.9"):
    asked = [*command, "--regime", "product", "--set", f"j_product={reach}"]
    ran = subprocess.run(asked, capture_output=True, text=True, check=True)
    answer = json.loads(ran.stdout)

    (equilibrium,) = answer["equilibria"]
    moves = "moves abroad" if equilibrium["outcomes"]["moves"] else "stays"
    proof = "proved exactly" if equilibrium["certificate"]["exact"] else "certified"
    print(f"If the rule reaches {float(reach):.0%} of it, production {moves} ({proof}).")
