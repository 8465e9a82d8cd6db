"""Programs on images: classification, segmentation, super-resolution, style, transformers of patches."""

from __future__ import annotations

from typing import Any

from tests.programs.base import initialise, integers, numbers, parts, program


@program()
def convolutional_network(torch: Any) -> list[float]:
    """The first example of most tutorials: loaders, device, train and test, a file of the best."""
    import io

    nn, F, optim, data = parts(torch, "nn", "nn.functional", "optim", "utils.data")

    class Net(nn.Module):
        def __init__(self, n_classes=10):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 3, 1)
            self.conv2 = nn.Conv2d(8, 16, kernel_size=3, stride=1)
            self.dropout1 = nn.Dropout2d(0.0)
            self.fc1 = nn.Linear(16 * 4 * 4, 32)
            self.fc2 = nn.Linear(32, n_classes)

        def forward(self, x):
            x = F.relu(self.conv1(x))
            x = F.relu(self.conv2(x), inplace=True)
            x = F.max_pool2d(x, 2)
            x = self.dropout1(x)
            x = torch.flatten(x, 1)
            x = x.view(x.size(0), -1)
            x = self.fc2(F.relu(self.fc1(x)))
            return F.log_softmax(x, dim=1)

    torch.manual_seed(1)
    torch.cuda.manual_seed_all(1)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = False
    use_cuda = torch.cuda.is_available()
    device = torch.device("cuda" if use_cuda else "cpu")
    kwargs = {"num_workers": 1, "pin_memory": True} if use_cuda else {}
    images, labels = numbers(torch, 32, 1, 12, 12), integers(torch, 10, 32)
    train_set = data.TensorDataset(images, labels)
    train_loader = data.DataLoader(train_set, batch_size=8, shuffle=False, drop_last=True, **kwargs)
    model = initialise(torch, Net().to(device))
    if use_cuda:
        model = model.cuda()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.7)

    def train(epoch):
        model.train()
        running = 0.0
        for _, (x, y) in enumerate(train_loader):
            x, y = x.to(device, non_blocking=True), y.to(device)
            optimizer.zero_grad(set_to_none=True)
            loss = F.nll_loss(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item() * x.size(0)
        return running / len(train_loader.dataset)

    @torch.no_grad()
    def test():
        model.eval()
        loss, correct = 0, 0
        for x, y in train_loader:
            output = model(x.to(device))
            loss += F.nll_loss(output, y.to(device), reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(y.view_as(pred)).sum().item()
        return loss / len(train_loader.dataset), 100.0 * correct / len(train_loader.dataset)

    history, best = [], float("inf")
    for epoch in range(1, 7):
        history.append(train(epoch))
        loss, _ = test()
        if loss < best:
            best, buffer = loss, io.BytesIO()
            torch.save({"epoch": epoch, "state_dict": model.state_dict(),
                        "optimizer": optimizer.state_dict()}, buffer)  # fmt: skip
        scheduler.step()
    buffer.seek(0)
    checkpoint = torch.load(buffer, map_location=device, weights_only=True)
    again = Net().to(device)
    again.load_state_dict(checkpoint["state_dict"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    assert torch.allclose(again.eval()(images[:2]), model(images[:2])) or checkpoint["epoch"] < 6
    assert f"loss {torch.tensor(0.5):.3f} at {device}" == "loss 0.500 at cpu"
    return history


@program(rtol=1e-3)
def residual_network(torch: Any) -> list[float]:
    """Basic and bottleneck blocks, ``_make_layer``, zero-initialised last norms, label smoothing."""
    nn, optim = parts(torch, "nn", "optim")

    def conv3x3(in_planes, out_planes, stride=1, groups=1, dilation=1):
        return nn.Conv2d(in_planes, out_planes, 3, stride, dilation, dilation, groups, bias=False)

    class BasicBlock(nn.Module):
        expansion: int = 1

        def __init__(self, inplanes, planes, stride=1, downsample=None, norm_layer=None):
            super().__init__()
            norm_layer = norm_layer or nn.BatchNorm2d
            self.conv1, self.bn1 = conv3x3(inplanes, planes, stride), norm_layer(planes)
            self.relu = nn.ReLU(inplace=True)
            self.conv2, self.bn2 = conv3x3(planes, planes), norm_layer(planes)
            self.downsample = downsample

        def forward(self, x):
            identity = x if self.downsample is None else self.downsample(x)
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += identity
            return self.relu(out)

    class Bottleneck(nn.Module):
        expansion = 4

        def __init__(self, inplanes, planes, stride=1, downsample=None, norm_layer=nn.BatchNorm2d):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(inplanes, planes, 1, bias=False), norm_layer(planes), nn.ReLU(True),
                conv3x3(planes, planes, stride), norm_layer(planes), nn.ReLU(True),
                nn.Conv2d(planes, planes * self.expansion, 1, bias=False),
                norm_layer(planes * self.expansion),
            )  # fmt: skip
            self.downsample = downsample or nn.Identity()

        def forward(self, x):
            return torch.relu_(self.body(x).add_(self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self, num_classes=5, zero_init_residual=True):
            super().__init__()
            self.inplanes = 8
            self.stem = nn.Sequential(
                nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
            )  # fmt: skip
            self.layer1 = self._make_layer(BasicBlock, 8, 2)
            self.layer2 = self._make_layer(Bottleneck, 4, 2, stride=2)
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(16, num_classes)
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)
            if zero_init_residual:
                for m in self.modules():
                    if isinstance(m, BasicBlock):
                        nn.init.constant_(m.bn2.weight, 0)

        def _make_layer(self, block, planes, blocks, stride=1):
            downsample = None
            if stride != 1 or self.inplanes != planes * block.expansion:
                downsample = nn.Sequential(
                    nn.Conv2d(self.inplanes, planes * block.expansion, 1, stride, bias=False),
                    nn.BatchNorm2d(planes * block.expansion),
                )
            layers = [block(self.inplanes, planes, stride, downsample)]
            self.inplanes = planes * block.expansion
            layers += [block(self.inplanes, planes) for _ in range(1, blocks)]
            return nn.Sequential(*layers)

        def forward(self, x):
            x = self.layer2(self.layer1(self.stem(x)))
            return self.fc(torch.flatten(self.avgpool(x), 1))

    model = ResNet()
    assert not model.layer1[0].bn2.weight.any()
    initialise(torch, model)
    decay = [p for n, p in model.named_parameters() if p.ndim > 1]
    no_decay = [p for n, p in model.named_parameters() if p.ndim <= 1]
    optimizer = optim.SGD(
        [{"params": decay, "weight_decay": 1e-4}, {"params": no_decay, "weight_decay": 0.0}],
        lr=0.02, momentum=0.9, nesterov=True,
    )  # fmt: skip
    warmup = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    cosine = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    scheduler = optim.lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[2])
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    x, y = numbers(torch, 8, 3, 24, 24), integers(torch, 5, 8)
    losses = []
    for _ in range(6):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    counted = [m.num_batches_tracked for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(int(n) == 6 for n in counted)
    model.eval()
    with torch.inference_mode():
        logits = model(x)
        values, indices = logits.softmax(-1).topk(3, dim=-1)
    n_params = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert indices.shape == (8, 3)
    assert n_params > 1000
    return [*losses[1:], losses[-1] - 1e-3 * values.mean().item()]


@program(rtol=1e-3)
def inverted_residuals(torch: Any) -> list[float]:
    """MobileNet's blocks with squeeze and excitation, width rounded, stochastic depth of zero."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")
    from collections import OrderedDict
    from functools import partial

    def make_divisible(v, divisor=8, min_value=None):
        new = max(min_value or divisor, int(v + divisor / 2) // divisor * divisor)
        return new + divisor if new < 0.9 * v else new

    class SqueezeExcite(nn.Module):
        def __init__(self, channels, squeeze):
            super().__init__()
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            self.fc1, self.fc2 = nn.Conv2d(channels, squeeze, 1), nn.Conv2d(squeeze, channels, 1)

        def forward(self, x):
            scale = self.fc2(F.silu(self.fc1(self.avgpool(x)), inplace=True))
            return x * scale.sigmoid()

    def drop_path(x, p: float = 0.0, training: bool = False):
        if p == 0.0 or not training:
            return x
        keep = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - p)
        return x * keep.div_(1 - p)

    class ConvNormAct(nn.Sequential):
        def __init__(self, inp, out, k=3, stride=1, groups=1, norm=None, act=nn.SiLU):
            super().__init__(
                nn.Conv2d(inp, out, k, stride, (k - 1) // 2, groups=groups, bias=False),
                (norm or nn.BatchNorm2d)(out),
                act(inplace=True) if act is not None else nn.Identity(),
            )
            self.out_channels = out

    class MBConv(nn.Module):
        def __init__(self, inp, out, stride, expand, act, norm):
            super().__init__()
            hidden = make_divisible(inp * expand)
            self.use_res_connect = stride == 1 and inp == out
            self.block = nn.Sequential(OrderedDict([
                ("expand", ConvNormAct(inp, hidden, 1, norm=norm, act=act)),
                ("depthwise", ConvNormAct(hidden, hidden, 3, stride, hidden, norm, act)),
                ("se", SqueezeExcite(hidden, max(1, inp // 4))),
                ("project", ConvNormAct(hidden, out, 1, norm=norm, act=None)),
            ]))  # fmt: skip

        def forward(self, x):
            y = self.block(x)
            return x + drop_path(y, 0.0, self.training) if self.use_res_connect else y

    norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
    model = nn.Sequential(
        ConvNormAct(3, 8, stride=2, norm=norm, act=nn.Hardswish),
        MBConv(8, 8, 1, 2, nn.Hardswish, norm), MBConv(8, 16, 2, 3, nn.SiLU, norm),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.0, inplace=True), nn.Linear(16, 4),
    )  # fmt: skip
    initialise(torch, model)
    assert model[1].block.depthwise[0].groups == 16
    optimizer = optim.RMSprop(model.parameters(), lr=2e-3, alpha=0.9, momentum=0.9, eps=1e-2)
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.97**step)
    ema = optim.swa_utils.AveragedModel(
        model, avg_fn=lambda avg, new, n: 0.9 * avg + 0.1 * new, use_buffers=False
    )
    x, y = numbers(torch, 8, 3, 16, 16), integers(torch, 4, 8)
    x = x.to(memory_format=torch.channels_last)
    losses = []
    for _ in range(8):
        loss = F.cross_entropy(model(x), y)
        for p in model.parameters():
            p.grad = None
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=5.0)
        assert torch.isfinite(grad_norm)
        optimizer.step()
        scheduler.step()
        ema.update_parameters(model)
        losses.append(loss.item())
    optim.swa_utils.update_bn([x, x], ema)
    return losses


@program()
def segmentation(torch: Any) -> list[float]:
    """U-Net: skip connections, transposed convolution, padding to the skip's size, Dice and BCE."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    class DoubleConv(nn.Module):
        def __init__(self, i, o):
            super().__init__()
            self.net = nn.Sequential(
                nn.Conv2d(i, o, 3, padding="same"), nn.GroupNorm(2, o), nn.LeakyReLU(0.1, inplace=True),
                nn.Conv2d(o, o, 3, padding=1, padding_mode="reflect"), nn.GroupNorm(2, o), nn.ReLU(),
            )  # fmt: skip

        def forward(self, x):
            return self.net(x)

    class Up(nn.Module):
        def __init__(self, i, o, bilinear):
            super().__init__()
            self.up = (
                nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), nn.Conv2d(i, o, 1))
                if bilinear
                else nn.ConvTranspose2d(i, o, kernel_size=2, stride=2)
            )  # fmt: skip
            self.conv = DoubleConv(2 * o, o)

        def forward(self, x1, x2):
            x1 = self.up(x1)
            dy, dx = x2.size()[2] - x1.size()[2], x2.size()[3] - x1.size()[3]
            x1 = F.pad(x1, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            return self.conv(torch.cat([x2, x1], dim=1))

    class UNet(nn.Module):
        def __init__(self, features=(4, 8, 16)):
            super().__init__()
            self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
            i = 1
            for f in features:
                self.downs.append(DoubleConv(i, f))
                i = f
            for n, f in enumerate(reversed(features[:-1])):
                self.ups.append(Up(f * 2, f, bilinear=bool(n)))
            self.pool = nn.MaxPool2d(2)
            self.final = nn.Conv2d(features[0], 1, 1)

        def forward(self, x):
            skips = []
            for n, down in enumerate(self.downs):
                x = down(x if n == 0 else self.pool(x))
                skips.append(x)
            for up, skip in zip(self.ups, skips[-2::-1], strict=True):
                x = up(x, skip)
            return self.final(x)

    def dice_loss(logits, target, smooth=1.0):
        probs = torch.sigmoid(logits).flatten(1)
        target = target.flatten(1)
        intersection = (probs * target).sum(dim=1)
        return 1 - ((2.0 * intersection + smooth) / (probs.sum(1) + target.sum(1) + smooth)).mean()

    model = initialise(torch, UNet())
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=2, factor=0.5)
    x = numbers(torch, 2, 1, 18, 21)
    mask = (F.avg_pool2d(x, 3, stride=1, padding=1) > 0).float()
    losses = []
    for _ in range(5):
        logits = model(x)
        loss = 0.5 * F.binary_cross_entropy_with_logits(logits, mask) + 0.5 * dice_loss(
            logits, mask
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), clip_value=0.1)
        optimizer.step()
        plateau.step(loss.detach())
        losses.append(loss.item())
    pred = (torch.sigmoid(model(x)) > 0.5).long()
    both = torch.logical_and(pred == 1, mask.bool()).sum((1, 2, 3))
    either = ((pred == 1) | (mask > 0.5)).sum(dim=(1, 2, 3))
    iou = (both / either.clamp(min=1)).mean()
    assert 0 <= iou <= 1
    return losses


@program()
def vision_transformer(torch: Any) -> list[float]:
    """Patches by a strided convolution, a class token, learned positions, pre-norm blocks."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    class Attention(nn.Module):
        def __init__(self, dim, heads=2, qkv_bias=True):
            super().__init__()
            self.heads, self.scale = heads, (dim // heads) ** -0.5
            self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
            self.proj = nn.Linear(dim, dim)

        def forward(self, x):
            B, N, C = x.shape
            qkv = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
            q, k, v = qkv[0], qkv[1], qkv[2]
            attn = (q @ k.transpose(-2, -1)) * self.scale
            attn = attn.softmax(dim=-1)
            x = (attn @ v).transpose(1, 2).reshape(B, N, C)
            return self.proj(x)

    class LayerScale(nn.Module):
        def __init__(self, dim, init_values=1e-1):
            super().__init__()
            self.gamma = nn.Parameter(init_values * torch.ones(dim))

        def forward(self, x):
            return x.mul(self.gamma)

    class Block(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
            self.attn, self.ls1 = Attention(dim), LayerScale(dim)
            self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

        def forward(self, x):
            x = x + self.ls1(self.attn(self.norm1(x)))
            return x + self.mlp(self.norm2(x))

    class ViT(nn.Module):
        def __init__(self, img=12, patch=4, dim=16, depth=2, classes=3):
            super().__init__()
            self.patch_embed = nn.Conv2d(3, dim, patch, patch)
            n = (img // patch) ** 2
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
            self.pos_embed = nn.Parameter(torch.randn(1, n + 1, dim) * 0.02)
            self.blocks = nn.Sequential(*[Block(dim) for _ in range(depth)])
            self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)
            nn.init.trunc_normal_(self.pos_embed, std=0.02)
            self.apply(self._init_weights)

        def _init_weights(self, m):
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if isinstance(m, nn.Linear) and m.bias is not None:
                    nn.init.constant_(m.bias, 0)

        def no_weight_decay(self):
            return {"pos_embed", "cls_token"}

        def forward(self, x):
            x = self.patch_embed(x).flatten(2).transpose(1, 2)
            x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.pos_embed
            return self.head(self.norm(self.blocks(x))[:, 0])

    model = (
        torch.compile(initialise(torch, ViT()))
        if torch.__name__ == "penlight"
        else initialise(torch, ViT())
    )
    skip, groups = model.no_weight_decay(), {True: [], False: []}
    for name, p in model.named_parameters():
        groups[p.ndim > 1 and name not in skip].append(p)
    optimizer = optim.AdamW(
        [{"params": groups[True], "weight_decay": 0.05}, {"params": groups[False], "weight_decay": 0}],
        lr=5e-3, betas=(0.9, 0.95),
    )  # fmt: skip
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=8, pct_start=0.3)
    x, y = numbers(torch, 6, 3, 12, 12), integers(torch, 3, 6)
    lam = 0.7
    mixed = lam * x + (1 - lam) * x.flip(0)
    targets = lam * F.one_hot(y, 3).float() + (1 - lam) * F.one_hot(y.flip(0), num_classes=3)
    losses = []
    for _ in range(7):
        loss = torch.sum(-targets * F.log_softmax(model(mixed), dim=-1), dim=-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


@program()
def super_resolution(torch: Any) -> list[float]:
    """Sub-pixel convolution, a Charbonnier loss, PSNR, bicubic baseline."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    class SuperResolution(nn.Module):
        def __init__(self, upscale_factor):
            super().__init__()
            self.relu = nn.ReLU()
            self.conv1 = nn.Conv2d(1, 16, (5, 5), (1, 1), (2, 2))
            self.conv2 = nn.Conv2d(16, 8, (3, 3), (1, 1), (1, 1))
            self.conv4 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
            self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
            self._initialize_weights()

        def _initialize_weights(self):
            nn.init.orthogonal_(self.conv1.weight, nn.init.calculate_gain("relu"))
            nn.init.orthogonal_(self.conv4.weight)

        def forward(self, x):
            y = self.relu(self.conv1(x))
            y = torch.tanh(self.conv2(y))
            return torch.clamp(
                self.pixel_shuffle(self.conv4(y)) + F.interpolate(x, scale_factor=2), -4.0, 4.0
            )

    high = F.avg_pool2d(numbers(torch, 2, 1, 20, 20), 3, 1, 1)
    low = F.interpolate(high, scale_factor=0.5, mode="bicubic", align_corners=False, antialias=True)
    model = initialise(torch, SuperResolution(2), gain=0.5)
    optimizer = optim.NAdam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = torch.sqrt((model(low) - high).pow(2) + 1e-6).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        mse = F.mse_loss(model(low), high)
        psnr = 10 * torch.log10(high.max() ** 2 / mse)
    tiles = F.unfold(high, kernel_size=4, stride=4)
    back = F.fold(tiles, output_size=high.shape[-2:], kernel_size=4, stride=4)
    assert torch.equal(back, high)
    assert psnr.item() > 0
    return losses


@program()
def style_transfer(torch: Any) -> list[float]:
    """The image is what is optimised: losses inserted between layers, Gram matrices, LBFGS."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    def gram_matrix(x):
        a, b, c, d = x.size()
        features = x.view(a * b, c * d)
        return torch.mm(features, features.t()).div(a * b * c * d)

    class ContentLoss(nn.Module):
        def __init__(self, target):
            super().__init__()
            self.target = target.detach()

        def forward(self, x):
            self.loss = F.mse_loss(x, self.target)
            return x

    class StyleLoss(nn.Module):
        def __init__(self, feature):
            super().__init__()
            self.target = gram_matrix(feature).detach()

        def forward(self, x):
            self.loss = F.mse_loss(gram_matrix(x), self.target)
            return x

    class Normalization(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
            self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

        def forward(self, img):
            return (img - self.mean) / self.std

    cnn = initialise(torch, nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True),
    )).eval()  # fmt: skip
    content, style = (
        numbers(torch, 1, 3, 16, 16).sigmoid(),
        numbers(torch, 1, 3, 16, 16, seed=1).sigmoid(),
    )
    model = nn.Sequential(Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    assert list(model.state_dict()) == ["0.mean"]
    style_losses, content_losses, i = [], [], 0
    for layer in cnn.children():
        if isinstance(layer, nn.Conv2d):
            i += 1
            name = f"conv_{i}"
        elif isinstance(layer, nn.ReLU):
            name, layer = f"relu_{i}", nn.ReLU(inplace=False)
        else:
            name, layer = f"pool_{i}", nn.AvgPool2d(2)
        model.add_module(name, layer)
        if name == "conv_2":
            content_losses.append(ContentLoss(model(content).detach()))
            model.add_module(f"content_loss_{i}", content_losses[-1])
        if name.startswith("conv"):
            style_losses.append(StyleLoss(model(style).detach()))
            model.add_module(f"style_loss_{i}", style_losses[-1])
    input_img = content.clone()
    input_img.requires_grad_(True)
    model.requires_grad_(False)
    optimizer = optim.LBFGS([input_img], max_iter=4)
    history = []

    def closure():
        with torch.no_grad():
            input_img.clamp_(0, 1)
        optimizer.zero_grad()
        model(input_img)
        style_score = sum(sl.loss for sl in style_losses)
        content_score = sum(cl.loss for cl in content_losses)
        variation = (input_img[:, :, 1:] - input_img[:, :, :-1]).abs().mean()
        loss = 1e3 * style_score + content_score + 0.1 * variation
        loss.backward()
        history.append(loss.item())
        return loss

    for _ in range(2):
        optimizer.step(closure)
    return history[:1] + history[-1:]


@program()
def spatial_transformer(torch: Any) -> list[float]:
    """A localisation network that starts at the identity and warps its input by a grid."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    class STN(nn.Module):
        def __init__(self):
            super().__init__()
            self.localization = nn.Sequential(
                nn.Conv2d(1, 4, kernel_size=3), nn.MaxPool2d(2, stride=2), nn.ReLU(True), nn.Conv2d(4, 4, 3),
            )  # fmt: skip
            self.fc_loc = nn.Sequential(nn.Linear(4 * 3 * 3, 8), nn.ReLU(True), nn.Linear(8, 3 * 2))
            self.head = nn.Linear(144, 4)

        def stn(self, x):
            xs = self.localization(x)
            theta = self.fc_loc(xs.view(-1, 4 * 3 * 3)).view(-1, 2, 3)
            grid = F.affine_grid(theta, x.size(), align_corners=False)
            return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

        def forward(self, x):
            return F.log_softmax(self.head(self.stn(x).flatten(1)), dim=1)

    model = initialise(torch, STN())
    model.fc_loc[2].weight.data.zero_()
    model.fc_loc[2].bias.data.copy_(
        torch.tensor([1.03, 0.02, 0.01, 0, 0.97, 0.013], dtype=torch.float)
    )
    model.fc_loc[2].weight.data.add_(1e-3)
    x, y = numbers(torch, 8, 1, 12, 12), integers(torch, 4, 8)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = F.nll_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
