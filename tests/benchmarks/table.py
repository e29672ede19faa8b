"""The table of speeds: every kind of work beside its peers, on the same inputs, in one run.

    python tests/benchmarks/table.py                 # all rows, some minutes
    python tests/benchmarks/table.py bimatrix poker  # some of them
    python tests/benchmarks/table.py --alone         # without the peers
    python tests/benchmarks/table.py --write         # and put the table into README.md

It prints Markdown. Times are CPU seconds of one thread, compiled and warm; those of peers are
from child processes, and include what a user of theirs cannot leave out, not their start.
Answers are compared; where a peer's are wrong, the row says so. Peers that are not installed
are left out. `lrsnash` is looked for on the path (Debian: lrslib); sgamesolver, which needs an
older NumPy to build, may be in another environment, whose Python ``HIGHFENCE_SGAMESOLVER`` names.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import test_batch_speed as batches
import test_methods_speed as several
import test_regions_speed as parameters

from highfence import limits, load
from highfence.certify import certify
from highfence.forms.batch import trees as staged_trees
from highfence.forms.build import build
from highfence.forms.extensive import ExtensiveForm, Move, Terminal
from highfence.forms.gambit_files import write_efg, write_nfg
from highfence.forms.markov import MarkovForm
from highfence.forms.normal import NormalForm
from highfence.methods.backward_induction import backward_induction
from highfence.methods.batch import bimatrix_many, induction, pure_many
from highfence.methods.closed_form import closed_form_of
from highfence.methods.extreme import components, extreme_enumeration
from highfence.methods.global_newton import global_newton
from highfence.methods.lemke_howson_float import lemke_howson_float, path_end
from highfence.methods.logit import logit
from highfence.methods.markov_homotopy import logit_equilibrium, markov_homotopy
from highfence.methods.sequence_lcp import sequence_lcp
from highfence.methods.sequence_lp import sequence_lp
from highfence.solve_many import solve_many
from highfence.study.regions import regions
from highfence.study.sample import sample

README = Path(__file__).resolve().parents[2] / "README.md"
ALONE = False
"""Whether peers are left out."""
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Linear algebra, of peers too, reads these when it is loaded."""
MARKERS = "<!-- speed of methods -->", "<!-- /speed of methods -->"


@dataclass(frozen=True)
class Line:
    """One line of the table: ours in seconds a unit of work, and others' likewise."""

    work: str
    seconds: float
    peers: Mapping[str, float | None] = field(default_factory=dict)
    rate: str = ""
    """What there are so many of a second; empty to tell the seconds."""
    remark: str = ""
    goal: str = ""

    def __str__(self) -> str:
        ours = f"{rounded(1 / self.seconds)} {self.rate}/s" if self.rate else spoken(self.seconds)
        others = ", ".join(
            f"{name} {rounded(seconds / self.seconds)}"
            for name, seconds in self.peers.items()
            if seconds is not None
        )
        return f"| {self.work} | {ours} | {others} | {self.goal} | {self.remark} |"


def rounded(number: float) -> str:
    """Return a positive number to two digits, with separators."""
    if number >= 1e6:
        return f"{float(f'{number:.2g}') / 1e6:g} million"
    return f"{float(f'{number:.2g}'):,g}" if number < 1e4 else f"{round(number, -3):,.0f}"


def spoken(seconds: float) -> str:
    """Return a time in the unit in which it is read best."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    raise AssertionError


def least(run: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """Return the least CPU seconds of some runs after one that compiles, and the last answer."""
    run()
    taken = []
    for _ in range(times):
        started = time.process_time()
        answer = run()
        taken.append(time.process_time() - started)
    return max(min(taken), 1e-9), answer


def mean(solve: Callable[[Any], Any], games: list[Any]) -> tuple[float, list[Any]]:
    """Return the CPU seconds a game, of the better of two runs, and the answers."""
    solve(games[0])
    best, answers = np.inf, []
    for _ in range(2):
        started = time.process_time()
        answers = [solve(game) for game in games]
        best = min(best, (time.process_time() - started) / len(games))
    return max(best, 1e-9), answers


def asked(
    name: str, code: str, folder: Path, python: str = sys.executable, **given: Any
) -> tuple[float, Any] | None:
    """Run a peer's loop in a child process; return its seconds and answers, or None without it.

    The code finds what is given by name, and sets ``seconds`` and ``answers``.
    """
    if ALONE or (python == sys.executable and importlib.util.find_spec(name) is None):
        return None
    inputs, outputs = folder / "given.npz", folder / "made.npz"
    np.savez(inputs, **given)
    whole = (
        "import time, warnings\nimport numpy as np\nwarnings.filterwarnings('ignore')\n"
        f"globals().update(np.load({str(inputs)!r}))\n{code}\n"
        f"np.savez({str(outputs)!r}, seconds=seconds, answers=np.array(answers))\n"
    )
    subprocess.run([python, "-c", whole], check=True, stdout=subprocess.DEVNULL)
    with np.load(outputs) as found:
        return float(found["seconds"]), found["answers"]


def gambit(work: str, games: list[NormalForm]) -> tuple[float | None, list[Any] | None]:
    """Return Gambit's seconds a game and its counts, or None twice."""
    return (None, None) if ALONE else several.gambit(work, games)


def seconds(found: tuple[float, Any] | None) -> float | None:
    """Return the seconds of a peer that was there."""
    return found and found[0]


# ---------------------------------------------------------------------------------------------
# Batches


def bimatrix(tiny: bool, folder: Path) -> Iterator[Line]:
    """All equilibria of batches of two-player games."""
    for side, few, goal in ((3, 300, "nashpy 10,000, QuantEcon 100; 1 million games/s"),
                            (4, 100, "nashpy 10,000, QuantEcon 100"),
                            (5, 30, "nashpy 10,000, QuantEcon 100")):  # fmt: skip
        few = 4 if tiny else few
        one, two = np.random.default_rng(1).random((2, side, side, 64 * (1 if tiny else 1000)))
        ours, found = least(lambda one=one, two=two: bimatrix_many(one, two))
        small = {"A": one[..., :few], "B": two[..., :few]}
        peers = {
            "nashpy": asked("nashpy", batches.NASHPY, folder, **small),
            "QuantEcon": asked("quantecon", batches.QUANTECON, folder, **small),
            "Gambit": asked("pygambit", batches.GAMBIT, folder, **small),
        }
        assert (found.count % 2 == 1).all()
        for name in ("QuantEcon", "Gambit"):
            made = peers[name]
            assert made is None or made[1].tolist() == found.count[:few].tolist()
        remark = ""
        if (nash := peers["nashpy"]) is not None and (nash[1] < found.count[:few]).any():
            remark = f"nashpy misses some in {(nash[1] < found.count[:few]).mean():.0%}"
        yield Line(
            f"all equilibria of {side}x{side} games, certified",
            ours / one.shape[-1],
            {name: seconds(made) for name, made in peers.items()},
            "games",
            remark,
            goal,
        )
    for side in (3, 4):
        tables = np.random.default_rng(1).integers(0, 10, (2, side, side, 64 * (1 if tiny else 50)))
        one, two = tables.astype(float)
        ours, found = least(lambda one=one, two=two: bimatrix_many(one, two))
        yield Line(
            f"the same, {side}x{side}, payoffs 0 to 9",
            ours / one.shape[-1],
            rate="games",
            remark=f"{found.degenerate.mean():.0%} degenerate",
            goal="100,000 games/s",
        )


def pure(tiny: bool, folder: Path) -> Iterator[Line]:
    """Pure equilibria of batches."""
    for sizes, many, few in (((3, 3, 3), 64000, 200), ((2,) * 5, 64000, 200), ((5,) * 4, 6400, 20)):
        many, few = (64, 2) if tiny else (many, few)
        payoffs = np.random.default_rng(2).random((len(sizes), *sizes, many))
        ours, found = least(lambda payoffs=payoffs: pure_many(payoffs))
        peers = {
            "QuantEcon": asked("quantecon", batches.PURE_QUANTECON, folder, U=payoffs[..., :few]),
            "Gambit": asked("pygambit", batches.PURE_GAMBIT, folder, U=payoffs[..., :few]),
        }
        for made in peers.values():
            assert made is None or made[1].tolist() == found.count[:few].tolist()
        yield Line(
            f"pure equilibria, {'x'.join(map(str, sizes))}",
            ours / many,
            {name: seconds(made) for name, made in peers.items()},
            "games",
            goal="QuantEcon 1,000",
        )


def stages(tiny: bool, folder: Path) -> Iterator[Line]:
    """A staged game of five players with simultaneous moves and chance, at many draws."""
    many, few = (20, 1) if tiny else (6_000, 3)
    draws = sample(batches.FIVE, many, 0)
    ours, found = least(lambda: solve_many(batches.FIVE, draws), 2)
    table = np.column_stack(list(draws.values()))
    ((_, form),) = staged_trees(batches.FIVE, tuple(draws)).sort(table)
    chosen = np.flatnonzero(found.count == 1)[:few]  # the peers' loops follow one equilibrium
    small = {"draws": table[chosen]}
    peers = {
        "nashpy": asked("nashpy", batches.STAGES_NASHPY, folder, **small),
        "Gambit": asked("pygambit", batches.STAGES_GAMBIT, folder, **small),
    }
    for made in peers.values():
        assert made is None or np.abs(made[1] - found.low[chosen]).max() < 1e-9
    yield Line(
        f"five players, four stages, {form.stages.terminals} ends",
        ours / many,
        {f"{name}, stage by stage": seconds(made) for name, made in peers.items()},
        "draws",
        f"{found.certified.mean():.1%} certified",
        "Gambit 1,000, nashpy 1,000; 100,000 draws a minute",
    )


# ---------------------------------------------------------------------------------------------
# One game of two players

EXACT_GAMBIT = """
import pygambit
game = pygambit.read_nfg(str(path))
started = time.process_time()
answers = len(pygambit.nash.enummixed_solve(game, rational=True).equilibria)
seconds = time.process_time() - started
"""
VERTICES_NASHPY = """
import nashpy
game = nashpy.Game(A, B)
started = time.process_time()
answers = len(list(game.vertex_enumeration()))
seconds = time.process_time() - started
"""


def exact(tiny: bool, folder: Path) -> Iterator[Line]:
    """All equilibria of one game in rational arithmetic, with components."""
    for size in (3,) if tiny else (8, 10, 12):
        table = np.random.default_rng(size).integers(0, 1000, (2, size, size))
        game = NormalForm.from_payoffs(table, players=["A", "B"])

        def ours_of(game: NormalForm = game) -> tuple[list[Any], Any]:
            profiles = list(extreme_enumeration(game))
            return profiles, components(profiles)

        ours, (profiles, parts) = least(ours_of, 2)
        path = folder / "game.nfg"
        write_nfg(game, path, overwrite=True)
        # At 10 nashpy, in floats, takes minutes, and at 12 so does Gambit.
        rational = nash = None
        if size <= 10:
            rational = asked("pygambit", EXACT_GAMBIT, folder, path=str(path))
        if size <= 8:
            nash = asked("nashpy", VERTICES_NASHPY, folder, A=table[0], B=table[1])
        lrs = lrsnash(table, folder)
        assert all(certify(game, profile).regret == 0 for profile in profiles)
        for made in (rational, lrs):
            assert made is None or int(made[1]) == len(profiles)
        remarks = [f"{len(profiles)} equilibria, {len(parts)} components"]
        if nash is not None and int(nash[1]) < len(profiles):
            remarks.append(f"nashpy's vertices give {int(nash[1])}")
        yield Line(
            f"all equilibria of one {size}x{size} game, exact",
            ours,
            {"Gambit, rational": seconds(rational), "lrsnash": seconds(lrs),
             "nashpy, float": seconds(nash)},
            remark="; ".join(remarks),
            goal="Gambit 1, lrsnash 0.5",
        )  # fmt: skip


def lrsnash(table: np.ndarray, folder: Path) -> tuple[float, int] | None:
    """Return the CPU seconds and the number of extreme equilibria of lrsnash, or None."""
    program = shutil.which("lrsnash")
    if ALONE or program is None:
        return None
    import resource

    path = folder / "game.lrs"
    rows = [" ".join(map(str, row)) for side in table for row in [*side.tolist(), []]]
    path.write_text("\n".join([f"{table.shape[1]} {table.shape[2]}", *rows]))

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    before = used()
    ran = subprocess.run([program, str(path)], capture_output=True, text=True, check=True)
    found = re.search(r"Number of equilibria found: (\d+)", ran.stdout)
    assert found is not None
    return used() - before, int(found[1])


LEMKE_QUANTECON = """
import quantecon.game_theory as gt
A, B = np.ascontiguousarray(A), np.ascontiguousarray(B)
games = [gt.NormalFormGame((gt.Player(a), gt.Player(b.T.copy()))) for a, b in zip(A, B)]
small = gt.NormalFormGame((gt.Player(np.eye(3)), gt.Player(np.eye(3))))
gt.lemke_howson(small)
gt.lemke_howson(small, capping=10)
started = time.process_time()
found = [gt.lemke_howson(game, **options) for game in games]
seconds = (time.process_time() - started) / len(games)
answers = [np.concatenate(pair) for pair in found]
"""


def large(tiny: bool, folder: Path) -> Iterator[Line]:
    """One equilibrium of large games, certified."""
    for size, count in ((10, 2),) if tiny else ((100, 10), (300, 3)):
        rng = np.random.default_rng(5)
        tables = [rng.random((2, size, size)) for _ in range(count)]
        games = [NormalForm.bimatrix(*table) for table in tables]
        A, B = (np.array([table[k] for table in tables]) for k in (0, 1))

        def followed(game: NormalForm) -> Any:
            found, _ = path_end(game.unit_payoffs(0), game.unit_payoffs(1), 0, 10**7)
            return found

        plain = asked("quantecon", "options = {}\n" + LEMKE_QUANTECON, folder, A=A, B=B)
        capped = asked(
            "quantecon", "options = {'capping': 16}\n" + LEMKE_QUANTECON, folder, A=A, B=B
        )
        ours, ends = mean(followed, games)
        if plain is not None:
            assert max(
                np.abs(np.concatenate(end) - other).max()
                for end, other in zip(ends, plain[1], strict=True)
            ) < 1e-8  # fmt: skip
        yield Line(
            f"one path of label 0, N = {size}, random games",
            ours,
            {"QuantEcon, the same paths": seconds(plain)},
            goal="QuantEcon 1",
        )
        ours, certificates = mean(lambda game: certify(game, next(lemke_howson_float(game))), games)
        worst = max(float(certificate.regret) for certificate in certificates)
        assert all(certificate.holds for certificate in certificates)
        yield Line(
            f"one equilibrium, N = {size}, certified",
            ours,
            {"QuantEcon": seconds(plain), "QuantEcon with capping": seconds(capped)},
            remark=f"regret at most {worst:.0e}",
            goal="QuantEcon 1",
        )


# ---------------------------------------------------------------------------------------------
# Several players


def polynomial(tiny: bool, folder: Path) -> Iterator[Line]:
    """All equilibria of three players."""
    for shape, number, goal in (((2, 2, 2), 200, 20), ((3, 3, 3), 30, 5)):
        games = several.random_games(2 if tiny else number, *shape)
        ours, found = mean(several.run, games)
        theirs, counts = gambit("enumpoly", games)
        assert all(complete and len(profiles) % 2 for profiles, complete in found)
        remark = ""
        if counts is not None:
            missed = sum(n < len(ps) for n, (ps, _) in zip(counts, found, strict=True))
            remark = f"Gambit misses some in {missed} of {len(games)}"
        yield Line(
            f"all equilibria, {'x'.join(map(str, shape))}",
            ours,
            {"Gambit, enumpoly": theirs},
            remark=remark,
            goal=f"Gambit {goal}",
        )


def newton(tiny: bool, folder: Path) -> Iterator[Line]:
    """What paths of games with bonuses meet, one path and ten."""
    for shape, number in (
        ((3, 3), 20),
        ((5, 5), 10),
        ((3, 3, 3), 10),
        ((2,) * 4, 10),
        ((4,) * 3, 4),
    ):
        games = several.random_games(2 if tiny else number, *shape)
        theirs, counts = gambit("gnm", games)
        for rays in (1, 10):
            ours, found = mean(lambda game, rays=rays: list(global_newton(game, rays=rays)), games)
            assert all(certify(g, p).holds for g, ps in zip(games, found, strict=True) for p in ps)
            remark = f"{sum(map(len, found))} equilibria of {len(games)} games"
            if counts is not None:
                remark += f", Gambit {sum(counts)}"
            yield Line(
                f"global Newton, {'one path' if rays == 1 else 'ten paths'}, "
                f"{'x'.join(map(str, shape))}",
                ours,
                {"Gambit, gnm, one path": theirs},
                remark=remark,
            )


def qre(tiny: bool, folder: Path) -> Iterator[Line]:
    """The principal logit branch of one-shot games."""
    shapes = (2, 2), (3, 3), (3, 3, 3), (2,) * 5, (3,) * 5, (5,) * 4
    for shape in shapes[:2] if tiny else shapes:
        games = several.random_games(2 if tiny or np.prod(shape) > 100 else 20, *shape)
        ours, found = mean(lambda game: next(logit(game)), games)
        theirs, converged = gambit("logit", games)
        worst = max(float(certify(g, p).regret) for g, p in zip(games, found, strict=True))
        assert worst < 1e-10
        remark = f"regret {worst:.0g}"
        if converged is not None and not all(converged):
            remark += f"; Gambit fails in {converged.count(False)} of {len(games)}"
        yield Line(
            f"logit branch to its end, {'x'.join(map(str, shape))}",
            ours,
            {"Gambit": theirs},
            remark=remark,
            goal="Gambit 4",
        )


# ---------------------------------------------------------------------------------------------
# Trees


def trees(tiny: bool, folder: Path) -> Iterator[Line]:
    """Subgame-perfect equilibria."""
    rng = np.random.default_rng(3)
    depth = 4 if tiny else 12
    inner, nodes = (3**depth - 1) // 2, (3 ** (depth + 1) - 1) // 2
    first, count = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    first[:inner], count[:inner] = 1 + 3 * np.arange(inner), 3
    owner = rng.integers(0, 5, nodes).astype(np.int32)
    owner[rng.random(nodes) < 0.1] = -1
    chance, payoffs = np.full(nodes, 1 / 3), rng.random((nodes, 5))
    ours, found = least(lambda: induction(first, count, owner, payoffs, chance))
    assert found.plans[0] == 1
    yield Line(
        f"perfect information, {nodes:,} nodes as arrays, 5 players",
        ours,
        remark="all equilibria counted",
        goal="0.1 s",
    )

    def grown(level: int, name: str) -> Move | Terminal:
        if level == 4:
            return Terminal(tuple(Fraction(int(n)) for n in rng.integers(0, 10**6, 2)))
        branches = tuple(grown(level + 1, name + letter) for letter in "lr")
        return Move(level % 2, f"set {name or 0}", ("left", "right"), branches)

    form, path = ExtensiveForm.from_tree(["one", "two"], grown(0, "")), folder / "tree.efg"
    write_efg(form, path, overwrite=True)
    ours, profiles = least(lambda: list(backward_induction(form)))
    pure = asked("pygambit", PURE_TREE, folder, path=str(path))
    assert len(profiles) == 1
    yield Line(
        "observed actions, two players, 16 ends, exact",
        ours,
        {"Gambit, pure Nash": seconds(pure)},
        remark="" if pure is None else f"1 is subgame perfect of Gambit's {int(pure[1])}",
    )


PURE_TREE = """
import pygambit
game = pygambit.read_efg(str(path))
started = time.process_time()
answers = len(pygambit.nash.enumpure_solve(game).equilibria)
seconds = time.process_time() - started
"""
POKER = """
import pygambit
solve = getattr(pygambit.nash, str(work))
game = pygambit.read_efg(str(path))
started = time.process_time()
found = solve(game, rational=False).equilibrium
seconds = time.process_time() - started
answers = float(found.payoffs["first"])
"""


def poker(tiny: bool, folder: Path) -> Iterator[Line]:
    """The sequence form of poker with one card a player (Kuhn 1950) and more cards."""
    sizes = (13, ("lp", "lcp")), (26, ("lp",)), (100, ()), (142, ())
    if not tiny:
        limits.MAX_ACTIONS = 142 * 141  # deals
    for cards, works in ((3, ("lp", "lcp")),) if tiny else sizes:
        form, path = several.poker(cards), folder / "poker.efg"
        ours, profile = least(lambda form=form: next(sequence_lp(form)), 2)
        certificate = certify(form, profile)
        assert certificate.holds
        value = float(form.expected_payoffs(profile)[0])
        peers = {}
        if works:
            write_efg(form, path, overwrite=True)
        for work in works:
            made = asked("pygambit", POKER, folder, path=str(path), work=f"{work}_solve")
            peers[f"Gambit, {work}"] = seconds(made)
            assert made is None or abs(float(made[1]) - value) < 1e-6
        yield Line(
            f"poker of {cards} cards, {5 * cards * (cards - 1):,} ends, sequence form",
            ours,
            peers,
            remark=f"regret {float(certificate.regret):.0g}",
            goal="Gambit 16.7: lp 25, lcp 80" if cards == 13 else "",
        )


LEMKE = """
import pygambit
game = pygambit.read_efg(str(path))
started = time.process_time()
found = pygambit.nash.lcp_solve(game, rational=bool(rational)).equilibrium
seconds = time.process_time() - started
answers = float(found.payoffs["first"])
"""


def lemke(tiny: bool, folder: Path) -> Iterator[Line]:
    """One equilibrium of poker of which the house takes a tenth, so that it is not zero-sum."""
    if not tiny:
        limits.MAX_ACTIONS = 100 * 99  # deals
    sizes = (
        (3, True, True),
        (6, True, True),
        (13, True, False),
        (52, False, False),
        (100, False, False),
    )
    for cards, in_floats, exactly in sizes[:1] if tiny else sizes:
        form, path = several.poker(cards, Fraction(1, 10)), folder / "raked.efg"
        ours, profile = least(lambda form=form: next(sequence_lcp(form)), 2)
        certificate = certify(form, profile)
        assert certificate.exact
        assert certificate.regret == 0
        write_efg(form, path, overwrite=True)
        peers = {}
        for name, wanted in (("lcp, float", in_floats), ("lcp, rational", exactly)):
            rational = name.endswith("rational")
            made = (
                asked("pygambit", LEMKE, folder, path=str(path), rational=rational)
                if wanted
                else None
            )
            peers[f"Gambit, {name}"] = seconds(made)
        yield Line(
            f"raked poker of {cards} cards, {5 * cards * (cards - 1):,} ends, sequence form",
            ours,
            peers,
            remark="regret 0, exact",
            goal="Gambit 16.7: lcp 80" if cards == 13 else "",
        )


# ---------------------------------------------------------------------------------------------
# Dynamic and continuous games

SGAMESOLVER = """
np.NaN = np.nan  # the name that it uses is gone from NumPy 2
import sgamesolver
answers, seconds = [], 0.0
for u, p in zip(U, P):
    game = sgamesolver.SGame(list(u), list(p), 0.95)
    solver = sgamesolver.homotopy.QRE(game)
    solver.solver_setup()
    solver.solver.verbose = 0
    started = time.process_time()
    solver.solve()
    seconds += (time.process_time() - started) / len(U)
    if solver.equilibrium is None:
        raise SystemExit("sgamesolver found no equilibrium")
    play = solver.equilibrium.strategies
    answers.append(np.append(play.ravel(), np.max(game.check_equilibrium(play))))
"""


def markov(tiny: bool, folder: Path) -> Iterator[Line]:
    """Markov-perfect equilibria at the end of the logit path, and warm starts."""
    sizes = (10, 2, 2, 10), (10, 2, 4, 3), (10, 3, 3, 2), (10, 5, 2, 1), (30, 2, 3, 1)
    for size in ((3, 2, 2, 2),) if tiny else sizes:
        yield from dynamic(*size, folder)


def markov_large(tiny: bool, folder: Path) -> Iterator[Line]:
    """The same of 64 states, for which the peer takes minutes."""
    yield from dynamic(*((3, 2, 2, 1) if tiny else (64, 2, 4, 1)), folder)


def dynamic(states: int, players: int, actions: int, many: int, folder: Path) -> Iterator[Line]:
    """Random dynamic games of one size."""
    rng = np.random.default_rng(4)
    shape = (actions,) * players
    U = rng.random((many, states, players, *shape))
    P = rng.dirichlet(np.ones(states), (many, states, *shape))
    games = [MarkovForm.from_arrays(list(u), list(p), 0.95) for u, p in zip(U, P, strict=True)]
    ours, found = mean(lambda game: next(markov_homotopy(game)), games)
    certificates = [certify(g, p) for g, p in zip(games, found, strict=True)]
    assert all(each.holds for each in certificates)
    worst = max(float(each.regret) for each in certificates)
    other = os.environ.get("HIGHFENCE_SGAMESOLVER", sys.executable)
    made = asked("sgamesolver", SGAMESOLVER, folder, other, U=U, P=P)
    remark = f"regret {worst:.0g}"
    if made is not None:
        remark += f", sgamesolver's {np.max(made[1][:, -1]):.0e}"
        flat = np.array([np.concatenate(profile.strategies) for profile in found])
        assert np.abs(flat - made[1][:, :-1]).max() < 0.01  # the ends of the same paths
    name = f"{states} states, {players} players, {actions} actions"
    yield Line(
        f"Markov-perfect, {name}",
        ours,
        {"sgamesolver": seconds(made)},
        remark=remark,
        goal="sgamesolver 20, regret 1e-10",
    )
    near = MarkovForm.from_arrays(
        list(U[0] * (1 + 0.01 * (rng.random(U[0].shape) - 0.5))), list(P[0]), 0.95
    )
    start = logit_equilibrium(games[0], 20.0)
    cold, _ = least(lambda: logit_equilibrium(near, 20.0))
    warm, _ = least(lambda: [logit_equilibrium(near, 20.0, start) for _ in range(20)])
    yield Line(
        f"at precision 20, from a neighbor's answer ({name})",
        warm / 20,
        {"ours from scratch": cold},
        goal="30",
    )


def staged(tiny: bool, folder: Path) -> Iterator[Line]:
    """Three stages of interval decisions (Spencer and Brander 1983), many draws."""
    form = build(load("spencer_brander_1983"), regime="both")
    closed = closed_form_of(form)
    assert closed is not None
    names, rng, many = form.plan.names, np.random.default_rng(0), 100 if tiny else 200_000
    inputs = np.repeat(form.root[:, : len(names)], many, axis=0)
    for name, (low, high) in {"a": (110, 140), "c": (25, 40), "g": (3.5, 8)}.items():
        inputs[:, names.index(name)] = rng.uniform(low, high, many)
    ours, (found, _) = least(lambda: closed.solve(inputs))
    a, c, g = (inputs[:, names.index(name)] for name in "acg")
    tax = -g * (a - c) * (3 * g - 4) / (6 * (g - 2) * (3 * g - 1))
    error = np.abs(found[:, 0] / tax - 1).max()
    assert error < 1e-12
    yield Line(
        "three stages over intervals, one equilibrium a draw",
        ours / many,
        rate="solves",
        remark=f"within {error:.0e} of the published formula",
        goal="50,000 solves/s, 1e-12",
    )


def region(tiny: bool, folder: Path) -> Iterator[Line]:
    """Exact regions of pure equilibria over parameters."""
    for kind in ("linear",) if tiny else ("linear", "bilinear"):
        ours, found = least(lambda kind=kind: regions(parameters.control_game(kind != "linear")), 2)
        assert found.status == "exact"
        assert all(not each.reason for each in found)
        yield Line(
            f"exact regions, 6 parameters, {found.profiles} profiles, {kind}",
            ours,
            remark=f"{len(found)} somewhere, none redundant",
            goal="1 s",
        )


ROWS: dict[str, Callable[[bool, Path], Iterator[Line]]] = {
    "bimatrix": bimatrix,
    "exact": exact,
    "pure": pure,
    "stages": stages,
    "polynomial": polynomial,
    "newton": newton,
    "large": large,
    "trees": trees,
    "poker": poker,
    "lemke": lemke,
    "markov": markov,
    "markov_large": markov_large,
    "qre": qre,
    "staged": staged,
    "regions": region,
}
PACKAGES = ("numpy", "scipy", "numba", "nashpy", "quantecon", "pygambit", "sgamesolver")


def machine() -> str:
    """Say on what and beside which versions this was measured."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        named = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        model = named[1] if named else model
    peers = []
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            peers.append(f"{name} {version(name)}")
    if "HIGHFENCE_SGAMESOLVER" in os.environ:
        peers.append("sgamesolver in an environment of its own")
    if shutil.which("lrsnash") is None:
        peers.append("no lrsnash")
    return (
        f"One thread of {model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}; Python "
        f"{platform.python_version()}, {', '.join(peers)}."
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table of the rows that are asked for."""
    parser = argparse.ArgumentParser(description="Measure methods beside their peers.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"any of {', '.join(ROWS)}")
    parser.add_argument("--tiny", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.rows if name not in ROWS]:
        parser.error(f"no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    if chosen.write and (chosen.rows or chosen.tiny or chosen.alone):
        parser.error("--write takes the whole table")
    global ALONE
    ALONE = chosen.alone
    lines = ["| what | ours | times ours | goal | |", "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.rows or ROWS:
            for line in ROWS[name](chosen.tiny, Path(folder)):
                lines.append(str(line))
                print(line, flush=True)
    lines += ["", machine()]
    print("\n" + lines[-1])
    if chosen.write:
        text = README.read_text()
        start, end = (text.index(marker) for marker in MARKERS)
        inside = "\n".join([MARKERS[0], *lines, ""])
        README.write_text(text[:start] + inside + text[end:])


if __name__ == "__main__":
    if not os.environ.items() >= ONE_THREAD.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    main()
