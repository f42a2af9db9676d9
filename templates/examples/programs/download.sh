(
set -eu
curl -fsS -H "Authorization: Bearer $TIEBREAK_TOKEN" -D headers.txt \
     -o @SLUG@-trl.jsonl "@SITE@/api/v1/projects/@SLUG@/export?format=trl"

# Whole? The receipt says how many rows and bytes were written, and their digest.
receipt=$(tr -d '\r' < headers.txt | sed -n 's/^x-tiebreak-export: //Ip')
curl -fsS -H "Authorization: Bearer $TIEBREAK_TOKEN" \
     "@SITE@/api/v1/projects/@SLUG@/exports/$receipt"
sha256sum @SLUG@-trl.jsonl
)
