(
set -eu
curl --fail-with-body -sS -H "Authorization: Bearer $TIEBREAK_TOKEN" -D headers.txt \
     -o @SLUG@-trl.jsonl "@SITE@/api/v1/projects/@SLUG@/export?format=trl" || {
  # Refused (22), the file says why; cut off, it holds only some of the rows.
  [ $? -ne 22 ] || cat @SLUG@-trl.jsonl >&2
  rm -f @SLUG@-trl.jsonl
  exit 1
}

# Whole? The receipt says how many rows and bytes were written, and their digest.
receipt=$(tr -d '\r' < headers.txt | sed -n 's/^x-tiebreak-export: //Ip')
curl --fail-with-body -sS -H "Authorization: Bearer $TIEBREAK_TOKEN" \
     "@SITE@/api/v1/projects/@SLUG@/exports/$receipt"
sha256sum @SLUG@-trl.jsonl
)
