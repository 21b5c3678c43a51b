"""
Process of a Python contestant: the counterpart of src/runner.ts. Messages are JSON, one per line.
"""

import importlib
import json
import os
import resource
import sys
import time


def lap(job, repeat, argument):
    before = job.get("before")
    if before is not None:
        before(argument)
    run = job["run"]
    cpu = time.process_time()
    start = time.perf_counter()
    for _ in range(repeat):
        result = run(argument)
    wall = time.perf_counter() - start
    cpu = time.process_time() - cpu
    after = job.get("after")
    return {
        "wallMs": wall * 1000 / repeat,
        "cpuMs": cpu * 1000 / repeat,
        "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "facts": {} if after is None else after(result),
    }


def main():
    # Libraries may print: only responses may reach the pipe.
    responses = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = None
    for line in sys.stdin:
        request = json.loads(line)
        if "job" in request:
            file, name = request["job"].split("/")
            job = getattr(importlib.import_module(file), name)(**request["parameters"])
            response = job.get("facts", {})
        else:
            response = lap(job, request["repeat"], request.get("argument"))
        responses.write(json.dumps(response) + "\n")
        responses.flush()


main()
