"""The judge of assessments: sequential rationality with beliefs from completely mixed play.

A completely mixed behavior profile reaches every information set, so Bayes' rule gives beliefs
everywhere, also where the profile that is judged excludes them. If the profile is near the mixed
one, and at every information set no action does better than what is prescribed by more than a
little, given these beliefs and everyone's later play, then the profile with these beliefs is an
*epsilon-sequential* equilibrium (Kreps and Wilson 1982: in the limit, a sequential one). One
action at a time is enough, since beliefs at later sets follow from those at earlier ones by
Bayes' rule (Hendon, Jacobsen and Sloth 1996).

The mixed profile is given by logarithms, whose sums along paths do not underflow.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp, fsum, inf, isfinite, log

from .. import tolerances
from ..forms.assessment import Assessment
from ..forms.extensive import ExtensiveForm
from ..solution import Certificate
from .extensive import certify_extensive

__all__ = ["certify_agent_logit", "certify_assessment", "sequential_gain"]


def certify_assessment(
    form: ExtensiveForm, assessment: Assessment, tolerance: float | None = None
) -> Certificate:
    """Return the certificate of a profile, with what holds of the beliefs that come with it.

    Parameters
    ----------
    form
        A tree with perfect recall.
    assessment
        A behavior profile and the completely mixed one near it.
    tolerance
        As for :func:`highfence.certify.certify`.

    Returns
    -------
    Certificate
        That of :func:`highfence.certify.extensive.certify_extensive`, which knows nothing of these
        beliefs; ``checks`` says whether the profile is epsilon-sequential with them.
    """
    made = certify_extensive(form, assessment, tolerance)
    fault = _fault(form, assessment)
    if fault is None:
        gain, place = sequential_gain(form, assessment)
        apart = max(
            abs(float(p) - exp(log_p))
            for odds, logs in zip(assessment.probabilities, assessment.trembles, strict=True)
            for p, log_p in zip(odds, logs, strict=True)
        )
        if gain > tolerances.REGRET_FLOAT:
            fault = f"at {place} another action gains {gain:.3g}"
        elif apart > tolerances.SAME:
            fault = f"the mixed profile that gives the beliefs is {apart:.3g} away"
        else:
            told = (
                "epsilon-sequential: with the beliefs of completely mixed play that is "
                f"{apart:.2g} away, no action at any information set gains more than {gain:.2g}"
            )
            return replace(made, checks=(*made.checks, told))
    return replace(made, checks=(*made.checks, f"not shown to be sequential: {fault}"))


def _fault(form: ExtensiveForm, assessment: Assessment) -> str | None:
    """Return why the trembles are no completely mixed profile of the form."""
    sizes = [len(known.actions) for known in form.information_sets]
    if [len(logs) for logs in assessment.trembles] != sizes:
        return "the trembles are of another game"
    for logs in assessment.trembles:
        if not all(isfinite(number) for number in logs):
            return "an action has probability 0 in the trembles"
        if abs(fsum(map(exp, logs)) - 1) > tolerances.PROBABILITY:
            return "the trembles do not sum to one"
    return None


def sequential_gain(form: ExtensiveForm, assessment: Assessment) -> tuple[float, str]:
    """Return the largest gain at any information set from one other action, and where.

    Gains are over the payoff scale of who moves: the difference between their largest and
    smallest payoff in the game, 1 where that is 0. What follows is played as the profile says.
    Information sets that chance excludes are passed over.
    """
    ends = [node for node in range(form.num_nodes) if not form.children[node]]
    columns = [[float(form.payoffs[end][k]) for end in ends] for k in range(form.num_players)]
    scale = [(max(column) - min(column)) or 1.0 for column in columns]
    worst, place = 0.0, ""
    for known, values in enumerate(_action_values(form, assessment)):
        about = form.information_sets[known]
        got = fsum(
            float(p) * value
            for p, value in zip(assessment.probabilities[known], values, strict=True)
        )
        gain = (max(values) - got) / scale[about.player]
        if gain > worst:
            worst, place = gain, f"{form.players[about.player]}, {about.label!r}"
    return worst, place


def certify_agent_logit(
    form: ExtensiveForm, assessment: Assessment, precision: float
) -> Certificate:
    """Return how far probabilities are from the agent logit responses to them.

    Parameters
    ----------
    form
        A tree with perfect recall; payoffs as they stand.
    assessment
        A completely mixed profile, whose trembles are the logarithms of its probabilities.
    precision
        In units of one over payoff.
    """
    fault = _fault(form, assessment)
    if fault is not None:
        return Certificate(inf, tolerances.REGRET_FLOAT, exact=False, checks=(fault,))
    worst = 0.0
    for known, values in enumerate(_action_values(form, assessment)):
        weights = [exp(precision * (value - max(values))) for value in values]
        logs = assessment.trembles[known]
        for p, log_p, weight in zip(assessment.probabilities[known], logs, weights, strict=True):
            response = weight / fsum(weights)
            worst = max(worst, abs(float(p) - response), abs(exp(log_p) - response))
    claim = "at every information set, probabilities are the logit responses to what actions pay"
    told = claim if worst <= tolerances.REGRET_FLOAT else f"false by {worst:.3g}: {claim}"
    return Certificate(worst, tolerances.REGRET_FLOAT, exact=False, checks=(told,))


def _action_values(form: ExtensiveForm, assessment: Assessment) -> list[list[float]]:
    """Return what each action at each information set pays who moves there.

    Nodes are weighted by the trembles, later play by the profile; all values are 0 at sets that
    chance excludes.
    """
    reach = [0.0] * form.num_nodes  # logarithms, under the mixed profile
    for node in range(1, form.num_nodes):  # parents come first
        before, branch = int(form.parent[node]), int(form.branch[node])
        known = int(form.information_set[before])
        if known >= 0:
            step = assessment.trembles[known][branch]
        else:
            weight = form.probabilities[before][branch]
            step = log(weight) if weight > 0 else -inf
        reach[node] = reach[before] + step

    worth: list[list[float]] = [[]] * form.num_nodes  # under the profile itself
    for node in reversed(range(form.num_nodes)):
        following = form.children[node]
        if not following:
            worth[node] = [float(x) for x in form.payoffs[node]]
            continue
        known = int(form.information_set[node])
        odds = assessment.probabilities[known] if known >= 0 else form.probabilities[node]
        worth[node] = [
            fsum(float(p) * worth[child][k] for p, child in zip(odds, following, strict=True))
            for k in range(form.num_players)
        ]

    made = []
    for about in form.information_sets:
        peak = max(reach[node] for node in about.nodes)
        if peak == -inf:
            made.append([0.0] * len(about.actions))
            continue
        weights = [exp(reach[node] - peak) for node in about.nodes]
        total = fsum(weights)
        made.append(
            [
                fsum(
                    weight * worth[form.children[node][action]][about.player]
                    for weight, node in zip(weights, about.nodes, strict=True)
                )
                / total
                for action in range(len(about.actions))
            ]
        )
    return made
