(
set -eu
file=@SLUG@-trl.jsonl
api() { curl --fail-with-body -sS -H "Authorization: Bearer $TIEBREAK_TOKEN" "$@"; }

echo "Writing $file.part; $file stays as it is until that is whole."
headers=$(api -D - -o "$file.part" "@SITE@/api/v1/projects/@SLUG@/export?format=trl") || {
  [ $? -ne 22 ] || cat "$file.part" >&2
  rm -f "$file.part"
  exit 1
}

receipt=$(echo "$headers" | tr -d '\r' | grep -i '^x-tiebreak-export:' | cut -d ' ' -f 2)
told=$(api "@SITE@/api/v1/projects/@SLUG@/exports/$receipt")
digest=$({ sha256sum "$file.part" 2>/dev/null || shasum -a 256 "$file.part"; } | cut -d ' ' -f 1)
echo "The receipt: $told"
case $told in
  *'"sha256":"'$digest'"'*) mv "$file.part" "$file"; echo "Whole: $file has the receipt's digest, $digest." ;;
  *) echo "Not whole: the digest of $file.part is $digest, not the receipt's." >&2; exit 1 ;;
esac
)
