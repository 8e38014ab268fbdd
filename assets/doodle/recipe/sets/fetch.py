"""Gets the drawing sets from the npm registry by name and exact version, and checks the licence that each one states.

`npm pack` asks the registry that npm itself is set to. The packages stay in the state: neither they nor pictures of them
are part of this folder. `assets/licences` has their notices.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str
    # Words of a licence's own text, in the file of the package that has it; iconify's packages name the licence of the
    # drawings in `info.json` instead.
    file: str = "info.json"
    words: tuple[str, ...] = ()

    @property
    def folder_name(self) -> str:
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}"


FLUENT_3D = Package("@lobehub/fluent-emoji-3d", "1.1.0", "MIT", "package.json", ('"license": "MIT"', "modern emoji from Microsoft"))
FLUENT_FLAT = Package("@iconify-json/fluent-emoji-flat", "1.2.6", "MIT", words=('"spdx": "MIT"', "microsoft/fluentui-emoji"))
FLUENT_LINES = Package("@iconify-json/fluent-emoji-high-contrast", "1.2.6", "MIT", words=('"spdx": "MIT"', "microsoft/fluentui-emoji"))
NOTO = Package("@iconify-json/noto", "1.2.9", "Apache-2.0", words=('"spdx": "Apache-2.0"', "googlefonts/noto-emoji"))
NAMES = Package("emojibase-data", "17.0.0", "MIT", "LICENSE", ("MIT License", "Permission is hereby granted, free of charge"))
PACKAGES = (FLUENT_3D, FLUENT_FLAT, FLUENT_LINES, NOTO, NAMES)


def fetch(state: Path) -> dict[Package, Path]:
    """The packages' folders, fetched where they are not there yet."""
    folder = state / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    return {package: unpacked(package, folder) for package in PACKAGES}


def unpacked(package: Package, folder: Path) -> Path:
    there = folder / package.folder_name
    if not there.exists():
        archive = folder / f"{package.folder_name}.tgz"
        if not archive.exists():
            wanted = f"{package.name}@{package.version}"
            subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(archive) as file:
            file.extractall(there, filter="data")
    check_licence(package, there / "package")
    return there / "package"


def check_licence(package: Package, folder: Path) -> None:
    """Refuses a package that no longer says that it may be used like this."""
    stated = json.loads((folder / "package.json").read_text())["license"]
    text = (folder / package.file).read_text()
    missing = [words for words in package.words if words not in text]
    if stated != package.licence or missing:
        raise SystemExit(f"{package.name} {package.version} states {stated}, not {package.licence} as expected; missing: {missing}")
