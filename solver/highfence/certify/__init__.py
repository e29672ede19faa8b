"""The judge: checks a profile against its form, knowing nothing of the method that made it.

No module here imports a method, so an error in a method cannot hide itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from ..solution import Certificate

if TYPE_CHECKING:
    from ..forms.extensive import ExtensiveForm
    from ..forms.markov import MarkovForm
    from ..forms.normal import NormalForm
    from ..forms.staged import StagedForm

    Form = NormalForm | ExtensiveForm | StagedForm | MarkovForm

__all__ = ["certify"]

_T = TypeVar("_T")


def certify(form: Form, profile: Any, *, tolerance: float | None = None) -> Certificate:
    """Return what can be proved about a profile: how much a player gains by deviating.

    Parameters
    ----------
    form
        The game, in strategic, extensive, staged or Markov form.
    profile
        A claim of the kind that belongs to the form.
    tolerance
        Regret, relative to each player's payoff scale, up to which the certificate
        holds. By default 0 where the arithmetic is exact, else the value of
        :mod:`highfence.tolerances` for the form.

    Returns
    -------
    Certificate
        ``holds`` says whether the profile is an equilibrium up to the tolerance. What is
        not a profile at all (negative probabilities, sums other than one) has infinite
        regret; ``checks`` says why.

    Raises
    ------
    TypeError
        The form is none of these, or the profile is of another form.

    Examples
    --------
    >>> from highfence.forms.normal import NormalForm, Profile
    >>> pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    >>> certify(pennies, Profile.from_weights([1, 1], [1, 1])).regret
    Fraction(0, 1)
    >>> certify(pennies, Profile.from_weights([1, 0], [1, 1])).holds
    False
    """
    from ..forms.normal import NormalForm, Profile

    if isinstance(form, NormalForm):
        from .normal import certify_normal

        return certify_normal(form, _of_type(profile, Profile, form), tolerance)

    from ..forms.extensive import BehaviorProfile, ExtensiveForm

    if isinstance(form, ExtensiveForm):
        from ..forms.assessment import Assessment
        from .extensive import certify_extensive

        if isinstance(profile, Assessment):
            from .assessment import certify_assessment

            return certify_assessment(form, profile, tolerance)
        return certify_extensive(form, _of_type(profile, BehaviorProfile, form), tolerance)

    from ..forms.staged import StagedForm

    if isinstance(form, StagedForm):
        from .staged import certify_staged

        return certify_staged(form, profile, tolerance)

    from ..forms.markov import MarkovForm, MarkovProfile

    if isinstance(form, MarkovForm):
        from .markov import certify_markov

        return certify_markov(form, _of_type(profile, MarkovProfile, form), tolerance)
    assert_never(form)


def _of_type(profile: object, expected: type[_T], form: object) -> _T:
    if not isinstance(profile, expected):
        raise TypeError(
            f"{type(form).__name__} is certified with {expected.__name__}, "
            f"not with {type(profile).__name__}"
        )
    return profile
