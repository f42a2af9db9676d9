"""Fetch the pinned browser libraries into static/vendor and tests/vendor, and build the icon sprite.

Run it after changing a version, an integrity digest (`npm view NAME@VERSION dist.integrity`) or the list of
icons, and commit what it writes. It needs npm; running and testing the application does not.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
SVG = "http://www.w3.org/2000/svg"


@dataclass(frozen=True)
class Package:
    """An npm package at one version, and where its files go (path in it -> path in the repository)."""

    name: str
    version: str
    sha512: str
    files: dict[str, str] = field(default_factory=dict)


HTMX = Package(
    "htmx.org",
    "2.0.11",
    "Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
    {"dist/htmx.min.js": "static/vendor/htmx.min.js", "LICENSE": "static/vendor/LICENSES/htmx.txt"},
)
LUCIDE = Package(
    "lucide-static",
    "1.62.0",
    "WBZA/m2PvkFpMGHDtsBck5P2A9G4ehLlYu4GwwICcmEm1BvYVgj00lCDxKRWLlbMlOibLaiwdQ88G5pHkSWgwA==",
    {"LICENSE": "static/vendor/LICENSES/lucide.txt"},
)
AXE = Package(
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    {"axe.min.js": "tests/vendor/axe.min.js", "LICENSE": "tests/vendor/axe-core-LICENSE.txt"},
)

ICONS = """
arrow-down arrow-left arrow-left-right arrow-right arrow-up ban bell book-open bot chart-line check
chevron-down chevron-right circle-alert circle-check clock copy download ellipsis external-link eye eye-off
file-text flag folder funnel gavel grid-3x3 history house inbox info key keyboard languages layers link
list-checks lock log-out menu message-square moon package panel-right pencil plus refresh-cw scale search
settings shield skip-forward sliders-horizontal sun sun-moon table tag target trash-2 triangle-alert trophy
undo-2 upload user users x
"""


def fetch(package: Package, folder: Path) -> tarfile.TarFile:
    """Download a package with npm and open it; refuse it unless its digest is the pinned one."""
    spec = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), spec]
    packed = subprocess.run(command, check=True, capture_output=True, text=True)
    archive = folder / packed.stdout.split()[-1]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.sha512:
        sys.exit(f"{spec}: expected sha512 {package.sha512}, got {digest}; nothing of it was written")
    return tarfile.open(archive)


def read(archive: tarfile.TarFile, path: str) -> bytes:
    member = archive.extractfile(f"package/{path}")
    if member is None:
        sys.exit(f"{path} is not a file in {archive.name!r}")
    return member.read()


def copy_files(package: Package, archive: tarfile.TarFile) -> None:
    for source, target in package.files.items():
        destination = ROOT / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(read(archive, source))


def sprite(icons: tarfile.TarFile) -> str:
    """One SVG document with a <symbol> per icon; colours and strokes come from the page's `.icon` class."""
    ET.register_namespace("", SVG)
    root = ET.Element(f"{{{SVG}}}svg")
    root.append(ET.Comment(f" Lucide {LUCIDE.version}, licence in vendor/LICENSES/lucide.txt "))
    for name in ICONS.split():
        drawing = ET.fromstring(read(icons, f"icons/{name}.svg"))  # noqa: S314 - the digest vouches for it
        symbol = ET.SubElement(root, f"{{{SVG}}}symbol", id=name, viewBox=drawing.attrib["viewBox"])
        for shape in drawing:
            shape.tail = None
            symbol.append(shape)
    ET.indent(root, space=" ")
    return ET.tostring(root, encoding="unicode") + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for package in (HTMX, LUCIDE, AXE):
            with fetch(package, Path(folder)) as archive:
                copy_files(package, archive)
                if package is LUCIDE:
                    (ROOT / "static/icons.svg").write_text(sprite(archive), encoding="utf-8")
            sys.stdout.write(f"{package.name} {package.version}\n")


if __name__ == "__main__":
    main()
