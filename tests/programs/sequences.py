"""Programs on sequences: language models, translation, speech, words, a wave."""

from __future__ import annotations

import math
from typing import Any

from tests.programs.base import initialise, integers, numbers, parts, program


@program()
def word_language_model(torch: Any) -> list[float]:
    """A corpus in columns, hidden states repackaged, tied weights, SGD by hand."""
    nn, F = parts(torch, "nn", "nn.functional")

    class RNNModel(nn.Module):
        def __init__(self, ntoken, ninp, nhid, nlayers, tie_weights=False):
            super().__init__()
            self.ntoken, self.nhid, self.nlayers = ntoken, nhid, nlayers
            self.drop = nn.Dropout(0.0)
            self.encoder = nn.Embedding(ntoken, ninp)
            self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=0.0)
            self.decoder = nn.Linear(nhid, ntoken)
            if tie_weights:
                if nhid != ninp:
                    raise ValueError("When using the tied flag, nhid must be equal to emsize")
                self.decoder.weight = self.encoder.weight
            self.init_weights()

        def init_weights(self):
            initrange = 0.1
            nn.init.uniform_(self.encoder.weight, -initrange, initrange)
            nn.init.zeros_(self.decoder.bias)

        def forward(self, input, hidden):
            emb = self.drop(self.encoder(input))
            output, hidden = self.rnn(emb, hidden)
            decoded = self.decoder(self.drop(output)).view(-1, self.ntoken)
            return F.log_softmax(decoded, dim=1), hidden

        def init_hidden(self, bsz):
            weight = next(self.parameters())
            return weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(
                self.nlayers, bsz, self.nhid
            )

    def batchify(data, bsz):
        nbatch = data.size(0) // bsz
        data = data.narrow(0, 0, nbatch * bsz)
        return data.view(bsz, -1).t().contiguous()

    def repackage_hidden(h):
        if isinstance(h, torch.Tensor):
            return h.detach()
        return tuple(repackage_hidden(v) for v in h)

    def get_batch(source, i, bptt=5):
        seq_len = min(bptt, len(source) - 1 - i)
        return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)

    source = batchify(integers(torch, 12, 90), 4)
    model = initialise(torch, RNNModel(12, 8, 8, 2, tie_weights=True))
    assert "decoder.weight" in model.state_dict()
    assert len(list(model.parameters())) == 10
    criterion, lr, losses = nn.NLLLoss(), 2.0, []
    for _ in range(4):
        model.train()
        hidden, total = model.init_hidden(4), 0.0
        for i in range(0, source.size(0) - 1, 5):
            data, targets = get_batch(source, i)
            model.zero_grad()
            hidden = repackage_hidden(hidden)
            output, hidden = model(data, hidden)
            loss = criterion(output, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for p in model.parameters():
                p.data.add_(p.grad, alpha=-lr)
            total += len(data) * loss.item()
        losses.append(total / (len(source) - 1))
    assert model.decoder.weight is model.encoder.weight
    word_weights = output[-1].squeeze().div(0.8).exp().cpu()
    assert 0 <= torch.multinomial(word_weights, 1)[0] < 12
    return [*losses, min(losses[-1], math.exp(losses[-1]))]


@program()
def translation_with_attention(torch: Any) -> list[float]:
    """Encoder and decoder of GRUs on packed sequences, additive attention, teacher forcing, masks."""
    nn, F, optim, rnn = parts(torch, "nn", "nn.functional", "optim", "nn.utils.rnn")
    PAD, SOS = 0, 1

    class Encoder(nn.Module):
        def __init__(self, vocab, hidden):
            super().__init__()
            self.embedding = nn.Embedding(vocab, hidden, padding_idx=PAD)
            self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
            self.fc = nn.Linear(2 * hidden, hidden)

        def forward(self, src, lengths):
            packed = rnn.pack_padded_sequence(
                self.embedding(src), lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            out, h = self.gru(packed)
            out, out_lengths = rnn.pad_packed_sequence(out, batch_first=True)
            assert torch.equal(out_lengths, lengths)
            return out, torch.tanh(self.fc(torch.cat((h[-2, :, :], h[-1, :, :]), dim=1)))

    class BahdanauAttention(nn.Module):
        def __init__(self, hidden):
            super().__init__()
            self.Wa, self.Ua, self.Va = (
                nn.Linear(hidden, hidden),
                nn.Linear(2 * hidden, hidden),
                nn.Linear(hidden, 1),
            )

        def forward(self, query, keys, mask):
            scores = self.Va(torch.tanh(self.Wa(query).unsqueeze(1) + self.Ua(keys))).squeeze(2)
            scores = scores.masked_fill(mask == 0, -1e10)
            weights = F.softmax(scores, dim=-1).unsqueeze(1)
            return torch.bmm(weights, keys).squeeze(1), weights

    class Decoder(nn.Module):
        def __init__(self, vocab, hidden):
            super().__init__()
            self.embedding, self.attention = nn.Embedding(vocab, hidden), BahdanauAttention(hidden)
            self.cell, self.out = nn.GRUCell(3 * hidden, hidden), nn.Linear(hidden, vocab)

        def forward(self, memory, h, mask, target=None, steps=6):
            batch = memory.size(0)
            token = torch.empty(batch, dtype=torch.long, device=memory.device).fill_(SOS)
            outputs, maps = [], []
            for i in range(steps):
                context, w = self.attention(h, memory, mask)
                h = self.cell(torch.cat([self.embedding(token), context], dim=-1), h)
                step = self.out(h)
                outputs.append(step)
                maps.append(w)
                if target is not None:
                    token = target[:, i]
                else:
                    _, topi = step.topk(1)
                    token = topi.squeeze(-1).detach()
            return F.log_softmax(torch.stack(outputs, dim=1), dim=-1), torch.cat(maps, dim=1)

    lengths = torch.LongTensor([5, 7, 3])
    sentences = [integers(torch, 10, int(n), seed=int(n), low=2) for n in lengths]
    src = rnn.pad_sequence(sentences, batch_first=True, padding_value=PAD)
    mask = (torch.arange(src.size(1))[None, :] < lengths[:, None]).int()
    assert torch.equal(mask.bool(), src.ne(PAD))
    target = integers(torch, 10, 3, 6, low=2)
    target[0, 4:] = PAD
    encoder, decoder = initialise(torch, Encoder(10, 8)), initialise(torch, Decoder(10, 8))
    optimizers = [optim.Adam(m.parameters(), lr=0.02) for m in (encoder, decoder)]
    criterion, losses = nn.NLLLoss(ignore_index=PAD), []
    for _ in range(6):
        for o in optimizers:
            o.zero_grad()
        memory, hidden = encoder(src, lengths)
        log_probs, maps = decoder(memory, hidden, mask, target)
        loss = criterion(log_probs.view(-1, log_probs.size(-1)), target.view(-1))
        loss.backward()
        for o in optimizers:
            o.step()
        losses.append(loss.item())
    assert torch.allclose(maps.sum(-1), torch.ones(3, 6))
    assert maps[2, :, 3:].sum() == 0
    with torch.no_grad():
        decoder.eval()(memory, hidden, mask)
    return losses


@program()
def speech(torch: Any) -> list[float]:
    """Spectrograms, a convolution, a bidirectional GRU, CTC, and a greedy decoder."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    waves = numbers(torch, 3, 400)
    window = torch.hann_window(32)
    spec = torch.stft(waves, n_fft=32, hop_length=16, window=window, return_complex=True)
    features = torch.log1p(spec.abs().pow(2))
    features = (features - features.mean(dim=-1, keepdim=True)) / (
        features.std(dim=-1, keepdim=True) + 1e-5
    )

    class CNNLayerNorm(nn.Module):
        def __init__(self, n_feats):
            super().__init__()
            self.layer_norm = nn.LayerNorm(n_feats)

        def forward(self, x):
            return self.layer_norm(x.transpose(2, 3).contiguous()).transpose(2, 3).contiguous()

    class Acoustic(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn, self.norm = nn.Conv2d(1, 4, 3, stride=(2, 1), padding=1), CNNLayerNorm(9)
            self.rnn = nn.GRU(36, 12, batch_first=True, bidirectional=True)
            self.classifier = nn.Linear(24, 6)

        def forward(self, x):
            x = F.gelu(self.norm(self.cnn(x.unsqueeze(1))))
            sizes = x.size()
            x = x.view(sizes[0], sizes[1] * sizes[2], sizes[3]).transpose(1, 2)
            return self.classifier(self.rnn(x)[0])

    model = initialise(torch, Acoustic())
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    criterion = nn.CTCLoss(blank=0, zero_infinity=True)
    targets = integers(torch, 6, 3, 5, low=1)
    input_lengths, target_lengths = (
        torch.full((3,), features.size(-1), dtype=torch.long),
        torch.tensor([5, 3, 4]),
    )
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        log_probs = F.log_softmax(model(features), dim=2).transpose(0, 1)
        loss = criterion(log_probs, targets, input_lengths, target_lengths)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    for row in log_probs.argmax(-1).t():
        decoded = torch.unique_consecutive(row)
        assert "".join(" abcde"[i] for i in decoded[decoded != 0].tolist()) is not None
    back = torch.istft(spec, 32, 16, window=window, length=400)
    assert torch.allclose(back[:, 16:-16], waves[:, 16:-16], atol=1e-5)
    return losses


@program(rtol=1e-3)
def wave_prediction(torch: Any) -> list[float]:
    """Two LSTM cells in double precision, LBFGS by a closure, and the future predicted."""
    nn, optim = parts(torch, "nn", "optim")

    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm1, self.lstm2, self.linear = (
                nn.LSTMCell(1, 6),
                nn.LSTMCell(6, 6),
                nn.Linear(6, 1),
            )

        def forward(self, input, future=0):
            outputs = []
            h_t = torch.zeros(input.size(0), 6, dtype=torch.double)
            c_t, h_t2, c_t2 = torch.zeros_like(h_t), h_t.clone(), h_t.clone()
            for input_t in input.split(1, dim=1):
                h_t, c_t = self.lstm1(input_t, (h_t, c_t))
                h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
                output = self.linear(h_t2)
                outputs += [output]
            for _ in range(future):
                h_t, c_t = self.lstm1(output, (h_t, c_t))
                h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
                output = self.linear(h_t2)
                outputs += [output]
            return torch.cat(outputs, dim=1)

    phase = torch.arange(4, dtype=torch.float64).view(-1, 1)
    wave = torch.sin(torch.arange(20, dtype=torch.float64) / 3 + phase)
    model = initialise(torch, Sequence().double())
    criterion, history = nn.MSELoss(), []
    optimizer = optim.LBFGS(model.parameters(), lr=0.8, max_iter=3)
    for _ in range(2):

        def closure():
            optimizer.zero_grad()
            loss = criterion(model(wave[:, :-1]), wave[:, 1:])
            history.append(loss.item())
            loss.backward()
            return loss

        optimizer.step(closure)
    with torch.no_grad():
        pred = model(wave, future=5)
    y = pred.detach().numpy()
    assert y.shape == (4, 25)
    assert y.dtype == "float64"
    return history


@program()
def word_vectors(torch: Any) -> list[float]:
    """Skip-gram with negative sampling from a unigram table, and a bag of words with offsets."""
    nn, F, optim, data = parts(torch, "nn", "nn.functional", "optim", "utils.data")

    class SkipGram(nn.Module):
        def __init__(self, vocab, dim):
            super().__init__()
            self.u, self.v = nn.Embedding(vocab, dim), nn.Embedding(vocab, dim)
            self.v.weight.data.uniform_(-0.0, 0.0)

        def forward(self, pos_u, pos_v, neg_v):
            emb_u, emb_v, emb_neg = self.u(pos_u), self.v(pos_v), self.v(neg_v)
            score = -F.logsigmoid(torch.clamp(torch.sum(emb_u * emb_v, dim=1), max=10, min=-10))
            neg = torch.bmm(emb_neg, emb_u.unsqueeze(2)).squeeze()
            neg = -torch.sum(F.logsigmoid(-torch.clamp(neg, max=10, min=-10)), dim=1)
            return torch.mean(score + neg)

    class TextClassifier(nn.Module):
        def __init__(self, vocab, dim, classes):
            super().__init__()
            self.embedding, self.fc = (
                nn.EmbeddingBag(vocab, dim, mode="mean"),
                nn.Linear(dim, classes),
            )

        def forward(self, text, offsets):
            return self.fc(self.embedding(text, offsets))

    corpus = integers(torch, 15, 200)
    counts = torch.bincount(corpus, minlength=15).float().pow(0.75)
    assert torch.multinomial(counts / counts.sum(), 5, replacement=True).max() < 15
    model = initialise(torch, SkipGram(15, 6), gain=2.0)
    optimizer = optim.Adagrad(model.parameters(), lr=0.2)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = model(corpus[:-1], corpus[1:], integers(torch, 15, 199, 4, seed=3))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    unit = F.normalize(model.u.weight.detach(), p=2, dim=1)
    assert torch.mm(unit, unit.T).fill_diagonal_(-1).topk(k=3, dim=1).indices.shape == (15, 3)

    def collate_batch(batch):
        label_list, text_list, offsets = [], [], [0]
        for text, label in batch:
            label_list.append(label)
            processed = torch.tensor(text, dtype=torch.int64)
            text_list.append(processed)
            offsets.append(processed.size(0))
        offsets = torch.tensor(offsets[:-1]).cumsum(dim=0)
        return torch.tensor(label_list, dtype=torch.int64), torch.cat(text_list), offsets

    documents = [(corpus[i * 10 : i * 10 + 4 + i % 5].tolist(), i % 3) for i in range(12)]
    train, held_out = data.random_split(
        documents, [9, 3], generator=torch.Generator().manual_seed(42)
    )
    assert len(train) + len(held_out) == len(documents)
    weights = torch.tensor([1.0 / 4] * 12)
    sampler = data.WeightedRandomSampler(weights, num_samples=12, replacement=True)
    assert (
        sum(
            len(b[0])
            for b in data.DataLoader(documents, 5, sampler=sampler, collate_fn=collate_batch)
        )
        == 12
    )
    loader = data.DataLoader(documents, batch_size=4, shuffle=False, collate_fn=collate_batch)
    classifier = initialise(torch, TextClassifier(15, 8, 3))
    optimizer = optim.SGD(classifier.parameters(), lr=0.5)
    epochs = []
    for _ in range(4):
        total = 0.0
        for label, text, offsets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(classifier(text, offsets), label)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(classifier.parameters(), 0.1)
            optimizer.step()
            total += loss.item()
        epochs.append(total)
    assert epochs[-1] < epochs[0]
    return losses
