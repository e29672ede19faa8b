"""The strategic (normal) form: players, strategies, and a payoff for every pure profile.

Conventions
-----------
``payoffs[i, a_0, ..., a_{N-1}]`` is the payoff of player ``i`` when player ``j`` plays
their pure strategy ``a_j``. Players and strategies are indices in the order of their
labels; labels stay outside the arrays. Beside the ``float64`` table stands the exact
rational one where the input was rational.

A *mixed strategy* is a probability vector over a player's pure strategies, its
*support* the pure strategies with positive probability, a *profile* one mixed strategy
per player.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import isfinite, prod
from numbers import Rational
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import limits, tolerances
from ..errors import LimitExceeded, Problem, SpecError

__all__ = ["NormalForm", "Number", "Profile"]

Number = float | Fraction

_MAX_AXES = 64
"""Axes of a numpy array: one for the player, one per player's strategies."""
_MAX_PROBLEMS = 10
"""Bad cells listed in one error."""
_RATIONAL_TEXT = re.compile(
    r"\s*[+-]?(?:\d+(?:/\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE](?P<exponent>[+-]?\d{1,6}))?)\s*"
)


@dataclass(frozen=True)
class Profile:
    """A mixed strategy profile of a :class:`NormalForm`.

    ``strategies[i][k]`` is the probability that player ``i`` plays pure strategy ``k``. A
    profile is a claim, not a checked fact: the judge checks it.

    Examples
    --------
    >>> Profile.from_weights([1, 1], [0.25, 0.75])
    Profile(strategies=((Fraction(1, 2), Fraction(1, 2)), (0.25, 0.75)))
    """

    strategies: tuple[tuple[Number, ...], ...]

    @classmethod
    def from_weights(cls, *weights: ArrayLike | Sequence[Number]) -> Profile:
        """Return the profile in proportion to the weights, one vector per player.

        Vectors of ints and Fractions stay exact. Floats that are negative by no more than
        ``tolerances.PROBABILITY`` of the total are rounding and become 0.

        Raises
        ------
        ValueError
            A weight is negative or not finite, or all weights of a player are 0.
        """
        return cls(tuple(_normalized(vector) for vector in weights))

    @classmethod
    def pure(cls, form: NormalForm, choices: Sequence[int]) -> Profile:
        """Return the exact profile in which player ``i`` plays pure strategy ``choices[i]``."""
        zero, one = Fraction(0), Fraction(1)
        return cls(
            tuple(
                tuple(one if k == chosen else zero for k in range(count))
                for count, chosen in zip(form.num_strategies, choices, strict=True)
            )
        )

    @property
    def is_exact(self) -> bool:
        """True if every probability is a Fraction (or an int)."""
        return all(isinstance(p, Rational) for vector in self.strategies for p in vector)

    @property
    def supports(self) -> tuple[tuple[int, ...], ...]:
        """Return the pure strategies that each player plays with positive probability."""
        return tuple(tuple(k for k, p in enumerate(vector) if p > 0) for vector in self.strategies)

    def floats(self) -> tuple[NDArray[np.float64], ...]:
        """Return one float64 vector per player."""
        return tuple(np.array([float(p) for p in vector]) for vector in self.strategies)


def _normalized(vector: ArrayLike | Sequence[Number]) -> tuple[Number, ...]:
    entries = list(np.asarray(vector).tolist() if isinstance(vector, np.ndarray) else vector)  # type: ignore[arg-type]
    # What comes from an array of floats is not looked at one by one.
    in_floats = isinstance(vector, np.ndarray) and vector.dtype == np.float64
    if entries and not in_floats and all(isinstance(p, Rational) for p in entries):
        exact = [Fraction(p) for p in entries]
        total = sum(exact, Fraction(0))
        if total <= 0 or min(exact) < 0:
            raise ValueError(f"weights must be nonnegative with a positive sum, not {entries}")
        return tuple(p / total for p in exact)
    floats = list(map(float, entries))
    sum_of_floats = sum(floats)
    if not (isfinite(sum_of_floats) and sum_of_floats > 0):
        raise ValueError(f"weights must be finite with a positive sum, not {floats}")
    least = min(floats)
    if least < -tolerances.PROBABILITY * sum_of_floats:
        raise ValueError(f"weights must be nonnegative, not {floats}")
    clipped = [max(p, 0.0) for p in floats] if least < 0 else floats
    sum_of_floats = sum(clipped)
    return tuple([p / sum_of_floats for p in clipped])


@dataclass(frozen=True, eq=False)
class NormalForm:
    """A finite game in strategic form.

    Made by :meth:`from_payoffs` or :meth:`bimatrix`, which validate and copy; arrays are
    read-only. Two forms are equal only if they are the same object.

    Attributes
    ----------
    players
        Player labels, unique.
    strategies
        Per player, the labels of their pure strategies, unique for the player.
    payoffs
        Shape ``(N, a_0, ..., a_{N-1})``.
    exact
        The same as an object array of Fractions, or None if some input was a float (or
        the table has more than ``limits.MAX_EXACT_CELLS`` entries). See :meth:`rational`.
    title
        What files and reports print.
    outcomes
        Metric name -> its value at every pure profile, shape ``(a_0, ..., a_{N-1})``.
    """

    players: tuple[str, ...]
    strategies: tuple[tuple[str, ...], ...]
    payoffs: NDArray[np.float64]
    exact: NDArray[np.object_] | None
    title: str = ""
    outcomes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def from_payoffs(
        cls,
        payoffs: Any,
        *,
        players: Sequence[str] | None = None,
        strategies: Sequence[Sequence[str]] | None = None,
        title: str = "",
        outcomes: Mapping[str, ArrayLike] | None = None,
        zero_sum: bool = False,
        symmetric: bool = False,
    ) -> NormalForm:
        """Return the game with these payoffs.

        Parameters
        ----------
        payoffs
            Array or nested lists of shape ``(N, a_0, ..., a_{N-1})``. Entries are ints of
            any size, Fractions, Decimals, text such as ``"1/3"`` or ``"-0.25"``, bools
            (0 and 1) or floats. Without floats the exact table is kept.
        players
            ``N`` labels; by default ``"Player 1"``, ``"Player 2"``, ...
        strategies
            Labels of the pure strategies of each player; by default ``"1"``, ``"2"``, ...
        title
            What files and reports print.
        outcomes
            Metric name -> array of shape ``(a_0, ..., a_{N-1})``.
        zero_sum
            Check that payoffs sum to the same constant at every pure profile.
        symmetric
            Check that exchanging two players exchanges their payoffs and nothing else.

        Raises
        ------
        SpecError
            A payoff is infinite, NaN or not a number (the cell is named); the table is
            ragged; labels do not match its shape; a declared property does not hold.
        LimitExceeded
            More than ``limits.MAX_CELLS`` entries.
        TypeError
            An entry is complex, or of a type that is not a number at all.

        Examples
        --------
        >>> game = NormalForm.from_payoffs([[[3, 0], [5, 1]], [[3, 5], [0, 1]]])
        >>> game.num_strategies
        (2, 2)
        >>> game.exact[0, 1, 0]
        Fraction(5, 1)
        """
        table, exact = _read_table(payoffs)
        shape = table.shape[1:]
        player_labels = _player_labels(players, table.shape)
        strategy_labels = _strategy_labels(strategies, player_labels, table.shape)
        form = cls(
            players=player_labels,
            strategies=strategy_labels,
            payoffs=_read_only(table),
            exact=None if exact is None else _read_only(exact),
            title=title,
            outcomes=MappingProxyType(_read_outcomes(outcomes, shape)),
        )
        if zero_sum:
            form._require_zero_sum()
        if symmetric:
            form._require_symmetric()
        return form

    @classmethod
    def bimatrix(
        cls,
        row: Any,
        column: Any = None,
        *,
        zero_sum: bool = False,
        symmetric: bool = False,
        **labels: Any,
    ) -> NormalForm:
        """Return the two-player game with payoff matrices ``row`` and ``column``.

        Parameters
        ----------
        row, column
            Shape ``(m, n)``: rows are the strategies of the first player. ``column`` may be
            left out only if the game is declared zero-sum (it is then ``-row``) or
            symmetric (it is then the transpose of ``row``).
        zero_sum, symmetric
            Declared properties; checked.
        labels
            ``players``, ``strategies``, ``title``, ``outcomes`` as for :meth:`from_payoffs`.

        Raises
        ------
        SpecError
            As for :meth:`from_payoffs`; the matrices have different shapes; or one matrix
            was given without saying what the second player's payoffs are.

        Examples
        --------
        >>> NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True).payoffs[1].tolist()
        [[-1.0, 1.0], [1.0, -1.0]]
        """
        first = _read_cells(row, "row")
        if first.ndim != 2:
            raise _problem(
                "row",
                f"a payoff matrix has two axes, this has shape {first.shape}",
                "Give one list per row",
            )
        if column is not None:
            second = _read_cells(column, "column")
            if second.shape != first.shape:
                raise _problem(
                    "column",
                    f"shape {second.shape} differs from the shape {first.shape} of the row "
                    "player's payoffs",
                    "Both matrices have one row per strategy of the row player",
                )
        elif zero_sum:
            second = np.empty_like(first)
            for index, value in np.ndenumerate(first):
                second[index] = -value
        elif symmetric:
            second = first.T
        else:
            raise _problem(
                "column",
                "only the row player's payoffs are given",
                "Give the column player's matrix too, or say zero_sum=True or symmetric=True",
            )
        return cls.from_payoffs(
            np.stack([first, second]), zero_sum=zero_sum, symmetric=symmetric, **labels
        )

    @property
    def num_players(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def num_strategies(self) -> tuple[int, ...]:
        """Number of pure strategies of each player."""
        return tuple(self.payoffs.shape[1:])

    @property
    def num_profiles(self) -> int:
        """Number of pure strategy profiles."""
        return prod(self.num_strategies)

    def rational(self) -> NDArray[np.object_]:
        """Return the payoffs as exact rationals: the exact table, or the floats as stored.

        Every float is a dyadic rational, so exact methods work on float games too; what
        they prove is then exact for the payoffs as stored.

        Raises
        ------
        LimitExceeded
            More than ``limits.MAX_EXACT_CELLS`` entries.
        """
        return self._rational

    @cached_property
    def _rational(self) -> NDArray[np.object_]:
        if self.exact is not None:
            return self.exact
        if self.payoffs.size > limits.MAX_EXACT_CELLS:
            raise LimitExceeded(
                Problem(
                    self.title or "payoffs",
                    f"exact arithmetic on {self.payoffs.size} payoffs would pass the limit "
                    f"of {limits.MAX_EXACT_CELLS}",
                    "Raise highfence.limits.MAX_EXACT_CELLS if you have the time",
                )
            )
        made = np.empty(self.payoffs.shape, dtype=object)
        for index, value in np.ndenumerate(self.payoffs):
            made[index] = Fraction(float(value))
        return _read_only(made)

    @cached_property
    def payoff_ranges(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """Return each player's lowest and highest payoff over all pure profiles, exactly."""
        ranges = []
        for player in range(self.num_players):
            ends = []
            for find in (np.min, np.max):
                table = self.payoffs[player]
                extreme = float(find(table))
                # Rounding keeps order, so the exact extreme is among the cells that share it.
                ends.append(
                    Fraction(extreme)
                    if self.exact is None
                    else Fraction(find(self.exact[player][table == extreme]))
                )
            ranges.append((ends[0], ends[1]))
        return tuple(ranges)

    def unit_payoffs(
        self, player: int, strategies: Sequence[Sequence[int]] | None = None
    ) -> NDArray[np.float64]:
        """Return a player's payoffs mapped to [0, 1], in floats; 0 if they are all the same.

        A positive affine map of one player's payoffs changes no best response. Payoffs that
        differ by less than a float can tell are told apart where the exact table is there.

        Parameters
        ----------
        player
            Index of the player.
        strategies
            Per player, the pure strategies to which the table is restricted; all by
            default. The map is that of the whole table.

        Returns
        -------
        array
            Shape: the number of those strategies per player.
        """
        block = ... if strategies is None else np.ix_(*strategies)
        low, high = self.payoff_ranges[player]
        values = self.payoffs[player][block]
        if low == high:
            return np.zeros(values.shape)
        if self.exact is not None:
            exact: NDArray[np.object_] = (self.exact[player][block] - low) / (high - low)
            return exact.astype(np.float64)
        lowest, highest = float(low), float(high)
        if not isfinite(highest - lowest):
            values, lowest, highest = values / 2, lowest / 2, highest / 2
        unit: NDArray[np.float64] = (values - lowest) / (highest - lowest)
        return unit

    def expected_payoffs(self, profile: Profile) -> tuple[Number, ...]:
        """Return each player's expected payoff: Fractions if form and profile are exact."""
        if self.exact is None or not profile.is_exact:
            return tuple(self._expectation(table, profile) for table in self.payoffs)
        supports = profile.supports
        totals = [Fraction(0)] * self.num_players
        for choice in product(*supports):
            probability = prod(
                (Fraction(p[k]) for p, k in zip(profile.strategies, choice, strict=True)),
                start=Fraction(1),
            )
            for player in range(self.num_players):
                totals[player] += probability * self.exact[(player, *choice)]
        return tuple(totals)

    def expected_outcomes(self, profile: Profile) -> dict[str, float]:
        """Return the expected value of each metric."""
        return {name: self._expectation(table, profile) for name, table in self.outcomes.items()}

    def _expectation(self, table: NDArray[np.float64], profile: Profile) -> float:
        supports = profile.supports
        values = table[np.ix_(*supports)]
        for strategy, support in zip(profile.floats(), supports, strict=True):
            values = np.tensordot(strategy[list(support)], values, axes=(0, 0))
        return float(values)

    @property
    def is_zero_sum(self) -> bool:
        """True if the payoffs of all players sum to the same constant at every pure profile.

        Judged exactly where the exact table is there, else up to ``tolerances.ROUNDING`` of
        the payoff scale.
        """
        return self._zero_sum_witness is None

    @cached_property
    def _zero_sum_witness(self) -> tuple[int, ...] | None:
        """A pure profile whose sum differs from that of the first one, or None."""
        if self.exact is not None:
            totals = self.exact.sum(axis=0)
            differs = totals != totals.flat[0]
        else:
            totals = self.payoffs.sum(axis=0)
            scale = float(np.abs(self.payoffs).max())
            differs = np.abs(totals - totals.flat[0]) > tolerances.ROUNDING * scale
        found = np.argwhere(differs)
        return tuple(int(k) for k in found[0]) if len(found) else None

    def cell(self, profile: Sequence[int]) -> str:
        """Return a pure profile in words: ``row='Hawk', column='Dove'``."""
        return ", ".join(
            f"{player}={labels[k]!r}"
            for player, labels, k in zip(self.players, self.strategies, profile, strict=True)
        )

    def _require_zero_sum(self) -> None:
        witness = self._zero_sum_witness
        if witness is None:
            return
        table = self.payoffs if self.exact is None else self.exact
        origin = (0,) * self.num_players
        raise _problem(
            self.title or "payoffs",
            f"declared zero-sum, but payoffs sum to {_sum_at(table, witness)} at "
            f"({self.cell(witness)}) and to {_sum_at(table, origin)} at ({self.cell(origin)})",
            "Mend that cell, or drop the declaration",
        )

    def _require_symmetric(self) -> None:
        if len(set(self.num_strategies)) > 1:
            raise _problem(
                self.title or "payoffs",
                f"declared symmetric, but players have {self.num_strategies} strategies",
                "In a symmetric game all players have the same strategies",
            )
        table = self.payoffs if self.exact is None else self.exact
        # Exchanges of neighbors generate all permutations of the players.
        for i in range(self.num_players - 1):
            order = list(range(self.num_players))
            order[i], order[i + 1] = i + 1, i
            exchanged = table[order].transpose(0, *(k + 1 for k in order))
            found = np.argwhere(table != exchanged)
            if len(found):
                player, *profile = (int(k) for k in found[0])
                raise _problem(
                    self.title or "payoffs",
                    f"declared symmetric, but {self.players[player]} gets "
                    f"{table[(player, *profile)]} at ({self.cell(profile)}) and "
                    f"{exchanged[(player, *profile)]} after exchanging "
                    f"{self.players[i]} and {self.players[i + 1]}",
                    "Mend that cell, or drop the declaration",
                )


def _problem(place: str, reason: str, fix: str = "") -> SpecError:
    return SpecError(Problem(place, reason, fix))


def _sum_at(table: NDArray[Any], profile: tuple[int, ...]) -> Any:
    return sum(payoffs[profile] for payoffs in table)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    copied = np.array(array)
    copied.setflags(write=False)
    return copied


def _read_table(payoffs: Any) -> tuple[NDArray[np.float64], NDArray[np.object_] | None]:
    """Return the float table and, where no entry is a float, the exact one."""
    if isinstance(payoffs, np.ndarray) and payoffs.dtype.kind == "f":
        _check_shape(payoffs.shape)
        table = payoffs.astype(np.float64)
        _refuse_infinite(table)
        return table, None
    cells = _read_cells(payoffs, "payoffs")
    _check_shape(cells.shape)
    exact = np.empty(cells.shape, dtype=object)
    table = np.empty(cells.shape, dtype=np.float64)
    is_exact = cells.size <= limits.MAX_EXACT_CELLS
    problems: list[Problem] = []
    for index, value in np.ndenumerate(cells):
        if isinstance(value, float):
            is_exact = False
            table[index] = value
            continue
        try:
            table[index] = float(value)
        except OverflowError:
            problems.append(
                Problem(_cell_name(index), "too large for a float", "Rescale the payoffs")
            )
        exact[index] = value
    if problems:
        raise SpecError(problems[:_MAX_PROBLEMS])
    return table, exact if is_exact else None


def _cell_name(index: Sequence[int], name: str = "payoffs") -> str:
    return f"{name}[{', '.join(str(int(k)) for k in index)}]"


def _refuse_infinite(table: NDArray[np.float64], name: str = "payoffs") -> None:
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        raise SpecError(
            Problem(
                _cell_name(index, name),
                f"{table[tuple(index)]} is not a finite number",
                "Every payoff must be finite",
            )
            for index in bad[:_MAX_PROBLEMS]
        )


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) < 2 or len(shape) - 1 != shape[0]:
        raise _problem(
            "payoffs",
            f"shape {shape} is not (N, a_0, ..., a_(N-1)): for {shape[0] if shape else 0} "
            f"player(s) it needs {1 + (shape[0] if shape else 1)} axes, it has {len(shape)}",
            "The first axis is the player, then one axis per player's strategies",
        )
    if 0 in shape:
        raise _problem("payoffs", f"shape {shape}: a player has no strategy", "Give at least one")
    if len(shape) > _MAX_AXES:
        raise LimitExceeded(
            Problem("payoffs", f"{shape[0]} players are more than the {_MAX_AXES - 1} that fit")
        )
    if prod(shape) > limits.MAX_CELLS:
        raise LimitExceeded(
            Problem(
                "payoffs",
                f"{prod(shape)} entries would pass the limit of {limits.MAX_CELLS}",
                "Raise highfence.limits.MAX_CELLS if you have the memory",
            )
        )


def _read_cells(values: Any, name: str) -> NDArray[np.object_]:
    """Return nested lists or an array as an object array of finite floats and Fractions."""
    if isinstance(values, np.ndarray):
        shape = values.shape
        flat = iter(values.ravel().tolist())
    else:
        shape, flat = _shape_of(values, name), _leaves(values)
    if prod(shape) > limits.MAX_CELLS:
        raise LimitExceeded(
            Problem(name, f"{prod(shape)} entries would pass the limit of {limits.MAX_CELLS}")
        )
    cells = np.empty(shape, dtype=object)
    problems: list[Problem] = []
    for index in np.ndindex(*shape):
        try:
            cells[index] = _read_number(next(flat))
        except ValueError as error:
            problems.append(Problem(_cell_name(index, name), str(error)))
            if len(problems) == _MAX_PROBLEMS:
                break
        except TypeError as error:
            raise TypeError(f"{_cell_name(index, name)}: {error}") from None
    if problems:
        raise SpecError(problems)
    return cells


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)


def _shape_of(values: Any, name: str) -> tuple[int, ...]:
    """Return the shape of nested lists, and refuse ragged ones."""
    shape: list[int] = []
    level: list[tuple[tuple[int, ...], Any]] = [((), values)]
    while level and _is_list(level[0][1]):
        length = len(level[0][1])
        for place, item in level:
            if not _is_list(item) or len(item) != length:
                found = f"{len(item)} entries" if _is_list(item) else f"the single value {item!r}"
                raise _problem(
                    _cell_name(place, name),
                    f"{found} where the first has {length} entries",
                    "All rows need the same length",
                )
        shape.append(length)
        if len(shape) > _MAX_AXES:
            raise _problem(name, f"lists are nested more than {_MAX_AXES} deep")
        level = [((*place, k), inner) for place, item in level for k, inner in enumerate(item)]
        if len(level) > limits.MAX_CELLS:
            raise LimitExceeded(Problem(name, f"more entries than the limit of {limits.MAX_CELLS}"))
    for place, item in level:
        if _is_list(item):
            raise _problem(
                _cell_name(place, name),
                "a list where the first is a single value",
                "All rows need the same depth",
            )
    return tuple(shape)


def _leaves(values: Any) -> Iterator[Any]:
    if not _is_list(values):
        yield values
        return
    for item in values:
        yield from _leaves(item)


def _read_number(value: Any) -> Number:
    """Return a float as it is and everything rational as a Fraction.

    Raises
    ------
    ValueError
        Infinite, NaN, not a number, or too long.
    TypeError
        Complex, or of a type that is no number.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"{value} is not a finite number. Every payoff must be finite")
        return value
    if isinstance(value, int | Fraction):  # bool is an int
        return Fraction(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a finite number. Every payoff must be finite")
        if abs(value.adjusted()) > limits.MAX_DIGITS:
            raise ValueError(f"the exponent is larger than {limits.MAX_DIGITS}")
        return Fraction(value)
    if isinstance(value, str):
        match = _RATIONAL_TEXT.fullmatch(value)
        if match is None:
            raise ValueError(
                f"{value!r} is not a number. Write an integer, a decimal or a ratio such as '1/3'"
            )
        if len(value) > limits.MAX_DIGITS or abs(int(match["exponent"] or 0)) > limits.MAX_DIGITS:
            raise ValueError(f"the number has more than {limits.MAX_DIGITS} digits")
        try:
            return Fraction(value)
        except ZeroDivisionError:
            raise ValueError(f"{value!r} divides by zero") from None
    if isinstance(value, complex):
        raise TypeError(f"payoffs are real numbers, not {value!r}")
    raise TypeError(f"a payoff is a number, not {type(value).__name__}")


def _player_labels(labels: Sequence[str] | None, shape: tuple[int, ...]) -> tuple[str, ...]:
    count = shape[0]
    if labels is None:
        return tuple(f"Player {k + 1}" for k in range(count))
    if isinstance(labels, str) or len(labels) != count:
        given = 1 if isinstance(labels, str) else len(labels)
        raise _problem(
            "players",
            f"{given} label(s) for the {count} player(s) of payoffs of shape {shape}",
            "Give one label per player",
        )
    return _unique(labels, "players")


def _strategy_labels(
    labels: Sequence[Sequence[str]] | None, players: tuple[str, ...], shape: tuple[int, ...]
) -> tuple[tuple[str, ...], ...]:
    counts = shape[1:]
    if labels is None:
        return tuple(tuple(str(k + 1) for k in range(count)) for count in counts)
    given = tuple(-1 if isinstance(row, str) else len(row) for row in labels)
    if given != tuple(counts):
        raise _problem(
            "strategies",
            f"labels of shape {given} for payoffs of shape {shape}, which has "
            f"{tuple(counts)} strategies",
            "Give each player one label per strategy",
        )
    return tuple(
        _unique(row, f"strategies of {player}") for player, row in zip(players, labels, strict=True)
    )


def _unique(labels: Sequence[str], place: str) -> tuple[str, ...]:
    made = tuple(str(label) for label in labels)
    for k, label in enumerate(made):
        if not label:
            raise _problem(place, f"label {k + 1} is empty", "Name it")
        if label in made[:k]:
            raise _problem(place, f"{label!r} appears twice", "Labels must differ")
    return made


def _read_outcomes(
    outcomes: Mapping[str, ArrayLike] | None, shape: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    made: dict[str, NDArray[np.float64]] = {}
    for name, values in (outcomes or {}).items():
        array = np.array(values, dtype=np.float64)
        if array.shape != shape:
            raise _problem(
                f"outcomes.{name}",
                f"shape {array.shape} differs from the shape {shape} of pure profiles",
                "Give one value per pure profile",
            )
        _refuse_infinite(array, f"outcomes.{name}")
        made[name] = _read_only(array)
    return made
