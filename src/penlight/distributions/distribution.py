"""``Distribution``: what all probability distributions have in common."""

from __future__ import annotations

import warnings
from typing import Any

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.utils import lazy_property

__all__ = ["Distribution", "expand_parameters"]


class Distribution:
    """A batch of independent distributions of one family.

    A sample has the shape sample_shape + ``batch_shape`` + ``event_shape``; ``log_prob`` gives one number
    per event, sample_shape + ``batch_shape``.

    A family defines ``arg_constraints`` (a :class:`~penlight.distributions.constraints.Constraint` per
    parameter), ``support``, ``expand``, and of the methods below those that it can.

    Args:
        batch_shape: the shape of the parameters, but for the dimensions of an event.
        event_shape: the shape of one draw.
        validate_args: whether parameters and values are checked. Default: as
            :meth:`set_default_validate_args` says; True unless Python runs with ``-O``.

    Raises:
        ValueError: for parameters that violate their constraint.
    """

    has_rsample = False
    """Whether :meth:`rsample` gives gradients to the parameters."""
    has_enumerate_support = False
    """Whether :meth:`enumerate_support` lists all values."""
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Switch the checks of all distributions on or off."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = Size(),  # noqa: B008 - a tuple, which nobody can change
        event_shape: Any = Size(),  # noqa: B008
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape: Size = batch_shape
        self._event_shape: Size = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    # -- what a family defines ---------------------------------------------------------------

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """The constraint of each parameter by its name."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint that values satisfy."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance of each component."""
        raise NotImplementedError

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distributions in a larger batch, whose parameters are views.

        Args:
            batch_shape: the new shape of the batch, to which the old one broadcasts.
            _instance: for ``expand`` of subclasses: the new instance to fill in.
        """
        raise NotImplementedError

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Samples that move with the parameters: gradients flow through them."""
        raise NotImplementedError

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or probability at ``value``."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The quantile: the inverse of :meth:`cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first dimension.

        Args:
            expand: whether the values are repeated over the batch; else its dimensions have size 1.
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy in nats, of ``batch_shape``."""
        raise NotImplementedError

    # -- what follows from it ----------------------------------------------------------------

    @property
    def batch_shape(self) -> Size:
        """The shape over which the parameters vary."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one draw."""
        return self._event_shape

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Samples without gradients."""
        with penlight.no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Tensor:
        """Deprecated: ``sample((n,))``."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning,
            stacklevel=2,
        )
        return self.sample(Size((n,)))

    def perplexity(self) -> Tensor:
        """exp(entropy)."""
        return penlight.exp(self.entropy())

    def __repr__(self) -> str:
        given = {k: vars(self)[k] for k in self.arg_constraints if k in vars(self)}
        args = [f"{k}: {v.item() if v.numel() == 1 else v.shape}" for k, v in given.items()]
        return f"{type(self).__name__}({', '.join(args)})"

    # -- for subclasses ----------------------------------------------------------------------

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        """The shape of samples."""
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """A bare instance for ``cls.expand`` to fill in.

        Raises:
            NotImplementedError: if a subclass has its own ``__init__`` but not its own ``expand``, for
                its further attributes would be missing.
        """
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ "
                "method must also define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def _check_parameters(self) -> None:
        try:
            wanted = self.arg_constraints
        except NotImplementedError:
            wanted = {}
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` "
                "or initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=4,
            )
        for name, constraint in wanted.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in vars(self) and isinstance(
                getattr(type(self), name, None), lazy_property
            ):
                continue  # follows from other parameters
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    def _validate_sample(self, value: Any) -> None:
        """Check a value that is given to a method.

        Raises:
            ValueError: if it is no tensor, does not fit the shapes, or lies outside of the support.
        """
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        events = len(self._event_shape)
        shape, expected = value.shape, self._batch_shape + self._event_shape
        if shape[len(shape) - events :] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{shape} vs {self._event_shape}."
            )
        if shape != expected and any(
            m != n and 1 not in (m, n) for m, n in zip(shape[::-1], expected[::-1], strict=False)
        ):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}."
            )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not bool(support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be "
                f"within the support ({support!r}) of the distribution {self!r}, but found invalid "
                f"values:\n{value}"
            )


def expand_parameters(self: Any, batch_shape: Any, _instance: Any = None) -> Any:
    """An ``expand`` for families whose batched tensors all are parameters in ``arg_constraints``.

    Everything else, such as numbers, is taken over as it is.
    """
    owner = next(cls for cls in type(self).__mro__ if "expand" in vars(cls))
    new = self._get_checked_instance(owner, _instance)
    batch_shape, known = Size(batch_shape), self.arg_constraints
    for name, value in vars(self).items():
        if name in known and isinstance(value, Tensor):
            event = value.shape[value.dim() - known[name].event_dim :]
            value = value.expand(batch_shape + event)
        vars(new).setdefault(name, value)
    new._batch_shape = batch_shape
    return new
