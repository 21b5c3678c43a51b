"""Objects on S3 as files."""

import s3fs


def filesystem(endpoint, region, credentials):
    return s3fs.S3FileSystem(
        key=credentials["accessKeyId"],
        secret=credentials["secretAccessKey"],
        client_kwargs={"endpoint_url": endpoint, "region_name": region},
        skip_instance_cache=True,
    )
