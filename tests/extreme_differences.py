"""Where extreme input gives something else than in PyTorch, and why: ``test_extremes`` holds it to this."""

from __future__ import annotations

# A row of the table: (fills that differ, reason). A row that no longer differs fails the test.
DIFFERENCES: dict[str, tuple[tuple[str, ...], str]] = {}

_reason = "PyTorch differs in itself: its vector code and its scalar code treat NaN (GELU: infinity) differently; ours is as one of the two"
_rows: dict[str, tuple[str, ...]]
_rows = {
    "F.celu": (
        "nan",
        "special",
        "sprinkled",
    ),
    "F.elu": (
        "nan",
        "special",
        "sprinkled",
    ),
    "F.gelu": (
        "inf",
        "special",
        "sprinkled",
    ),
    "F.hardswish": (
        "nan",
        "special",
        "sprinkled",
    ),
    "F.hardtanh": (
        "nan",
        "special",
        "sprinkled",
    ),
    "F.relu6": (
        "nan",
        "special",
        "sprinkled",
    ),
    "F.selu": (
        "nan",
        "special",
        "sprinkled",
    ),
    "extreme gelu": (
        "inf",
        "special",
        "sprinkled",
    ),
    "negative slopes": (
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.CELU": (
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.ELU": (
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.Hardswish": (
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.Hardtanh": (
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.ReLU6": (
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.SELU": (
        "nan",
        "special",
        "sprinkled",
    ),
    "torch.logit": (
        "-inf",
        "inf",
        "special",
        "sprinkled",
        "tiny",
        "zero",
    ),
    "torch.logit eps": (
        "nan",
        "special",
    ),
    "torch.pow number": (
        "-inf",
        "special",
        "sprinkled",
        "zero",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "the derivative at infinity is 1, its limit, where PyTorch multiplies infinity by 0"
_rows = {
    "F.mish": (
        "inf",
        "special",
        "sprinkled",
    ),
    "nn.Mish": (
        "inf",
        "special",
        "sprinkled",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = (
    "a slope of infinity or NaN reaches all elements, as 0 times it: sums of products, for speed"
)
_rows = {
    "F.prelu": (
        "inf",
        "special",
        "sprinkled",
    ),
    "nn.PReLU": (
        "weights inf",
        "weights nan",
        "weights sprinkled",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "0 times infinity: zeros of a padding, of a gradient between strides or of a batched product meet infinite weights"
_rows = {
    "F.bilinear": ("sprinkled",),
    "F.conv2d": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "F.conv_tbc": (
        "-inf",
        "inf",
        "special",
        "sprinkled",
    ),
    "F.conv_transpose3d": (
        "-inf",
        "inf",
        "special",
        "sprinkled",
    ),
    "F.grid_sample": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "F.multi_head_attention_forward": ("sprinkled",),
    "nn.Bilinear": (
        "-inf",
        "inf",
        "special",
        "sprinkled",
    ),
    "nn.Bilinear without bias": ("sprinkled",),
    "nn.Conv1d": ("weights sprinkled",),
    "nn.Conv2d": ("weights sprinkled",),
    "nn.Conv2d circular same": ("weights sprinkled",),
    "nn.Conv2d depthwise": ("weights sprinkled",),
    "nn.Conv2d reflect valid": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.Conv2d replicate": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.Conv2d same": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.Conv2d valid": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.Conv3d": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.Conv3d circular same": ("weights sprinkled",),
    "nn.Conv3d options": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.ConvTranspose1d": ("weights sprinkled",),
    "nn.ConvTranspose3d": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.ConvTranspose3d options": (
        "weights inf",
        "weights sprinkled",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "PyTorch forms inf - inf or inf * 0 on the way, where the result or its derivative is a number or infinity"
_rows = {
    "F.kl_div": (
        "special",
        "sprinkled",
        "zero",
    ),
    "F.soft_margin_loss": (
        "-inf",
        "inf",
        "one element",
        "special",
    ),
    "F.upsample": (
        "-inf",
        "inf",
        "special",
    ),
    "logcumsumexp far apart": (
        "-inf",
        "special",
        "sprinkled",
    ),
    "nn.BCEWithLogitsLoss(torch.tensor([1., 2, 3]), pos_weight=torch.tensor([2., 1, 0]))": (
        "-inf",
        "one element",
        "special",
    ),
    "nn.BatchNorm1d": ("weights inf",),
    "nn.BatchNorm2d": ("weights inf",),
    "nn.BatchNorm2d cumulative": ("weights inf",),
    "nn.BatchNorm2d without bias": ("weights inf",),
    "nn.BatchNorm3d": ("weights inf",),
    "nn.GroupNorm": ("weights inf",),
    "nn.GroupNorm without bias": ("weights inf",),
    "nn.InstanceNorm1d": (
        "empty batch",
        "weights inf",
    ),
    "nn.InstanceNorm3d": (
        "empty batch",
        "weights inf",
    ),
    "nn.KLDivLoss(reduction='batchmean')": (
        "special",
        "sprinkled",
        "zero",
    ),
    "nn.LayerNorm without bias": ("weights sprinkled",),
    "nn.SyncBatchNorm": (
        "weights inf",
        "weights sprinkled",
    ),
    "nn.UpsamplingBilinear2d": (
        "-inf",
        "inf",
        "special",
        "sprinkled",
    ),
    "torch.acosh": (
        "-inf",
        "special",
    ),
    "torch.addcdiv": ("tiny",),
    "torch.copysign": (
        "-inf",
        "inf",
        "nan",
        "special",
    ),
    "torch.logcumsumexp": (
        "-inf",
        "special",
        "sprinkled",
    ),
    "torch.logsumexp": (
        "-inf",
        "inf",
        "special",
    ),
    "torch.norm": ("special",),
    "torch.prod": (
        "-inf",
        "inf",
        "special",
    ),
    "torch.sinc": ("tiny",),
    "torch.std options": (
        "-inf",
        "inf",
        "special",
    ),
    "torch.std_mean": (
        "-inf",
        "inf",
    ),
    "torch.trapezoid": (
        "-inf",
        "inf",
        "special",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "both refuse it, or PyTorch alone, with errors that differ by the path that PyTorch takes"
_rows = {
    "F.embedding": ("empty batch",),
    "F.embedding with another gradient": (
        "empty batch",
        "one element",
    ),
    "F.embedding with max_norm": (
        "empty batch",
        "one element",
    ),
    "F.embedding_bag with max_norm": (
        "empty batch",
        "one element",
    ),
    "F.pixel_shuffle": ("empty batch",),
    "F.pixel_unshuffle": ("empty batch",),
    "nn.BCELoss": ("one element",),
    "nn.CircularPad2d": ("one element",),
    "nn.LinearCrossEntropyOptions": ("empty batch",),
    "nn.MaxUnpool2d": ("one element",),
    "nn.PixelShuffle": ("empty batch",),
    "nn.PixelUnshuffle": ("empty batch",),
    "torch.index_select": (
        "empty batch",
        "one element",
    ),
    "torch.take_along_dim": ("one element",),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "the transform is computed in another order, in which infinities meet each other or not; PyTorch refuses empty transforms"
_rows = {
    "fft.fft": (
        "-inf",
        "empty batch",
        "inf",
        "special",
        "sprinkled",
    ),
    "fft.fft2": ("empty batch",),
    "fft.hfft": (
        "empty batch",
        "special",
        "sprinkled",
    ),
    "fft.hfft2": ("empty batch",),
    "fft.hfftn": ("special",),
    "fft.ifft": (
        "-inf",
        "empty batch",
        "inf",
        "special",
        "sprinkled",
    ),
    "fft.ifft2": (
        "-inf",
        "empty batch",
        "inf",
        "sprinkled",
    ),
    "fft.ifftn": (
        "-inf",
        "inf",
        "special",
        "sprinkled",
    ),
    "fft.ihfft": (
        "-inf",
        "empty batch",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "fft.ihfft2": (
        "-inf",
        "empty batch",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "fft.ihfftn": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "fft.irfft": (
        "empty batch",
        "special",
        "sprinkled",
    ),
    "fft.irfft2": (
        "-inf",
        "empty batch",
        "inf",
        "sprinkled",
    ),
    "fft.irfftn": (
        "-inf",
        "inf",
        "special",
    ),
    "fft.rfft": (
        "-inf",
        "empty batch",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "fft.rfft2": ("empty batch",),
    "torch.istft": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "torch.stft": (
        "-inf",
        "inf",
        "sprinkled",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "a weight or a target of more elements than the input is broadcast; rounding of a derivative that is 0"
_rows = {
    "F.cosine_embedding_loss": ("one element",),
    "F.multilabel_soft_margin_loss": ("one element",),
    "nn.MultiLabelSoftMarginLoss(torch.tensor([1.0, 2, 3]))": ("one element",),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "NaN comes out, or receives the gradient, where PyTorch drops it in a comparison or divides by a count of none"
_rows = {
    "F.multi_margin_loss": (
        "-inf",
        "inf",
        "nan",
        "special",
    ),
    "F.multilabel_margin_loss": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.MultiLabelMarginLoss(reduction='sum')": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "nn.MultiMarginLoss(2, 0.7, torch.tensor([1.0, 2, 3]))": (
        "-inf",
        "inf",
        "nan",
        "special",
    ),
    "running in place": ("special",),
    "several quantiles": (
        "nan",
        "special",
        "sprinkled",
    ),
    "torch.amax": (
        "nan",
        "special",
        "sprinkled",
    ),
    "torch.aminmax": (
        "nan",
        "special",
    ),
    "torch.cdist": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
    ),
    "torch.heaviside": (
        "nan",
        "special",
    ),
    "torch.mode": (
        "nan",
        "special",
    ),
    "torch.nanquantile": (
        "nan",
        "special",
    ),
    "torch.nansum": ("nan",),
    "torch.renorm": (
        "nan",
        "one element",
        "special",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "which of equal elements is named is open; ours is the first"
_rows = {
    "torch.kthvalue": (
        "-inf",
        "inf",
        "nan",
        "special",
        "sprinkled",
        "tiny",
        "zero",
    ),
    "torch.nanmedian": ("nan",),
    "torch.segment_reduce": (
        "-inf",
        "inf",
        "nan",
        "zero",
    ),
    "torch.topk": (
        "-inf",
        "inf",
        "nan",
        "special",
        "tiny",
        "zero",
    ),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "products with zeros: ours leaves the zero out, PyTorch divides by it"
_rows = {
    "cumprod long": (
        "special",
        "sprinkled",
    ),
    "products with zeros": ("special",),
    "torch.cumprod": ("special",),
    "torch.scatter_reduce": ("special",),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = (
    "derivatives that are 0 but for rounding are rounded otherwise; of infinite weights, as above"
    " for products; PyTorch takes is_causal's word for the mask and does not look at its shape"
)
_rows = {
    "nn.MultiheadAttention": (
        "empty batch",
        "one element",
        "sprinkled",
        "tiny",
        "weights sprinkled",
        "zero",
    ),
    "nn.TransformerDecoder": (
        "tiny",
        "zero",
    ),
    "nn.TransformerDecoderLayer": (
        "tiny",
        "zero",
    ),
    "nn.TransformerEncoderLayer": (
        "empty batch",
        "one element",
    ),
    "nn.TransformerEncoder": ("one element",),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "PyTorch starts from the nearer end: the far one's infinity meets itself at half the way"
_rows = {
    "torch.lerp": ("sprinkled",),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "the gradient of a distance that is NaN or infinite is 0; at p = 0 NaN differs from all"
_rows = {
    "F.pdist": ("range", "huge"),
    "F.pdist at 0": ("special", "nan", "inf", "-inf"),
    "torch.pdist": ("sprinkled", "special", "nan", "inf", "-inf"),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = (
    "series and reflections at poles and infinities: the limit, or NaN, on one side alone; far below 0 all "
    "floats are whole, poles, where PyTorch takes the sine of a rounded product"
)
_rows = {
    "torch.digamma": ("range", "huge"),
    "torch.polygamma": ("special", "-inf", "sprinkled", "zero", "inf", "range", "huge"),
    "special functions in place": ("sprinkled", "special", "tiny", "range", "huge"),
}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

_reason = "places at the border meet 0 times infinity in another order"
_rows = {"F.grid_sample at the edges": ("sprinkled", "special", "inf", "-inf")}
DIFFERENCES |= {row: (fills, _reason) for row, fills in _rows.items()}

# Rows whose sums, products or squares overflow or not by the order in which they are formed: not
# compared near the end of the range, where PyTorch's own results depend on shapes and processor.
ORDER_DECIDES = frozenset(
    {
        "F.adaptive_avg_pool2d",
        "F.adaptive_avg_pool3d",
        "F.avg_pool2d",
        "F.avg_pool2d of extreme values",
        "F.avg_pool3d",
        "F.bilinear",
        "F.conv1d",
        "F.conv2d",
        "F.conv3d",
        "F.conv_tbc",
        "F.conv_transpose1d",
        "F.conv_transpose2d",
        "F.conv_transpose3d",
        "F.cosine_similarity",
        "F.cosine_similarity of short vectors",
        "F.ctc_loss",
        "F.embedding_bag",
        "F.gaussian_nll_loss at a small variance",
        "F.gelu",
        "F.grid_sample",
        "F.group_norm",
        "F.grouped_mm",
        "F.instance_norm",
        "F.kl_div",
        "F.layer_norm",
        "F.linear",
        "F.linear_cross_entropy",
        "F.linear_cross_entropy in chunks",
        "F.lp_pool1d",
        "F.lp_pool2d",
        "F.lp_pool3d",
        "F.multilabel_margin_loss",
        "F.nll_loss",
        "F.normalize",
        "F.rms_norm",
        "F.scaled_dot_product_attention",
        "F.scaled_dot_product_attention with fewer heads of keys",
        "F.soft_margin_loss",
        "F.triplet_margin_with_distance_loss",
        "F.upsample",
        "batched products in place",
        "cumprod long",
        "extreme gelu",
        "fft.fft",
        "fft.fft2",
        "fft.fftn",
        "fft.hfft",
        "fft.hfft2",
        "fft.hfftn",
        "fft.ifft",
        "fft.ifft2",
        "fft.ifftn",
        "fft.ihfft",
        "fft.ihfft2",
        "fft.ihfftn",
        "fft.irfft",
        "fft.irfft2",
        "fft.irfftn",
        "fft.rfft",
        "fft.rfft2",
        "fft.rfftn",
        "linalg",
        "linalg.norm",
        "losses of NaN",
        "losses of mixed dtypes",
        "nn.AdaptiveAvgPool2d to 1",
        "nn.AdaptiveAvgPool3d",
        "nn.AdaptiveLogSoftmaxWithLoss",
        "nn.AdaptiveLogSoftmaxWithLoss with a bias",
        "nn.AvgPool2d",
        "nn.AvgPool2d divisor",
        "nn.AvgPool2d options",
        "nn.AvgPool3d",
        "nn.AvgPool3d divisor",
        "nn.BCEWithLogitsLoss(torch.tensor([1., 2, 3]), pos_weight=torch.tensor([2., 1, 0]))",
        "nn.BatchNorm1d",
        "nn.BatchNorm2d",
        "nn.BatchNorm2d cumulative",
        "nn.BatchNorm2d plain",
        "nn.BatchNorm2d without bias",
        "nn.BatchNorm3d",
        "nn.Bilinear",
        "nn.Bilinear without bias",
        "nn.CTCLoss",
        "nn.CTCLoss with other options",
        "nn.Conv1d",
        "nn.Conv2d",
        "nn.Conv2d circular same",
        "nn.Conv2d depthwise",
        "nn.Conv2d options",
        "nn.Conv2d pointwise",
        "nn.Conv2d reflect",
        "nn.Conv2d reflect valid",
        "nn.Conv2d replicate",
        "nn.Conv2d same",
        "nn.Conv2d valid",
        "nn.Conv3d",
        "nn.Conv3d circular same",
        "nn.Conv3d options",
        "nn.ConvTranspose1d",
        "nn.ConvTranspose2d",
        "nn.ConvTranspose2d options",
        "nn.ConvTranspose3d",
        "nn.ConvTranspose3d options",
        "nn.CosineSimilarity",
        "nn.DataParallel",
        "nn.GRU",
        "nn.GRU in two layers and directions",
        "nn.GRU without bias",
        "nn.GRUCell",
        "nn.GroupNorm",
        "nn.GroupNorm plain",
        "nn.GroupNorm without bias",
        "nn.InstanceNorm1d",
        "nn.InstanceNorm2d",
        "nn.InstanceNorm3d",
        "nn.KLDivLoss(reduction='batchmean')",
        "nn.LPPool1d",
        "nn.LPPool2d",
        "nn.LPPool3d",
        "nn.LSTM",
        "nn.LSTM in two layers and directions",
        "nn.LSTM with projections",
        "nn.LSTMCell",
        "nn.LSTMCell without bias",
        "nn.LayerNorm",
        "nn.LayerNorm plain",
        "nn.LayerNorm without bias",
        "nn.Linear",
        "nn.LinearCrossEntropyLoss of places",
        "nn.LinearCrossEntropyOptions",
        "nn.MultiLabelMarginLoss(reduction='sum')",
        "nn.MultiheadAttention",
        "nn.MultiheadAttention with all options",
        "nn.PReLU",
        "nn.RMSNorm",
        "nn.RMSNorm plain",
        "nn.RNN",
        "nn.RNN in two layers and directions",
        "nn.RNN with ReLU",
        "nn.RNNCell",
        "nn.RNNCell with ReLU",
        "nn.ReLU in place",
        "nn.Sequential",
        "nn.SyncBatchNorm",
        "nn.TransformerDecoder",
        "nn.TransformerDecoderLayer",
        "nn.TransformerDecoderLayer with all options",
        "nn.TransformerEncoderLayer",
        "nn.TransformerEncoderLayer with all options",
        "nn.TripletMarginWithDistanceLoss(distance_function=torch.nn.PairwiseDistance(1))",
        "nn.Upsample",
        "nn.UpsamplingBilinear2d",
        "rows in place",
        "several quantiles",
        "torch.acosh",
        "torch.addcdiv",
        "torch.bmm",
        "torch.cdist",
        "torch.cov",
        "torch.cross dim",
        "torch.cumprod",
        "torch.dist",
        "torch.einsum",
        "torch.frexp",
        "torch.histc",
        "torch.histogram",
        "torch.kthvalue",
        "torch.logit",
        "torch.mm",
        "torch.norm",
        "torch.outer",
        "torch.prod",
        "torch.renorm",
        "torch.segment_reduce",
        "torch.sinc",
        "torch.square",
        "torch.std",
        "torch.std options",
        "torch.std_mean",
        "torch.stft",
        "torch.tensordot",
        "torch.topk",
        "torch.trapezoid",
        "torch.var",
    }
)

# (row, fill): why it is not tried
EXCLUDED: dict[tuple[str, str], str] = {
    ("F.pdist", "empty batch"): "PyTorch crashes at the gradient of no pairs",
    ("F.pdist at 0", "empty batch"): "PyTorch crashes at the gradient of no pairs",
    ("torch.pdist", "empty batch"): "PyTorch crashes at the gradient of no pairs",
    ("F.grid_sample at the edges", "nan"): "PyTorch crashes at places that are NaN",
}

# files of the table
EXCLUDED_FILES = {
    "eigen": "what LAPACK makes of NaN and infinity, an error or numbers, depends on its build",
    "matrices": "what LAPACK makes of NaN and infinity, an error or numbers, depends on its build",
    "equations": "what LAPACK makes of NaN and infinity, an error or numbers, depends on its build",
    "factorization": "what LAPACK makes of NaN and infinity, an error or numbers, depends on its build",
    "singular": "what LAPACK makes of NaN and infinity, an error or numbers, depends on its build",
    "matrix_norms": "what LAPACK makes of NaN and infinity, an error or numbers, depends on its build",
    "special_functions": "recurrences and series: infinity and NaN meet in another order",
}
