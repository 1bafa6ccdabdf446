"""Rules on bases: the population behind a survey, groups too small to be shown, results without a base."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from cxlab.errors import Message
from cxlab.intake.rules.evidence import Evidence, Finding, listed
from cxlab.intake.where import fewest

SURVEY, EMPLOYEES = "survey_responses", "employees_survey"
# A base under this is shown with a caution; under the table's own limit it is not shown.
SMALL = 30
VISITS = 3
TOLERANCE = 0.005
_GROUPS = {
    SURVEY: ("wave_id", "segment", "region", "plan", "channel", "interaction_type"),
    EMPLOYEES: ("wave_id", "unit_id", "area_id"),
}


def no_population(evidence: Evidence) -> Iterator[Finding]:
    """Rule 16: a survey of which nobody says what population it stands for."""
    if evidence.has("population_targets") or evidence.has("waves", "universe_n"):
        return
    said = (
        Message("no population_targets and no waves.universe_n"),
        Message("how many customers there are, of each kind"),
        Message("ask for them; until then no weights are computed and nothing is said of the population"),
    )
    yield evidence.warn(16, SURVEY, "", said)


def small_bases(evidence: Evidence) -> Iterator[Finding]:
    """Rule 20: groups of a wave too small to be shown, and those shown only with a caution."""
    for table in (SURVEY, EMPLOYEES):
        if table not in evidence.rows:
            continue
        frame, waves = evidence.frame(table), evidence.waves(table)
        for column in (name for name in _GROUPS[table] if evidence.has(table, name)):
            known = frame[column].notna()
            groups = [frame.loc[known, column].astype(str)]
            groups += [waves[known]] if column != "wave_id" and waves.nunique() > 1 else []
            sizes = pd.concat(groups, axis=1).value_counts(sort=False).sort_index()
            yield from _small(evidence, table, column, sizes)


def _small(evidence: Evidence, table: str, column: str, sizes: pd.Series[int]) -> Iterator[Finding]:
    limit = fewest(table)
    enough = Message("{n} or more", n=SMALL)
    hidden = _names(sizes[sizes < limit])
    if hidden:
        found = Message(
            "{count} groups under {limit}: {groups}", count=len(hidden), limit=limit, groups=listed(hidden)
        )
        action = Message("they will not be shown; join them to others under `values:` if they must be")
        yield evidence.warn(20, table, column, (found, enough, action), count=len(hidden))
    small = _names(sizes[(sizes >= limit) & (sizes < SMALL)])
    if small:
        found = Message(
            "{count} groups from {limit} to {last}: {groups}",
            count=len(small),
            limit=limit,
            last=SMALL - 1,
            groups=listed(small),
        )
        action = Message("they are shown with a caution; do not decide on them alone")
        yield evidence.warn(20, table, column, (found, enough, action), count=len(small))


def _names(sizes: pd.Series[int]) -> list[str]:
    """Return the groups as texts: the category, then the wave."""
    names = (" ".join(str(part) for part in group if part) for group in sizes.index)
    return [name if len(name) <= 60 else name[:59] + "…" for name in names]


def few_visits(evidence: Evidence) -> Iterator[Finding]:
    """Rule 21: units whose mystery visits are too few to speak of the unit."""
    visits = evidence.frame("mystery_visits")["unit_id"].value_counts().sort_index()
    few = [str(unit) for unit in visits.index[visits < VISITS]]
    if few:
        said = (
            Message(
                "{n} units with fewer than {least} visits: {units}",
                n=len(few),
                least=VISITS,
                units=listed(few),
            ),
            Message("{n} visits or more of each unit", n=VISITS),
            Message("speak of them together, not one by one"),
        )
        yield evidence.warn(21, "mystery_visits", "unit_id", said, count=len(few))


def without_base(evidence: Evidence) -> Iterator[Finding]:
    """Rule 22: published results of which it is not known how many answered."""
    scores = evidence.frame("benchmark_scores")
    lacking = scores["n"].isna() if "n" in scores else pd.Series(data=True, index=scores.index)
    if lacking.any():
        peers = sorted(scores.loc[lacking, "peer_id"].dropna().astype(str).unique())
        said = (
            Message("results without n, of {peers}", peers=listed(peers)),
            Message("how many answered, for each result"),
            Message("ask the source; a result with its std_error only is compared, without its base"),
        )
        yield evidence.warn(22, "benchmark_scores", "n", said, count=int(lacking.sum()))


def unsummed_responsibilities(evidence: Evidence) -> Iterator[Finding]:
    """Rule 23: touchpoints whose shares of responsibility do not add up to one."""
    shares = evidence.frame("area_touchpoint")
    sums = shares.groupby("touchpoint_id")["responsibility_share"].sum(min_count=1)
    wrong = [str(name) for name in sums.index[(sums - 1).abs() > TOLERANCE]]
    if wrong:
        said = (
            Message(
                "{n} touchpoints whose shares do not add up to 1: {names}", n=len(wrong), names=listed(wrong)
            ),
            Message("shares that add up to 1 by touchpoint"),
            Message("ask whose the rest is; an area that is not listed would be let off"),
        )
        yield evidence.warn(23, "area_touchpoint", "responsibility_share", said, count=len(wrong))
