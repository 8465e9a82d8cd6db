"""Programs of science: equations in the loss, ODEs, Gaussian processes, filters, spectra, inference."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from tests.programs.base import initialise, numbers, parts, program


@program()
def physics_informed(torch: Any) -> list[float]:
    """Burgers' equation: second derivatives by ``create_graph``, residual and boundary in one loss."""
    nn, optim = parts(torch, "nn", "optim")
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:

        class PINN(nn.Module):
            def __init__(self, layers):
                super().__init__()
                depth = []
                for i in range(len(layers) - 2):
                    depth += [
                        (f"layer_{i}", nn.Linear(layers[i], layers[i + 1])),
                        (f"act_{i}", nn.Tanh()),
                    ]
                depth.append(("out", nn.Linear(layers[-2], layers[-1])))
                from collections import OrderedDict

                self.layers = nn.Sequential(OrderedDict(depth))

            def forward(self, x, t):
                return self.layers(torch.cat([x, t], dim=1))

        model = initialise(torch, PINN([2, 12, 12, 1]))
        assert next(model.parameters()).dtype == torch.float64

        def residual(x, t, nu=0.01 / math.pi):
            u = model(x, t)
            ones = torch.ones_like(u)
            u_t = torch.autograd.grad(
                u, t, grad_outputs=ones, retain_graph=True, create_graph=True
            )[0]
            u_x = torch.autograd.grad(u, x, ones, create_graph=True)[0]
            u_xx = torch.autograd.grad(u_x, x, torch.ones_like(u_x), create_graph=True)[0]
            return u_t + u * u_x - nu * u_xx

        grid_x, grid_t = torch.meshgrid(
            torch.linspace(-1, 1, 7), torch.linspace(0, 1, 5), indexing="ij"
        )
        x, t = (g.reshape(-1, 1).requires_grad_(True) for g in (grid_x, grid_t))
        x0 = torch.linspace(-1, 1, 11).unsqueeze(1)
        optimizer = optim.LBFGS(
            model.parameters(),
            lr=1.0,
            max_iter=5,
            history_size=10,
            tolerance_grad=1e-9,
            line_search_fn="strong_wolfe",
        )
        history = []

        def loss_func():
            optimizer.zero_grad()
            loss_u = torch.mean((model(x0, torch.zeros_like(x0)) + torch.sin(math.pi * x0)) ** 2)
            loss = loss_u + torch.mean(residual(x, t) ** 2)
            loss.backward()
            history.append(loss.item())
            return loss

        for _ in range(2):
            optimizer.step(loss_func)
    finally:
        torch.set_default_dtype(default)
    return [history[0], history[-1]]


@program()
def neural_ode(torch: Any) -> list[float]:
    """A spiral fitted through Runge-Kutta of fourth order; gradients through the solver."""
    nn, optim = parts(torch, "nn", "optim")

    class ODEFunc(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
            for m in self.net.modules():
                if isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, mean=0, std=0.1)
                    nn.init.constant_(m.bias, val=0)

        def forward(self, t, y):
            return self.net(y**3)

    def odeint(func, y0, t):
        solution, y = [y0], y0
        for t0, t1 in itertools.pairwise(t):
            dt = t1 - t0
            k1 = func(t0, y)
            k2 = func(t0 + dt / 2, y + dt * k1 / 2)
            k3 = func(t0 + dt / 2, y + dt * k2 / 2)
            k4 = func(t1, y + dt * k3)
            y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            solution.append(y)
        return torch.stack(solution)

    true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
    t = torch.linspace(0.0, 1.0, 8)
    y0 = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    with torch.no_grad():
        true_y = odeint(lambda t, y: y @ true_A, y0, t)
        exact = torch.stack([y0 @ torch.linalg.matrix_exp(true_A * s) for s in t])
    assert torch.allclose(true_y, exact, atol=1e-3)
    func = initialise(torch, ODEFunc(), gain=0.3)
    optimizer = optim.RMSprop(func.parameters(), lr=1e-2)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = torch.mean(torch.abs(odeint(func, y0, t) - true_y))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@program()
def gaussian_process(torch: Any) -> list[float]:
    """Marginal likelihood by Cholesky; hyper-parameters in log space; the posterior's variance."""
    x = torch.linspace(0, 4, 20, dtype=torch.float64)[:, None]
    y = torch.sin(2 * x[:, 0]) + 0.1 * numbers(torch, 20).double()
    log_l, log_s, log_n = (
        torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(3)
    )

    def kernel(a, b):
        return log_s.exp() * torch.exp(-0.5 * torch.cdist(a, b).pow(2) / log_l.exp() ** 2)

    def neg_mll():
        K = kernel(x, x) + (log_n.exp() + 1e-6) * torch.eye(len(x), dtype=x.dtype)
        L = torch.linalg.cholesky(K)
        alpha = torch.cholesky_solve(y.unsqueeze(-1), L)
        logdet = L.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return 0.5 * (y @ alpha.squeeze(-1)) + logdet + 0.5 * len(x) * np.log(2 * np.pi)

    squared = (x[:, None, :] - x[None, :, :]).pow(2).sum(-1)
    assert torch.allclose(torch.cdist(x, x) ** 2, squared)
    optimizer = torch.optim.Adam(
        [{"params": [log_l, log_s]}, {"params": log_n, "lr": 0.1}], lr=0.05
    )
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = neg_mll()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        K = kernel(x, x) + log_n.exp() * torch.eye(20, dtype=x.dtype)
        xs = torch.linspace(0, 5, 6, dtype=torch.float64).unsqueeze(-1)
        Ks = kernel(xs, x)
        v = torch.linalg.solve_triangular(torch.linalg.cholesky(K), Ks.mT, upper=False)
        var = log_s.exp() - (v * v).sum(0)
        mean = Ks @ torch.linalg.solve(K, y)
        p = torch.distributions.MultivariateNormal(y * 0, covariance_matrix=K)
        assert torch.allclose(-p.log_prob(y), neg_mll(), rtol=1e-3)
    assert (var > 0).all()
    return [*losses, losses[-1] - 1e-3 * mean.abs().sum().item()]


@program()
def kalman_filter(torch: Any) -> list[float]:
    """A batch of filters, each step a few batched products and solves; noise learned by gradient."""
    B, T = 3, 12
    F_ = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    H = torch.tensor([[1.0, 0.0]])
    z = numbers(torch, B, T, 1).cumsum(1)
    log_q, log_r = torch.nn.Parameter(torch.tensor(0.0)), torch.nn.Parameter(torch.tensor(1.5))

    def nll():
        x = z.new_zeros((B, 2, 1))
        P = torch.eye(2).expand(B, 2, 2) * 10.0
        Q, R = torch.diag_embed(torch.ones(2)) * log_q.exp(), log_r.exp().reshape(1, 1)
        total = 0
        for t in range(T):
            x, P = F_ @ x, F_ @ P @ F_.T + Q
            S = H @ P @ H.mT + R
            K = torch.linalg.solve(S, H @ P).transpose(-1, -2)
            innovation = z[:, t, :, None] - H @ x
            sign, logdet = torch.linalg.slogdet(S)
            assert bool((sign > 0).all())
            maha = (innovation.mT @ torch.linalg.inv(S) @ innovation)[..., 0, 0]
            total = total + 0.5 * (maha + logdet + math.log(2 * math.pi))
            x = torch.baddbmm(x, K, innovation)
            P = (torch.eye(2) - K @ H) @ P
        return total.mean()

    optimizer = torch.optim.Rprop([log_q, log_r], lr=0.05)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = nll()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@program()
def fourier_operator(torch: Any) -> list[float]:
    """A neural operator: complex weights on the lowest modes of ``rfft2``, Sobolev loss."""
    nn, F, fft = parts(torch, "nn", "nn.functional", "fft")

    class SpectralConv2d(nn.Module):
        def __init__(self, i, o, m1, m2):
            super().__init__()
            self.o, self.m1, self.m2 = o, m1, m2
            scale = 1 / (i * o)
            self.weights1 = nn.Parameter(scale * torch.ones(i, o, m1, m2, dtype=torch.cfloat))
            self.weights2 = nn.Parameter(scale * torch.ones(i, o, m1, m2, dtype=torch.cfloat))

        def compl_mul2d(self, input, weights):
            return torch.einsum("bixy,ioxy->boxy", input, weights)

        def forward(self, x):
            batchsize = x.shape[0]
            x_ft = torch.fft.rfft2(x)
            out_ft = torch.zeros(
                batchsize,
                self.o,
                x.size(-2),
                x.size(-1) // 2 + 1,
                dtype=torch.cfloat,
                device=x.device,
            )
            out_ft[:, :, : self.m1, : self.m2] = self.compl_mul2d(
                x_ft[:, :, : self.m1, : self.m2], self.weights1
            )
            out_ft[:, :, -self.m1 :, : self.m2] = self.compl_mul2d(
                x_ft[:, :, -self.m1 :, : self.m2], self.weights2
            )
            return torch.fft.irfft2(out_ft, s=(x.size(-2), x.size(-1)))

    class FNO(nn.Module):
        def __init__(self, width=4):
            super().__init__()
            self.p, self.conv = nn.Linear(3, width), SpectralConv2d(width, width, 3, 3)
            self.w, self.q = nn.Conv2d(width, width, 1), nn.Linear(width, 1)

        def get_grid(self, shape):
            b, sx, sy = shape[0], shape[1], shape[2]
            gx = (
                torch.tensor(np.linspace(0, 1, sx), dtype=torch.float)
                .reshape(1, sx, 1, 1)
                .repeat([b, 1, sy, 1])
            )
            gy = (
                torch.tensor(np.linspace(0, 1, sy), dtype=torch.float)
                .reshape(1, 1, sy, 1)
                .repeat([b, sx, 1, 1])
            )
            return torch.cat((gx, gy), dim=-1)

        def forward(self, x):
            x = self.p(torch.cat((x, self.get_grid(x.shape)), dim=-1)).permute(0, 3, 1, 2)
            x = F.gelu(self.conv(x) + self.w(x)).permute(0, 2, 3, 1)
            return self.q(x)

    model = FNO()
    for part in (model.p, model.w, model.q):
        initialise(torch, part)
    a = numbers(torch, 2, 8, 10, 1)
    k = fft.fftfreq(8)[:, None].abs() + fft.rfftfreq(10)[None, :]
    u = fft.irfft2(fft.rfft2(a[..., 0]) / (1 + 50 * k), s=(8, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        out = model(a).squeeze(-1)
        diff = torch.norm(out.reshape(2, -1) - u.reshape(2, -1), 2, 1)
        loss = torch.mean(diff / torch.norm(u.reshape(2, -1), 2, 1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert model.conv.weights1.grad.is_complex()
    return losses


@program()
def variational_inference(torch: Any) -> list[float]:
    """Logistic regression with a mean-field posterior; transforms, constraints, mixtures."""
    D, F = parts(torch, "distributions", "nn.functional")
    X = numbers(torch, 40, 3)
    y = (X @ torch.tensor([1.0, -2.0, 0.5]) > 0).float()
    loc = torch.zeros(3, requires_grad=True)
    rho = torch.full((3,), -1.0, requires_grad=True)
    prior = D.Normal(torch.zeros(3), 2.0)
    optimizer = torch.optim.Adamax([loc, rho], lr=0.1)
    losses = []
    for _i in range(8):
        optimizer.zero_grad()
        q = D.Normal(loc, F.softplus(rho))
        w = q.loc + q.scale * numbers(torch, 5, 3, seed=7)
        logits = torch.einsum("nd,sd->sn", X, w)
        likelihood = D.Bernoulli(logits=logits).log_prob(y.expand(5, -1)).sum(-1).mean()
        loss = D.kl_divergence(q, prior).sum() - likelihood
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    mix = D.MixtureSameFamily(
        D.Categorical(torch.ones(3) / 3), D.Normal(loc.detach(), torch.ones(3))
    )
    squashed = D.TransformedDistribution(
        D.Normal(0.0, 1.0), [D.transforms.TanhTransform(cache_size=1)]
    )
    assert torch.isfinite(squashed.log_prob(squashed.sample((4,)))).all()
    beta = D.Beta(torch.tensor([2.0]), torch.tensor([3.0]))
    return [
        *losses,
        losses[-1] + 1e-3 * (mix.log_prob(torch.tensor(0.3)) + beta.entropy().sum()).item(),
    ]


@program()
def matrix_factorisation(torch: Any) -> list[float]:
    """PCA by ``svd``, k-means by ``cdist`` and ``scatter_add_``, Sinkhorn, power iteration, ``lstsq``."""
    X = numbers(torch, 30, 5).double() @ torch.diag(
        torch.tensor([3.0, 2.0, 1.0, 0.5, 0.1], dtype=torch.float64)
    )
    Xc = X - X.mean(0, keepdim=True)
    U, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    low = (U[:, :2] * S[:2]) @ Vh[:2]
    eigenvalues = torch.linalg.eigvalsh(Xc.T @ Xc / (len(X) - 1)).flip(0)
    assert torch.allclose(
        eigenvalues, torch.cov(X.T).symeig(eigenvectors=False)[0] if False else S**2 / 29
    )
    centers = X[:3].clone()
    inertia = []
    for _ in range(4):
        distance, labels = torch.cdist(X, centers).min(dim=1)
        inertia.append(distance.pow(2).sum().item())
        sums = torch.zeros_like(centers).scatter_add_(0, labels[:, None].expand(-1, 5), X)
        count = torch.zeros(3, dtype=X.dtype).index_add_(0, labels, torch.ones(30, dtype=X.dtype))
        centers = sums / count.clamp_min(1)[:, None]
    cost = torch.cdist(X[:6], X[6:12])
    log_K = -cost / 0.5
    f, g = torch.zeros(6, dtype=X.dtype), torch.zeros(6, dtype=X.dtype)
    for _ in range(20):
        f = -math.log(6) - torch.logsumexp(log_K + g[None, :], dim=1)
        g = -math.log(6) - torch.logsumexp(log_K + f[:, None], dim=0)
    plan = (log_K + f[:, None] + g).exp()
    assert torch.allclose(plan.sum(0), plan.new_full((6,), 1 / 6))
    v = torch.ones(5, dtype=X.dtype)
    for _ in range(50):
        v = torch.mv(Xc.T @ Xc, v)
        v /= v.norm()
    q, r = torch.linalg.qr(X)
    assert torch.allclose(q @ r, X)
    assert r.tril(-1).abs().sum() == 0
    w = torch.linalg.lstsq(X, X @ v).solution
    assert torch.allclose(w, v)
    return [
        *inertia,
        inertia[-1] - 1e-3 * (low.norm() + (plan * cost).sum() + v.abs().sum()).item(),
    ]
