"""Schedules of the learning rate: call ``scheduler.step()`` after ``optimizer.step()``."""

from penlight.optim.lr_scheduler.composite import (
    ChainedScheduler as ChainedScheduler,
    SequentialLR as SequentialLR,
)
from penlight.optim.lr_scheduler.cosine import (
    CosineAnnealingLR as CosineAnnealingLR,
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
)
from penlight.optim.lr_scheduler.cyclic import CyclicLR as CyclicLR
from penlight.optim.lr_scheduler.decay import (
    ExponentialLR as ExponentialLR,
    MultiStepLR as MultiStepLR,
    StepLR as StepLR,
)
from penlight.optim.lr_scheduler.functions import (
    LambdaLR as LambdaLR,
    MultiplicativeLR as MultiplicativeLR,
)
from penlight.optim.lr_scheduler.one_cycle import OneCycleLR as OneCycleLR
from penlight.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from penlight.optim.lr_scheduler.ramps import (
    ConstantLR as ConstantLR,
    LinearLR as LinearLR,
    PolynomialLR as PolynomialLR,
)
from penlight.optim.lr_scheduler.scheduler import (
    LRScheduler as LRScheduler,
    _LRScheduler as _LRScheduler,
)
