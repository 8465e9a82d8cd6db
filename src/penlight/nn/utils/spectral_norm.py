"""Spectral normalisation w / sigma(w), by a hook before each forward: the old way.

sigma, the largest singular value, is u^T W v; each forward in training mode brings the vectors u and v a
few power iterations closer to the singular vectors.

Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, algorithm 1.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from penlight.autograd.grad_mode import no_grad
from penlight.nn import functional as F
from penlight.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.ops.matmul import dot, mv
from penlight.tensor import Tensor
from penlight.tensor.creation import tensor

__all__ = [
    "SpectralNorm", "SpectralNormLoadStateDictPreHook", "SpectralNormStateDictHook", "remove_spectral_norm",
    "spectral_norm",
]  # fmt: skip

M = TypeVar("M", bound=Module)
TRANSPOSED = ConvTranspose1d, ConvTranspose2d, ConvTranspose3d


def output_dim(module: Module) -> int:
    """The dimension of a weight that counts the outputs: 1 for transposed convolutions, else 0."""
    return 1 if isinstance(module, TRANSPOSED) else 0


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight as a matrix with a row for each index along ``dim``."""
    if dim:
        weight = weight.movedim(dim, 0)
    return weight.reshape(weight.shape[0], -1)


def power_iterations(matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float) -> None:
    """Bring u and v, which are changed, closer to the first singular vectors of ``matrix``."""
    with no_grad():
        for _ in range(steps):
            v.copy_(F.normalize(mv(matrix.t(), u), dim=0, eps=eps))
            u.copy_(F.normalize(mv(matrix, v), dim=0, eps=eps))


def random_unit(like: Tensor, size: int, eps: float) -> Tensor:
    """A vector of length one in a random direction."""
    return F.normalize(like.new_empty(size).normal_(0, 1), dim=0, eps=eps)


class SpectralNorm:
    """The hook that computes a module's weight from ``<name>_orig``, ``<name>_u`` and ``<name>_v``."""

    _version = 1  # since which v is stored, too

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.name, self.dim = name, dim
        self.n_power_iterations, self.eps = n_power_iterations, eps

    def reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        """(outputs, everything else)."""
        return as_matrix(weight, self.dim)

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """W / (u^T W v), after updating u and v if asked to."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            power_iterations(matrix.detach(), u, v, self.n_power_iterations, self.eps)
            u, v = u.clone(), v.clone()  # which backward needs after the next update
        return weight / dot(u, mv(matrix, v))

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        delattr(module, self.name)
        for part in ("u", "v", "orig"):
            delattr(module, f"{self.name}_{part}")
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    @staticmethod
    def apply(
        module: Module, name: str, n_power_iterations: int, dim: int, eps: float
    ) -> SpectralNorm:
        """Replace the weight, and register the hooks.

        Raises:
            RuntimeError: if the weight has such a hook already.
            ValueError: if there is no weight.
        """
        if _hook_of(module._forward_pre_hooks, name) is not None:
            raise RuntimeError(
                f"Cannot register two spectral_norm hooks on the same parameter {name}"
            )
        hook = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        with no_grad():
            rows, columns = as_matrix(weight, dim).shape
            u, v = random_unit(weight, rows, eps), random_unit(weight, columns, eps)
        del module._parameters[name]
        module.register_parameter(f"{name}_orig", weight)
        setattr(module, name, weight.detach())  # until the first forward
        module.register_buffer(f"{name}_u", u)
        module.register_buffer(f"{name}_v", v)
        module.register_forward_pre_hook(hook)
        module._register_state_dict_hook(SpectralNormStateDictHook(hook))
        module._register_load_state_dict_pre_hook(SpectralNormLoadStateDictPreHook(hook))
        return hook


class SpectralNormStateDictHook:
    """Notes the version of the state in its metadata."""

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(self, module: Module, state_dict: Any, prefix: str, local_metadata: Any) -> None:
        versions = local_metadata.setdefault("spectral_norm", {})
        key = f"{self.fn.name}.version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = self.fn._version


class SpectralNormLoadStateDictPreHook:
    """Reads state from before version 1, which had w and u but no v: solves w_orig / w = u^T w_orig v."""

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        version = local_metadata.get("spectral_norm", {}).get(f"{self.fn.name}.version")
        if version is not None and version >= 1:
            return
        key = prefix + self.fn.name
        if key not in state_dict and all(f"{key}_{p}" in state_dict for p in ("orig", "u", "v")):
            return  # of today, but without metadata
        missing = [k for k in (f"{key}_orig", key, f"{key}_u") if k not in state_dict]
        if missing:
            missing_keys += missing if strict else []
            return
        original, weight = state_dict[f"{key}_orig"], state_dict.pop(key)
        with no_grad():
            sigma = (original / weight).mean().item()
            matrix = as_matrix(original, self.fn.dim)._array
            u = state_dict[f"{key}_u"]._array
            v = np.linalg.pinv(matrix) @ u
            state_dict[f"{key}_v"] = tensor(v * (sigma / (u @ matrix @ v)))


def _hook_of(table: Any, name: str) -> int | None:
    """The key of the hook for a weight in one of a module's tables."""
    for key, entry in table.items():
        entry = getattr(entry, "hook", entry)
        hook = getattr(entry, "fn", entry)
        if isinstance(hook, SpectralNorm) and hook.name == name:
            return key
    return None


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight by an estimate of its largest singular value before each forward.

    ``<name>`` is computed from the parameter ``<name>_orig`` and the buffers ``<name>_u`` and
    ``<name>_v``. :func:`parametrizations.spectral_norm` is the newer way.

    Args:
        module: the owner, which is changed and returned.
        name: the weight's name. Default: ``"weight"``.
        n_power_iterations: steps of the estimate at each forward in training mode. Default: 1.
        eps: keeps norms from zero. Default: 1e-12.
        dim: which dimension counts the outputs. Default: 1 for transposed convolutions, else 0.
    """
    SpectralNorm.apply(
        module, name, n_power_iterations, output_dim(module) if dim is None else dim, eps
    )
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make a weight with spectral normalisation an ordinary parameter again.

    Raises:
        ValueError: if it has none.
    """
    key = _hook_of(module._forward_pre_hooks, name)
    if key is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    hook: Any = module._forward_pre_hooks[key]
    hook.remove(module)
    tables = module._forward_pre_hooks, module._state_dict_hooks, module._load_state_dict_pre_hooks
    for table in tables:
        key = _hook_of(table, name)
        if key is not None:
            del table[key]
    return module
