"""Highfence: a game-theoretic strategy solver for technology export controls.

Define a game (or load one from the catalogue), solve it, compare control regimes::

    from highfence import compare, load, solve

    game = load("small_yard_high_fence")
    print(solve(game, regime="small_yard"))
    print(compare(game))

Names are imported on first use, so ``import highfence`` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import import_on_use

__version__ = "0.1.0"

_HOME = {
    "Action": "spec.model",
    "Certificate": "solution",
    "Chance": "spec.model",
    "Commitment": "spec.model",
    "Comparison": "study.compare",
    "Decision": "spec.model",
    "Derived": "spec.model",
    "Equilibrium": "solution",
    "ExtensiveForm": "forms.extensive",
    "Finds": "solution",
    "Game": "spec.model",
    "HighfenceError": "errors",
    "Interval": "spec.model",
    "Mechanism": "spec.model",
    "NormalForm": "forms.normal",
    "Parameter": "spec.model",
    "Player": "spec.model",
    "Preset": "spec.model",
    "Published": "spec.model",
    "Regime": "spec.model",
    "RequestError": "errors",
    "Sentence": "spec.model",
    "Solution": "solution",
    "SpecError": "errors",
    "Stage": "spec.model",
    "State": "spec.model",
    "Status": "solution",
    "Target": "spec.model",
    "certify": "certify",
    "compare": "study.compare",
    "load": "load",
    "progress": "waiting",
    "refine": "refinements",
    "solve": "solve",
    "solve_many": "solve_many",
}

__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from .certify import certify as certify
    from .errors import HighfenceError as HighfenceError
    from .errors import RequestError as RequestError
    from .errors import SpecError as SpecError
    from .forms.extensive import ExtensiveForm as ExtensiveForm
    from .forms.normal import NormalForm as NormalForm
    from .load import load as load
    from .refinements import refine as refine
    from .solution import Certificate as Certificate
    from .solution import Equilibrium as Equilibrium
    from .solution import Finds as Finds
    from .solution import Solution as Solution
    from .solution import Status as Status
    from .solve import solve as solve
    from .solve_many import solve_many as solve_many
    from .spec.model import (
        Action as Action,
    )
    from .spec.model import (
        Chance as Chance,
    )
    from .spec.model import (
        Commitment as Commitment,
    )
    from .spec.model import (
        Decision as Decision,
    )
    from .spec.model import (
        Derived as Derived,
    )
    from .spec.model import (
        Game as Game,
    )
    from .spec.model import (
        Interval as Interval,
    )
    from .spec.model import (
        Mechanism as Mechanism,
    )
    from .spec.model import (
        Parameter as Parameter,
    )
    from .spec.model import (
        Player as Player,
    )
    from .spec.model import (
        Preset as Preset,
    )
    from .spec.model import (
        Published as Published,
    )
    from .spec.model import (
        Regime as Regime,
    )
    from .spec.model import (
        Sentence as Sentence,
    )
    from .spec.model import (
        Stage as Stage,
    )
    from .spec.model import (
        State as State,
    )
    from .spec.model import (
        Target as Target,
    )
    from .study.compare import Comparison as Comparison
    from .study.compare import compare as compare
    from .waiting import progress as progress

import_on_use(__name__, _HOME)
