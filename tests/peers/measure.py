"""Measures Limn beside its peers: the same random weights, size and steps, in turns, and writes the table.

    pip install -r tests/peers/requirements.txt
    cargo build --release
    python tests/peers/measure.py --limn target/release/limn --models FOLDER [--rounds 3] [--shapes NAME …] [--device gpu] [--table FILE]

FOLDER gets what `tests/reference/make_full_size.py` makes, once: 2 to 14 GB for each family. Each round starts every program anew, so that a
busy minute meets all of them. The table has medians and, in brackets, the smallest and largest; the ratio is that of
the medians. Whatever else the machine does falls on all alike, and makes the spread wider: read the spread first.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
STAGES = {"step": "a U-Net call, both sides of guidance", "decode": "decoding", "text": "text", "picture": "a picture, loaded", "load": "loading"}
# Limn's engine steps back behind other programs by this much, and so do the peers: else a busy minute would meet one side alone.
NICENESS = 5
DIFFUSERS, SDCPP = "diffusers", "sdcpp"


@dataclass(frozen=True)
class Shape:
    title: str
    family: str
    size: str
    steps: int
    peers: tuple[str, ...] = (DIFFUSERS, SDCPP)
    # What is not said here is the model's own.
    sampling: tuple[str, ...] = ("--sampler", "euler")
    rounds: int | None = None


UNCLIP = ("--prior-steps", "2")
# Calls of XL at 128² latents take minutes: one round.
SHAPES = {
    "doodle": Shape("Doodle's base picture, 128²", "doodle", "128x128", 20, (DIFFUSERS,), ("--prior-steps", "10")),
    "unclip": Shape("unCLIP of 1.25 B, 512² (64² latents)", "unclip", "512x512", 3, (DIFFUSERS,), UNCLIP),
    "sd15": Shape("Stable Diffusion 1.5, 512² (64² latents)", "stable_diffusion", "512x512", 3),
    "xl": Shape("Stable Diffusion XL, 512² (64² latents)", "stable_diffusion_xl", "512x512", 2),
    "xl-1024": Shape("Stable Diffusion XL, 1024² (128² latents)", "stable_diffusion_xl", "1024x1024", 2, (DIFFUSERS,), rounds=1),
}
DOODLE = HERE.parents[1] / "assets" / "doodle"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limn", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--peers", nargs="*", default=[DIFFUSERS, SDCPP])
    parser.add_argument("--software-window", action="store_true", help="draw the window through OpenGL in software")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--table", type=Path, help="the section is added at this file's end instead of printed")
    arguments = parser.parse_args()
    section = [heading(arguments), f"\n{starts(arguments)}"]
    for shape in map(SHAPES.get, arguments.shapes):
        runs = measured(arguments, model(arguments.models, shape), shape)
        section.append(f"\n{shape.title}, {shape.steps} steps\n\n{table(runs)}")
    text = "\n".join(section) + "\n"
    if arguments.table:
        with open(arguments.table, "a") as file:
            file.write("\n" + text)
    else:
        print(text)


def model(models: Path, shape: Shape) -> Path:
    """A folder, and beside it the same parts as one file in the original names, which is what stable-diffusion.cpp reads."""
    if shape.family == "doodle":
        return DOODLE
    folder = models / shape.family
    script = HERE.parent / "reference" / "make_full_size.py"
    wanted = [(folder, folder / "model_index.json")]
    if SDCPP in shape.peers:
        wanted.append((single_file(folder), single_file(folder)))
    for path, done in wanted:
        if not done.exists():
            subprocess.run([sys.executable, script, path, "--family", shape.family], check=True)
    return folder


def single_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.safetensors")


def measured(arguments: argparse.Namespace, folder: Path, shape: Shape) -> dict[str, list[dict]]:
    runs: dict[str, list[dict]] = {}
    for i_round in range(shape.rounds or arguments.rounds):
        # Each begins a round once.
        programs = ["limn", *(peer for peer in arguments.peers if peer in shape.peers)]
        for program in programs[i_round % len(programs) :] + programs[: i_round % len(programs)]:
            numbers = run_limn(arguments, folder, shape) if program == "limn" else run_peer(program, arguments, folder, shape)
            print(f"{program}: {json.dumps(numbers)}", file=sys.stderr, flush=True)
            runs.setdefault(program, []).append(numbers)
    return runs


def starts(arguments: argparse.Namespace) -> str:
    """What Limn takes until anything can be done, with its built-in model: medians of all rounds."""
    times: dict[str, list[float]] = {"engine start": [], "a first picture by `limn generate`": [], "window until it is drawn": []}
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as home:
            environment = environment_of(arguments) | {"LIMN_HOME": home}
            bench = [arguments.limn, "bench", "--model", DOODLE, "--device", "cpu", "--steps", "1", "--runs", "1", "--json"]
            lines = subprocess.run(bench, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()
            times["engine start"].append(json.loads(lines[-1])["start_seconds"])
        with tempfile.TemporaryDirectory() as home:
            generate = [arguments.limn, "generate", "--model", DOODLE, "--device", "cpu", "--prompt", "a red sailboat on the sea"]
            start = time.monotonic()
            subprocess.run(
                [*generate, "--out", f"{home}/boat.png"], check=True, capture_output=True, env=environment | {"LIMN_HOME": home}
            )
            times["a first picture by `limn generate`"].append(time.monotonic() - start)
        if shutil.which("Xvfb"):
            command = [sys.executable, HERE / "window_start.py", arguments.limn] + ["--software"] * arguments.software_window
            seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            times["window until it is drawn"].append(float(seconds))
    rows = [f"| {what} | {statistics.median(some):.2f} s ({min(some):.2f}–{max(some):.2f}) |" for what, some in times.items() if some]
    return "\n".join(["| Limn alone, a new home each time | |", "|---|---|", *rows])


def environment_of(arguments: argparse.Namespace) -> dict[str, str]:
    return os.environ | {"RAYON_NUM_THREADS": str(arguments.threads)}


def run_limn(arguments: argparse.Namespace, folder: Path, shape: Shape) -> dict:
    command = [arguments.limn, "bench", "--model", folder, "--device", arguments.device, "--dtype", dtype(arguments)]
    command += ["--size", shape.size, "--steps", str(shape.steps), "--runs", "1", *shape.sampling, "--json"]
    environment = environment_of(arguments)
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    finished = next(event for event in events if event["event"] == "finished")
    bench = next(event for event in events if event["event"] == "bench")
    stages, step = finished["stages"], statistics.median(finished["steps"])
    return {
        "name": "Limn", "load": bench["load_seconds"], "picture": bench["picture_seconds"][0], "step": step,
        "text": stages.get("text"), "decode": stages["decode"], "peak_bytes": finished["peak_resident_bytes"],
    }


def run_peer(peer: str, arguments: argparse.Namespace, folder: Path, shape: Shape) -> dict:
    model = single_file(folder) if peer == SDCPP else folder
    command = [sys.executable, HERE / f"{peer}_peer.py", model, "--size", shape.size, "--steps", str(shape.steps)]
    command += ["--threads", str(arguments.threads), "--dtype", dtype(arguments)]
    if "--prior-steps" in shape.sampling:
        command += shape.sampling
    if peer == DIFFUSERS and arguments.device == "gpu":
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
        times = {program: [run[stage] for run in runs[program] if run.get(stage) is not None] for program in programs}
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
