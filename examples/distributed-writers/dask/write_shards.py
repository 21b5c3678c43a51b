"""
Writes the shards of a run with msglc on a Dask cluster. combine.js combines them. Dask retries shards of lost workers, and a
shard that exists with the right content counts as done.

    pip install "dask[distributed]" boto3 msglc
    python write_shards.py s3://bucket/run-7 --shards 10000 [--scheduler tcp://host:8786]
"""

import argparse
import io
import math

import boto3
from botocore.exceptions import ClientError
from dask.distributed import Client, as_completed
from msglc import dump
from msglc.reader import LazyReader, to_obj


def compute_entry(shard, index):
    """Put your computation here."""
    phase = (shard * 1000 + index) / 100
    return {"id": f"{shard}-{index}", "energy": -13.6 * math.exp(-abs(math.sin(phase)))}


def is_complete(s3, bucket, key, task):
    """Whether the shard exists. Raises if the object is another one."""
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return False
        raise
    with LazyReader(io.BytesIO(body)) as reader:
        if to_obj(reader.read("task")) != task:
            raise ValueError(f"{key} exists, and is another shard than this task would write")
    return True


def write_shard(path, shard, entries):
    """Runs on a worker. The credentials and the endpoint are in its AWS variables."""
    bucket, prefix = path.split("/", 1)
    key = f"{prefix}/shards/shard-{shard:06d}.msglc"
    task = {"run": path, "shard": shard, "entries": entries}
    s3 = boto3.client("s3")
    if is_complete(s3, bucket, key, task):
        return "found"
    archive = io.BytesIO()
    dump(archive, {"task": task, "entries": [compute_entry(shard, i) for i in range(entries)]})
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=archive.getvalue(), IfNoneMatch="*")
        return "written"
    except ClientError as error:
        # Another attempt was faster.
        if error.response["Error"]["Code"] == "PreconditionFailed" and is_complete(s3, bucket, key, task):
            return "found"
        raise


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("--shards", type=int, default=200)
    parser.add_argument("--entries", type=int, default=10)
    parser.add_argument("--scheduler", help="default: a cluster on this machine")
    options = parser.parse_args()
    path = options.run.removeprefix("s3://").rstrip("/")
    outcomes = {"written": 0, "found": 0}
    with Client(options.scheduler) as client:
        # pure=False: Dask must not take an earlier result for the state of the bucket.
        tasks = client.map(
            write_shard, [path] * options.shards, range(options.shards), entries=options.entries, retries=8, pure=False
        )
        for task in as_completed(tasks):
            outcomes[task.result()] += 1
            task.release()
    print(outcomes)


if __name__ == "__main__":
    main()
