"""Image transforms, with torchvision's names, arguments and texts.

An image is an ndarray (H, W) or (H, W, C), a Pillow image (where Pillow is installed), or a tensor
(..., C, H, W); geometry keeps its kind.

**Batches.** Called, a transform does what torchvision's does: whatever a tensor's leading dimensions,
random parameters are drawn once and hold for all of its images. Two ways lead to parameters of its
own for each image, drawn in one call and applied to the whole batch at once:

- ``RandomCrop(28, padding=4, per_sample=True)``, as all random transforms, takes a tensor
  (N, C, H, W) for N images;
- ``transform.batch(images)`` does to a tensor (N, C, H, W), or to ndarrays (N, H, W) or
  (N, H, W, C), what the transform would do to each image alone. A ``Compose`` has it if all its
  parts do, and datasets use it to make a batch in one go.
"""

from penlight.transforms import functional as functional
from penlight.transforms.compose import Compose, Lambda, RandomApply
from penlight.transforms.conversion import ConvertImageDtype, Normalize, ToTensor
from penlight.transforms.geometry import CenterCrop, Pad, Resize
from penlight.transforms.images import InterpolationMode
from penlight.transforms.random import (
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
)

__all__ = [
    "CenterCrop", "Compose", "ConvertImageDtype", "InterpolationMode", "Lambda", "Normalize", "Pad",
    "RandomApply", "RandomCrop", "RandomErasing", "RandomHorizontalFlip", "RandomRotation",
    "RandomVerticalFlip", "Resize", "ToTensor", "functional",
]  # fmt: skip
