"""Croissant metadata (MLCommons, version 1.0) of a snapshot, for catalogues and loaders that read it."""

from typing import Any

from app.snapshots import citing, licences, media
from app.snapshots.columns import MESSAGE, MESSAGES, Column, told

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

ABOUT = {
    "train": "Preferences to train with.",
    "test": "Preferences on the prompts that are held out to test with.",
}


def describe(
    manifest: dict[str, Any], files: list[dict[str, Any]], description: str, keywords: list[str]
) -> dict[str, Any]:
    """The document."""
    rows = [file for file in files if file["path"].startswith("data/")]
    project, label = manifest["project"]["name"], manifest["snapshot"]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": label,
        "description": description,
        "keywords": keywords,
        "creator": {"@type": "sc:Organization", "name": project},
        "datePublished": manifest["made_at"],
        "version": f"{manifest['version']}.0.0",
        "license": licences.address(manifest["licence"]),
        "url": f"urn:tiebreak:{manifest['project']['slug']}:{label}",
        "citeAs": citing.citation(manifest),
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
        "encodingFormat": media.media_type(path, media.CROISSANT),
        "sha256": file["sha256"],
    }


def _record_set(file: dict[str, Any], *, margin: bool) -> dict[str, Any]:
    name = file["split"]
    source = {"fileObject": {"@id": file["path"]}}
    messages = [_messages(name, column, about, source) for column, about in MESSAGES.items()]
    fields = [_field(name, column, meant, source) for column, meant in told(margin=margin).items()]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": ABOUT[name],
        "field": messages + fields,
    }


def _field(parent: str, column: str, meant: Column, source: dict[str, Any]) -> dict[str, Any]:
    repeated = {"repeated": True} if meant.repeated else {}
    read = {"dataType": meant.kind, "source": source | {"extract": {"column": column}}}
    return _named(f"{parent}/{column}", meant.about) | repeated | read


def _messages(parent: str, column: str, about: str, source: dict[str, Any]) -> dict[str, Any]:
    name, extract = f"{parent}/{column}", source | {"extract": {"column": column}}
    parts = [
        _named(f"{name}/{part}", said)
        | {"dataType": "sc:Text", "source": extract | {"transform": {"jsonPath": part}}}
        for part, said in MESSAGE.items()
    ]
    return _named(name, about) | {"repeated": True, "subField": parts}


def _named(name: str, about: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name, "description": about}
