"""Optimizers and schedules of their learning rate."""

from penlight.optim import lr_scheduler as lr_scheduler, swa_utils as swa_utils
from penlight.optim.adadelta import Adadelta as Adadelta
from penlight.optim.adafactor import Adafactor as Adafactor
from penlight.optim.adagrad import Adagrad as Adagrad
from penlight.optim.adam import Adam as Adam
from penlight.optim.adamax import Adamax as Adamax
from penlight.optim.adamw import AdamW as AdamW
from penlight.optim.asgd import ASGD as ASGD
from penlight.optim.lbfgs import LBFGS as LBFGS
from penlight.optim.muon import Muon as Muon
from penlight.optim.nadam import NAdam as NAdam
from penlight.optim.optimizer import Optimizer as Optimizer
from penlight.optim.radam import RAdam as RAdam
from penlight.optim.rmsprop import RMSprop as RMSprop
from penlight.optim.rprop import Rprop as Rprop
from penlight.optim.sgd import SGD as SGD
from penlight.optim.sparse_adam import SparseAdam as SparseAdam
from penlight.optim.swapping import (
    swap_in_optimizer_params_and_state as swap_in_optimizer_params_and_state,
)
