"""Schedules of the learning rate: call ``scheduler.step()`` after ``optimizer.step()``."""

from penlight.optim.lr_scheduler.composite import ChainedScheduler as ChainedScheduler
from penlight.optim.lr_scheduler.composite import SequentialLR as SequentialLR
from penlight.optim.lr_scheduler.cosine import CosineAnnealingLR as CosineAnnealingLR
from penlight.optim.lr_scheduler.cosine import (
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
)
from penlight.optim.lr_scheduler.cyclic import CyclicLR as CyclicLR
from penlight.optim.lr_scheduler.decay import ExponentialLR as ExponentialLR
from penlight.optim.lr_scheduler.decay import MultiStepLR as MultiStepLR
from penlight.optim.lr_scheduler.decay import StepLR as StepLR
from penlight.optim.lr_scheduler.functions import LambdaLR as LambdaLR
from penlight.optim.lr_scheduler.functions import MultiplicativeLR as MultiplicativeLR
from penlight.optim.lr_scheduler.one_cycle import OneCycleLR as OneCycleLR
from penlight.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from penlight.optim.lr_scheduler.ramps import ConstantLR as ConstantLR
from penlight.optim.lr_scheduler.ramps import LinearLR as LinearLR
from penlight.optim.lr_scheduler.ramps import PolynomialLR as PolynomialLR
from penlight.optim.lr_scheduler.scheduler import LRScheduler as LRScheduler
from penlight.optim.lr_scheduler.scheduler import _LRScheduler as _LRScheduler
