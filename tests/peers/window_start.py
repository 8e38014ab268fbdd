"""How long Limn takes from its start to a window that is drawn; prints seconds.

    python window_start.py LIMN [--home FOLDER] [--software]

Needs Xvfb. The window is drawn once most of the screen has no longer the colour that an empty screen has. `--software` hides
Vulkan drivers, so that a machine without a GPU draws through OpenGL.
"""

from __future__ import annotations

import argparse
import mmap
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

SIZE = (1440, 900)
# Pixels that are looked at, of all.
EVERY = 997
PATIENCE_SECS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("limn", type=Path)
    parser.add_argument("--home", type=Path, help="of Limn; without one, a new one")
    parser.add_argument("--software", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"{measured(arguments, Path(folder)):.3f}")


def measured(arguments: argparse.Namespace, folder: Path) -> float:
    number, ready = os.pipe()
    screen = f"{SIZE[0]}x{SIZE[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(ready), "-screen", "0", screen, "-fbdir", folder], pass_fds=[ready], stderr=subprocess.DEVNULL
    )
    try:
        os.close(ready)
        display = os.read(number, 16).decode().strip()
        environment = os.environ | {"DISPLAY": f":{display}", "LIMN_HOME": str(arguments.home or folder / "home")}
        environment.pop("WAYLAND_DISPLAY", None)
        if arguments.software:
            environment |= {"VK_DRIVER_FILES": "/nonexistent", "LIBGL_ALWAYS_SOFTWARE": "1"}
        with open(folder / "Xvfb_screen0", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pixels:
            return until_drawn(arguments.limn, environment, pixels)
    finally:
        server.terminate()
        server.wait()


def until_drawn(limn: Path, environment: dict[str, str], pixels: mmap.mmap) -> float:
    # The picture is the file's end, before it a header.
    first = len(pixels) - 4 * SIZE[0] * SIZE[1]
    places = range(first, len(pixels), 4 * EVERY)
    empty = [pixels[place : place + 3] for place in places]
    start = time.monotonic()
    window = subprocess.Popen([limn], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while time.monotonic() - start < PATIENCE_SECS:
            changed = sum(pixels[place : place + 3] != before for place, before in zip(places, empty))
            if 2 * changed > len(empty):
                return time.monotonic() - start
            if window.poll() is not None:
                raise SystemExit(f"{limn} ended before its window was there")
            time.sleep(0.005)
        raise SystemExit(f"no window within {PATIENCE_SECS} s")
    finally:
        os.killpg(window.pid, signal.SIGTERM)
        window.wait()


if __name__ == "__main__":
    main()
