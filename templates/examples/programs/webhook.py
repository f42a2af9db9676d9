import base64
import hashlib
import hmac
import time


def is_ours(secret, headers, body):
    """Whether a message was sent by this site, lately, as it is; False for whatever else comes."""
    uid, moment, signature = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    said = f"{uid}.{moment}.".encode(errors="replace") + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = b"v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest())
    if not hmac.compare_digest(wanted, signature.encode(errors="replace")):
        return False
    return abs(time.time() - int(moment)) < 300
