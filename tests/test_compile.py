"""Compiled formulas give what plain evaluation gives, and the cache never changes an answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Stage
from highfence.errors import MethodFailed
from highfence.forms.build import build
from highfence.forms.compile import cache_folder, compile_staged, layout, numpy_function
from highfence.solve import solve
from highfence.spec.formulas import Expr, apply, call, constant, evaluate, order, variable

NAMES = ("p", "q", "x", "y", "u", "w")
STAGES = {"x": 0, "y": 0, "u": 1, "w": 2}
"""p and q are parameters; the last stage is 2."""
NUMBERS = ("add", "sub", "mul", "div", "min", "max", "pow")
TESTS = ("lt", "le", "eq", "ne")
SINGLE = ("neg", "abs", "exp", "log", "sqrt")
ALL = {*NUMBERS, *TESTS, *SINGLE, "and", "or", "not", "where", "input", "const"}


def draw(choose: np.random.Generator, depth: int, boolean: bool = False) -> Expr:
    """Return a random expression over the names."""

    def number() -> Expr:
        return draw(choose, depth - 1)

    def condition() -> Expr:
        return draw(choose, depth - 1, boolean=True)

    if boolean:
        kind = choose.integers(0, 6) if depth > 0 else 0
        if kind <= 2:
            return apply(str(choose.choice(TESTS)), number(), number())
        if kind == 3:
            return apply("not", condition())
        return apply("and" if kind == 4 else "or", condition(), condition())
    if depth <= 0:
        if choose.random() < 0.3:
            return constant(int(choose.integers(-3, 4)))
        return variable(str(choose.choice(NAMES)))
    kind = choose.integers(0, 10)
    if kind == 0:
        return apply("where", condition(), number(), number())
    if kind == 1:
        return apply("where", condition(), constant(1), constant(0))
    if kind <= 3:
        return apply(str(choose.choice(SINGLE)), number())
    if kind == 4:
        return apply("pow", number(), constant(int(choose.integers(-2, 6))))
    return apply(str(choose.choice(NUMBERS[:6])), number(), number())


def points(choose: np.random.Generator, count: int) -> np.ndarray:
    """Return inputs (count, names): some whole, so that comparisons meet ties."""
    made = choose.normal(0, 2, (count, len(NAMES)))
    whole = choose.random(made.shape) < 0.3
    return np.where(whole, np.round(made), made)


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether values agree to rounding, undefined and infinite ones included."""
    with np.errstate(all="ignore"):
        return bool(np.allclose(found, expected, rtol=1e-11, atol=1e-12, equal_nan=True))


@given(st.integers(0, 10**9), st.integers(1, 5))
@settings(max_examples=150)
def test_the_numpy_function_gives_what_evaluation_gives(seed, depth):
    choose = np.random.default_rng(seed)
    roots = [draw(choose, depth) for _ in range(3)]
    inputs = points(choose, 12)
    expected = evaluate(roots, {name: inputs[:, k] for k, name in enumerate(NAMES)})
    function = numpy_function(roots, NAMES)
    for k in range(len(roots)):
        assert same(function(inputs)[:, k], np.broadcast_to(expected[k], 12))
    # One draw, and two leading axes.
    assert same(function(inputs[0]), function(inputs)[0])
    assert same(function(inputs.reshape(3, 4, -1)), function(inputs).reshape(3, 4, -1))


def run(program, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all payoffs by ``finish``, and by ``objective``, as a solver would ask for them."""
    plan = program.plan
    by_finish, by_objective = [], []
    for line in inputs:
        v = np.full(plan.size, np.nan)
        v[:2] = line[:2]
        program.advance(v, -1)
        for level in range(plan.last + 1):
            for k, name in enumerate(NAMES):
                if STAGES.get(name, -1) == level:
                    v[k] = line[k]
            if level < plan.last:
                program.advance(v, level)
        out = np.empty(PAYOFFS)
        program.finish(v, out)
        by_finish.append(out)
        by_objective.append([program.objective(v, i) for i in range(PAYOFFS)])
    return np.array(by_finish), np.array(by_objective)


PAYOFFS = 25


@pytest.mark.parametrize("seed", range(2))
def test_compiled_functions_give_what_evaluation_gives(seed):
    """Many random payoffs in one program, with what each stage stores read back from slots."""
    choose = np.random.default_rng(seed)
    roots = [draw(choose, int(choose.integers(1, 6))) for _ in range(PAYOFFS)]
    # Whatever reads a slot between stages is stored as bounds and conditions are.
    stored = [
        node
        for node in order(roots)
        if node.op not in ("input", "const") and choose.random() < 0.1
        and not any(STAGES.get(name) == 2 for name in inputs_of(node))
    ]  # fmt: skip
    plan = layout(NAMES, STAGES, 2, roots, stored)
    program = compile_staged(plan, roots, range(PAYOFFS))
    inputs = points(choose, 60)
    columns = {name: inputs[:, k] for k, name in enumerate(NAMES)}
    expected = np.stack([np.broadcast_to(v, 60) for v in evaluate(roots, columns)], axis=1)
    by_finish, by_objective = run(program, inputs)
    for k in range(PAYOFFS):
        assert same(by_finish[:, k], expected[:, k].astype(float)), roots[k]
        assert same(by_objective[:, k], expected[:, k].astype(float)), roots[k]
    known = np.isfinite(expected.astype(float)).mean()
    assert 0.4 < known < 0.99


def inputs_of(node: Expr) -> set[str]:
    return {below.value for below in order([node]) if below.op == "input"}


def test_the_random_graphs_hold_every_operation():
    seen = set()
    for seed in range(2):
        choose = np.random.default_rng(seed)
        roots = [draw(choose, int(choose.integers(1, 6))) for _ in range(PAYOFFS)]
        seen |= {node.op for node in order(roots)}
    assert seen >= ALL


@pytest.mark.parametrize("seed", range(3))
def test_a_line_gives_what_the_objective_gives_point_by_point(seed):
    """The last stage's move is w, in slot 5; the other inputs stay."""
    choose = np.random.default_rng(seed)
    roots = [draw(choose, 4) for _ in range(4)]
    plan = layout(NAMES, STAGES, 2, roots, [])
    moves = [(player, NAMES.index("w")) for player in range(len(roots))]
    program = compile_staged(plan, roots, range(len(roots)), moves)
    x = np.linspace(0, 1, 16)
    known = 0
    for row in points(choose, 12):
        v = np.zeros(plan.size)
        v[: len(NAMES)] = row
        for level in (-1, 0, 1):
            program.advance(v, level)
        before = v.copy()
        for player in range(len(roots)):
            found, expected = np.full(16, 7.0), np.empty(16)
            program.line(v, player, 5, -2.0, 4.0, 15, x, found)
            assert np.array_equal(v, before, equal_nan=True)
            for k in range(15):
                v[5] = -2.0 + 4.0 * x[k]
                expected[k] = program.objective(v, player)
            v[5] = before[5]
            assert same(found[:15], expected[:15])
            assert found[15] == 7  # no more than was asked for
            known += np.isfinite(expected[:15]).sum()
    assert known > 0.2 * 12 * 4 * 15


def test_a_line_of_a_move_that_nobody_has_there_is_undefined():
    x = variable("x")
    program = compile_staged(layout(("x",), {"x": 0}, 0, [x], []), [x], [0], [(0, 0)])
    v, found = np.array([3.0]), np.zeros(8)

    assert np.isnan(program.line(v, 1, 0, 0.0, 1.0, 8, np.zeros(8), found))
    assert (found == 0).all()
    program.line(v, 0, 0, 1.0, 2.0, 8, np.full(8, 0.5), found)
    assert (found == 2).all()


def test_what_is_undefined_stays_undefined_in_min_and_max():
    x = variable("x")
    root, others = apply("sqrt", x), (constant(1), apply("neg", x), apply("log", x))
    roots = []
    for op in ("min", "max"):
        for other in others:
            roots += [apply(op, root, other), apply(op, other, root)]
    plan = layout(("x",), {"x": 0}, 0, roots, [])
    program = compile_staged(plan, roots, (0, 1))
    out = np.empty(len(roots))
    program.finish(np.array([-1.0]), out)
    assert np.isnan(evaluate(roots, {"x": -1.0})).all()
    assert np.isnan(out).all()


def test_a_player_who_decides_nothing_in_the_last_stage_has_no_objective_there():
    x = variable("x")
    roots = [apply("mul", x, x), apply("neg", x)]
    program = compile_staged(layout(("x",), {"x": 0}, 0, roots, []), roots, [1])
    v = np.array([3.0])
    assert np.isnan(program.objective(v, 0))
    assert program.objective(v, 1) == -3
    out = np.empty(2)
    program.finish(v, out)
    assert list(out) == [9, -3]


def test_levels_are_those_of_the_last_move_that_is_needed():
    p, x, u, w = (variable(name) for name in ("p", "x", "u", "w"))
    early, middle = apply("mul", p, p), apply("add", x, p)
    last = apply("mul", apply("add", middle, u), w)
    plan = layout(NAMES, STAGES, 2, [last], [early])
    assert [plan.level[id(node)] for node in (early, middle, last)] == [-1, 0, 2]
    # What crosses a level has a slot of its own; the last level is computed on demand.
    assert id(early) in plan.slot
    assert id(middle) in plan.slot
    assert id(last) not in plan.slot
    assert plan.size > len(NAMES)
    assert len(set(plan.slot.values())) == len(plan.slot)


# ---------------------------------------------------------------------------------------------
# The cache


def duopoly(shift: float = 0.0) -> Game:
    """Return a game with constants of its own, so that each test compiles its own program."""
    return Game(
        name="shifted",
        players=["one", "two"],
        parameters=[Parameter("parameter_of_mine", 30)],
        stages=[
            Stage(
                "supply",
                Decision("one", "output_of_mine", Interval(0, 100)),
                Decision("two", "q2", Interval(0, 100)),
            )
        ],
        payoffs={
            "one": f"output_of_mine * (90 + {shift} - output_of_mine - q2)",
            "two": f"q2 * (90 + {shift} - output_of_mine - q2) + 0 * parameter_of_mine",
        },
    )


def answer(shift: float) -> float:
    """Solve the game anew and return the first output, which is 30 + shift / 3."""
    (equilibrium,) = solve(duopoly(shift)).equilibria
    return float(equilibrium.strategies["one"]["output_of_mine"])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("HIGHFENCE_CACHE_DIR", str(folder))
    return folder


def test_the_cache_is_kept_where_the_variable_says_and_read_again(cache):
    assert answer(3) == pytest.approx(31)
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert any(path.name.startswith("game_") and path.suffix == ".py" for path in kept)
    assert any(path.suffix == ".nbc" for path in kept)
    assert not any(path.suffix == ".tmp" for path in kept)
    assert cache.stat().st_mode & 0o077 == 0
    assert answer(3) == pytest.approx(31)
    again = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert again == kept


def test_a_second_process_reads_what_the_first_compiled(cache):
    """And says the same to the last bit."""
    code = "import test_compile as t; print(repr(t.answer(6.0)))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", code]
    said = []
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        said.append(done.stdout)
        kept = {p: p.stat().st_mtime_ns for p in cache.rglob("*.nbc")}
        assert kept
    assert said[0] == said[1] == f"{answer(6.0)!r}\n"
    assert {p: p.stat().st_mtime_ns for p in cache.rglob("*.nbc")} == kept


@pytest.mark.parametrize("suffix", [".py", ".nbi", ".nbc"])
@pytest.mark.parametrize("damage", [b"", b"\x80\x04garbage", b"raise SystemExit(7)\n"])
def test_a_damaged_cache_costs_a_compilation_and_no_answer(cache, suffix, damage):
    shift = 9.0
    assert answer(shift) == pytest.approx(33)
    damaged = list(cache.rglob(f"*{suffix}"))
    assert damaged
    for path in damaged:
        path.write_bytes(damage)
    assert answer(shift) == pytest.approx(33)
    # The next one finds the cache whole again, or makes it so.
    assert answer(shift) == pytest.approx(33)
    if suffix != ".py":
        assert all(path.read_bytes() != damage for path in damaged if path.exists())


def test_what_stands_in_the_cache_as_source_is_not_run(cache, tmp_path):
    """The program that is run is the one that was just written, not the one that lies there."""
    assert answer(12) == pytest.approx(34)
    marker = tmp_path / "ran"
    (source,) = cache.glob("game_*.py")
    source.write_text(f"open({str(marker)!r}, 'w')\n" + source.read_text())
    assert answer(12) == pytest.approx(34)
    assert not marker.exists()


def test_a_cache_that_cannot_be_made_is_done_without(tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("HIGHFENCE_CACHE_DIR", str(blocker / "below"))
    assert cache_folder() is None
    assert answer(15) == pytest.approx(35)
    assert blocker.read_text() == "not a folder"


def test_a_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    folder = tmp_path / "theirs"
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        folder = Path("/usr")
    monkeypatch.setenv("HIGHFENCE_CACHE_DIR", str(folder))
    assert cache_folder() is None
    assert answer(18) == pytest.approx(36)
    assert not list(folder.glob("game_*"))


def test_the_cache_follows_the_desktop_rules_where_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("HIGHFENCE_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "highfence"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "highfence"


def test_no_name_that_a_user_chose_stands_in_the_program(cache):
    answer(21)
    (source,) = cache.glob("game_*.py")
    text = source.read_text()
    assert "mine" not in text
    assert "supply" not in text


# ---------------------------------------------------------------------------------------------
# Python callables


def made_of(one) -> Game:
    return Game(
        name="callable",
        players=["one", "two"],
        parameters=[Parameter("a", 90)],
        stages=[
            Stage(
                "supply",
                Decision("one", "q1", Interval(0, 100)),
                Decision("two", "q2", Interval(0, 100)),
            )
        ],
        payoffs={"one": one, "two": "q2 * (a - q1 - q2)"},
    )


def profit(q1, q2, a):
    return q1 * (a - q1 - q2) - np.maximum(q1 - 25.0, 0.0) * 12


def test_a_python_callable_is_solved_like_a_formula(cache):
    """The extra cost above 25 stops the first firm there: the second answers with 65 / 2."""
    (equilibrium,) = solve(made_of(profit)).equilibria
    (written,) = solve(made_of("q1 * (a - q1 - q2) - max(q1 - 25, 0) * 12")).equilibria
    found = [equilibrium.strategies[p][q] for p, q in (("one", "q1"), ("two", "q2"))]
    expected = [written.strategies[p][q] for p, q in (("one", "q1"), ("two", "q2"))]
    assert found == pytest.approx(expected, abs=1e-7)
    assert found == pytest.approx([25, 32.5], abs=1e-6)


def test_a_callable_is_never_written_to_the_cache(cache):
    solve(made_of(profit))
    assert not list(cache.rglob("game_*"))


TABLE = {"slope": 1.0}


def looks_up(q1, q2, a):
    return q1 * (a - TABLE["slope"] * q1 - q2)


def test_a_callable_that_cannot_be_compiled_is_refused_with_the_way_out():
    with pytest.raises(MethodFailed) as caught:
        solve(made_of(looks_up))
    text = str(caught.value)
    assert "a Python callable in the game cannot be compiled" in text
    assert "Write it as a formula, or use plain numpy" in text
    assert "\n" not in text


def test_a_callable_in_a_graph_is_called_with_its_arguments_in_order():
    def take(first, second):
        return 10 * first + second

    root = call(take, [variable("x"), apply("mul", variable("u"), variable("u"))])
    inputs = np.array([[0, 0, 2.0, 0, 3.0, 0]])
    assert numpy_function([root], NAMES)(inputs)[0, 0] == 29
    plan = layout(NAMES, STAGES, 2, [root], [])
    program = compile_staged(plan, [root], [0])
    v = np.zeros(plan.size)
    v[[2, 4]] = 2.0, 3.0
    for level in (-1, 0, 1):
        program.advance(v, level)
    out = np.empty(1)
    program.finish(v, out)
    assert out[0] == 29


def test_a_form_says_its_program_once():
    form = build(duopoly(24))
    assert form.program is form.program
