"""Compare training steps of one VAE (784-400-20, batch 128, Adam 1e-3, float32) between libraries, in one run.

Each contestant has a process of its own, so that no thread pool disturbs another, and they take turns: each
repetition is compared with the first contestant's beside it. On a machine that others use, the median of these
ratios says more than any time.
"""

import argparse
import gzip
import importlib
import multiprocessing
import os
import statistics
import time

CONTESTANTS = ("jax_scan", "jax_loop", "torch_loop", "lowerbound_fit")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE.gz", help="gzipped IDX images, made binary at 127; else random bits")
    parser.add_argument("--rows", type=int, default=20_000, help="how many images are used")
    parser.add_argument("--epochs", type=int, default=2, help="epochs in a repetition")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=CONTESTANTS, metavar="NAME")
    return parser.parse_args()


def read_images(path, rows):
    import numpy as np

    if path is None:
        return np.random.default_rng(0).integers(0, 2, (rows, 784), dtype=np.uint8)
    with gzip.open(path) as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    return (pixels[:rows] > 127).astype(np.uint8)


def work(name, arguments, pipe):
    """Answer each message with the seconds a step of one repetition, and what else the contestant tells."""
    images = read_images(arguments.data, arguments.rows)
    measure = importlib.import_module(f"contestants.{name}").contestant(images, arguments.epochs)
    while pipe.recv():
        pipe.send((measure(), dict(vars(measure))))


def main():
    arguments = read_arguments()
    # Inherited by the workers: JAX and PyTorch count the cores when they start.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    context, pipes, told = multiprocessing.get_context("spawn"), {}, {}
    times = {name: [] for name in arguments.only}
    for name in arguments.only:
        pipes[name], end = context.Pipe()
        context.Process(target=work, args=(name, arguments, end), daemon=True).start()
        end.close()

    def measure(name):
        pipes[name].send(True)
        seconds, told[name] = pipes[name].recv()
        return seconds

    for name in arguments.only:
        start = time.perf_counter()
        measure(name)
        print(f"{name}: first call {time.perf_counter() - start:.1f} s, imports and compilation included", flush=True)
    for _ in range(arguments.repetitions):
        for name in arguments.only:
            times[name].append(measure(name))

    for pipe in pipes.values():
        pipe.send(False)

    first = times[arguments.only[0]]
    print(f"\n{'contestant':16}{'ms/step':>10}{'least':>10}{'images/s':>12}{'ratio':>8}{'from':>8}{'to':>8}")
    for name, seconds in times.items():
        middle, ratios = statistics.median(seconds), [a / b for a, b in zip(seconds, first, strict=True)]
        print(
            f"{name:16}{1e3 * middle:10.3f}{1e3 * min(seconds):10.3f}{128 / middle:12,.0f}"
            f"{statistics.median(ratios):8.2f}{min(ratios):8.2f}{max(ratios):8.2f}"
        )
    for name, figures in told.items():
        if "loss" in figures:
            print(f"{name}: loss of the last batch {figures['loss']:.2f} nats")
        if "start" in figures:
            print(f"{name}: {figures['start']:.2f} s before the steps, compilation included")


if __name__ == "__main__":
    main()
