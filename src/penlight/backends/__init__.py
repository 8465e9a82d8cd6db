"""``torch.backends``: switches of devices that are not here, and one of Penlight's own, ``numba``."""

from penlight.backends import (
    conv as conv,
    cuda as cuda,
    cudnn as cudnn,
    mkl as mkl,
    mkldnn as mkldnn,
    mps as mps,
    numba as numba,
    openmp as openmp,
)

__all__ = ["conv", "cuda", "cudnn", "mkl", "mkldnn", "mps", "numba", "openmp"]
