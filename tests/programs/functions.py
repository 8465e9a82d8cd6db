"""Programs that differentiate, map and rebuild models: meta-learning, hypernetworks, distillation."""

from __future__ import annotations

import copy
from typing import Any

from tests.programs.base import initialise, integers, numbers, parts, program


@program()
def model_agnostic_meta_learning(torch: Any) -> list[float]:
    """MAML: inner steps that stay in the graph, and the same by ``functional_call``."""
    nn, F, func = parts(torch, "nn", "nn.functional", "func")
    net = initialise(torch, nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1)))

    def forward(weights, x):
        h = torch.tanh(F.linear(x, weights[0], weights[1]))
        return F.linear(h, weights[2], weights[3])

    def adapted_loss(x, y):
        fast = list(net.parameters())
        for _ in range(2):
            loss = F.mse_loss(forward(fast, x[:5]), y[:5])
            grad = torch.autograd.grad(loss, fast, create_graph=True, retain_graph=True)
            fast = [w - 0.05 * g for w, g in zip(fast, grad, strict=True)]
        return F.mse_loss(forward(fast, x[5:]), y[5:])

    def adapted_loss_by_func(params, x, y):
        loss = lambda p, x, y: F.mse_loss(func.functional_call(net, p, (x,)), y)  # noqa: E731
        for _ in range(2):
            grads = func.grad(loss)(params, x[:5], y[:5])
            params = {k: params[k] - 0.05 * g for k, g in grads.items()}
        return loss(params, x[5:], y[5:])

    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    x = numbers(torch, 3, 10, 1)
    amplitude = torch.tensor([0.5, 1.0, 2.0]).view(3, 1, 1)
    y = amplitude * torch.sin(x)
    losses = []
    for _ in range(6):
        tasks = [adapted_loss(xi, yi) for xi, yi in zip(x, y, strict=True)]
        loss = torch.stack(tasks).mean()
        by_vmap = func.vmap(adapted_loss_by_func, in_dims=(None, 0, 0))(
            dict(net.named_parameters()), x, y
        )
        assert torch.allclose(by_vmap, torch.stack(tasks), atol=1e-5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@program()
def hypernetwork(torch: Any) -> list[float]:
    """One network gives the weights of another, which is called with them."""
    nn, F, func = parts(torch, "nn", "nn.functional", "func")
    main = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 1))
    shapes = {n: p.shape for n, p in main.named_parameters()}
    total = sum(s.numel() for s in shapes.values())

    class HyperNet(nn.Module):
        def __init__(self, z=3):
            super().__init__()
            self.z = nn.Embedding(4, z)
            self.mlp = nn.Sequential(nn.Linear(z, 16), nn.ELU(), nn.Linear(16, total))

        def forward(self, task):
            flat = self.mlp(self.z(task))
            chunks = torch.split(flat, [s.numel() for s in shapes.values()], dim=-1)
            return {n: c.view(*s) for (n, s), c in zip(shapes.items(), chunks, strict=True)}

    hyper = initialise(torch, HyperNet())
    optimizer = torch.optim.Adam(hyper.parameters(), lr=2e-2)
    x = numbers(torch, 16, 2)
    losses = []
    for _ in range(6):
        loss = 0
        for task in torch.arange(4):
            out = func.functional_call(main, hyper(task), x)
            loss = loss + F.mse_loss(out.squeeze(), x[:, 0] * (task - 1.5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad is None for p in main.parameters())
    return losses


@program()
def private_gradients(torch: Any) -> list[float]:
    """Gradients of each sample by ``vmap(grad)``, clipped one by one; ensembles by stacked states."""
    nn, F, func = parts(torch, "nn", "nn.functional", "func")

    class SimpleCNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 4, 3, 1), nn.Conv2d(4, 4, 3, 1)
            self.fc = nn.Linear(16, 3)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
            return F.log_softmax(self.fc(torch.flatten(x, 1)), dim=1)

    model = initialise(torch, SimpleCNN())
    x, y = numbers(torch, 8, 1, 8, 8), integers(torch, 3, 8)

    def compute_loss(params, buffers, sample, target):
        predictions = func.functional_call(model, (params, buffers), (sample.unsqueeze(0),))
        return F.nll_loss(predictions, target.unsqueeze(0))

    ft_per_sample = func.vmap(func.grad(compute_loss), in_dims=(None, None, 0, 0))
    losses = []
    for _ in range(5):
        params = {k: v.detach() for k, v in model.named_parameters()}
        buffers = {k: v.detach() for k, v in model.named_buffers()}
        grads = ft_per_sample(params, buffers, x, y)
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in grads.values()]).norm(dim=0)
        factor = (1.0 / (norms + 1e-6)).clamp(max=1.0)
        with torch.no_grad():
            for k, p in model.named_parameters():
                p -= 0.5 * torch.einsum("b,b...->...", factor, grads[k]) / len(x)
        losses.append(F.nll_loss(model(x), y).item())
    models = [initialise(torch, SimpleCNN(), gain=1 + i) for i in range(3)]
    stacked, buffers = func.stack_module_state(models)
    base = copy.deepcopy(models[0])
    all_out = func.vmap(lambda p, b, x: func.functional_call(base, (p, b), (x,)), (0, 0, None))(
        stacked, buffers, x
    )
    assert torch.allclose(all_out, torch.stack([m(x) for m in models]), atol=1e-5)
    f = lambda v: (v**3).sum()  # noqa: E731
    v = numbers(torch, 4)
    assert torch.allclose(func.hessian(f)(v), torch.diag(6 * v), atol=1e-5)
    assert torch.allclose(func.jvp(f, (v,), (torch.ones(4),))[1], (3 * v**2).sum())
    return losses


@program()
def pruning(torch: Any) -> list[float]:
    """Weights pruned by size between epochs of training, then made permanent."""
    nn, F, prune = parts(torch, "nn", "nn.functional", "nn.utils.prune")
    model = initialise(
        torch,
        nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3)),
    )
    x, y = numbers(torch, 24, 6), integers(torch, 3, 24)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    losses = []
    for epoch in range(3):
        for _ in range(3):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        targets = [(m, "weight") for m in model.modules() if isinstance(m, nn.Linear)]
        if epoch < 2:
            prune.global_unstructured(targets, pruning_method=prune.L1Unstructured, amount=0.2)
    zeros = sum(float(torch.sum(m.weight == 0)) for m, _ in targets)
    n = sum(m.weight.nelement() for m, _ in targets)
    assert abs(zeros / n - 0.36) < 0.02
    assert "0.weight_mask" in dict(model.named_buffers())
    for m, name in targets:
        prune.remove(m, name)
    prune.ln_structured(model[2], name="weight", amount=0.25, n=2, dim=0)
    assert (model[2].weight.abs().sum(1) == 0).sum() >= 4
    return [*losses, losses[-1]]


@program()
def distillation(torch: Any) -> list[float]:
    """A student learns soft targets by KL, and features by hooks; stochastic weight averaging."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")
    teacher = initialise(
        torch, nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 4)), gain=2.0
    ).eval()
    student = initialise(
        torch, nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.SELU(), nn.Linear(8, 4))
    )
    features: dict[str, Any] = {}

    def get_activation(name):
        def hook(module, input, output):
            features[name] = output if module.training else output.detach()

        return hook

    handles = [
        teacher[1].register_forward_hook(get_activation("t")),
        student[2].register_forward_hook(get_activation("s")),
    ]
    regressor = initialise(torch, nn.Linear(8, 32))
    optimizer = optim.SGD([*student.parameters(), *regressor.parameters()], lr=0.05, momentum=0.9)
    swa_model = optim.swa_utils.AveragedModel(student)
    swa_scheduler = optim.swa_utils.SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
    x, y, T = numbers(torch, 16, 5), integers(torch, 4, 16), 3.0
    losses = []
    for epoch in range(8):
        with torch.no_grad():
            teacher_logits = teacher(x)
        logits = student.train()(x)
        soft = nn.KLDivLoss(reduction="batchmean")(
            F.log_softmax(logits / T, dim=1), F.softmax(teacher_logits / T, dim=1)
        ) * (T * T)
        hard = F.cross_entropy(logits, y)
        hint = 1 - F.cosine_similarity(regressor(features["s"]), features["t"]).mean()
        loss = 0.7 * soft + 0.3 * hard + 0.1 * hint
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch >= 4:
            swa_model.update_parameters(student)
            swa_scheduler.step()
        losses.append(loss.item())
    for h in handles:
        h.remove()
    optim.swa_utils.update_bn([(x, y)], swa_model)
    with torch.no_grad():
        final = F.kl_div(
            F.log_softmax(swa_model.eval()(x), -1),
            F.log_softmax(teacher_logits, -1),
            reduction="batchmean",
            log_target=True,
        )
    assert int(swa_model.n_averaged) == 4
    return [*losses, losses[-1] - 1e-3 * final.item()]


@program()
def straight_through(torch: Any) -> list[float]:
    """Functions of one's own: a straight-through sign, a reversed gradient, a quantised codebook."""
    nn, F = parts(torch, "nn", "nn.functional")

    class BinarySign(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input, clip=1.0):
            ctx.save_for_backward(input)
            ctx.clip = clip
            return input.sign()

        @staticmethod
        def backward(ctx, grad_output):
            (input,) = ctx.saved_tensors
            grad_input = grad_output.clone()
            grad_input[input.abs() > ctx.clip] = 0
            return grad_input, None

    class ReverseLayerF(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, alpha):
            ctx.alpha = alpha
            return x.view_as(x)

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output.neg() * ctx.alpha, None

    class VectorQuantizer(nn.Module):
        def __init__(self, n, dim, beta=0.25):
            super().__init__()
            self.embedding, self.beta = nn.Embedding(n, dim), beta
            self.embedding.weight.data.uniform_(-1.0 / n, 1.0 / n)

        def forward(self, z):
            flat = z.view(-1, self.embedding.embedding_dim)
            d = (
                torch.sum(flat**2, dim=1, keepdim=True)
                + torch.sum(self.embedding.weight**2, dim=1)
                - 2 * torch.einsum("bd,dn->bn", flat, self.embedding.weight.t())
            )
            idx = torch.argmin(d, dim=1)
            z_q = self.embedding(idx).view(z.shape)
            loss = torch.mean((z_q.detach() - z) ** 2) + self.beta * torch.mean(
                (z_q - z.detach()) ** 2
            )
            e_mean = torch.mean(F.one_hot(idx, self.embedding.num_embeddings).float(), dim=0)
            perplexity = torch.exp(-torch.sum(e_mean * torch.log(e_mean + 1e-10)))
            return z + (z_q - z).detach(), loss, perplexity

    enc, dec = initialise(torch, nn.Linear(6, 4)), initialise(torch, nn.Linear(4, 6))
    vq, domain = initialise(torch, VectorQuantizer(8, 4)), initialise(torch, nn.Linear(4, 2))
    modules = nn.ModuleDict({"enc": enc, "dec": dec, "vq": vq, "domain": domain})
    optimizer = torch.optim.Adam(modules.parameters(), lr=1e-2)
    x = numbers(torch, 20, 6)
    losses = []
    for _ in range(8):
        z = enc(x)
        z_q, vq_loss, perplexity = vq(z)
        recon = dec(z_q) + 0.1 * dec(BinarySign.apply(z))
        adversary = F.cross_entropy(domain(ReverseLayerF.apply(z, 0.1)), (x[:, 0] > 0).long())
        loss = F.mse_loss(recon, x) + vq_loss + 0.1 * adversary
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert perplexity >= 1
    return losses
