"""Every differentiable operation, by family: formula, forward and backward on one screen."""
