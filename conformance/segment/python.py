"""Segment's Python client sends every kind of call to an intake, and what it sent is printed as one JSON document.

python python.py URL WRITE_KEY
"""

import json
import sys

from segment.analytics.client import Client

url, write_key = sys.argv[1:3]
failed = []
sent = []
client = Client(
    write_key,
    host=url,
    gzip=True,
    upload_size=30,
    upload_interval=0.2,
    on_error=lambda error, items: failed.append(str(error)),
)


def call(result):
    """Remembers a call as the client has queued it."""
    queued, message = result
    if not queued:
        failed.append("the queue is full")
    sent.append(message)


call(client.identify("p1", {"email": "p1@example.com", "name": "Zoë", "age": 30, "vip": True}))
call(client.group("p1", "g1", {"name": "Rosebud", "employees": 12}))
call(client.track("p1", "Order Placed", {"total": 12.5, "tags": ["a", "b"], "note": "", "nothing": None}))
call(client.page(anonymous_id="anon", name="Home", properties={"url": "https://example.com/?a=1"}))
call(client.screen("p1", name="Basket"))
call(client.alias("anon", "p1"))
for n in range(100):
    call(client.track(f"p{n % 3}", "Counted", {"n": n}))
client.shutdown()
print(json.dumps({"sent": sent, "failed": failed}, default=str))
