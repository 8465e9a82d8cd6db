"""Programs on graphs and on pairs: convolutions on graphs, siamese and contrastive networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.programs.base import initialise, integers, numbers, parts, program


@program()
def graph_convolution(torch: Any) -> list[float]:
    """GCN on a normalised dense adjacency, and the same by ``scatter_add`` over edges."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    class GraphConvolution(nn.Module):
        def __init__(self, in_features, out_features, bias=True):
            super().__init__()
            self.in_features, self.out_features = in_features, out_features
            self.weight = nn.Parameter(torch.FloatTensor(in_features, out_features))
            if bias:
                self.bias = nn.Parameter(torch.FloatTensor(out_features))
            else:
                self.register_parameter("bias", None)
            self.reset_parameters()

        def reset_parameters(self):
            stdv = 1.0 / math.sqrt(self.weight.size(1))
            self.weight.data.uniform_(-stdv, stdv)
            if self.bias is not None:
                self.bias.data.uniform_(-stdv, stdv)

        def forward(self, input, adj):
            output = torch.mm(adj, torch.mm(input, self.weight))
            return output + self.bias if self.bias is not None else output

        def __repr__(self):
            return f"{self.__class__.__name__} ({self.in_features} -> {self.out_features})"

    class GCN(nn.Module):
        def __init__(self, nfeat, nhid, nclass):
            super().__init__()
            self.gc1, self.gc2 = (
                GraphConvolution(nfeat, nhid),
                GraphConvolution(nhid, nclass, bias=False),
            )

        def forward(self, x, adj):
            x = F.dropout(F.relu(self.gc1(x, adj)), 0.5, training=False)
            return F.log_softmax(self.gc2(x, adj), dim=1)

    n = 12
    edge_index = torch.stack([integers(torch, n, 30), integers(torch, n, 30, seed=1)])
    edge_index = torch.cat(
        [edge_index, edge_index.flip(0), torch.arange(n).repeat(2, 1)], dim=1
    ).unique(dim=1)
    row, col = edge_index
    deg = torch.zeros(n).scatter_add_(0, row, torch.ones(row.numel()))
    deg_inv_sqrt = deg.pow(-0.5)
    deg_inv_sqrt[deg_inv_sqrt == float("inf")] = 0
    norm = deg_inv_sqrt[row] * deg_inv_sqrt[col]
    adj = torch.zeros(n, n)
    adj[row, col] = norm
    x, y = numbers(torch, n, 6), integers(torch, 3, n)
    idx_train = torch.LongTensor(range(8))
    model = initialise(torch, GCN(6, 8, 3))
    assert str(model.gc1) == "GraphConvolution (6 -> 8)"
    messages = norm.view(-1, 1) * x[col]
    out = torch.zeros_like(x).scatter_add(0, row.unsqueeze(-1).expand_as(messages), messages)
    assert torch.allclose(out, adj @ x, atol=1e-6)
    optimizer = optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        output = model(x, adj)
        loss = F.nll_loss(output[idx_train], y[idx_train])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    preds = output[8:].max(1)[1].type_as(y)
    correct = preds.eq(y[8:]).double().sum() / len(preds)
    assert 0 <= correct.item() <= 1
    return losses


@program()
def graph_attention(torch: Any) -> list[float]:
    """Attention over edges: a softmax by segments with ``scatter_reduce``, pooling by graph."""
    nn, F = parts(torch, "nn", "nn.functional")

    def scatter_softmax(src, index, n):
        expand = index[:, None].expand_as(src)
        top = src.new_full((n, src.size(1)), -torch.inf).scatter_reduce(
            0, expand, src.detach(), reduce="amax"
        )
        out = (src - top[index]).exp()
        total = torch.zeros_like(top).scatter_add_(0, expand, out)
        return out / total.index_select(0, index)

    class GATConv(nn.Module):
        def __init__(self, i, o, heads):
            super().__init__()
            self.heads, self.o = heads, o
            self.lin = nn.Linear(i, heads * o, bias=False)
            self.att_src, self.att_dst = (nn.Parameter(torch.empty(1, heads, o)) for _ in range(2))
            nn.init.xavier_uniform_(self.att_src, gain=nn.init.calculate_gain("leaky_relu", 0.2))
            nn.init.xavier_uniform_(self.att_dst)

        def forward(self, x, edge_index):
            (src, dst), n = edge_index, x.size(0)
            x = self.lin(x).view(-1, self.heads, self.o)
            alpha = (x * self.att_src).sum(-1)[src] + (x * self.att_dst).sum(-1)[dst]
            alpha = scatter_softmax(F.leaky_relu(alpha, 0.2), dst, n)
            out = torch.zeros_like(x).index_add(0, dst, x[src] * alpha.unsqueeze(-1))
            return F.elu(out.flatten(start_dim=1))

    x = numbers(torch, 10, 4)
    edge_index = torch.cat([integers(torch, 10, 2, 25), torch.arange(10).expand(2, 10)], dim=1)
    batch = torch.tensor([0] * 4 + [1] * 3 + [2] * 3)
    conv, lin = initialise(torch, GATConv(4, 5, 2)), initialise(torch, nn.Linear(10, 2))
    optimizer = torch.optim.Adam([*conv.parameters(), *lin.parameters()], 1e-2)
    losses = []
    for _ in range(6):
        h = conv(x, edge_index)
        pooled = h.new_zeros(3, h.size(-1)).index_reduce_(0, batch, h, "mean", include_self=False)
        loss = F.cross_entropy(lin(pooled), torch.tensor([0, 1, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@program()
def siamese_network(torch: Any) -> list[float]:
    """Pairs from a dataset of one's own, contrastive and triplet losses with the hardest negatives."""
    nn, F, optim, data = parts(torch, "nn", "nn.functional", "optim", "utils.data")

    class Pairs(data.Dataset):
        def __init__(self, x, y, transform=None):
            self.x, self.y, self.transform = x.numpy(), y.numpy(), transform

        def __getitem__(self, index):
            other = (index * 7 + 3) % len(self.x)
            pair = np.stack([self.x[index], self.x[other]])
            if self.transform:
                pair = self.transform(pair)
            return {
                "pair": pair,
                "same": float(self.y[index] == self.y[other]),
                "name": f"item{index}",
                "y": self.y[index],
            }

        def __len__(self):
            return len(self.x)

    class ContrastiveLoss(torch.nn.Module):
        def __init__(self, margin=2.0):
            super().__init__()
            self.margin = margin

        def forward(self, a, b, label):
            distance = F.pairwise_distance(a, b, keepdim=True)
            return torch.mean(
                label * distance.pow(2)
                + (1 - label) * torch.clamp(self.margin - distance, min=0.0) ** 2
            )

    def batch_hard(embeddings, labels, margin=0.5):
        distance = torch.cdist(embeddings, embeddings + 1e-6)
        same = labels[:, None] == labels[None, :]
        eye = torch.eye(len(labels), dtype=torch.bool)
        hardest_positive = torch.where(same & ~eye, distance, torch.zeros_like(distance)).max(
            dim=1
        )[0]
        hardest_negative, _ = distance.masked_fill(same, float("inf")).min(dim=1)
        return F.relu(hardest_positive - hardest_negative + margin).mean()

    x, y = numbers(torch, 12, 5), torch.arange(12) % 3
    net = initialise(torch, nn.Sequential(nn.Linear(5, 16), nn.PReLU(), nn.Linear(16, 4)))
    loader = data.DataLoader(
        Pairs(x, y, torch.from_numpy), batch_size=6, sampler=data.SequentialSampler(y)
    )
    optimizer, criterion, losses = optim.Adadelta(net.parameters(), lr=1.0), ContrastiveLoss(), []
    for _ in range(5):
        total = 0
        for batch in loader:
            a, b = batch["pair"].unbind(1)
            assert isinstance(batch["name"], list)
            assert batch["same"].dtype == torch.float64
            ea, eb = net(a), net(b)
            loss = criterion(ea, eb, batch["same"].float().unsqueeze(1)) + batch_hard(
                ea, batch["y"]
            )
            loss = loss + 0.1 * nn.TripletMarginLoss(margin=1.0, p=2)(ea[:2], eb[2:4], eb[4:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        losses.append(total.item())
    return losses


@program()
def contrastive_learning(torch: Any) -> list[float]:
    """SimCLR's NT-Xent over two views, a momentum encoder, a queue filled in place."""
    import copy

    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    def info_nce(features, batch_size, n_views=2, temperature=0.5):
        labels = torch.cat([torch.arange(batch_size) for i in range(n_views)], dim=0)
        labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
        features = F.normalize(features, dim=1)
        similarity = torch.matmul(features, features.T)
        mask = torch.eye(labels.shape[0], dtype=torch.bool)
        labels = labels[~mask].view(labels.shape[0], -1)
        similarity = similarity[~mask].view(similarity.shape[0], -1)
        positives = similarity[labels.bool()].view(labels.shape[0], -1)
        negatives = similarity[~labels.bool()].view(similarity.shape[0], -1)
        logits = torch.cat([positives, negatives], dim=1) / temperature
        return F.cross_entropy(logits, torch.zeros(logits.shape[0], dtype=torch.long))

    encoder = nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Linear(16, 6, bias=False)
    )
    initialise(torch, encoder)
    momentum = copy.deepcopy(encoder)
    for p in momentum.parameters():
        p.requires_grad = False
    queue = F.normalize(numbers(torch, 6, 16), dim=0)
    pointer = torch.zeros(1, dtype=torch.long)
    optimizer = optim.SGD(encoder.parameters(), lr=0.05, momentum=0.9)
    x = numbers(torch, 8, 8)
    losses = []
    for _i in range(6):
        v1, v2 = x + 0.1 * numbers(torch, 8, 8, seed=1), x * (numbers(torch, 8, 8, seed=2) > -1)
        z = encoder(torch.cat([v1, v2], dim=0))
        loss = info_nce(z, 8)
        q, _ = z.chunk(2)
        q = nn.functional.normalize(q, dim=1)
        with torch.no_grad():
            for pq, pk in zip(encoder.parameters(), momentum.parameters(), strict=True):
                pk.data = pk.data * 0.9 + pq.data * 0.1
            k = F.normalize(momentum(v2), dim=1)
        l_pos = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        l_neg = torch.einsum("nc,ck->nk", [q, queue.clone().detach()])
        moco = nn.CrossEntropyLoss()(
            torch.cat([l_pos, l_neg], dim=1) / 0.5, torch.zeros(8, dtype=torch.long)
        )
        optimizer.zero_grad()
        (loss + moco).backward()
        optimizer.step()
        ptr = int(pointer)
        queue[:, ptr : ptr + 8] = k.T
        pointer[0] = (ptr + 8) % 16
        losses.append((loss + moco).item())
    assert pointer.item() == 0
    assert not momentum[0].weight.requires_grad
    return losses
