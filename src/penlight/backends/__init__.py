"""``torch.backends``: switches of devices that are not here, and one of Penlight's own, ``numba``."""

from penlight.backends import conv as conv, cudnn as cudnn, mps as mps, numba as numba

__all__ = ["conv", "cudnn", "mps", "numba"]
