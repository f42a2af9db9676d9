(
set -eu
curl -fsS -H "Authorization: Bearer $TIEBREAK_TOKEN" \
     "@SITE@/api/v1/projects/@SLUG@/leaderboard"
)
