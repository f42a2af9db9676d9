(
set -eu
curl --fail-with-body -sS -H "Authorization: Bearer $TIEBREAK_TOKEN" \
     "@SITE@/api/v1/projects/@SLUG@/leaderboard"
)
