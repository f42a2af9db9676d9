"""Croissant metadata (MLCommons, version 1.0) of a snapshot, for catalogues and loaders that read it."""

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

# Columns of one value each; messages are lists, for which loaders of Parquet need no description.
FIELDS = {
    "pair_id": "sc:Text",
    "prompt_id": "sc:Text",
    "chosen_model": "sc:Text",
    "rejected_model": "sc:Text",
    "votes": "sc:Integer",
    "agreement": "sc:Float",
    "strength": "sc:Float",
    "adjudicated": "sc:Boolean",
    "guideline_version": "sc:Integer",
    "judged_at": "sc:Text",
    "language": "sc:Text",
    "category": "sc:Text",
    "split": "sc:Text",
}

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
        "license": manifest["licence"],
        "url": f"urn:tiebreak:{manifest['project']['slug']}:{manifest['snapshot']}",
        "citeAs": f"{manifest['project']['name']}, {manifest['snapshot']}, {manifest['made_at'][:10]}",
        "distribution": [_file_object(file) for file in files],
        "recordSet": [_record_set(file) for file in rows],
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


def _record_set(file: dict[str, Any]) -> dict[str, Any]:
    name = file["split"]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": f"{name}/{column}",
                "dataType": kind,
                "source": {"fileObject": {"@id": file["path"]}, "extract": {"column": column}},
            }
            for column, kind in FIELDS.items()
        ],
    }
