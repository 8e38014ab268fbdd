"""Measures Limn beside its peers: the same random weights, size and steps, in turns, and writes the table.

    pip install -r tests/peers/requirements.txt
    cargo build --release
    python tests/peers/measure.py --limn target/release/limn --models FOLDER [--rounds 3] [--device gpu] [--table FILE]

FOLDER gets what `tests/reference/make_full_size.py` makes, once: 9 GB. Each round starts every program anew, so that a
busy minute meets all of them. The table has medians and, in brackets, the smallest and largest; the ratio is that of
the medians. Whatever else the machine does falls on all alike, and makes the spread wider: read the spread first.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
STAGES = {"step": "a U-Net call, both sides of guidance", "decode": "decoding", "text": "text", "picture": "a picture, loaded", "load": "loading"}
# Limn's engine steps back behind other programs by this much, and so do the peers: else a busy minute would meet one side alone.
NICENESS = 5
# Name, family, size, steps.
SHAPES = (
    ("Stable Diffusion 1.5, 512²", "stable_diffusion", "512x512", 3),
    ("Stable Diffusion XL, 512²", "stable_diffusion_xl", "512x512", 2),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limn", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--families", nargs="+", default=[family for _, family, _, _ in SHAPES])
    parser.add_argument("--peers", nargs="*", default=["diffusers", "sdcpp"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--table", type=Path, help="the section is added at this file's end instead of printed")
    arguments = parser.parse_args()
    section = [heading(arguments)]
    for name, family, size, steps in SHAPES:
        if family in arguments.families:
            folder = model(arguments.models, family)
            section.append(f"\n{name}, {steps} steps\n\n{table(measured(arguments, folder, size, steps))}")
    text = "\n".join(section) + "\n"
    if arguments.table:
        with open(arguments.table, "a") as file:
            file.write("\n" + text)
    else:
        print(text)


def model(models: Path, family: str) -> Path:
    """A folder, and beside it the same parts as one file in the original names, which is what stable-diffusion.cpp reads."""
    folder = models / family
    script = HERE.parent / "reference" / "make_full_size.py"
    for path, done in ((folder, folder / "model_index.json"), (single_file(folder), single_file(folder))):
        if not done.exists():
            subprocess.run([sys.executable, script, path, "--family", family], check=True)
    return folder


def single_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.safetensors")


def measured(arguments: argparse.Namespace, folder: Path, size: str, steps: int) -> dict[str, list[dict]]:
    runs: dict[str, list[dict]] = {}
    for i_round in range(arguments.rounds):
        # Each begins a round once.
        programs = ["limn", *arguments.peers]
        for program in programs[i_round % len(programs) :] + programs[: i_round % len(programs)]:
            numbers = run_limn(arguments, folder, size, steps) if program == "limn" else run_peer(program, arguments, folder, size, steps)
            print(f"{program}: {json.dumps(numbers)}", file=sys.stderr, flush=True)
            runs.setdefault(program, []).append(numbers)
    return runs


def run_limn(arguments: argparse.Namespace, folder: Path, size: str, steps: int) -> dict:
    command = [arguments.limn, "bench", "--model", folder, "--device", arguments.device, "--dtype", dtype(arguments)]
    command += ["--size", size, "--steps", str(steps), "--runs", "1", "--sampler", "euler", "--json"]
    environment = os.environ | {"RAYON_NUM_THREADS": str(arguments.threads)}
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    finished = next(event for event in events if event["event"] == "finished")
    bench = next(event for event in events if event["event"] == "bench")
    stages, step = finished["stages"], statistics.median(finished["steps"])
    return {
        "name": "Limn", "load": bench["load_seconds"], "picture": bench["picture_seconds"][0], "step": step,
        "text": stages["text"], "decode": stages["decode"], "peak_bytes": finished["peak_resident_bytes"],
    }


def run_peer(peer: str, arguments: argparse.Namespace, folder: Path, size: str, steps: int) -> dict:
    model = single_file(folder) if peer == "sdcpp" else folder
    command = [sys.executable, HERE / f"{peer}_peer.py", model, "--size", size, "--steps", str(steps), "--threads", str(arguments.threads)]
    command += ["--dtype", dtype(arguments)]
    if peer == "diffusers" and arguments.device == "gpu":
        command += ["--device", "cuda"]
    step_back = (lambda: os.nice(NICENESS)) if hasattr(os, "nice") else None
    output = subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=step_back).stdout
    return json.loads(output.splitlines()[-1])


def dtype(arguments: argparse.Namespace) -> str:
    return "f16" if arguments.device == "gpu" else "f32"


def heading(arguments: argparse.Namespace) -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
    machine = f"{processor()}, {arguments.threads} threads" if arguments.device == "cpu" else "a GPU"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    date = datetime.date.today()
    return f"## Beside the peers, {date:%-d %B %Y}, {machine}, {dtype(arguments)}\n\nCommit {commit}, {arguments.rounds} rounds in turns; load of the machine at the end {load:.1f}."


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(runs: dict[str, list[dict]]) -> str:
    programs = list(runs)
    rows = [["", *(runs[program][0]["name"] for program in programs), *(f"speed, {program} = 1" for program in programs[1:])]]
    for stage, title in STAGES.items():
        times = {program: [run[stage] for run in runs[program] if stage in run] for program in programs}
        medians = {program: statistics.median(some) for program, some in times.items() if some}
        cells = [f"{medians[p]:.2f} s ({min(times[p]):.2f}–{max(times[p]):.2f})" if p in medians else "–" for p in programs]
        ratios = [f"{medians[p] / medians['limn']:.2f}" if p in medians else "–" for p in programs[1:]]
        rows.append([title, *cells, *ratios])
    peaks = {program: statistics.median(run["peak_bytes"] for run in runs[program]) for program in programs}
    rows.append(["peak memory", *(f"{peaks[p] / 2**30:.2f} GiB" for p in programs), *(f"× {peaks['limn'] / peaks[p]:.2f}" for p in programs[1:])])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


if __name__ == "__main__":
    main()
