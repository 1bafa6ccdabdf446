r"""Efron's sums over the customers who leave at one time, at a cost that does not grow with their number.

With d departures of total :math:`D` among those at risk, of total :math:`S`, the likelihood and its
derivatives ask for sums over :math:`l = 0..d-1` of :math:`f^p / s^q` with :math:`f = l/d`,
:math:`s = S - f D`, and of :math:`\log s`. Up to 256 departures are added one by one. Of more, the sum is
the integral with Euler and Maclaurin's corrections of the first and third derivative; the last 256 terms
are added one by one where nearly all leave, for there :math:`1/s` is too steep. In
:math:`u = \log(S/s)` the integrands are products of exponentials, which 24 nodes of Gauss and Legendre
integrate to the last digit, and :math:`f = -\mathrm{expm1}(-u) S/D` loses none when few leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_DIRECT = 256  # the next correction is then below 1e-16 of the sum
_NODES, _SHARES = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True, slots=True)
class Ties:
    """Sums over l for each time (times,): `log` of log s, `a` and `b` of 1/s, f/s, `q` of (1, f, f^2)/s^2."""

    log: Array
    a: Array
    b: Array
    q: tuple[Array, Array, Array]


_POWERS = ((0, 1), (1, 1), (0, 2), (1, 2), (2, 2))


def tie_sums(deaths: Array, s: Array, d: Array) -> Ties:
    """Sum over the `deaths` (times,) of each time, `s` (times,) being at risk of which `d` (times,) leave.

    Examples
    --------
    >>> found = tie_sums(np.array([2]), np.array([3.0]), np.array([2.0]))
    >>> round(float(found.a[0]), 6), round(float(found.b[0]), 6)  # 1/3 + 1/2, 0 + (1/2)/2
    (0.833333, 0.25)
    """
    many = np.flatnonzero(deaths > _DIRECT)
    left = np.where(deaths > _DIRECT, 0, deaths)  # how many terms are added one by one, the last ones
    steep = many[(s[many] - d[many]) * deaths[many] < _DIRECT * d[many]]
    left[steep] = _DIRECT
    sums = _one_by_one(deaths, left, s, d)
    if len(many):
        sums[:, many] += _integrated((deaths - left)[many], deaths[many], s[many], d[many])
    return Ties(sums[0], sums[1], sums[2], (sums[3], sums[4], sums[5]))


def _one_by_one(deaths: Array, left: Array, s: Array, d: Array) -> Array:
    """Add the last `left` (times,) terms, (6, times)."""
    size = len(deaths)
    k = np.repeat(np.arange(size), left)
    f = (np.arange(len(k)) - (np.cumsum(left) - deaths)[k]) / deaths[k]
    at = s[k] - f * d[k]
    one = 1 / at
    terms = (np.log(at), one, f * one, one**2, f * one**2, (f * one) ** 2)
    return np.array([np.bincount(k, term, size) for term in terms], dtype=float)


def _integrated(first: Array, deaths: Array, s: Array, d: Array) -> Array:
    """Sum the terms l = 0..`first` - 1 (times,) by Euler and Maclaurin, (6, times)."""
    share = d / s
    last = (s - d) + d * ((deaths - first) / deaths)  # s - d first / deaths, without cancellation
    with np.errstate(divide="ignore"):
        reach = np.where(share > 0.5, -np.log(last / s), -np.log1p(-share * first / deaths))
    u = reach[:, None] * (1 + _NODES) / 2
    weight = (reach * deaths / share)[:, None] * _SHARES / 2 * np.exp(-u)  # dl = (d/share) exp(-u) du
    f = -np.expm1(-u) / share[:, None]
    rows = [first * np.log(s) - (weight * u).sum(axis=1)]
    rows += [(weight * f**p * np.exp(q * u)).sum(axis=1) / s**q for p, q in _POWERS]
    for sign, at, left in ((1.0, first / deaths, last), (-1.0, np.zeros(len(first)), s)):
        slope = d / deaths / left
        rows[0] = rows[0] + sign * (-np.log(left) / 2 - slope / 12 + 2 * slope**3 / 720)
        for k, (p, q) in enumerate(_POWERS, start=1):
            own = [_derivative(at, 1 / deaths, left, d / deaths, p, q, order) for order in (0, 1, 3)]
            rows[k] = rows[k] + sign * (-own[0] / 2 + own[1] / 12 - own[2] / 720)
    return np.array(rows)


def _derivative(f: Array, df: Array, s: Array, ds: Array, p: int, q: int, order: int) -> Array:
    """Return the derivative in l of f^p / s^q, f growing by `df`, s falling by `ds`: terms are positive."""
    total = np.zeros_like(s)
    for j in range(min(order, p) + 1):
        falling = float(np.prod([p - i for i in range(j)]))
        rising = float(np.prod([q + i for i in range(order - j)]))
        power = comb(order, j) * falling * f ** (p - j) * df**j
        total = total + power * rising * ds ** (order - j) / s ** (q + order - j)
    return total
