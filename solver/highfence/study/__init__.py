"""Studies: what equilibria mean once nobody believes one set of numbers.

Every study is one call and returns a frozen result; most, when printed, give the page that the
command line prints::

    from highfence.study import regime_map, sensitivity, sweep, tipping

    print(tipping("captive_market_timing", "quota"))

==================================  ==============================================================
:func:`sweep`                       every regime at many draws of the numbers, kept in a store
:func:`compare`                     every regime at one set of numbers
:func:`sensitivity`                 which assumption an outcome hangs on
:func:`derivatives`                 the same near one equilibrium, by implicit differentiation
:func:`tipping`                     where along one parameter the answer changes
:func:`region`, :func:`thresholds`  the same exactly, for finite games
:func:`regime_map`                  which regime is best over two parameters
:func:`attribute`                   which mechanisms bring an outcome about
:func:`robust`                      which regime to choose when nobody knows the numbers
:func:`discover`                    under which assumptions a condition holds
:func:`replications`                published answers beside ours
:func:`fit`                         which values of a few parameters are nearest to observations
:func:`mechanisms`                  which games carry which argument of the essays
:func:`judge_claims`                what the catalogue's games say about what is claimed
:func:`gather`                      all of these for one game, for a report
==================================  ==============================================================

Names are imported on first use, so ``import highfence.study`` is fast. Where a function and its
module bear one name, the name is the function: ``importlib.import_module`` gives the module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import import_on_use

_HOME = {
    "Attribution": "attribution",
    "Ball": "beliefs",
    "Box": "boxes",
    "Branches": "branches",
    "Claim": "claims",
    "Claims": "claims",
    "Comparison": "compare",
    "Derivatives": "derivatives",
    "Discovery": "discover",
    "Dominance": "robust",
    "Draws": "draws",
    "Findings": "report",
    "Fit": "fit",
    "Indices": "indices",
    "Information": "information",
    "MechanismTable": "mechanisms",
    "Mixture": "beliefs",
    "Outcome": "outcome",
    "RegimeMap": "map",
    "Region": "regions",
    "Regions": "regions",
    "Replication": "replications",
    "RobustChoice": "robust",
    "Sensitivity": "sensitivity",
    "Shares": "cooperative",
    "Space": "uncertainty",
    "Sweep": "sweep",
    "Thresholds": "regions",
    "Tipping": "tipping",
    "Uncertainty": "uncertainty",
    "Verdicts": "claims",
    "attribute": "attribution",
    "cart": "boxes",
    "compare": "compare",
    "derivatives": "derivatives",
    "discover": "discover",
    "dominance": "robust",
    "draw": "uncertainty",
    "fit": "fit",
    "gather": "report",
    "grid": "sweep",
    "indices": "indices",
    "interaction_indices": "cooperative",
    "judge_claims": "claims",
    "mixture_over": "beliefs",
    "outcome_of": "outcome",
    "mechanisms": "mechanisms",
    "parse_uncertainty": "uncertainty",
    "prim": "boxes",
    "rank_correlations": "indices",
    "read_claims": "claims",
    "read_sweep": "sweep",
    "regime_map": "map",
    "remove_each": "attribution",
    "region": "regions",
    "regions": "regions",
    "replicate": "replications",
    "replications": "replications",
    "robust": "robust",
    "sample": "sample",
    "sensitivity": "sensitivity",
    "shapley_values": "cooperative",
    "solve_draws": "draws",
    "sweep": "sweep",
    "thresholds": "regions",
    "tipping": "tipping",
    "value_of_information": "information",
    "worst_mixture": "beliefs",
}

__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from .attribution import Attribution as Attribution
    from .attribution import attribute as attribute
    from .attribution import remove_each as remove_each
    from .beliefs import Ball as Ball
    from .beliefs import Mixture as Mixture
    from .beliefs import mixture_over as mixture_over
    from .beliefs import worst_mixture as worst_mixture
    from .boxes import Box as Box
    from .boxes import cart as cart
    from .boxes import prim as prim
    from .branches import Branches as Branches
    from .claims import Claim as Claim
    from .claims import Claims as Claims
    from .claims import Verdicts as Verdicts
    from .claims import judge_claims as judge_claims
    from .claims import read_claims as read_claims
    from .compare import Comparison as Comparison
    from .compare import compare as compare
    from .cooperative import Shares as Shares
    from .cooperative import interaction_indices as interaction_indices
    from .cooperative import shapley_values as shapley_values
    from .derivatives import Derivatives as Derivatives
    from .derivatives import derivatives as derivatives
    from .discover import Discovery as Discovery
    from .discover import discover as discover
    from .draws import Draws as Draws
    from .draws import solve_draws as solve_draws
    from .fit import Fit as Fit
    from .fit import fit as fit
    from .indices import Indices as Indices
    from .indices import indices as indices
    from .indices import rank_correlations as rank_correlations
    from .information import Information as Information
    from .information import value_of_information as value_of_information
    from .map import RegimeMap as RegimeMap
    from .map import regime_map as regime_map
    from .mechanisms import MechanismTable as MechanismTable
    from .mechanisms import mechanisms as mechanisms
    from .outcome import Outcome as Outcome
    from .outcome import outcome_of as outcome_of
    from .regions import Region as Region
    from .regions import Regions as Regions
    from .regions import Thresholds as Thresholds
    from .regions import region as region
    from .regions import regions as regions
    from .regions import thresholds as thresholds
    from .replications import Replication as Replication
    from .replications import replicate as replicate
    from .replications import replications as replications
    from .report import Findings as Findings
    from .report import gather as gather
    from .robust import Dominance as Dominance
    from .robust import RobustChoice as RobustChoice
    from .robust import dominance as dominance
    from .robust import robust as robust
    from .sample import sample as sample
    from .sensitivity import Sensitivity as Sensitivity
    from .sensitivity import sensitivity as sensitivity
    from .sweep import Sweep as Sweep
    from .sweep import grid as grid
    from .sweep import read_sweep as read_sweep
    from .sweep import sweep as sweep
    from .tipping import Tipping as Tipping
    from .tipping import tipping as tipping
    from .uncertainty import Space as Space
    from .uncertainty import Uncertainty as Uncertainty
    from .uncertainty import draw as draw
    from .uncertainty import parse_uncertainty as parse_uncertainty

import_on_use(__name__, _HOME)
