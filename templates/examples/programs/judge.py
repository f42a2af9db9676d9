import json
import os
import uuid
from urllib.request import Request, urlopen

API = "@SITE@/api/v1/projects/@SLUG@"
HEADERS = {"Authorization": f"Bearer {os.environ['TIEBREAK_TOKEN']}", "Content-Type": "application/json"}


def post(path, body=None):
    data = json.dumps(body or {}).encode()
    with urlopen(Request(API + path, data=data, headers=HEADERS)) as answer:
        return json.load(answer) if answer.status != 204 else None


def better(prompt, a, b):
    """Your judge model goes here: "a", "b", "tie" or "both_bad"."""
    return "a" if len(a) < len(b) else "b"


judged = 0
while pair := post("/assignments"):
    prompt, a, b = (pair[side]["messages"][-1]["content"] for side in ("prompt", "response_a", "response_b"))
    # The same submission_id sent again is the same judgment: safe to repeat.
    verdict = {"assignment_id": pair["assignment_id"], "submission_id": uuid.uuid4().hex}
    post("/judgments", verdict | {"outcome": better(prompt, a, b)})
    judged += 1
print(judged, "judged")
