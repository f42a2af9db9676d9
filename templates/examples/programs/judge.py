# Its judgments count as a judge model's once a lead has said so, on the page of members or by
# tiebreak project member @SLUG@ EMAIL --role annotator --judge-model
import json
import os
import uuid
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API = "@SITE@/api/v1/projects/@SLUG@"
HEADERS = {"Authorization": f"Bearer {os.environ['TIEBREAK_TOKEN']}", "Content-Type": "application/json"}
# What this project requires beside the outcome; a strength goes with "a" and "b" alone.
REQUIRED = "@REQUIRED@"


def post(path, body=None):
    data = json.dumps(body or {}).encode()
    try:
        with urlopen(Request(API + path, data=data, headers=HEADERS)) as answer:
            return json.load(answer) if answer.status != 204 else None
    except HTTPError as error:
        raise SystemExit(error.read().decode()) from None


def judge(prompt, a, b):
    """Your judge model goes here; this project takes the outcomes @OUTCOMES@."""
    return {"outcome": "a" if len(a) < len(b) else "b"} | REQUIRED


judged = 0
while pair := post("/assignments"):
    prompt, a, b = (pair[side]["messages"][-1]["content"] for side in ("prompt", "response_a", "response_b"))
    # The same submission_id sent again is the same judgment: safe to repeat.
    verdict = {"assignment_id": pair["assignment_id"], "submission_id": uuid.uuid4().hex}
    post("/judgments", verdict | judge(prompt, a, b))
    judged += 1
print(judged, "judged")
