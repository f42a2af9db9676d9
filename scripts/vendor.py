"""Fetch the pinned browser libraries into static/vendor and tests/vendor; build the icon sprite and the font.

Run it after changing a version, an integrity digest (`npm view NAME@VERSION dist.integrity`), the list of
icons or that of characters, and commit what it writes. It needs npm and `pip install 'fonttools[woff]'`;
running and testing the application does not.
"""

from __future__ import annotations

import base64
import hashlib
import io
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
STIX = Package(
    "@fontsource/stix-two-math",
    "5.3.0",
    "negoeozw6VSXjZMozwKRSm/dhCQT62csZcuea9I8KYqPaZq/8KbbBBrA02ZHF7AyuR5mVML/p+q0bwFuSIf2GQ==",
    {"LICENSE": "static/vendor/LICENSES/stix-two-math.txt"},
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

# What formulas are made of: the whole font is four times as large. Letters of formulas are in the last block.
CHARACTERS = """
20-7E A0 A7-A9 AC AE-B1 B4-B7 D7 F7 131 237 2C6 2C7 2D8-2DA 2DC 300-304 306-308 30A 30C 332 338 391-3C9 3D1
3D5 3D6 3F0 3F1 3F5 2010-2016 2018-201D 2020-2022 2026 2032-2035 203E 2044 2057 2061-2064 20D6 20D7 20E1
2102 210A-2113 2115 2118-211D 2124 2127-2138 2190-21FF 2200-22FF 2308-230B 231C-231F 2322 2323 23B0 23B1
23DC-23E1 25A0 25A1 25AA 25B3 25B5 25B9 25BD 25C3 25CA 25CB 2605 2660-2663 266D-266F 2713 27C2 27E6-27EF
27F5-27FF 2A00-2A06 2A0C 2A3F 2A7D 2A7E 2A85-2A8C 2AAF 2AB0 2AC5 2AC6 2ACB 2ACC FE00 1D400-1D607 1D670-1D755
1D7CE-1D7E1 1D7F6-1D7FF
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


def formula_font(stix: tarfile.TarFile) -> bytes:
    """The font's characters of CHARACTERS, with all that setting formulas takes and without hints."""
    from fontTools import subset

    options = subset.Options(
        flavor="woff2", hinting=False, layout_features=["ssty", "dtls", "flac", "rtlm", "ccmp"]
    )
    font = subset.load_font(io.BytesIO(read(stix, "files/stix-two-math-latin-400-normal.woff2")), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(" ".join(CHARACTERS.split())))
    subsetter.subset(font)
    made = io.BytesIO()
    subset.save_font(font, made, options)
    return made.getvalue()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for package in (HTMX, LUCIDE, STIX, AXE):
            with fetch(package, Path(folder)) as archive:
                copy_files(package, archive)
                if package is LUCIDE:
                    (ROOT / "static/icons.svg").write_text(sprite(archive), encoding="utf-8")
                if package is STIX:
                    (ROOT / "static/vendor/stix-two-math.woff2").write_bytes(formula_font(archive))
            sys.stdout.write(f"{package.name} {package.version}\n")


if __name__ == "__main__":
    main()
