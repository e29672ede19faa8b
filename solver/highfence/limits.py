"""Every limit that guards memory or time, by name.

Each is an attribute of this module, read at the time of use, so a test (or a
user with a large machine) can change it: ``highfence.limits.MAX_CELLS = 10**9``.
"""

from __future__ import annotations

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Largest game file that is read."""

MAX_FORMULA_LENGTH = 10_000
"""Characters in one formula."""

MAX_FORMULA_NESTING = 60
"""Depth of parentheses, brackets, calls and unary operators in one formula."""

MAX_EXPRESSIONS = 200_000
"""Distinct expressions in the formulas of one game after functions and sums are written out."""

MAX_EXPONENT = 64
"""Largest absolute constant exponent in a formula."""

MAX_DIGITS = 400
"""Digits of a number in a formula or a game file, and its largest decimal exponent."""

MAX_EXACT_BITS = 8_192
"""Bits of a numerator or denominator in exact formulas; with more, floats are used."""

MAX_CELLS = 20_000_000
"""Payoff entries (players times pure strategy profiles) of a strategic form."""

MAX_EXACT_CELLS = 200_000
"""Payoff entries up to which the exact rational table is kept beside the floats."""

MAX_NODES = 2_000_000
"""Nodes of an extensive form."""

MAX_DEPTH = 1_000
"""Depth of the tree of an extensive form."""

MAX_ACTIONS = 10_000
"""Actions of one decision."""

MAX_PLAYERS = 100
"""Players of one game."""

MAX_EQUILIBRIA = 10_000
"""Equilibria listed before a search stops and says so."""

MAX_BASES = 100_000
"""Vertices of one best-response polytope visited by exact enumeration."""

MAX_PAIRS = 10_000_000
"""Pairs of degenerate vertices compared for one inequality by exact enumeration."""

MAX_PIVOTS = 2_000
"""Pivots of all Lemke-Howson paths of one game, or of Lemke's of one stage, in exact arithmetic."""

MAX_FLOAT_PIVOTS = 200_000
"""Pivots of all Lemke-Howson paths of one game, in floats: ten seconds at 300 strategies each."""

MAX_SEQUENCES = 4_000
"""Sequences of both players in one stage of a tree whose equilibrium Lemke's algorithm finds."""

MAX_LEMKE_PIVOTS = 50_000
"""Pivots of Lemke's algorithm on all stages of one tree."""

MAX_PATH_PIVOTS = 500
"""Pivots of one of nashpy's Lemke-Howson paths; rounding makes some of them cycle."""

MAX_SUBSETS = 20_000
"""Maximal Nash subsets of one game that are listed."""

MAX_STRATEGIES = 100_000
"""Pure strategies of one player when a tree is made into a strategic form."""

MAX_STAGE_GAMES = 10_000
"""Stage games that backward induction solves: one per subgame and combination of continuations."""

MAX_CONTINUATIONS = 2_000
"""Payoff vectors of equilibria of one subgame with which backward induction goes on."""

MAX_LISTED_PLANS = 200
"""Equilibria of a tree up to which all are listed; of more, one for each outcome of play."""

MAX_LISTED_OUTCOMES = 1_000
"""Outcomes of play for which one equilibrium each is listed; all equilibria are counted."""

MAX_LISTED_PROBABILITIES = 20_000_000
"""Probabilities (one per action) in the list of equilibria of a tree, and in JSON of what else may
be done off the path."""

MAX_COMBINATIONS = 200_000
"""Combinations of regimes' equilibria at which a flag is evaluated; beyond, it "depends"."""

MAX_RAYS = 20_000
"""Extreme rays of one polyhedron of the sequence form that are enumerated."""

MAX_RAY_COMPARISONS = 2_000_000_000
"""Comparisons of rays of such a polyhedron that tell which of them span a face."""

MAX_STAGE_ENTRIES = 1_500_000
"""Actions and ends of one stage of a tree, times its equilibria that are followed up; a tenth of
them where beliefs are sought too."""

MAX_COMPLETIONS = 100_000
"""Ways to complete one pure equilibrium where players exclude information sets themselves."""

MAX_REMEMBERED = 2_000
"""Solved subgames of one staged game that are kept for other requests on it."""

MAX_SYMBOLIC = 10_000
"""Parts of the expressions given to sympy, every shared part as often as it is used."""

MAX_SAMPLES = 10_000_000
"""Numbers in one sample: draws times parameters."""

MAX_SCAN_POINTS = 20_000
"""Points solved in one search for tipping points, or for one regime map."""

MAX_RETRIES = 4
"""Points of such a search that are searched again in full, where a batch left them open."""

MAX_EXACT_MECHANISMS = 12
"""Mechanisms of which all coalitions are solved; of more, orders are sampled."""

MAX_BATCH_PAYOFFS = 1_000_000
"""Payoffs and outcomes at the terminals of one game up to which its draws are solved in batches."""

MAX_BATCH_TREES = 64
"""Trees that a game may have at different draws; draws with others are solved one by one."""

MAX_BATCH_CONDITIONS = 100_000
"""Conditions and probabilities, at all histories, by which draws are sorted by their tree."""

MAX_TRANSITIONS = 20_000_000
"""Transition probabilities of a Markov form: states times action profiles times states."""

MAX_MARKOV_EQUILIBRIA = 100
"""Equilibria of one dynamic game with a horizon that are listed; stages multiply them."""

MAX_MARKOV_STEPS = 10_000
"""Steps along the logit path of one dynamic game."""

MAX_RICCATI_ROUNDS = 100_000
"""Rounds of iterating coupled Riccati equations, or the values of an investment ladder."""

MAX_COMMITMENT_PROGRAMS = 500
"""Linear programs that prove a commitment to several types of the follower to be the best."""

MAX_REPEATED_ROUNDS = 20_000
"""Rounds in which the payoff set of one repeated game is found."""

MAX_ANSWERS = 1_000_000
"""Answers of one sweep: draws times regimes."""

MAX_REGION_OUTCOMES = 2_000
"""Outcomes of pure play in one subgame of which an exact region is asked."""

MAX_REGION_COMPARISONS = 200_000
"""Comparisons of payoffs in the conditions of exact regions of one game."""

MAX_REGION_CASES = 100
"""Cases of one exact region, and of one quantity in it."""

MAX_REGION_TERMS = 20_000
"""Products of terms when two polynomials of an exact region are multiplied."""

MAX_REGION_SECONDS = 30
"""Seconds that z3 may take for one request of exact regions; beyond, their status is "unknown"."""

MAX_PATH_STRATEGIES = 400
"""Strategies of all players of a game whose logit equilibria are followed."""

MAX_PATH_CELLS = 1_000_000
"""Payoff entries of such a game."""

MAX_PATH_STEPS = 10_000
"""Steps along one branch of logit equilibria."""

MAX_SUPPORT_PATHS = 20_000
"""Paths to the roots of all supports of one game, when all its isolated equilibria are sought."""

MAX_STAGE_PATHS = 100_000
"""Paths to the roots of all supports, in all stages of three or more players of one tree."""

MAX_ASSIGNMENTS = 20_000
"""Assignments of resources to schedules of one security game that are all looked at."""

MAX_CORRELATED_CELLS = 200_000
"""Payoff entries of a game whose correlated equilibria are sought."""

MAX_DOMINANCE_CELLS = 20_000
"""Payoffs in one exact linear program that looks for a mixture that dominates a strategy."""

MAX_PREFERENCE_ORDERS = 200
"""Rankings of a player's strategies, and pairs of them, tried in the search for proper trembles."""

MAX_TREMBLES = 200
"""Patterns of trembles tried on one equilibrium of several players."""

MAX_AGENT_CELLS = 500
"""Pure profiles of a tree whose information sets are taken for players, to judge perfection."""

MAX_INDEX_STRATEGIES = 8
"""Strategies of either player up to which components get an index from a game nearby."""

MAX_FIT_STARTS = 1_000
"""Searches of one fit of parameters to targets."""

MAX_FIT_STEPS = 40
"""Steps of one search of a fit; the fit says where its best search took them all."""

MAX_BOXES = 50_000
"""Boxes of actions that interval arithmetic looks at in one proof, or in one search for all."""

MAX_WORKERS = 256
"""Workers that one command starts; fewer where there is less to hand out."""
