"""Croissant metadata (MLCommons, version 1.0) of a snapshot, for catalogues and loaders that read it."""

import re
from typing import Any

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

# Columns of data/*.parquet by what their values are; a list has many of them in a row.
FIELDS: dict[str, str | list[str]] = {
    "pair_id": "sc:Text",
    "prompt_id": "sc:Text",
    "chosen_model": "sc:Text",
    "rejected_model": "sc:Text",
    "votes": "sc:Integer",
    "agreement": "sc:Float",
    "strength": "sc:Float",
    "annotators": ["sc:Text"],
    "human_votes": "sc:Integer",
    "model_votes": "sc:Integer",
    "simulated_votes": "sc:Integer",
    "adjudicated": "sc:Boolean",
    "guideline_version": "sc:Integer",
    "judged_at": "sc:Text",
    "language": "sc:Text",
    "category": "sc:Text",
    "split": "sc:Text",
}
# Lists of messages, and what each of those has.
MESSAGES = {
    "prompt": "The conversation up to the turn to be answered.",
    "chosen": "The response that was preferred.",
    "rejected": "The response that was not.",
}
MESSAGE = ("role", "content")

# Short names as catalogues of data sets have them; Creative Commons' follow a rule of their own.
LICENCES = {
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "mit": "https://opensource.org/license/mit",
    "odbl": "https://opendatacommons.org/licenses/odbl/1-0/",
    "odc-by": "https://opendatacommons.org/licenses/by/1-0/",
    "pddl": "https://opendatacommons.org/licenses/pddl/1-0/",
}
CREATIVE_COMMONS = re.compile(r"cc-(by(?:-nc)?(?:-nd|-sa)?)-([1-4]\.[05])")

MEDIA_TYPES = {"parquet": "application/x-parquet", "zst": "application/zstd", "json": "application/json"}


def describe(manifest: dict[str, Any], files: list[dict[str, Any]], description: str) -> dict[str, Any]:
    """The document."""
    rows = [file for file in files if file["path"].startswith("data/")]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest["snapshot"],
        "description": description,
        "datePublished": manifest["made_at"],
        "version": f"{manifest['version']}.0.0",
        "license": _licence(manifest["licence"]),
        "url": f"urn:tiebreak:{manifest['project']['slug']}:{manifest['snapshot']}",
        "citeAs": f"{manifest['project']['name']}, {manifest['snapshot']}, {manifest['made_at'][:10]}",
        "distribution": [_file_object(file) for file in files],
        "recordSet": [_record_set(file, margin=manifest["policy"]["margin"]) for file in rows],
    }


def _file_object(file: dict[str, Any]) -> dict[str, Any]:
    path = file["path"]
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{file['bytes']} B",
        "encodingFormat": MEDIA_TYPES.get(path.rpartition(".")[2], "text/plain"),
        "sha256": file["sha256"],
    }


def _licence(name: str) -> str:
    """Its address where that is known, else the short name itself."""
    parts = CREATIVE_COMMONS.fullmatch(name)
    if parts is not None:
        return f"https://creativecommons.org/licenses/{parts[1]}/{parts[2]}/"
    return LICENCES.get(name, name)


def _record_set(file: dict[str, Any], *, margin: bool) -> dict[str, Any]:
    name = file["split"]
    source = {"fileObject": {"@id": file["path"]}}
    columns = FIELDS | ({"margin": "sc:Float"} if margin else {})
    messages = [_messages(name, column, about, source) for column, about in MESSAGES.items()]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": messages + [_field(name, column, kind, source) for column, kind in columns.items()],
    }


def _field(parent: str, column: str, kind: str | list[str], source: dict[str, Any]) -> dict[str, Any]:
    told = {"repeated": True, "dataType": kind[0]} if isinstance(kind, list) else {"dataType": kind}
    return _named(f"{parent}/{column}") | told | {"source": source | {"extract": {"column": column}}}


def _messages(parent: str, column: str, about: str, source: dict[str, Any]) -> dict[str, Any]:
    name, extract = f"{parent}/{column}", source | {"extract": {"column": column}}
    parts = [
        _named(f"{name}/{part}")
        | {"dataType": "sc:Text", "source": extract | {"transform": {"jsonPath": part}}}
        for part in MESSAGE
    ]
    return _named(name) | {"description": about, "repeated": True, "subField": parts}


def _named(name: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name}
