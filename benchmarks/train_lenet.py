"""What `penlight train --epochs 2` does, as a plain PyTorch program: the same data, model and schedule.

python -m benchmarks.train_lenet FOLDER_OF_DATA NEW_FOLDER
"""

from __future__ import annotations

import json
import lzma
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.workloads.convnets import lenet

EPOCHS, BATCH, LR = 2, 100, 0.003
MEAN, STD = 0.2860, 0.3530  # of Fashion-MNIST


def read(path: Path, header: int) -> np.ndarray:
    """The bytes of a compressed IDX file after its header."""
    return np.frombuffer(lzma.decompress(path.read_bytes())[header:], np.uint8)


def dataset(folder: Path, part: str) -> TensorDataset:
    pixels = read(folder / f"{part}-images-idx3-ubyte.xz", 16).reshape(-1, 1, 28, 28)
    labels = read(folder / f"{part}-labels-idx1-ubyte.xz", 8).astype(np.int64)
    scaled = (pixels.astype(np.float32) / 255 - MEAN) / STD
    return TensorDataset(torch.from_numpy(scaled), torch.from_numpy(labels))


def evaluate(model: nn.Module, loader: DataLoader[Any]) -> dict[str, float]:
    """Mean loss and accuracy."""
    loss, correct, count = 0.0, 0, 0
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            outputs = model(x)
            loss += F.cross_entropy(outputs, y, reduction="sum").item()
            correct += int((outputs.argmax(1) == y).sum())
            count += len(y)
    model.train()
    return {"test_loss": loss / count, "test_accuracy": correct / count}


def main(data: Path, out: Path) -> None:
    torch.manual_seed(0)
    loader = DataLoader(dataset(data, "train"), BATCH, shuffle=True)
    test_loader = DataLoader(dataset(data, "t10k"), 500)
    model = lenet(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    steps = EPOCHS * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, total_steps=steps, cycle_momentum=False
    )
    out.mkdir()
    started = time.perf_counter()
    for epoch in range(EPOCHS):
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        record = {"epoch": epoch + 1, "seconds": time.perf_counter() - started}
        record |= evaluate(model, test_loader)
        with (out / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")
        torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict()}, out / "last.pt"
        )
        print(record)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
