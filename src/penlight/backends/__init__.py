"""``torch.backends`` for programs that set its switches: none of these backends is here."""

from penlight.backends import cudnn as cudnn, mps as mps

__all__ = ["cudnn", "mps"]
