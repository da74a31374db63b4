"""Expectation maximisation finds the shares that made the data, and stays sane where there is little of it."""

from __future__ import annotations

import numpy as np
import pytest

from mdm.linkage import em

M = np.array([[0.8, 0.15, 0.05], [0.7, 0.2, 0.1], [0.9, 0.05, 0.05], [0.6, 0.2, 0.2]])
U = np.array([[0.01, 0.04, 0.95], [0.02, 0.03, 0.95], [0.005, 0.045, 0.95], [0.05, 0.05, 0.9]])
SHARE = 0.02


def drawn(size: int, seed: int = 5) -> em.Pairs:
    """Pairs drawn from M and U, all of them candidates."""
    rng = np.random.default_rng(seed)
    match = rng.random(size) < SHARE
    columns = [np.where(match, rng.choice(3, size, p=m), rng.choice(3, size, p=u)) for m, u in zip(M, U, strict=True)]
    levels = np.column_stack(columns).astype(np.int16)
    return em.Pairs(levels, np.zeros(levels.shape), np.ones(size), np.ones(size, bool))


def tables(m: np.ndarray = M, u: np.ndarray = U) -> list[em.Table]:
    plain = np.zeros(3, bool)
    return [em.Table(a.copy(), b.copy(), a, b, 0, plain) for a, b in zip(m, u, strict=True)]


def off(shares: np.ndarray) -> np.ndarray:
    """The shares as somebody might expect them who is wrong by up to a factor of two."""
    bent = shares * np.array([0.6, 1.5, 1.2])
    return np.asarray(bent / bent.sum(axis=1, keepdims=True))


def test_the_shares_that_made_the_data_are_found() -> None:
    fit = em.estimate(drawn(60_000), em.Fit(0.001, tables(off(M), off(U))))
    assert fit.prior == pytest.approx(SHARE, rel=0.15)
    assert np.abs(np.array([t.m for t in fit.tables]) - M).max() < 0.06
    assert np.abs(np.array([t.u for t in fit.tables]) - U).max() < 0.03


def test_shares_stay_shares() -> None:
    fit = em.estimate(drawn(3_000), em.Fit(0.01, tables(off(M), off(U))))
    for table in fit.tables:
        assert table.m.sum() == pytest.approx(1)
        assert table.u.sum() == pytest.approx(1)
        assert min(table.m.min(), table.u.min()) > 0


def test_without_matches_the_expected_m_stands() -> None:
    pairs = drawn(2_000)
    nobody = em.Pairs(pairs.levels, pairs.frequencies, pairs.weights, np.zeros(2_000, bool))
    fit = em.estimate(nobody, em.Fit(0.01, tables()))
    assert np.abs(np.array([t.m for t in fit.tables]) - M).max() < 0.03
    assert fit.prior < 1e-6


def test_a_pair_that_no_key_proposes_is_no_match() -> None:
    pairs = em.Pairs(np.zeros((2, 4), np.int16), np.zeros((2, 4)), np.ones(2), np.array([True, False]))
    assert em.posterior(pairs, em.Fit(0.01, tables())).tolist() == [pytest.approx(1.0, abs=0.01), 0.0]


def test_an_unknown_comparison_says_nothing() -> None:
    pairs = em.Pairs(np.full((1, 4), -1, np.int16), np.zeros((1, 4)), np.ones(1), np.ones(1, bool))
    assert em.weights(pairs, em.Fit(0.25, tables())).tolist() == [pytest.approx(np.log2(1 / 3))]


def test_rarity_takes_the_place_of_u() -> None:
    rare = [em.Table(M[0], U[0], M[0], U[0], 0, np.array([True, False, False]))]
    frequencies = np.array([[-10.0], [-4.0]])
    pairs = em.Pairs(np.zeros((2, 1), np.int16), frequencies, np.ones(2), np.ones(2, bool))
    uncommon, common = em.weights(pairs, em.Fit(0.5, rare))
    assert uncommon - common == pytest.approx(6.0)


def test_a_match_looks_the_same_under_the_gate_and_outside() -> None:
    """Levels 0 to 2 hold under the gate; only who else is there differs."""
    pairs = drawn(20_000)
    rng = np.random.default_rng(3)
    gated = np.where(rng.random(20_000) < 0.5, 0, 3)
    shifted = em.Pairs(
        (pairs.levels + gated[:, None]).astype(np.int16), np.zeros((20_000, 4)), pairs.weights, pairs.candidate
    )
    twice = [
        em.Table(np.tile(m, 2), np.tile(u, 2), np.tile(m, 2), np.tile(u, 2), 3, np.zeros(6, bool))
        for m, u in zip(M, U, strict=True)
    ]
    for table in em.estimate(shifted, em.Fit(0.01, twice)).tables:
        assert table.m[:3].tolist() == table.m[3:].tolist()


def test_classes_do_not_trade_places() -> None:
    """However the data look, an exact agreement stays likelier among matches than its bound allows to lose."""
    levels = np.full((5_000, 4), 2, np.int16)
    pairs = em.Pairs(levels, np.zeros((5_000, 4)), np.ones(5_000), np.ones(5_000, bool))
    fit = em.estimate(pairs, em.Fit(0.5, tables()))
    assert all(table.m[0] >= m[0] / em.M_BELOW / 1.01 for table, m in zip(fit.tables, M, strict=True))
