"""Measure `lowerbound fit`: the time to its first step, its throughput beside `lb.fit`, and its memory.

Every measurement is a process of its own. The command and the bare call take turns on the same rows, with the same
model and settings; a busy machine disturbs the median of their ratios less than the times.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

#: A process that notes when its first step is done, seconds since it was started, and the most memory that it took.
COMMAND = """
import json, resource, sys, time
out, began, *words = sys.argv[1:]
sys.argv = ["lowerbound", *words]
from lowerbound.training import _fit
from lowerbound.cli import main
imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
run, told = _fit._Loop._run, {}
def noted(self, *arguments):
    done = run(self, *arguments)
    told.setdefault("first_step", time.time() - float(began))
    return done
_fit._Loop._run = noted
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
told["mib_above_import"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - imported
open(out, "w").write(json.dumps(told))
"""

#: The same model and rows through `lb.fit`, as a user of the library writes it.
BARE = """
import sys
import jax, jax.numpy as jnp, numpy as np, optax, lowerbound as lb
from lowerbound.dist import Bernoulli, Normal
from lowerbound.nn import MLP, Gaussian
path, out, epochs = sys.argv[1:]
key = jax.random.key(0)
p = lb.Joint(z=Normal(jnp.zeros(20), 1.0), x=lambda z, theta: Bernoulli(logits=theta(z)), theta=MLP(20, (28, 28)))
q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian((28, 28), 20))
data = lb.Data.read(path).binarize("stochastic").split(key=key, valid=5000, test=5000)
lb.fit(lb.VAE(p, q, key=key), data.train, lb.ELBO(), key=key, epochs=int(epochs), batch_size=128,
       optimizer=optax.adam(2e-3), valid=data.valid, out=out, progress=False)
"""


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE", help="60,000 images of 28 x 28 bytes; random ones if left out")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--repetitions", type=int, default=3)
    return parser.parse_args()


def seconds_per_step(history: Path) -> float:
    """Return the median time of a step after the first epoch, which compiles: chunks say when they are done."""
    rows = [line.split(",") for line in history.read_text().splitlines()[1:]]
    times = [(int(row[0]), float(row[2])) for row in rows if float(row[1]) > 1]
    (first, began), (last, ended) = times[0], times[-1]
    return (ended - began) / (last - first)


def main() -> None:
    import time

    arguments = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        work, path = Path(folder), arguments.data
        if path is None:
            import numpy as np

            path = str(work / "images.npy")
            np.save(path, np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8))
        told, ratios, steps, bare_steps = [], [], [], []
        for repetition in range(arguments.repetitions):
            run, bare, out = (work / f"{name}{repetition}" for name in ("run", "bare", "told"))
            words = ["fit", path, "--binarize", "stochastic", "--test", "5000", "--valid", "5000", "--out", run]
            words += ["--hidden", "400", "--latent", "20", "--epochs", arguments.epochs, "--batch", "128"]
            command = [sys.executable, "-c", COMMAND, out, time.time(), *words]
            subprocess.run(list(map(str, command)), check=True, capture_output=True)
            subprocess.run([sys.executable, "-c", BARE, path, str(bare), str(arguments.epochs)], check=True)
            told.append(json.loads(out.read_text()))
            times = seconds_per_step(run / "history.csv"), seconds_per_step(bare / "history.csv")
            steps.append(times[0])
            bare_steps.append(times[1])
            ratios.append(times[1] / times[0])
    first = [one["first_step"] for one in told]
    memory = [one["mib_above_import"] for one in told]
    print(f"from the command to its first step: {statistics.median(first):.2f} s (least {min(first):.2f})")
    print(f"a step of the command: {1000 * statistics.median(steps):.3f} ms, validation included")
    least = min(bare_steps) / min(steps)
    middle = statistics.median(ratios)
    print(
        f"its throughput beside lb.fit: {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), by the least {least:.3f}"
    )
    print(f"its memory above the import: {max(memory):.0f} MiB at most")


if __name__ == "__main__":
    main()
