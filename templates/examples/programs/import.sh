(
set -eu
cat > responses.jsonl <<'END'
{"prompt": "Which bird is this?", "model": "heron", "response": "A heron."}
{"prompt": "Which bird is this?", "model": "wren", "response": "A wren."}
END
curl --fail-with-body -sS -H "Authorization: Bearer $TIEBREAK_TOKEN" -H "Content-Type: application/octet-stream" \
     --data-binary @responses.jsonl "@SITE@/api/v1/projects/@SLUG@/imports?name=responses.jsonl"
)
