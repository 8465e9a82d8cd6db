"""Programs that generate: adversarial networks, a variational autoencoder, a flow, diffusion."""

from __future__ import annotations

import math
from typing import Any

from tests.programs.base import initialise, numbers, parts, program


@program(falls=False, rtol=1e-3)
def dcgan(torch: Any) -> list[float]:
    """Two networks, two optimizers, labels filled in place, ``weights_init`` applied by class name."""
    nn, optim = parts(torch, "nn", "optim")
    nz, ngf, ndf = 4, 4, 4

    def weights_init(m):
        classname = m.__class__.__name__
        if classname.find("Conv") != -1:
            nn.init.normal_(m.weight.data, 0.0, 0.02)
        elif classname.find("BatchNorm") != -1:
            nn.init.normal_(m.weight.data, 1.0, 0.02)
            nn.init.constant_(m.bias.data, 0)

    class Generator(nn.Module):
        def __init__(self):
            super(Generator, self).__init__()  # noqa: UP008 - as written there
            self.main = nn.Sequential(
                nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False), nn.BatchNorm2d(ngf * 2), nn.ReLU(True),
                nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf), nn.ReLU(True),
                nn.ConvTranspose2d(ngf, 1, 4, 2, 1, bias=False), nn.Tanh(),
            )  # fmt: skip

        def forward(self, input):
            return self.main(input)

    class Discriminator(nn.Module):
        def __init__(self):
            super(Discriminator, self).__init__()  # noqa: UP008
            self.main = nn.Sequential(
                nn.Conv2d(1, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 2),
                nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False), nn.Sigmoid(),
            )  # fmt: skip

        def forward(self, input):
            return self.main(input).view(-1, 1).squeeze(1)

    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    netG, netD = Generator().to(device), Discriminator().to(device)
    netG.apply(weights_init)
    netD.apply(weights_init)
    initialise(torch, netG), initialise(torch, netD)
    criterion, real_label, fake_label = nn.BCELoss(), 1.0, 0.0
    optimizerD = optim.Adam(netD.parameters(), lr=0.002, betas=(0.5, 0.999))
    optimizerG = optim.Adam(netG.parameters(), lr=0.002, betas=(0.5, 0.999))
    history = []
    for i in range(4):
        netD.zero_grad()
        real_cpu = torch.tanh(numbers(torch, 4, 1, 16, 16, seed=i)).to(device)
        b_size = real_cpu.size(0)
        label = torch.full((b_size,), real_label, dtype=torch.float, device=device)
        errD_real = criterion(netD(real_cpu), label)
        errD_real.backward()
        fake = netG(numbers(torch, b_size, nz, 1, 1, seed=100 + i))
        label.fill_(fake_label)
        output = netD(fake.detach()).view(-1)
        errD_fake = criterion(output, label)
        errD_fake.backward()
        D_G_z1 = output.mean().item()
        optimizerD.step()
        netG.zero_grad()
        label.fill_(real_label)
        errG = criterion(netD(fake).view(-1), label)
        errG.backward()
        optimizerG.step()
        history += [(errD_real + errD_fake).item(), errG.item(), D_G_z1]
    return history


@program(falls=False, rtol=1e-3)
def wasserstein_gan_gradient_penalty(torch: Any) -> list[float]:
    """A spectrally normalised critic; its gradient at points between is held near length one."""
    nn, optim, autograd = parts(torch, "nn", "optim", "autograd")
    SN = torch.nn.utils.spectral_norm

    netG = initialise(torch, nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2)))
    netD = nn.Sequential(
        SN(nn.Linear(2, 16)), nn.LeakyReLU(0.2), nn.Linear(16, 16), nn.Softplus(), nn.Linear(16, 1)
    )
    initialise(torch, netD)
    with torch.no_grad():
        netD[0].weight_u.fill_(0.25)
        netD[0].weight_v.copy_(torch.tensor([0.6, 0.8]))

    def gradient_penalty(real, fake, seed, lambda_=10):
        alpha = numbers(torch, real.size(0), 1, seed=seed).sigmoid().expand_as(real)
        interpolates = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
        disc = netD(interpolates)
        gradients = autograd.grad(
            outputs=disc, inputs=interpolates, grad_outputs=torch.ones(disc.size()),
            create_graph=True, retain_graph=True, only_inputs=True,
        )[0]  # fmt: skip
        return ((gradients.view(gradients.size(0), -1).norm(2, dim=1) - 1) ** 2).mean() * lambda_

    optD = optim.Adam(netD.parameters(), lr=1e-2, betas=(0.5, 0.9))
    optG = optim.RMSprop(netG.parameters(), lr=1e-3)
    history = []
    for i in range(3):
        for p in netD.parameters():
            p.requires_grad = True
        for j in range(2):
            real = numbers(torch, 16, 2, seed=10 * i + j) * 0.5 + 1
            with torch.no_grad():
                fake = netG(numbers(torch, 16, 2, seed=50 + 10 * i + j))
            loss = (
                netD(fake).mean()
                - netD(real).mean()
                + gradient_penalty(real.data, fake.data, 7 * i + j)
            )
            optD.zero_grad()
            loss.backward()
            optD.step()
            history.append(loss.item())
        for p in netD.parameters():
            p.requires_grad = False
        loss = -netD(netG(numbers(torch, 16, 2, seed=90 + i))).mean()
        optG.zero_grad()
        loss.backward()
        optG.step()
        history.append(loss.item())
    return history


@program()
def variational_autoencoder(torch: Any) -> list[float]:
    """Encoder to a normal, reparametrised sample, decoder; the closed form of the divergence."""
    nn, F, optim, D = parts(torch, "nn", "nn.functional", "optim", "distributions")

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc21, self.fc22 = nn.Linear(20, 16), nn.Linear(16, 3), nn.Linear(16, 3)
            self.fc3, self.fc4 = nn.Linear(3, 16), nn.Linear(16, 20)

        def encode(self, x):
            h1 = F.relu(self.fc1(x))
            return self.fc21(h1), self.fc22(h1)

        def reparameterize(self, mu, logvar, seed):
            std = torch.exp(0.5 * logvar)
            eps = torch.randn_like(std)
            eps = numbers(torch, *eps.shape, seed=seed).type_as(eps)
            return mu + eps * std

        def decode(self, z):
            return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

        def forward(self, x, seed):
            mu, logvar = self.encode(x.view(-1, 20))
            return self.decode(self.reparameterize(mu, logvar, seed)), mu, logvar

    model = initialise(torch, VAE())
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    data = (numbers(torch, 16, 1, 4, 5) > 0).to(torch.float32)
    losses = []
    for i in range(8):
        optimizer.zero_grad()
        recon, mu, logvar = model(data, i)
        bce = F.binary_cross_entropy(recon, data.view(-1, 20), reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        q = D.Independent(D.Normal(mu, (0.5 * logvar).exp()), 1)
        p = D.Independent(
            D.Normal(torch.zeros_like(mu), torch.ones_like(mu)), reinterpreted_batch_ndims=1
        )
        assert torch.allclose(D.kl_divergence(q, p).sum(), kld, rtol=1e-4, atol=1e-4)
        loss = bce + kld
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / len(data))
    with torch.no_grad():
        sample = model.decode(torch.randn(4, 3)).cpu().view(4, 1, 4, 5)
    assert sample.min() >= 0
    assert sample.max() <= 1
    assert not sample.requires_grad
    return losses


@program()
def real_nvp(torch: Any) -> list[float]:
    """Affine couplings with alternating masks in buffers; its inverse gives the data back."""
    nn, optim, D = parts(torch, "nn", "optim", "distributions")

    class RealNVP(nn.Module):
        def __init__(self, nets, nett, mask, prior):
            super().__init__()
            self.prior = prior
            self.mask = nn.Parameter(mask, requires_grad=False)
            self.t = torch.nn.ModuleList([nett() for _ in range(len(mask))])
            self.s = torch.nn.ModuleList([nets() for _ in range(len(mask))])

        def g(self, z):
            x = z
            for i in range(len(self.t)):
                x_ = x * self.mask[i]
                s, t = self.s[i](x_) * (1 - self.mask[i]), self.t[i](x_) * (1 - self.mask[i])
                x = x_ + (1 - self.mask[i]) * (x * torch.exp(s) + t)
            return x

        def f(self, x):
            log_det_J, z = x.new_zeros(x.shape[0]), x
            for i in reversed(range(len(self.t))):
                z_ = self.mask[i] * z
                s, t = self.s[i](z_) * (1 - self.mask[i]), self.t[i](z_) * (1 - self.mask[i])
                z = (1 - self.mask[i]) * (z - t) * torch.exp(-s) + z_
                log_det_J -= s.sum(dim=1)
            return z, log_det_J

        def log_prob(self, x):
            z, logp = self.f(x)
            return self.prior.log_prob(z) + logp

    def nets():
        return nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(), nn.Linear(16, 2), nn.Tanh())

    def nett():
        return nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(), nn.Linear(16, 2))

    masks = torch.tensor([[0, 1], [1, 0]] * 2, dtype=torch.float32)
    prior = D.MultivariateNormal(torch.zeros(2), torch.eye(2))
    flow = initialise(torch, RealNVP(nets, nett, masks.clone(), prior))
    with torch.no_grad():
        flow.mask.copy_(masks)
    optimizer = optim.Adam([p for p in flow.parameters() if p.requires_grad is True], lr=5e-3)
    x = numbers(torch, 32, 2) * torch.tensor([2.0, 0.3]) + torch.tensor([1, -1])
    losses = []
    for _ in range(8):
        loss = -flow.log_prob(x).mean()
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()
        losses.append(loss.item())
    back = flow.g(flow.f(x)[0])
    assert (back - x).abs().max() < 1e-3
    assert flow.g(prior.sample((5,))).shape == torch.Size([5, 2])
    return losses


@program()
def diffusion(torch: Any) -> list[float]:
    """DDPM on points: a schedule by cumprod, ``extract`` by gather, sinusoidal times, an EMA, sampling."""
    import copy

    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")
    T = 20
    betas = torch.linspace(1e-4, 0.2, T, dtype=torch.float64)
    alphas = 1.0 - betas
    alphas_cumprod = torch.cumprod(alphas, axis=0)
    alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
    posterior_variance = betas * (1.0 - alphas_cumprod_prev) / (1.0 - alphas_cumprod)

    def extract(a, t, x_shape):
        batch_size = t.shape[0]
        out = a.gather(-1, t.cpu()).float()
        return out.reshape(batch_size, *((1,) * (len(x_shape) - 1))).to(t.device)

    class SinusoidalPositionEmbeddings(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.dim = dim

        def forward(self, time):
            half_dim = self.dim // 2
            embeddings = math.log(10000) / (half_dim - 1)
            embeddings = torch.exp(torch.arange(half_dim, device=time.device) * -embeddings)
            embeddings = time[:, None] * embeddings[None, :]
            return torch.cat((embeddings.sin(), embeddings.cos()), dim=-1)

    class Denoiser(nn.Module):
        def __init__(self, dim=16):
            super().__init__()
            self.time_mlp = nn.Sequential(
                SinusoidalPositionEmbeddings(dim), nn.Linear(dim, 2 * dim), nn.SiLU()
            )
            self.inp, self.out = nn.Linear(2, dim), nn.Linear(dim, 2)
            self.norm = nn.GroupNorm(4, dim)

        def forward(self, x, t):
            scale, shift = self.time_mlp(t).chunk(2, dim=1)
            return self.out(F.mish(self.norm(self.inp(x)) * (scale + 1) + shift))

    def q_sample(x_start, t, noise):
        mean = extract(alphas_cumprod.sqrt(), t, x_start.shape) * x_start
        return mean + extract(torch.sqrt(1.0 - alphas_cumprod), t, x_start.shape) * noise

    model = initialise(torch, Denoiser())
    ema = copy.deepcopy(model).eval().requires_grad_(False)
    optimizer = optim.AdamW(model.parameters(), lr=1e-2, amsgrad=True)
    x0 = F.normalize(numbers(torch, 32, 2), dim=-1)
    t = torch.arange(32) % T
    losses = []
    for _i in range(8):
        noise = numbers(torch, 32, 2, seed=5)
        loss = F.smooth_l1_loss(noise, model(q_sample(x0, t, noise), t))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for e, p in zip(ema.parameters(), model.parameters(), strict=True):
                e.mul_(0.9).add_(p, alpha=0.1)
                assert e.lerp(p, 0.1).shape == p.shape
        losses.append(loss.item())

    @torch.no_grad()
    def sample(shape):
        img = numbers(torch, *shape, seed=77)
        for i in reversed(range(T)):
            t = torch.full((shape[0],), i, dtype=torch.long)
            mean = extract(1 / alphas.sqrt(), t, shape) * (
                img
                - extract(betas, t, shape)
                * ema(img, t)
                / extract((1 - alphas_cumprod).sqrt(), t, shape)
            )
            img = mean if i == 0 else mean + extract(posterior_variance, t, shape).sqrt() * 0.1
        return img

    return [*losses, losses[-1] + 1e-4 * sample((3, 2)).sum().item()]
