"""Jobs of msglc on S3, through s3fs."""

from msglc.reader import LazyReader, to_obj
from s3_files import filesystem


def cold(endpoint, region, credentials, path):
    fs = filesystem(endpoint, region, credentials)

    def before(_):
        # Clears cached metadata. Connections stay open for both sides.
        fs.invalidate_cache()

    def run(paths):
        with LazyReader(path, fs=fs) as reader:
            return [to_obj(reader.read(keys)) for keys in paths]

    return {"before": before, "run": run}


def value(endpoint, region, credentials, path):
    job = cold(endpoint, region, credentials, path)
    return {**job, "run": lambda number: job["run"]([[f"entry-{number}"]])}
