"""What the command line says to the shell when it ends.

====  =========================================================================
0     solved and certified (or: listed, shown, checked, written); also a closed pipe
1     no equilibrium was found, or none was certified
2     the request is wrong: usage, file, game
3     answered in part: a limit was reached, a compared regime has no equilibrium or several, or
      a draw has no certified answer; of a report, where one of its parts is
4     a store cannot be used: damaged, full, in use, or made by another request
70    a defect of highfence itself; ``--debug`` shows where
130   interrupted (143: terminated)
====  =========================================================================
"""

from __future__ import annotations

SOLVED, NOTHING, WRONG, PART, STORE, DEFECT = 0, 1, 2, 3, 4, 70
INTERRUPTED, TERMINATED = 130, 143
