"""Linear algebra beyond its rows of the table: errors, free phases, infinite numbers, random methods."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import linalg
from penlight.kernels.stacks import over_stack
from penlight.ops import older_linalg
from penlight.testing import gradcheck

NAN, INF = float("nan"), float("inf")


def random(*shape: int, dtype: str = "d", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return np.asarray(x + 1j * rng.standard_normal(shape) if dtype in "FD" else x, dtype)


def tensor(*shape: int, dtype: str = "d", seed: int = 0) -> Any:
    return penlight.from_numpy(random(*shape, dtype=dtype, seed=seed))


# -- errors ------------------------------------------------------------------------------------


def test_linalg_error_is_a_runtime_error(lib: Any) -> None:
    assert issubclass(lib.linalg.LinAlgError, RuntimeError)
    assert not issubclass(lib.linalg.LinAlgError, ValueError)
    for function in (lib.linalg.inv, lib.linalg.cholesky, lambda x: lib.linalg.solve(x, x)):
        with pytest.raises(lib.linalg.LinAlgError):
            function(lib.zeros(2, 2))
    for function in (lib.linalg.svd, lib.linalg.eigh, lib.linalg.pinv, lib.linalg.svdvals):
        with pytest.raises(lib.linalg.LinAlgError, match="converge"):
            function(lib.full((3, 3), NAN))


def test_linalg_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(linalg.LinAlgError("singular")))
    assert type(error) is linalg.LinAlgError


def test_errors_name_the_first_matrix_that_fails(lib: Any) -> None:
    x = lib.eye(3).repeat(4, 1, 1)
    x[2, 1, 1] = 0
    x[3] = 0
    with pytest.raises(RuntimeError, match=r"Batch element 2\): The diagonal element 2 is zero"):
        lib.linalg.inv(x)
    with pytest.raises(RuntimeError, match=r"Batch element 2\).*order 2"):
        lib.linalg.cholesky(x)
    assert lib.linalg.inv_ex(x).info.tolist() == [0, 0, 2, 1]
    assert lib.linalg.solve_ex(x, x).info.tolist() == [0, 0, 2, 1]
    assert lib.linalg.lu_factor_ex(x).info.tolist() == [0, 0, 2, 1]
    assert lib.linalg.cholesky_ex(x).info.tolist() == [0, 0, 2, 1]
    for name in ("inv_ex", "cholesky_ex", "lu_factor_ex"):
        with pytest.raises(RuntimeError, match="Batch element 2"):
            getattr(lib.linalg, name)(x, check_errors=True)
    np.testing.assert_array_equal(lib.linalg.inv_ex(x).inverse[:2].numpy(), x[:2].numpy())


def test_singular_matrices_that_rounding_hides() -> None:
    """The number of the failing pivot is there even if another order of sums would not find it."""
    x = penlight.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=penlight.float64)
    y, info = linalg.inv_ex(x)
    assert bool(info) == bool(penlight.isnan(y).all())


@pytest.mark.parametrize("name", ["eig", "eigvals"])
def test_eigenvalues_of_infinite_numbers_are_refused(name: str) -> None:
    for value in (NAN, INF):
        with pytest.raises(RuntimeError, match="infs or NaNs"):
            getattr(linalg, name)(penlight.full((2, 2), value))


def test_least_squares_of_infinite_numbers_are_refused() -> None:
    with pytest.raises(linalg.LinAlgError, match="non-finite"):
        linalg.lstsq(penlight.full((3, 2), NAN), penlight.ones(3))


def test_nan_goes_through(lib: Any) -> None:
    x = lib.full((2, 2), NAN)
    for y in (
        lib.linalg.inv(x),
        lib.linalg.det(x),
        lib.linalg.solve(x, x),
        lib.linalg.matrix_exp(x),
    ):
        assert lib.isnan(y).all()
    assert lib.isnan(lib.linalg.qr(x).R.triu()).any()
    sign, logarithm = lib.linalg.slogdet(x)
    assert sign == 0
    assert lib.isnan(logarithm)


def test_triangular_equations_divide_by_zero(lib: Any) -> None:
    a = lib.tensor([[0.0, 1], [0, 2]])
    x = lib.linalg.solve_triangular(a, lib.ones(2, 1), upper=True)
    assert x.flatten().tolist() == [INF, 0.5]


# -- free signs and phases ---------------------------------------------------------------------


def test_losses_that_depend_on_phases_are_refused(lib: Any) -> None:
    a = lib.tensor(random(3, 3, dtype="D"), requires_grad=True)
    with pytest.raises(RuntimeError, match=r"eigenvectors.*phi"):
        lib.linalg.eigh(a + a.mH).eigenvectors.real.sum().backward()
    with pytest.raises(RuntimeError, match=r"eigenvectors.*phi"):
        lib.linalg.eig(a).eigenvectors.real.sum().backward()
    with pytest.raises(RuntimeError, match="phi"):
        lib.linalg.svd(a).U.imag.sum().backward()


@pytest.mark.parity
def test_gradients_by_one_factor_alone(torch: Any) -> None:
    """Where signs happen to agree with PyTorch's after they are fixed, so do gradients."""
    for shape in [(3, 3), (4, 2), (2, 4)]:
        a = random(*shape)
        for part in range(3):
            got = []
            for lib in (penlight, torch):
                x = lib.tensor(a, requires_grad=True)
                y = lib.linalg.svd(x, full_matrices=False)[part]
                (y.abs() * lib.arange(1, y.numel() + 1).reshape(y.shape)).sum().backward()
                got.append(x.grad.numpy())
            np.testing.assert_allclose(got[0], got[1], rtol=1e-8, atol=1e-10)


def test_repeated_eigenvalues_have_no_gradient_by_vectors(lib: Any) -> None:
    a = lib.eye(3, requires_grad=True)
    lib.linalg.eigh(a).eigenvalues.sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), np.eye(3))
    a = lib.eye(3, requires_grad=True)
    (lib.linalg.eigh(a).eigenvectors * lib.tensor(random(3, 3, dtype="f"))).sum().backward()
    assert not lib.isfinite(a.grad).all()


# -- what has no derivative --------------------------------------------------------------------


def test_what_has_no_derivative_says_so(lib: Any) -> None:
    tall = lib.tensor(random(4, 2), requires_grad=True)
    with pytest.raises(RuntimeError, match="mode='complete'"):
        lib.linalg.qr(tall, "complete").Q.sum().backward()
    with pytest.raises(RuntimeError, match="mode='r'"):
        lib.linalg.qr(tall, "r").R.sum().backward()
    with pytest.raises(NotImplementedError, match="geqrf"):
        lib.geqrf(tall)[0].sum().backward()
    square = lib.eye(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="not implemented"):
        lib.linalg.ldl_factor(square).LD.sum().backward()


def test_ldl_solve_is_differentiable_by_its_right_side() -> None:
    a = random(4, 4)
    packed, pivots = linalg.ldl_factor(penlight.from_numpy(a + a.T))
    b = tensor(4, 2).requires_grad_()
    assert gradcheck(lambda b: linalg.ldl_solve(packed, pivots, b), (b,))
    with pytest.raises(RuntimeError, match="derivative by LD"):
        linalg.ldl_solve(packed.requires_grad_(), pivots, b)


# -- results -----------------------------------------------------------------------------------


@pytest.mark.parity
def test_results_have_pytorchs_names(torch: Any) -> None:
    calls = """
        linalg.cholesky_ex(x) linalg.eig(x) linalg.eigh(x) linalg.inv_ex(x) linalg.ldl_factor(x)
        linalg.ldl_factor_ex(x) linalg.lstsq(x,x) linalg.lu(x) linalg.lu_factor(x) linalg.lu_factor_ex(x)
        linalg.qr(x) linalg.slogdet(x) linalg.solve_ex(x,x) linalg.svd(x) geqrf(x) slogdet(x) svd(x) qr(x)
        lu(x,get_infos=True) lu(x) triangular_solve(x,x) lu_unpack(*lib.linalg.lu_factor(x))
        pca_lowrank(x) lobpcg(x,1)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in calls.split():
            ours, theirs = (
                eval(f"lib.{call}", {"lib": lib, "x": lib.eye(3)}) for lib in (penlight, torch)
            )
            assert type(ours).__name__ == type(theirs).__name__, call
            assert getattr(ours, "_fields", ()) == tuple(
                n for n in type(theirs).__dict__ if n in getattr(ours, "_fields", ())
            ), call


def test_deprecated_names_warn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_linalg, "_warned", set())
    x = penlight.eye(2)
    for name, args in [("cholesky", ()), ("qr", ()), ("lu", ()), ("triangular_solve", (x,))]:
        with pytest.warns(UserWarning, match=f"torch.{name} is deprecated"):
            getattr(penlight, name)(x, *args)
        getattr(x, name)(*args)  # a second warning would be an error here
    with pytest.warns(UserWarning, match="lu_solve"):
        penlight.lu_solve(x, *linalg.lu_factor(x))


@pytest.mark.parametrize("dtype", ["f", "F"])
def test_single_precision_stays(dtype: str) -> None:
    x = tensor(3, 3, dtype=dtype) + 3 * penlight.eye(
        3, dtype=penlight.from_numpy(random(1, dtype=dtype)).dtype
    )
    positive = x @ x.mH
    results = [
        linalg.inv(x), linalg.det(x), *linalg.slogdet(x), linalg.cholesky(positive), *linalg.qr(x),
        *linalg.eigh(positive), *linalg.eig(x), *linalg.svd(x), linalg.pinv(x), linalg.matrix_exp(x),
        *linalg.lu(x), linalg.lstsq(x, x).solution, linalg.cond(x), linalg.matrix_norm(x, "nuc"),
        linalg.solve_triangular(x, x, upper=True), linalg.ldl_factor(positive, hermitian=True).LD,
    ]  # fmt: skip
    assert {y.dtype for y in results} <= {penlight.float32, penlight.complex64}


def test_stacks_are_the_same_in_parts() -> None:
    a, b = random(70, 12, 12), random(70, 12, 5)
    np.testing.assert_array_equal(over_stack(np.linalg.solve, 1e9, a, b), np.linalg.solve(a, b))
    for x, y in zip(over_stack(np.linalg.svd, 1e9, a), np.linalg.svd(a), strict=True):
        np.testing.assert_array_equal(x, y)
    with pytest.raises(np.linalg.LinAlgError):
        over_stack(np.linalg.inv, 1e9, np.where(np.arange(70)[:, None, None] == 50, 0, a))


@pytest.mark.parametrize("n", [40, 100])
def test_large_matrices(n: int) -> None:
    """Beyond the sizes that one call takes."""
    a = random(2, n, n) / n**0.5 + 3 * np.eye(n)
    x = penlight.from_numpy(a)
    eye = np.broadcast_to(np.eye(n), a.shape)
    np.testing.assert_allclose((x @ linalg.inv(x)).numpy(), eye, atol=1e-12)
    P, L, U = linalg.lu(x)
    np.testing.assert_allclose((P @ L @ U).numpy(), a, atol=1e-12)
    positive = x @ x.mT
    factor = linalg.cholesky(positive)
    np.testing.assert_allclose(penlight.cholesky_solve(positive, factor).numpy(), eye, atol=1e-10)
    y = linalg.matrix_exp(x / 3)
    np.testing.assert_allclose((y @ linalg.matrix_exp(-x / 3)).numpy(), eye, atol=1e-10)


def test_determinants_of_singular_matrices_have_derivatives() -> None:
    """dA is the cofactors, whatever the rank, by singular values and by products alike."""
    for rank in range(4):
        a = penlight.from_numpy(random(4, rank) @ random(rank, 4, seed=1)).requires_grad_()
        with penlight.no_grad():
            a[...] = a.round()
        a.data[0] = a.data[1]  # exactly singular
        y = linalg.det(a)
        (first,) = penlight.autograd.grad(y, a, retain_graph=True)
        (second,) = penlight.autograd.grad(y, a, create_graph=True)
        np.testing.assert_allclose(first.numpy(), second.detach().numpy(), atol=1e-10)
        minors = [
            [
                (-1) ** (i + j)
                * np.linalg.det(np.delete(np.delete(a.detach().numpy(), i, 0), j, 1))
                for j in range(4)
            ]
            for i in range(4)
        ]
        np.testing.assert_allclose(first.numpy(), minors, atol=1e-10)


# -- random and iterative methods --------------------------------------------------------------


@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (2, 9, 9)])
@pytest.mark.parametrize("dtype", ["d", "D"])
def test_svd_lowrank_finds_small_ranks(shape: tuple[int, ...], dtype: str) -> None:
    *stack, m, n = shape
    a = random(*stack, m, 3, dtype=dtype) @ random(*stack, 3, n, dtype=dtype, seed=1)
    U, S, V = penlight.svd_lowrank(penlight.from_numpy(a), q=4)
    assert U.shape == (*stack, m, 4)
    assert S.shape == (*stack, 4)
    assert V.shape == (*stack, n, 4)
    np.testing.assert_allclose(((U * S.unsqueeze(-2)) @ V.mH).numpy(), a, atol=1e-10)
    np.testing.assert_allclose(S.numpy()[..., :3], np.linalg.svd(a)[1][..., :3])
    shifted = penlight.svd_lowrank(
        penlight.from_numpy(a + 1), q=4, M=penlight.ones_like(U[..., :1]).real
    )
    np.testing.assert_allclose(shifted[1].numpy()[..., :3], S.numpy()[..., :3])


def test_random_methods_follow_the_seed() -> None:
    a, results = tensor(20, 15), []
    for seed in (1, 1, 2):
        penlight.manual_seed(seed)
        results.append(penlight.svd_lowrank(a, q=3)[0].numpy())
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_pca_lowrank_subtracts_the_mean(lib: Any) -> None:
    a = random(30, 4) + 5
    _, S, V = lib.pca_lowrank(lib.tensor(a), q=4)
    s, vh = np.linalg.svd(a - a.mean(0))[1:]
    np.testing.assert_allclose(S.numpy(), s)
    np.testing.assert_allclose(np.abs(V.numpy().T), np.abs(vh), atol=1e-8)
    np.testing.assert_allclose(
        lib.pca_lowrank(lib.tensor(a), q=4, center=False)[1], np.linalg.svd(a)[1]
    )
    with pytest.raises(ValueError, match="min"):
        lib.pca_lowrank(lib.tensor(a), q=5)
    with pytest.raises(ValueError, match="niter"):
        lib.pca_lowrank(lib.tensor(a), niter=-1)


def test_low_rank_methods_are_differentiable() -> None:
    a = penlight.from_numpy(random(6, 2) @ random(2, 5, seed=1)).requires_grad_()

    def values(a: Any) -> Any:
        penlight.manual_seed(0)
        return penlight.svd_lowrank(a, q=5)[1][:2]

    (got,) = penlight.autograd.grad(values(a).sum(), a)
    (expected,) = penlight.autograd.grad(linalg.svdvals(a)[:2].sum(), a)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-8)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("generalized", [False, True])
def test_lobpcg(lib: Any, largest: bool, generalized: bool) -> None:
    q = np.linalg.qr(random(30, 30))[0]
    a = q * (np.arange(30) + 1.0) @ q.T
    b = np.diag(np.linspace(1, 2, 30))
    half = np.diag(np.diag(b) ** -0.5)
    expected = np.linalg.eigvalsh(half @ a @ half if generalized else a)
    expected = expected[::-1][:3] if largest else expected[:3]
    lib.manual_seed(0)
    w, v = lib.lobpcg(
        lib.tensor(a),
        3,
        lib.tensor(b) if generalized else None,
        largest=largest,
        niter=300,
        tol=1e-10,
    )
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-7)
    scale = b if generalized else np.eye(30)
    np.testing.assert_allclose(a @ v.numpy(), scale @ v.numpy() * w.numpy(), atol=1e-4)


def test_lobpcg_takes_a_start_and_a_preconditioner() -> None:
    a = penlight.diag(penlight.arange(1, 41, dtype=penlight.float64) ** 2)
    steps: dict[bool, int] = {}
    for preconditioned in (False, True):
        seen: list[int] = []
        w, _ = penlight.lobpcg(
            a, X=tensor(40, 2), iK=linalg.inv(a) if preconditioned else None, largest=False, niter=200,
            tol=1e-9, tracker=lambda state, seen=seen: seen.append(state["istep"]),
        )  # fmt: skip
        np.testing.assert_allclose(w.numpy(), [1, 4], rtol=1e-7)
        steps[preconditioned] = len(seen)
    assert steps[True] < steps[False]
    with pytest.raises(ValueError, match="3 x"):
        penlight.lobpcg(a[:5, :5], 2)


def test_lobpcg_is_differentiable() -> None:
    a = tensor(9, 9)
    a = (a + a.mT).requires_grad_()
    (got,) = penlight.autograd.grad(penlight.lobpcg(a, 2)[0].sum(), a)
    (expected,) = penlight.autograd.grad(linalg.eigvalsh(a)[-2:].sum(), a)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-10)
