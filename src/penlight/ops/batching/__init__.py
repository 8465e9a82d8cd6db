"""The rules by which ops compute a whole batch, for ``vmap``: how, ``penlight.autograd.batching`` tells.

Most follow from the kind of the op: elementwise ones broadcast, those along axes have one axis more in front,
those of layers take the batch into a dimension that they treat independently anyway. An op without a rule
is run sample by sample (``loop``), which any op allows: a rule only makes it faster.

A parameter that is one for all samples may come as a batch nevertheless, so that each sample has a gradient
of its own with respect to it (per-sample gradients). It is then repeated by a stride of 0, without copies, and
``shared`` recognises it: products with it are made in one.
"""

from penlight.ops.batching import (  # noqa: F401  - each file fills the table of rules
    axes,
    convolution,
    indexing,
    layers,
    linear_algebra,
    loop,
    losses,
    pointwise,
    products,
    shapes,
)
