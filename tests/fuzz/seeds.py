"""Writes the inputs that a fuzzer begins with: what we ship and test with, and what was wrong once.

    seeds.py TARGET FOLDER
"""

import re
import sys
import zipfile
from pathlib import Path

here = Path(__file__).resolve().parent
root = here.parent.parent
target, folder = sys.argv[1], Path(sys.argv[2])

# What the reference of a spec has no value of.
SETTINGS = """\
seeds=[7, 3]
sweep.strategy={sobol={trials=4, seed=3}}
sweep.space.method.apd.coefficients.simplicity={from=0.1, to=10.0, points=3, scale='log'}
sweep.space.method.apd.rank={from=1, to=3}
sweep.slurm={partition='a', time='04:00:00', memory='8G', lines=['module load cuda'], array_limit=10}
"""

SWEEP = """
[sweep]
strategy = { random = { trials = 3 } }
[sweep.space]
"method.apd.coefficients.simplicity" = { from = 0.1, to = 10.0, points = 3, scale = "log" }
"decomposition.schedule" = ["constant", { exponential = { half_life = 10 } }]
"""


def settings():
    """Of every dotted key its default, an example or each of its words, as the reference tells them."""
    table = ""
    for line in (root / "docs/spec.md").read_text().splitlines():
        if heading := re.match(r"## (?:`\[(.+)\]`)?", line):
            table = f"{heading[1]}." if heading[1] else ""
        elif key := re.match(r"\| `(\w+)` \|", line):
            values = re.findall(r"<br>`(\".*?\")`:", line) + re.findall(r"(?:default|such as) `(.*?)`", line)
            yield from (f"{table}{key[1]}={value}" for value in values)
    yield from SETTINGS.splitlines()


def seeds():
    specs = [path.read_bytes() for path in sorted((root / "experiments").glob("*.toml"))]
    golden = sorted(path for path in (root / "tests/golden_run").iterdir())
    checkpoints = sorted(path for path in (root / "tests/checkpoints").iterdir() if path.suffix != ".json")
    if target == "spec":
        # Without comments, so that more of what matters lies in the first kilobytes.
        for spec in specs:
            lines = [line.split(b"#")[0].rstrip() for line in spec.splitlines()]
            plain = b"\n".join(line for line in lines if line) + b"\n"
            yield from (spec, plain, plain + SWEEP.encode())
    elif target == "set":
        yield "\n".join(settings()).encode()
        yield from (line.encode() for line in settings())
    elif target == "checkpoint":
        yield from (path.read_bytes() for path in checkpoints)
    elif target == "pickle":
        for path in filter(zipfile.is_zipfile, checkpoints):
            with zipfile.ZipFile(path) as archive:
                read = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
            yield read["data.pkl"] + b"STORAGE" + read["data/0"]
    elif target == "tensors":
        yield from (path.read_bytes() for path in golden if path.suffix == ".safetensors")
    elif target == "table":
        yield from (path.read_bytes() for path in golden if path.suffix == ".csv")
    elif target == "report":
        for place, path in enumerate(golden):
            yield bytes([place]) + path.read_bytes()


for place, seed in enumerate(seeds()):
    (folder / f"{place:03}").write_bytes(seed)
for path in sorted((here / "found" / target).glob("*")):
    (folder / path.name).write_bytes(path.read_bytes())
