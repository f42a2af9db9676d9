curl -sS --fail-with-body -H "Authorization: Bearer $TIEBREAK_TOKEN" \
     "@SITE@/api/v1/projects/@SLUG@/leaderboard"
