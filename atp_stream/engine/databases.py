"""The databases of a worker's partitions, opened under one budget of memory for all of them.

With a cache and memtables of its own for each, a worker's memory would grow for hours and with the number of
partitions. What is outside the budget are the index and the Bloom filter of each file: some 3 % of its size.
"""

from pathlib import Path
from typing import Any, Final

import rocksdict
from faust.stores.rocksdb import RocksDBOptions

MAX_MEMORY_BYTES: Final = 48 << 20
"""What all databases of a process may hold in memory: blocks that were read, and rows not yet in a file."""
MAX_MEMTABLES_BYTES: Final = 16 << 20
"""Only who writes is made to flush, so each database keeps up to 1 MiB: more partitions would need more than this."""
_MAX_MEMTABLE_BYTES: Final = 4 << 20
_MAX_FILE_BYTES: Final = 16 << 20
_MAX_OPEN_FILES: Final = 256  # of a database
_BITS_PER_KEY: Final = 10
_MAX_LOG_BYTES: Final = 1 << 20
_LOGS_KEPT: Final = 3


class DatabaseOptions(RocksDBOptions):
    """What Faust's store opens its databases with; those that one of these opens share a budget of memory."""

    def __init__(self) -> None:
        super().__init__(use_rocksdict=True)
        self._cache = rocksdict.Cache(MAX_MEMORY_BYTES)
        # Memtables take their part of the cache; a writer never waits for that, rows go into a file earlier.
        self._memtables = rocksdict.WriteBufferManager.new_write_buffer_manager_with_cache(
            MAX_MEMTABLES_BYTES, False, self._cache
        )

    def open(self, path: Path, *, read_only: bool = False) -> Any:
        """Open the database in a directory for writing, whatever is asked, and make it if there is none."""
        database = rocksdict.Rdict(str(path), options=self.as_options())
        database.set_read_options(rocksdict.ReadOptions())
        return database

    def as_options(self) -> rocksdict.Options:
        """Return the options of one database."""
        table = rocksdict.BlockBasedOptions()
        table.set_block_cache(self._cache)
        table.set_bloom_filter(_BITS_PER_KEY, block_based=False)
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(table)
        options.set_write_buffer_manager(self._memtables)
        options.set_write_buffer_size(_MAX_MEMTABLE_BYTES)
        options.set_target_file_size_base(_MAX_FILE_BYTES)
        options.set_max_open_files(_MAX_OPEN_FILES)
        # By default its log of its own doings is never cut.
        options.set_max_log_file_size(_MAX_LOG_BYTES)
        options.set_keep_log_file_num(_LOGS_KEPT)
        return options

    @property
    def memory_bytes(self) -> int:
        """How much of the budget is used."""
        return self._cache.get_usage()
