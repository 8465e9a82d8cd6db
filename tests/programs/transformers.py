"""Transformers: the library's, one by hand, mixtures of experts, low-rank adapters, checkpoints."""

from __future__ import annotations

import math
from typing import Any

from tests.programs.base import initialise, integers, numbers, parts, program


@program()
def encoder_and_decoder(torch: Any) -> list[float]:
    """``nn.Transformer`` with causal and padding masks, sinusoidal positions, Noam's schedule."""
    nn, optim = parts(torch, "nn", "optim")
    PAD = 0

    class PositionalEncoding(nn.Module):
        def __init__(self, emb_size, dropout, maxlen=50):
            super().__init__()
            den = torch.exp(-torch.arange(0, emb_size, 2) * math.log(10000) / emb_size)
            pos = torch.arange(0, maxlen).reshape(maxlen, 1)
            pos_embedding = torch.zeros((maxlen, emb_size))
            pos_embedding[:, 0::2] = torch.sin(pos * den)
            pos_embedding[:, 1::2] = torch.cos(pos * den)
            self.dropout = nn.Dropout(dropout)
            self.register_buffer("pos_embedding", pos_embedding.unsqueeze(-2))

        def forward(self, x):
            return self.dropout(x + self.pos_embedding[: x.size(0), :])

    class Seq2SeqTransformer(nn.Module):
        def __init__(self, vocab, emb):
            super().__init__()
            self.transformer = nn.Transformer(
                d_model=emb, nhead=2, num_encoder_layers=1, num_decoder_layers=1,
                dim_feedforward=16, dropout=0.0,
            )  # fmt: skip
            self.tok, self.pe, self.generator = (
                nn.Embedding(vocab, emb),
                PositionalEncoding(emb, 0.0),
                nn.Linear(emb, vocab),
            )
            self.emb = emb

        def forward(self, src, tgt, tgt_mask, src_padding_mask, tgt_padding_mask):
            embed = lambda t: self.pe(self.tok(t.long()) * math.sqrt(self.emb))  # noqa: E731
            outs = self.transformer(
                embed(src), embed(tgt), None, tgt_mask, None,
                src_padding_mask, tgt_padding_mask, src_padding_mask,
            )  # fmt: skip
            return self.generator(outs)

    def square_subsequent_mask(sz):
        mask = (torch.triu(torch.ones((sz, sz))) == 1).transpose(0, 1)
        return mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, 0.0)

    src, tgt = integers(torch, 12, 6, 4, low=1), integers(torch, 12, 7, 4, seed=1, low=1)
    src[4:, 1], tgt[5:, 2] = PAD, PAD
    model = Seq2SeqTransformer(12, 8)
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    initialise(torch, model)
    loss_fn = nn.CrossEntropyLoss(ignore_index=PAD)
    optimizer = optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
    rate = lambda step: 8**-0.5 * min((step + 1) ** -0.5, (step + 1) * 8**-1.5)  # noqa: E731
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=rate)
    losses = []
    for _ in range(6):
        tgt_input, tgt_out = tgt[:-1, :], tgt[1:, :]
        mask = square_subsequent_mask(tgt_input.shape[0])
        padding = (tgt_input == PAD).transpose(0, 1)
        padding = torch.zeros_like(padding, dtype=torch.float).masked_fill_(padding, float("-inf"))
        src_padding = torch.zeros(4, 6).masked_fill((src == PAD).T, -math.inf)
        logits = model(src, tgt_input, mask, src_padding, padding)
        optimizer.zero_grad()
        loss = loss_fn(logits.reshape(-1, logits.shape[-1]), tgt_out.reshape(-1))
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


@program()
def causal_language_model(torch: Any) -> list[float]:
    """A GPT by hand: fused qkv, masked softmax and SDPA, scaled residual init, decay groups, top-k."""
    import inspect
    from dataclasses import dataclass

    nn, F = parts(torch, "nn", "nn.functional")

    @dataclass
    class Config:
        block_size: int = 8
        vocab_size: int = 11
        n_layer: int = 2
        n_head: int = 2
        n_embd: int = 16
        bias: bool = False

    class LayerNorm(nn.Module):
        def __init__(self, ndim, bias):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(ndim))
            self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

        def forward(self, x):
            return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)

    class CausalSelfAttention(nn.Module):
        def __init__(self, config, flash):
            super().__init__()
            self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
            self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
            self.n_head, self.n_embd = config.n_head, config.n_embd
            self.flash = flash and hasattr(torch.nn.functional, "scaled_dot_product_attention")
            mask = torch.tril(torch.ones(config.block_size, config.block_size))
            self.register_buffer("bias", mask.view(1, 1, config.block_size, config.block_size))

        def forward(self, x):
            B, T, C = x.size()
            q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
            q, k, v = (
                t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in (q, k, v)
            )
            if self.flash:
                y = F.scaled_dot_product_attention(
                    q, k, v, attn_mask=None, dropout_p=0, is_causal=True
                )
            else:
                att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
                att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
                y = F.softmax(att, dim=-1) @ v
            return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))

    class Block(nn.Module):
        def __init__(self, config, i):
            super().__init__()
            self.ln_1, self.ln_2 = (
                LayerNorm(config.n_embd, config.bias),
                LayerNorm(config.n_embd, config.bias),
            )
            self.attn = CausalSelfAttention(config, flash=i % 2 == 0)
            self.mlp = nn.ModuleDict({
                "c_fc": nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias),
                "c_proj": nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias),
                "act": nn.GELU(approximate="tanh"),
            })  # fmt: skip

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            m = self.mlp
            return x + m.c_proj(m.act(m["c_fc"](self.ln_2(x))))

    class GPT(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.config = config
            self.transformer = nn.ModuleDict({
                "wte": nn.Embedding(config.vocab_size, config.n_embd),
                "wpe": nn.Embedding(config.block_size, config.n_embd),
                "h": nn.ModuleList([Block(config, i) for i in range(config.n_layer)]),
                "ln_f": LayerNorm(config.n_embd, bias=config.bias),
            })  # fmt: skip
            self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
            self.transformer.wte.weight = self.lm_head.weight
            self.apply(self._init_weights)
            for pn, p in self.named_parameters():
                if pn.endswith("c_proj.weight"):
                    torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * config.n_layer))

        def _init_weights(self, module):
            if isinstance(module, nn.Linear):
                torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
                if module.bias is not None:
                    torch.nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, idx, targets=None):
            _, t = idx.size()
            assert t <= self.config.block_size
            pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
            x = self.transformer.wte(idx) + self.transformer.wpe(pos)
            for block in self.transformer.h:
                x = block(x)
            x = self.transformer.ln_f(x)
            if targets is None:
                return self.lm_head(x[:, [-1], :]), None
            logits = self.lm_head(x)
            return logits, F.cross_entropy(
                logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1
            )

        def configure_optimizers(self, weight_decay, learning_rate, betas):
            param_dict = {pn: p for pn, p in self.named_parameters() if p.requires_grad}
            decay = [p for p in param_dict.values() if p.dim() >= 2]
            nodecay = [p for p in param_dict.values() if p.dim() < 2]
            groups = [
                {"params": decay, "weight_decay": weight_decay},
                {"params": nodecay, "weight_decay": 0.0},
            ]
            fused = (
                "fused" in inspect.signature(torch.optim.AdamW).parameters
                and torch.cuda.is_available()
            )
            extra = {"fused": True} if fused else {}
            return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, **extra)

        @torch.no_grad()
        def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None):
            for _ in range(max_new_tokens):
                idx_cond = (
                    idx
                    if idx.size(1) <= self.config.block_size
                    else idx[:, -self.config.block_size :]
                )
                logits = self(idx_cond)[0][:, -1, :] / temperature
                if top_k is not None:
                    v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                    logits[logits < v[:, [-1]]] = -float("Inf")
                probs = F.softmax(logits, dim=-1)
                idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
            return idx

    torch.manual_seed(1337)
    torch.set_float32_matmul_precision("high")
    model = initialise(torch, GPT(Config()), gain=0.5)
    optimizer = model.configure_optimizers(0.1, 1e-2, (0.9, 0.95))
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    data = integers(torch, 11, 64)
    losses = []
    for it in range(6):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * min(1.0, (it + 1) / 3)
        total = 0.0
        for micro in range(2):
            ix = [(7 * it + 13 * micro + 5 * j) % 55 for j in range(4)]
            x = torch.stack([data[i : i + 8].to(torch.int64) for i in ix])
            y = torch.stack([data[i + 1 : i + 9] for i in ix])
            with torch.autocast(device_type="cpu", enabled=False):
                _, loss = model(x, y)
                loss = loss / 2
            scaler.scale(loss).backward()
            total += loss.item()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        losses.append(total)
    out = model.eval().generate(torch.zeros((1, 1), dtype=torch.long), 10, temperature=0.8, top_k=3)
    assert out.shape == (1, 11)
    assert isinstance(out[0].tolist()[0], int)
    torch.set_float32_matmul_precision("highest")
    return losses


@program(rtol=1e-3)
def rotary_llama_block(torch: Any) -> list[float]:
    """RMS norm, complex rotary positions, grouped queries, SwiGLU, recomputed by checkpoints."""
    nn, F, checkpoint = parts(torch, "nn", "nn.functional", "utils.checkpoint")

    class RMSNorm(nn.Module):
        def __init__(self, dim, eps=1e-6):
            super().__init__()
            self.eps, self.weight = eps, nn.Parameter(torch.ones(dim))

        def _norm(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

        def forward(self, x):
            return self._norm(x.float()).type_as(x) * self.weight

    def precompute_freqs_cis(dim, end, theta=10000.0):
        freqs = 1.0 / (theta ** (torch.arange(0, dim, 2)[: (dim // 2)].float() / dim))
        freqs = torch.outer(torch.arange(end, device=freqs.device), freqs).float()
        return torch.polar(torch.ones_like(freqs), freqs)

    def apply_rotary_emb(xq, xk, freqs_cis):
        out = []
        for x in (xq, xk):
            x_ = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
            out.append(
                torch.view_as_real(x_ * freqs_cis.view(1, x_.shape[1], 1, x_.shape[-1]))
                .flatten(3)
                .type_as(x)
            )
        return out

    def repeat_kv(x, n_rep):
        bs, slen, n_kv_heads, head_dim = x.shape
        return (
            x[:, :, :, None, :]
            .expand(bs, slen, n_kv_heads, n_rep, head_dim)
            .reshape(bs, slen, n_kv_heads * n_rep, head_dim)
        )

    class Block(nn.Module):
        def __init__(self, dim=16, heads=4, kv_heads=2):
            super().__init__()
            self.heads, self.kv, self.hd = heads, kv_heads, dim // heads
            self.wq, self.wo = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
            self.wk, self.wv = (nn.Linear(dim, kv_heads * self.hd, bias=False) for _ in range(2))
            self.w1, self.w2, self.w3 = (
                nn.Linear(dim, 24, False),
                nn.Linear(24, dim, False),
                nn.Linear(dim, 24, False),
            )
            self.norm1, self.norm2 = RMSNorm(dim), RMSNorm(dim)

        def forward(self, x, freqs_cis, mask):
            b, s, _ = x.shape
            h = self.norm1(x)
            xq, xk, xv = (
                self.wq(h).view(b, s, self.heads, -1),
                self.wk(h).view(b, s, self.kv, -1),
                self.wv(h).view(b, s, self.kv, -1),
            )
            xq, xk = apply_rotary_emb(xq, xk, freqs_cis=freqs_cis)
            keys, values = repeat_kv(xk, 2), repeat_kv(xv, 2)
            scores = torch.einsum("bqhd,bkhd->bhqk", xq, keys) / math.sqrt(self.hd) + mask
            scores = F.softmax(scores.float(), dim=-1).type_as(xq)
            x = x + self.wo(torch.einsum("bhqk,bkhd->bqhd", scores, values).reshape(b, s, -1))
            h = self.norm2(x)
            return x + self.w2(F.silu(self.w1(h)) * self.w3(h))

    blocks = initialise(torch, nn.ModuleList(Block() for _ in range(2)))
    freqs = precompute_freqs_cis(4, 12)
    mask = torch.triu(torch.full((6, 6), float("-inf")), diagonal=1)
    x, target = numbers(torch, 3, 6, 16), numbers(torch, 3, 6, 16, seed=1)
    optimizer = torch.optim.SGD(blocks.parameters(), lr=0.1)
    losses = []
    for step in range(4):
        h = x.clone().requires_grad_()
        for block in blocks:
            h = checkpoint.checkpoint(block, h, freqs[:6], mask, use_reentrant=step == 0)
        loss = F.mse_loss(h, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@program()
def mixture_of_experts(torch: Any) -> list[float]:
    """Top-k routing, tokens dispatched by masks and ``index_add_``, a loss that balances the load."""
    nn, F, optim = parts(torch, "nn", "nn.functional", "optim")

    class MoE(nn.Module):
        def __init__(self, dim, n_experts=4, top_k=2):
            super().__init__()
            self.gate = nn.Linear(dim, n_experts, bias=False)
            self.experts = nn.ModuleList(
                [
                    nn.Sequential(nn.Linear(dim, 2 * dim), nn.SiLU(), nn.Linear(2 * dim, dim))
                    for _ in range(n_experts)
                ]
            )
            self.top_k, self.n_experts = top_k, n_experts

        def forward(self, hidden_states):
            batch, length, dim = hidden_states.shape
            x = hidden_states.view(-1, dim)
            logits = self.gate(x)
            weights = F.softmax(logits, dim=1, dtype=torch.float)
            routing, selected = torch.topk(weights, self.top_k, dim=-1)
            routing /= routing.sum(dim=-1, keepdim=True)
            routing = routing.to(x.dtype)
            final = torch.zeros((batch * length, dim), dtype=x.dtype, device=x.device)
            expert_mask = F.one_hot(selected, num_classes=self.n_experts).permute(2, 1, 0)
            for e in range(self.n_experts):
                idx, top_x = torch.where(expert_mask[e])
                current = x[None, top_x].reshape(-1, dim)
                out = self.experts[e](current) * routing[top_x, idx, None]
                final.index_add_(0, top_x, out.to(x.dtype))
            load = expert_mask.float().sum(1).mean(-1)
            aux = self.n_experts * (load * weights.mean(0)).sum()
            return final.reshape(batch, length, dim), aux

    model = initialise(torch, MoE(8))
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    x, y = numbers(torch, 4, 5, 8), numbers(torch, 4, 5, 8, seed=1)
    losses = []
    for _ in range(8):
        out, aux = model(x)
        loss = F.mse_loss(out, y) + 1e-2 * aux
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@program()
def low_rank_adapters(torch: Any) -> list[float]:
    """LoRA as a parametrization of frozen weights, merged at the end."""
    nn, F, optim, parametrize = parts(torch, "nn", "nn.functional", "optim", "nn.utils.parametrize")

    class LoRA(nn.Module):
        def __init__(self, features_in, features_out, rank=2, alpha=2):
            super().__init__()
            self.lora_A = nn.Parameter(torch.zeros((rank, features_out)))
            self.lora_B = nn.Parameter(torch.zeros((features_in, rank)))
            self.scale, self.enabled = alpha / rank, True

        def forward(self, original_weights):
            if not self.enabled:
                return original_weights
            delta = torch.matmul(self.lora_B, self.lora_A).view(original_weights.shape)
            return original_weights + delta * self.scale

    model = initialise(torch, nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)))
    frozen = {n: p.clone().detach() for n, p in model.named_parameters()}
    for layer in model:
        if isinstance(layer, nn.Linear):
            out_features, in_features = layer.weight.shape
            parametrize.register_parametrization(layer, "weight", LoRA(out_features, in_features))
            initialise(torch, layer.parametrizations["weight"][0])
            layer.parametrizations.weight[0].lora_B.data.zero_()
    for name, p in model.named_parameters():
        p.requires_grad_("lora" in name)
    trainable = [p for p in model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trainable) == 2 * (6 + 16) + 2 * (16 + 3)
    optimizer = optim.Adam(trainable, lr=2e-2)
    x, y = numbers(torch, 16, 6), integers(torch, 3, 16)
    losses = []
    for _ in range(8):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert torch.equal(model[0].parametrizations.weight.original, frozen["0.weight"])
    adapted = model(x)
    for layer in (model[0], model[2]):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    assert torch.allclose(model(x), adapted, atol=1e-6)
    assert "0.weight" in model.state_dict()
    assert not torch.equal(model[0].weight, frozen["0.weight"])
    return losses
