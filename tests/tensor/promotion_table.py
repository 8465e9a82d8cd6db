"""The promotion table, frozen from PyTorch 2.13 by ``promotion_cases.table(torch)``.

By operation and kind of operands: a row per dtype of the tensor, a letter per other operand. Letters
are explained in ``promotion_cases``.
"""

from __future__ import annotations

TABLE: dict[str, dict[str, str]] = {
    "add": {
        "tensor, tensor": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "?BbhilefdFD BBBBBBefdFD bbbbbbefdFD hhhhhhefdFD iiiiiiefdFD llllllefdFD "
            "eeeeeeeeeFF fffffffffFF dddddddddDD FFFFFFFFFFF DDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "?BbhilefdFD BBbhilefdFD bBbhilefdFD hBbhilefdFD iBbhilefdFD lBbhilefdFD "
            "eeeeeeefdFD ffffffefdFD ddddddefdFD FFFFFFFFDFD DDDDDDFFDFD "
        ),
        "tensor, number": ("?lfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
        "number, tensor": ("?lfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
    },
    "sub": {
        "tensor, tensor": (
            "RRRRRRRRRRR RBhhilefdFD RhbhilefdFD RhhhilefdFD RiiiilefdFD RlllllefdFD "
            "ReeeeeefdFD RfffffffdFD RddddddddDD RFFFFFFFDFD RDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "RRRRRRRRRRR RBBBBBefdFD RbbbbbefdFD RhhhhhefdFD RiiiiiefdFD RlllllefdFD "
            "ReeeeeeeeFF RffffffffFF RddddddddDD RFFFFFFFFFF RDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "RRRRRRRRRRR RBbhilefdFD RBbhilefdFD RBbhilefdFD RBbhilefdFD RBbhilefdFD "
            "ReeeeeefdFD RfffffefdFD RdddddefdFD RFFFFFFFDFD RDDDDDFFDFD "
        ),
        "tensor, number": ("RRRR RBfF RbfF RhfF RifF RlfF ReeF RffF RddD RFFF RDDD "),
        "number, tensor": ("RRRR RBfF RbfF RhfF RifF RlfF ReeF RffF RddD RFFF RDDD "),
    },
    "mul": {
        "tensor, tensor": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "?BbhilefdFD BBBBBBefdFD bbbbbbefdFD hhhhhhefdFD iiiiiiefdFD llllllefdFD "
            "eeeeeeeeeFF fffffffffFF dddddddddDD FFFFFFFFFFF DDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "?BbhilefdFD BBbhilefdFD bBbhilefdFD hBbhilefdFD iBbhilefdFD lBbhilefdFD "
            "eeeeeeefdFD ffffffefdFD ddddddefdFD FFFFFFFFDFD DDDDDDFFDFD "
        ),
        "tensor, number": ("?lfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
        "number, tensor": ("?lfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
    },
    "div": {
        "tensor, tensor": (
            "ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD "
            "eeeeeeeeeFF fffffffffFF dddddddddDD FFFFFFFFFFF DDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD ffffffefdFD "
            "eeeeeeefdFD ffffffefdFD ddddddefdFD FFFFFFFFDFD DDDDDDFFDFD "
        ),
        "tensor, number": ("fffF fffF fffF fffF fffF fffF eeeF fffF dddD FFFF DDDD "),
        "number, tensor": ("fffF fffF fffF fffF fffF fffF eeeF fffF dddD FFFF DDDD "),
    },
    "floor_divide": {
        "tensor, tensor": (
            "NBbhilefdNN BBhhilefdNN bhbhilefdNN hhhhilefdNN iiiiilefdNN llllllefdNN "
            "eeeeeeefdNN ffffffffdNN dddddddddNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, 0-d": (
            "NBbhilefdNN BBBBBBefdNN bbbbbbefdNN hhhhhhefdNN iiiiiiefdNN llllllefdNN "
            "eeeeeeeeeNN fffffffffNN dddddddddNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "0-d, tensor": (
            "NBbhilefdNN BBbhilefdNN bBbhilefdNN hBbhilefdNN iBbhilefdNN lBbhilefdNN "
            "eeeeeeefdNN ffffffefdNN ddddddefdNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, number": ("NlfN BBfN bbfN hhfN iifN llfN eeeN fffN dddN NNNN NNNN "),
        "number, tensor": ("NlfN BBfN bbfN hhfN iifN llfN eeeN fffN dddN NNNN NNNN "),
    },
    "remainder": {
        "tensor, tensor": (
            "NBbhilefdNN BBhhilefdNN bhbhilefdNN hhhhilefdNN iiiiilefdNN llllllefdNN "
            "eeeeeeefdNN ffffffffdNN dddddddddNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, 0-d": (
            "NBbhilefdNN BBBBBBefdNN bbbbbbefdNN hhhhhhefdNN iiiiiiefdNN llllllefdNN "
            "eeeeeeeeeNN fffffffffNN dddddddddNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "0-d, tensor": (
            "NBbhilefdNN BBbhilefdNN bBbhilefdNN hBbhilefdNN iBbhilefdNN lBbhilefdNN "
            "eeeeeeefdNN ffffffefdNN ddddddefdNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, number": ("NlfN BBfN bbfN hhfN iifN llfN eeeN fffN dddN NNNN NNNN "),
        "number, tensor": ("NlfN BBfN bbfN hhfN iifN llfN eeeN fffN dddN NNNN NNNN "),
    },
    "pow": {
        "tensor, tensor": (
            "NBbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "NBbhilefdFD BBBBBBefdFD bbbbbbefdFD hhhhhhefdFD iiiiiiefdFD llllllefdFD "
            "eeeeeeeeeFF fffffffffFF dddddddddDD FFFFFFFFFFF DDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "NBbhilefdFD BBbhilefdFD bBbhilefdFD hBbhilefdFD iBbhilefdFD lBbhilefdFD "
            "eeeeeeefdFD ffffffefdFD ddddddefdFD FFFFFFFFDFD DDDDDDFFDFD "
        ),
        "tensor, number": ("NlfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
        "number, tensor": ("NlfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
    },
    "eq": {
        "tensor, tensor": (
            "??????????? ??????????? ??????????? ??????????? ??????????? ??????????? "
            "??????????? ??????????? ??????????? ??????????? ??????????? "
        ),
        "tensor, 0-d": (
            "??????????? ??????????? ??????????? ??????????? ??????????? ??????????? "
            "??????????? ??????????? ??????????? ??????????? ??????????? "
        ),
        "0-d, tensor": (
            "??????????? ??????????? ??????????? ??????????? ??????????? ??????????? "
            "??????????? ??????????? ??????????? ??????????? ??????????? "
        ),
        "tensor, number": ("???? ???? ???? ???? ???? ???? ???? ???? ???? ???? ???? "),
        "number, tensor": ("???? ???? ???? ???? ???? ???? ???? ???? ???? ???? ???? "),
    },
    "lt": {
        "tensor, tensor": (
            "?????????NN ?????????NN ?????????NN ?????????NN ?????????NN ?????????NN "
            "?????????NN ?????????NN ?????????NN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, 0-d": (
            "?????????NN ?????????NN ?????????NN ?????????NN ?????????NN ?????????NN "
            "?????????NN ?????????NN ?????????NN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "0-d, tensor": (
            "?????????NN ?????????NN ?????????NN ?????????NN ?????????NN ?????????NN "
            "?????????NN ?????????NN ?????????NN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, number": ("???N ???N ???N ???N ???N ???N ???N ???N ???N NNNN NNNN "),
        "number, tensor": ("???N ???N ???N ???N ???N ???N ???N ???N ???N NNNN NNNN "),
    },
    "bitwise_and": {
        "tensor, tensor": (
            "?BbhilNNNNN BBhhilNNNNN bhbhilNNNNN hhhhilNNNNN iiiiilNNNNN llllllNNNNN "
            "NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, 0-d": (
            "?BbhilNNNNN BBBBBBNNNNN bbbbbbNNNNN hhhhhhNNNNN iiiiiiNNNNN llllllNNNNN "
            "NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "0-d, tensor": (
            "?BbhilNNNNN BBbhilNNNNN bBbhilNNNNN hBbhilNNNNN iBbhilNNNNN lBbhilNNNNN "
            "NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, number": ("?lNN BBNN bbNN hhNN iiNN llNN NNNN NNNN NNNN NNNN NNNN "),
        "number, tensor": ("?lNN BBNN bbNN hhNN iiNN llNN NNNN NNNN NNNN NNNN NNNN "),
    },
    "where": {
        "tensor, tensor": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "?BbhilefdFD BBBBBBefdFD bbbbbbefdFD hhhhhhefdFD iiiiiiefdFD llllllefdFD "
            "eeeeeeeeeFF fffffffffFF dddddddddDD FFFFFFFFFFF DDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "?BbhilefdFD BBbhilefdFD bBbhilefdFD hBbhilefdFD iBbhilefdFD lBbhilefdFD "
            "eeeeeeefdFD ffffffefdFD ddddddefdFD FFFFFFFFDFD DDDDDDFFDFD "
        ),
        "tensor, number": ("?lfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
        "number, tensor": ("?lfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD "),
    },
    "maximum": {
        "tensor, tensor": (
            "?BbhilefdRR BBhhilefdRR bhbhilefdRR hhhhilefdRR iiiiilefdRR llllllefdRR "
            "eeeeeeefdRR ffffffffdRR dddddddddRR RRRRRRRRRRR RRRRRRRRRRR "
        ),
        "tensor, 0-d": (
            "?BbhilefdRR BBBBBBefdRR bbbbbbefdRR hhhhhhefdRR iiiiiiefdRR llllllefdRR "
            "eeeeeeeeeRR fffffffffRR dddddddddRR RRRRRRRRRRR RRRRRRRRRRR "
        ),
        "0-d, tensor": (
            "?BbhilefdRR BBbhilefdRR bBbhilefdRR hBbhilefdRR iBbhilefdRR lBbhilefdRR "
            "eeeeeeefdRR ffffffefdRR ddddddefdRR RRRRRRRRRRR RRRRRRRRRRR "
        ),
    },
    "atan2": {
        "tensor, tensor": (
            "ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN "
            "eeeeeeefdNN ffffffffdNN dddddddddNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "tensor, 0-d": (
            "ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN "
            "eeeeeeeeeNN fffffffffNN dddddddddNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
        "0-d, tensor": (
            "ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN ffffffefdNN "
            "eeeeeeefdNN ffffffefdNN ddddddefdNN NNNNNNNNNNN NNNNNNNNNNN "
        ),
    },
    "cat": {
        "tensor, tensor": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
    },
    "stack": {
        "tensor, tensor": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR "
            "RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR "
        ),
        "0-d, tensor": (
            "RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR "
            "RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR RRRRRRRRRRR "
        ),
    },
    "result_type": {
        "tensor, tensor": (
            "?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD "
            "eeeeeeefdFD ffffffffdFD dddddddddDD FFFFFFFFDFD DDDDDDDDDDD "
        ),
        "tensor, 0-d": (
            "?BbhilefdFD BBBBBBefdFD bbbbbbefdFD hhhhhhefdFD iiiiiiefdFD llllllefdFD "
            "eeeeeeeeeFF fffffffffFF dddddddddDD FFFFFFFFFFF DDDDDDDDDDD "
        ),
        "0-d, tensor": (
            "?BbhilefdFD BBbhilefdFD bBbhilefdFD hBbhilefdFD iBbhilefdFD lBbhilefdFD "
            "eeeeeeefdFD ffffffefdFD ddddddefdFD FFFFFFFFDFD DDDDDDFFDFD "
        ),
    },
}
