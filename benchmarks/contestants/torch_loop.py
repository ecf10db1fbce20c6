"""PyTorch as one writes it: a loop over batches, eager, with its fused Adam."""

import os
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

BATCH, LATENT, HIDDEN = 128, 20, 400


def contestant(images, epochs):
    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    size, num_steps = images.shape[1], len(images) // BATCH
    x = torch.from_numpy(images.astype(np.float32))

    def make_step():
        encoder = nn.Sequential(nn.Linear(size, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, size))
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3, fused=True)

        def step(batch):
            optimizer.zero_grad()
            loc, log_variance = encoder(batch).chunk(2, -1)
            z = loc + torch.randn_like(loc) * (0.5 * log_variance).exp()
            cross_entropy = functional.binary_cross_entropy_with_logits(decoder(z), batch, reduction="sum")
            kl = -0.5 * (1 + log_variance - loc**2 - log_variance.exp()).sum()
            loss = (cross_entropy + kl) / len(batch)
            loss.backward()
            optimizer.step()
            return loss

        return step

    def measure():
        # A new model each time: trained on, its gradients become denormal numbers, on which a CPU is half as fast.
        step = make_step()
        start = time.perf_counter()
        for _ in range(epochs):
            order = torch.randperm(len(x))
            for t in range(num_steps):
                loss = step(x[order[t * BATCH : (t + 1) * BATCH]])
        measure.loss = loss.item()
        return (time.perf_counter() - start) / (epochs * num_steps)

    return measure
