"""Optimizers and schedules of their learning rate."""

from penlight.optim import lr_scheduler as lr_scheduler
from penlight.optim.adagrad import Adagrad as Adagrad
from penlight.optim.adam import Adam as Adam
from penlight.optim.adamw import AdamW as AdamW
from penlight.optim.optimizer import Optimizer as Optimizer
from penlight.optim.rmsprop import RMSprop as RMSprop
from penlight.optim.sgd import SGD as SGD
