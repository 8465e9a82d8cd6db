"""What a row of the table is.

A spec's ``call`` is a program written once against the API that Penlight shares with PyTorch; the
generic tests run it under Penlight and, where installed, under PyTorch, and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SPECS: dict[str, OpSpec] = {}
MODULES: dict[str, ModuleSpec] = {}


class Sample:
    """Arguments of one call. ndarrays become tensors; floating ones require gradients."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    def __repr__(self) -> str:
        parts = [_describe(a) for a in self.args]
        parts += [f"{k}={_describe(v)}" for k, v in self.kwargs.items()]
        return ", ".join(parts)

    def bind(self, torch: Any, *, dtype: str | None = None, grad: bool = True) -> tuple[Any, Any]:
        """The arguments for one of the two libraries, floats in ``dtype`` if given."""
        args = [to_tensor(torch, a, dtype, grad) for a in self.args]
        return args, {k: to_tensor(torch, v, dtype, grad) for k, v in self.kwargs.items()}


class Constant:
    """An array that becomes a tensor without gradient: targets and weights."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __repr__(self) -> str:
        return f"const{list(self.array.shape)}".replace(" ", "")


def to_tensor(torch: Any, value: Any, dtype: str | None, grad: bool) -> Any:
    if isinstance(value, Constant):
        return to_tensor(torch, value.array, dtype, grad=False)
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
        return type(value)(to_tensor(torch, v, dtype, grad) for v in value)
    if not isinstance(value, np.ndarray):
        return value
    array = np.array(value, order="K")
    if array.dtype.kind == "f" and dtype is not None:
        array = array.astype(dtype)
    t = torch.from_numpy(array)
    return t.requires_grad_() if grad and array.dtype.kind == "f" else t


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.char}{list(value.shape)}".replace(" ", "")
    if isinstance(value, (list, tuple)):
        return "(" + ",".join(_describe(v) for v in value) + ")"
    return str(value)


Samples = Callable[[np.random.Generator], Iterable[Sample]]


@dataclass
class Bad:
    """A call that both libraries refuse.

    ``match`` is searched in Penlight's message, which should name the argument; the exception must
    be of the type that PyTorch raises (``error``).
    """

    error: type[Exception]
    match: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    torch_raises: bool = True  # False: PyTorch accepts it, computing nonsense or crashing


@dataclass
class OpSpec:
    """One op or functional.

    Attributes:
        name: id of the row, as ``torch.add`` or ``F.conv2d``.
        call: ``call(torch, *args, **kwargs)``.
        samples: yields samples, given a seeded generator.
        errors: calls that must be refused.
        covers: further public names that the row tests (``Tensor.add`` ...).
        gradient: False for ops without one (comparisons, indices): no numerical check.
        numerical: False where the gradient is by definition not the derivative (a padding row's).
        second_order: False where the second derivative does not exist; say why in ``note``.
        rtol, atol: for float32 parity.
        parity: False where PyTorch can't be compared (random numbers); say why in ``note``.
    """

    name: str
    call: Callable[..., Any]
    samples: Samples
    errors: list[Bad] = field(default_factory=list)
    covers: tuple[str, ...] = ()
    gradient: bool = True
    numerical: bool = True
    second_order: bool = True
    parity: bool = True
    rtol: float = 1e-5
    atol: float = 1e-6
    note: str = ""

    def __post_init__(self) -> None:
        assert self.name not in SPECS, f"two specs are called {self.name}"
        SPECS[self.name] = self

    def cases(self) -> Iterator[Sample]:
        yield from self.samples(np.random.default_rng(abs(hash_name(self.name))))


@dataclass
class ModuleSpec:
    """One Module class (or several, via ``covers``) in one configuration.

    ``build(torch)`` makes it; ``samples`` yields its inputs. The generic tests fill all parameters
    and buffers of both libraries' modules with the same numbers. The arguments of a ``Bad`` are
    inputs; or its only argument is a function of ``torch`` to be refused, such as a constructor:
    ``Bad(ValueError, "groups", (lambda torch: torch.nn.Conv2d(3, 4, 1, groups=2),))``.
    """

    name: str
    build: Callable[[Any], Any]
    samples: Samples
    covers: tuple[str, ...] = ()
    errors: list[Bad] = field(default_factory=list)
    numerical: bool = True  # False: the gradient is by definition not the derivative
    second_order: bool = True
    parity: bool = True
    train_mode: bool = True  # False: random in training mode; compared in eval mode alone
    rtol: float = 1e-4
    atol: float = 1e-5
    note: str = ""

    def __post_init__(self) -> None:
        assert self.name not in MODULES, f"two module specs are called {self.name}"
        MODULES[self.name] = self

    def cases(self) -> Iterator[Sample]:
        yield from self.samples(np.random.default_rng(abs(hash_name(self.name))))


def hash_name(name: str) -> int:
    """A seed that is the same in every process, unlike ``hash``."""
    return int.from_bytes(name.encode()[-7:], "little")


# -- sample generators used by many rows -------------------------------------------------------

SHAPES = [(), (1,), (5,), (2, 3), (4, 1, 3), (0,), (2, 0, 3)]


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> np.ndarray:
    return np.asarray(rng.standard_normal(shape) * scale, np.float32)


def positive(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.asarray(rng.uniform(0.3, 3.0, shape), np.float32)


def integers(rng: np.random.Generator, low: int, high: int, *shape: int) -> np.ndarray:
    return np.asarray(rng.integers(low, high, shape), np.int64)


def distinct(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Values well apart from each other and from zero: away from kinks and ties."""
    n = int(np.prod(shape))
    values = (rng.permutation(n) - n // 2 + 0.37) * 0.5
    return np.asarray(values.reshape(shape), np.float32)


def unary(make: Callable[..., np.ndarray] = normal) -> Samples:
    """One tensor of each of the usual shapes."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape in SHAPES:
            yield Sample(make(rng, *shape))
        yield Sample(make(rng, 3, 4).T)

    return samples


def binary(
    make: Callable[..., np.ndarray] = normal, second: Callable[..., np.ndarray] | None = None
) -> Samples:
    """Pairs of tensors: equal shapes, broadcast ones, scalars."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        other = second or make
        for a, b in [
            ((2, 3), (2, 3)), ((2, 3), (3,)), ((3, 1), (1, 4)), ((), (2, 2)), ((2, 2), ()),
            ((1,), (1,)), ((0, 3), (1, 3)), ((2, 1, 3), (4, 1)),
        ]:  # fmt: skip
            yield Sample(make(rng, *a), other(rng, *b))
        yield Sample(make(rng, 2, 3), 1.5)
        yield Sample(make(rng, 3, 2).T, other(rng, 2, 3))

    return samples
