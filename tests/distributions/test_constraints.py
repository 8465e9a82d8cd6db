"""Constraints: what satisfies them, and how they print, in both libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

CONSTRAINTS = {
    "boolean": lambda c, T: c.boolean,
    "real": lambda c, T: c.real,
    "positive": lambda c, T: c.positive,
    "nonnegative": lambda c, T: c.nonnegative,
    "nonnegative_integer": lambda c, T: c.nonnegative_integer,
    "positive_integer": lambda c, T: c.positive_integer,
    "unit_interval": lambda c, T: c.unit_interval,
    "greater_than": lambda c, T: c.greater_than(1),
    "greater_than_eq": lambda c, T: c.greater_than_eq(1),
    "less_than": lambda c, T: c.less_than(1),
    "interval": lambda c, T: c.interval(-1, 2),
    "tensor bounds": lambda c, T: c.interval(T([-1.0, 0.0, 1.0]), T([2.0, 0.5, 1.0])),
    "half_open_interval": lambda c, T: c.half_open_interval(-1, 2),
    "integer_interval": lambda c, T: c.integer_interval(0, 2),
    "real_vector": lambda c, T: c.real_vector,
    "independent": lambda c, T: c.independent(c.positive, 2),
    "simplex": lambda c, T: c.simplex,
    "one_hot": lambda c, T: c.one_hot,
    "multinomial": lambda c, T: c.multinomial(3),
    "square": lambda c, T: c.square,
    "symmetric": lambda c, T: c.symmetric,
    "lower_triangular": lambda c, T: c.lower_triangular,
    "lower_cholesky": lambda c, T: c.lower_cholesky,
    "corr_cholesky": lambda c, T: c.corr_cholesky,
    "positive_definite": lambda c, T: c.positive_definite,
    "positive_semidefinite": lambda c, T: c.positive_semidefinite,
    "cat": lambda c, T: c.cat([c.real, c.positive], -1, [1, 2]),
    "stack": lambda c, T: c.stack([c.real, c.positive, c.boolean], -1),
    "mixture": lambda c, T: c.MixtureSameFamilyConstraint(c.interval(T([-2.0, -1.0]), T([1.0, 3.0]))),
}  # fmt: skip

VALUES = [
    np.array([[0.0, 1.0, 2.0], [-1.0, 0.5, np.nan], [1.0, np.inf, -0.0]]),
    np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [2.0, 0.0, 1.0]]),
    np.eye(3),
    np.array([[[1.0, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], [[2.0, 0.1, 0], [0.1, 1, 0], [0, 0, 0]]]),
    np.array([[1.0, 2.0, 0], [2.0, 1.0, 0], [0, 0, 1]]),
]


@pytest.mark.parity
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_checks_are_pytorchs(name: str, torch: Any) -> None:
    import penlight

    ours, theirs = (
        CONSTRAINTS[name](lib.distributions.constraints, lib.tensor) for lib in (penlight, torch)
    )
    assert repr(ours).replace("torch.", "") == repr(theirs).replace("torch.", "")
    assert (ours.is_discrete, ours.event_dim) == (theirs.is_discrete, theirs.event_dim)
    for value in VALUES:
        of_ours = ours.check(penlight.tensor(value))
        of_theirs = theirs.check(torch.tensor(value))
        assert of_ours.dtype == penlight.bool
        np.testing.assert_array_equal(of_ours.numpy(), of_theirs.numpy())


def test_rectangles_are_not_square(lib: Any) -> None:
    c = lib.distributions.constraints
    value = lib.ones(2, 2, 3)
    for constraint in (c.square, c.symmetric, c.positive_definite, c.positive_semidefinite):
        assert constraint.check(value).tolist() == [False, False]


def test_dependent_constraints(lib: Any) -> None:
    c = lib.distributions.constraints
    assert c.is_dependent(c.dependent)
    assert not c.is_dependent(c.real)
    with pytest.raises(ValueError, match="Cannot determine validity"):
        c.dependent.check(lib.tensor(1.0))
    with pytest.raises(NotImplementedError, match="event_dim"):
        _ = c.dependent.event_dim
    with pytest.raises(NotImplementedError, match="is_discrete"):
        _ = c.dependent.is_discrete
    known = c.dependent(event_dim=1)
    assert known.event_dim == 1
    assert known(is_discrete=True).is_discrete

    class Mine:
        low = 2

        @c.dependent_property(is_discrete=False, event_dim=0)
        def support(self) -> Any:
            return c.greater_than(self.low)

    assert c.is_dependent(Mine.support)
    assert (Mine.support.is_discrete, Mine.support.event_dim) == (False, 0)
    assert repr(Mine().support) == "GreaterThan(lower_bound=2)"
    with pytest.raises(ValueError, match=r"value.dim"):
        c.real_vector.check(lib.tensor(1.0))


def test_supports_of_classes(lib: Any) -> None:
    D = lib.distributions
    assert repr(D.Normal.support) == "Real()"
    assert D.constraints.is_dependent(D.Uniform.support)
    assert D.Categorical.support.is_discrete
    assert (
        repr(D.Categorical(lib.ones(3)).support) == "IntegerInterval(lower_bound=0, upper_bound=2)"
    )
