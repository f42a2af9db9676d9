"""What a snapshot is cited by, in the same words on its page, in its card and in its Croissant metadata."""

import re
from typing import Any

# What stands for the digest in the folder, none of whose files can hold one that hangs on itself.
TO_FILL_IN = "DIGEST"
# What TeX takes for its own.
SPECIAL = re.compile(r"[#$%&_{}~^\\]")


def citation(manifest: dict[str, Any], digest: str = TO_FILL_IN, address: str = "") -> str:
    """A line: project, name, version, day, digest of SHA256SUMS and, where given, the address."""
    what = f"{manifest['project']['name']}: {manifest['name']}, version {manifest['version']}"
    return f"{what}. {manifest['made_at'][:10]}. {_made_with(manifest)}. {_told(digest)}. {address}".rstrip()


def bibtex(manifest: dict[str, Any], digest: str, address: str) -> str:
    """The same as an entry whose key is the snapshot's label."""
    project = SPECIAL.sub(lambda found: rf"{{\char{ord(found[0])}}}", manifest["project"]["name"])
    fields = {
        "title": f"{{{project}: {manifest['name']}}}",
        "version": manifest["version"],
        "year": manifest["made_at"][:4],
        "date": manifest["made_at"][:10],
        "howpublished": _made_with(manifest),
        "note": _told(digest),
        "url": address,
    }
    lines = "".join(f",\n  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{manifest['snapshot']}{lines}\n}}"


def _made_with(manifest: dict[str, Any]) -> str:
    return f"Snapshot made with Tiebreak {manifest['code']['tiebreak']}"


def _told(digest: str) -> str:
    return f"SHA-256 of its SHA256SUMS: {digest}"
