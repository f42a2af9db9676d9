"""Licences by the short names that catalogues of data sets have."""

import re

SHORT = r"^[a-z0-9][a-z0-9.+-]{0,59}$"
# Nobody said; and one that is told by a name of its own.
UNKNOWN, OTHER = "unknown", "other"

# What preferences are mostly given away under, and where each is to be read.
USUAL = {
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc-by-nc-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "cc-by-nc-sa-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "odc-by": "https://opendatacommons.org/licenses/by/1-0/",
    "odbl": "https://opendatacommons.org/licenses/odbl/1-0/",
    "pddl": "https://opendatacommons.org/licenses/pddl/1-0/",
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "mit": "https://opensource.org/license/mit",
}

# https://huggingface.co/docs/hub/repositories-licenses: in front matter any other name is an error.
HUGGING_FACE = {
    *USUAL, UNKNOWN, OTHER,
    "afl-3.0", "agpl-3.0", "artistic-2.0", "bigcode-openrail-m", "bigscience-bloom-rail-1.0",
    "bigscience-openrail-m", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "bsl-1.0", "c-uda",
    "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nd-4.0", "cc-by-sa-3.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "creativeml-openrail-m",
    "deepfloyd-if-license", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "gemma", "gfdl", "gpl",
    "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "llama2", "lppl-1.3c", "mpl-2.0",
    "ms-pl", "ncsa", "ofl-1.1", "openrail", "openrail++", "osl-3.0", "postgresql", "unlicense", "wtfpl",
    "zlib",
}  # fmt: skip

_CREATIVE_COMMONS = re.compile(r"cc-(by(?:-nc)?(?:-nd|-sa)?)-([1-4]\.[05])")


def front_matter(name: str) -> dict[str, str]:
    """As Hugging Face takes it: a name that it does not know stands beside ``other``."""
    return {"license": name} if name in HUGGING_FACE else {"license": OTHER, "license_name": name}


def address(name: str) -> str:
    """Where it is to be read, as far as that is known, else the short name itself."""
    parts = _CREATIVE_COMMONS.fullmatch(name)
    if parts is not None:
        return f"https://creativecommons.org/licenses/{parts[1]}/{parts[2]}/"
    return USUAL.get(name, name)
