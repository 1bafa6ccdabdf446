"""What goes with leaving: hazard ratios of covariates, and whether they hold over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, named, shown
from cxlab.analysis.estimates import check_level
from cxlab.analysis.survival import binned, leaks
from cxlab.analysis.survival.claims import undated
from cxlab.analysis.survival.design import Design, check_covariates, design_of
from cxlab.analysis.survival.observed import Observed, Table, check_roles, observed
from cxlab.analysis.survival.proportional import TRANSFORMS, Transform
from cxlab.analysis.survival.ratios import Asked, Hazards, fit, stratum_of, told
from cxlab.analysis.survival.remedies import ACTIONS, Action, treated
from cxlab.analysis.survival.together import People, check_episodes, merged, people_of
from cxlab.errors import AnalysisError, Message, Problem

__all__ = ["Hazards", "hazards"]

Array = np.ndarray[Any, Any]


def hazards(
    table: Table,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    entry: str | None = None,
    strata: Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    id: str | None = None,
    cause: tuple[str, Any] | None = None,
    transform: Transform = "km",
    ph_action: Action = "report",
    change_at: float | None = None,
    bins: Mapping[str, int] | None = None,
    level: float = 0.95,
) -> Hazards:
    r"""Estimate how the risk of leaving goes with each covariate, the others held fixed.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer, or, with `id`, one for each episode.
    duration, event : str
        Months (or another unit) until the customer left or was last seen, above 0; 1 left, 0 still here.
    covariates : sequence of str
        Numbers as they are; text, categories and booleans as 0/1 columns against the most frequent level.
        Known before the risk begins. Rows with a missing one are dropped and counted.
    entry : str, optional
        When the customer came under observation (such as the month of the survey); at risk only from then on.
    strata : sequence of str
        Columns whose crossed categories have their own baseline hazard.
    weights : str, optional
        Column of sampling weights; errors are then robust. Never counts.
    cluster : str, optional
        Column of what rows have in common (a household, an account, a customer whose event can recur):
        errors are robust and sum over each.
    id : str, optional
        Whose episodes the rows are: from `entry` to `duration`, with the covariates of that time. Episodes
        that overlap, a second departure and time after it are refused; `n` counts customers.
    cause : (str, value), optional
        A column that says why customers left, and the reason that counts: who left for another is seen
        until then.
    transform : {"km", "identity", "rank", "log"}
        The scale of time on which effects are tested for a change.
    ph_action : {"report", "stratify", "time_split"}
        What is done about covariates whose effect changes (joint test, Holm): ``report`` compares the months
        stayed; ``stratify`` gives each category its own baseline, and cuts time for what makes no strata;
        ``time_split`` estimates the effect before and after the change. The first fit stays as it is.
    change_at : float, optional
        When effects change, known beforehand (such as the end of a promotion); by default searched.
    bins : mapping of str to int, optional
        Covariates cut into so many quantile bins (even, 4 to 200), each scored by the mean of its customers:
        for a table of any size, whose patterns must be few. ``tables["binning"]`` shows what that does.
    level : float
        Confidence level.

    Returns
    -------
    Hazards
        ``table``: covariate (categories as "column: level"), estimate (log hazard ratio of one unit),
        std_error, hazard_ratio, conf_low, conf_high (of the hazard ratio), p_value (Wald), p_adjusted
        (Holm), sd, hazard_ratio_sd, conf_low_sd, conf_high_sd (of one SD; numbers other than 0/1), n,
        events, n_eff, flag. ``checks``: covariate, statistic, df, p_value (score test of proportional
        hazards, each alone, as R's cox.zph), joint_statistic, joint_p_value (all at once), p_adjusted
        (Holm on the joint), advice. ``tables["over_time"]``, where one changes: the ratios anew in up to
        eight periods (`proportional.over_time`). ``tables["remedy"]`` and `refit`: what was done about it
        and why (`remedies.treated`). ``survival`` predicts.
        ``tables["binning"]``: covariate, bins (times those declared), estimate, std_error, shift (in those of
        the declared).

    Raises
    ------
    AnalysisError
        As `retention`; for constant, collinear or duration-like covariates, levels without events,
        too many categories, no or too few events.

    Notes
    -----
    :math:`h(t|x) = h_0(t) \exp(x \beta)`, ties after Efron. The joint test decides: the test of one
    covariate alone also rejects for what its neighbours do. With weights or clusters the errors are those
    of Lin & Wei, and intervals and tests use Student's t on the effective number of departures (of clusters
    with departures), because the sandwich alone is too narrow.

    References
    ----------
    Cox (1972), doi:10.1111/j.2517-6161.1972.tb00899.x; Efron (1977), doi:10.1080/01621459.1977.10480613;
    Grambsch & Therneau (1994), doi:10.1093/biomet/81.3.515; Lin & Wei (1989),
    doi:10.1080/01621459.1989.10478874.

    Examples
    --------
    >>> months, left = [2, 3, 5, 6, 8, 9, 12, 12, 12, 12], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    >>> customers = pd.DataFrame({"months": months, "left": left, "ease": [2, 3, 2, 5, 4, 3, 6, 5, 7, 4]})
    >>> result = hazards(customers, "months", "left", ["ease"])
    >>> result.table[["covariate", "hazard_ratio", "n", "events"]].round(2).values.tolist()
    [['ease', 0.37, 10, 6]]
    """
    check_level(level)
    covariates, strata = named(covariates), named(strata)
    check_covariates(covariates)
    for name, given, allowed in (("transform", transform, TRANSFORMS), ("ph_action", ph_action, ACTIONS)):
        if given not in allowed:
            raise AnalysisError(
                "{name} is {given!r}; allowed: {allowed}", name=name, given=given, allowed=", ".join(allowed)
            )
    reason = cause[0] if cause else None
    roles: dict[str, Sequence[str | None]] = {"the duration": [duration], "the event": [event]}
    roles |= {"the entry": [entry], "the weights": [weights], "a covariate": covariates, "a stratum": strata}
    roles |= {"the cause": [reason], "the id": [id], "the cluster": [None if cluster == id else cluster]}
    check_roles(roles)
    together = list(dict.fromkeys(c for c in (id, cluster) if c))
    bins = dict(bins or {})
    fine = observed(
        table, duration, event, entry=entry, weights=weights, needed=[*covariates, *strata, *together],
        carried=[reason] if reason else [], several=id or cluster,
        bins=binned.doubled(bins, covariates),
    )  # fmt: skip
    who = binned.cut(fine, bins)
    check_categories(who.labels, strata)
    rows = who.n
    if cause:
        who = _of_cause(who, *cause)
    late = entry is not None
    who, people, groups = _grouped(who, id, cluster)
    if id and late:
        first = np.full(int(people.person.max()) + 1, np.inf)
        np.minimum.at(first, people.person, who.entry[people.cell])
        late = bool((first > 0).any())
    asked = Asked(
        who=who, people=people, design=design_of(covariates, who, table), strata=strata, level=level,
        transform=transform, late_entry=late, undated=undated(table, entry), before=entry is not None,
        cause=None if cause is None else str(cause[1]), cluster=groups,
        settings={
            "duration": duration, "event": event, "covariates": covariates, "entry": entry,
            "weights": weights, "cluster": cluster, "id": id,
            "cause": None if cause is None else list(cause), "rows": rows, "bins": bins,
        },
    )  # fmt: skip
    fitted = fit(asked)  # first: what has no finite estimate says so itself
    _check_leaks(table, event, id, asked.design, who)
    found = treated(asked, fitted, told(asked, fitted), ph_action, change_at)
    if not bins:
        return found
    prepared = partial(_of_cause, column=cause[0], value=cause[1]) if cause else lambda cells: cells
    binning = binned.effect(fine, bins, covariates, partial(stratum_of, strata), prepared)
    return replace(found, tables={**found.tables, "binning": binning})


def _check_leaks(table: Any, event: str, id: str | None, design: Design, who: Observed) -> None:
    """Refuse covariates that leaving made; those of episodes may change with time, and are known by name."""
    if id:
        leaks.refuse(leaks.declared_or_named(list(design.terms), getattr(table, "attrs", {})))
    else:
        columns = {name: design.values[:, own] for name, own in design.terms.items()}
        leaks.in_model(table, event, who, columns, design.references)


def _of_cause(who: Observed, column: str, value: Any) -> Observed:
    """Let only those who left for `value` count as leaving; the others are seen until they left."""
    said = who.labels[column]
    unsaid = who.event & said.isna().to_numpy()
    causes = sorted({str(v) for v in said[who.event & said.notna().to_numpy()]})
    problems = []
    if unsaid.any():
        problems.append(
            Problem(
                found=Message("customers who left without a cause"),
                allowed=Message("a cause for each departure"),
                action=Message("fill it in, or name it, such as unknown, in client.yaml"),
                column=column, count=int(who.count[unsaid].sum()),
            )
        )  # fmt: skip
    if str(value) not in causes:
        problems.append(
            Problem(
                found=Message("nobody who left for {value!r}", value=str(value)),
                allowed=shown(causes), action=Message("name one of the causes"), column=column,
            )
        )  # fmt: skip
    if problems:
        raise AnalysisError("the causes cannot be used", problems=problems)
    counts = (said.map(str) == str(value)).to_numpy(dtype=bool) & who.event
    return merged(replace(who, event=counts), [column])[0]


def _grouped(who: Observed, id: str | None, cluster: str | None) -> tuple[Observed, People, Array | None]:
    """Return the cells, whose they are, and which count together in robust errors (codes, or None)."""
    if id:
        check_episodes(who, id)
    people = people_of(who, id)
    groups = cluster or (id if who.weight is not None else None)
    if groups:
        return who, people, pd.factorize(who.labels[groups])[0]
    if id:
        # Whose an episode is no longer matters to the estimates: alike ones are one cell.
        who, cell = merged(who, [id])
        people = replace(people, cell=cell)
    return who, people, None
