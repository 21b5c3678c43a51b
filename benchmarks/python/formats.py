"""Jobs of HDF5 and of SQLite over HTTP: one of many texts. Their packages are in a directory of their own."""

import sys


def text(number):
    return f"a text of the record {number}"


def files(packages, hdf5, sqlite, count):
    """Writes a million texts as an HDF5 data set in chunks, and as a table of SQLite by key."""
    sys.path.append(packages)
    import apsw
    import h5py
    import numpy

    def run(_):
        with h5py.File(hdf5, "w", libver="latest") as file:
            texts = numpy.array([text(i).encode() for i in range(count)])
            file.create_dataset("texts", data=texts, chunks=(1024,))
        database = apsw.Connection(sqlite)
        database.execute("CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        rows = sorted((f"entry-{i}", text(i)) for i in range(count))
        with database:
            database.executemany("INSERT INTO entries VALUES (?, ?)", rows)
        database.execute("VACUUM")
        database.close()

    return {"run": run}


def h5py_s3fs(packages, endpoint, region, credentials, path):
    sys.path.append(packages)
    import h5py
    from s3_files import filesystem

    fs = filesystem(endpoint, region, credentials)

    def run(number):
        # With the default, blocks of 50 MB, the whole object would be read.
        with fs.open(path, "rb", block_size=64 * 1024, cache_type="background") as source:
            with h5py.File(source, "r") as file:
                check(number, file["texts"][number].decode())

    return {"before": lambda _: fs.invalidate_cache(), "run": run}


def sqlite_http(packages, url):
    sys.path.append(packages)
    import apsw
    import urllib3

    pool = urllib3.PoolManager()

    class RangeFile:
        """A database at a URL. SQLite reads it page by page."""

        def __init__(self):
            self.size = None
            self.start = self.read(0, 4096)

        def read(self, offset, amount):
            headers = {"range": f"bytes={offset}-{offset + amount - 1}"}
            response = pool.request("GET", url, headers=headers)
            if response.status != 206:
                raise OSError(f"{response.status} for {headers}")
            self.size = int(response.headers["content-range"].split("/")[1])
            return response.data

        def xRead(self, amount, offset):
            if offset + amount <= len(self.start):
                return self.start[offset : offset + amount]
            return self.read(offset, amount)

        def xFileSize(self):
            return self.size

        def xLock(self, level):
            pass

        def xUnlock(self, level):
            pass

        def xCheckReservedLock(self):
            return False

        def xFileControl(self, op, pointer):
            return False

        def xSectorSize(self):
            return 4096

        def xDeviceCharacteristics(self):
            return apsw.SQLITE_IOCAP_IMMUTABLE

        def xClose(self):
            pass

    class HttpVfs(apsw.VFS):
        def __init__(self):
            super().__init__("http", "")

        def xOpen(self, name, flags):
            return RangeFile()

    vfs = HttpVfs()

    def run(number):
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        database = apsw.Connection("file:entries?immutable=1", flags=flags, vfs="http")
        query = "SELECT value FROM entries WHERE key = ?"
        check(number, database.execute(query, (f"entry-{number}",)).fetchone()[0])
        database.close()

    return {"run": run, "vfs": vfs}


def check(number, value):
    if value != text(number):
        raise ValueError(f"The value of {number} is wrong: {value}")
