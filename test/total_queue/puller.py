"""A consumer of the total-queue check that pulls: leases, writes down what it got, then settles.

    puller.py PORT QUEUE FILE SEED

The file is the handlers' one (record.py). By a random number generator of SEED it gives messages back without having
handled them, or asks for them again. It goes on through everything until it is killed.
"""

import http.client
import json
import random
import sys
import time

import record

port, queue, path, seed = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
written = record.open_record(path)
chance = random.Random(seed)


def call(connection, verb, message):
    connection.request("POST", f"/parley/queues/{queue}:{verb}", json.dumps(message), {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    if response.status != 200:
        raise OSError(f"{verb}: {response.status} {text.decode(errors='replace')}")
    return json.loads(text)


def settlement(delivery):
    fate = chance.random()
    if fate < 0.03:
        return {"leaseId": delivery["leaseId"], "kind": "RELEASE"}
    if fate < 0.06:
        return {"leaseId": delivery["leaseId"], "kind": "RETRY", "delay": "0.050s"}
    work = delivery["message"]["json"]
    record.write(written, work["lane"], work["number"])
    return {"leaseId": delivery["leaseId"], "kind": "DONE"}


def pull(connection):
    deliveries = call(connection, "lease", {"maxMessages": chance.randint(1, 8), "wait": "1s", "json": True}).get("deliveries", [])
    if deliveries:
        call(connection, "settle", {"settlements": [settlement(delivery) for delivery in deliveries]})


while True:
    kept = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        while True:
            pull(kept)
    except (OSError, http.client.HTTPException) as error:
        print(repr(error), flush=True)
    finally:
        kept.close()
    time.sleep(0.05)
