"""Keeps the curves of the trainings in a state, thinned out, beside the weights' recipe."""

from __future__ import annotations

import argparse
from pathlib import Path

N_ROWS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "record")
    arguments = parser.parse_args()
    arguments.out.mkdir(exist_ok=True)
    for curve in sorted(arguments.state.glob("*.csv")):
        head, *rows = curve.read_text().splitlines()
        (arguments.out / curve.name).write_text("\n".join([head, *thinned(rows)]) + "\n")


def thinned(rows: list[str]) -> list[str]:
    """At most so many, the first and the last among them."""
    if len(rows) <= N_ROWS:
        return rows
    return [rows[round(k * (len(rows) - 1) / (N_ROWS - 1))] for k in range(N_ROWS)]


if __name__ == "__main__":
    main()
