"""The exporter's queue on the disk, for what a backend does not take for now.

backend       a destination: try the backend, else keep it on the disk
drain         the task that sends what is kept
losses        what is refused or given up after it was acknowledged; refused: the folder of it
async_queue   the queue for coroutines, writes grouped
queue         a folder of segments; segment, records: one file, and its format
rewriting     an id is taken out of what is kept; under_way: of what becomes a file later
"""

from processor.io.exporter.disk_queue.async_queue import AsyncDiskQueue
from processor.io.exporter.disk_queue.backend import QueuedBackend
from processor.io.exporter.disk_queue.queue import DiskQueue
from processor.io.exporter.disk_queue.refused import REFUSED, RefusedRequest, refused_requests

__all__ = [
    "REFUSED",
    "AsyncDiskQueue",
    "DiskQueue",
    "QueuedBackend",
    "RefusedRequest",
    "refused_requests",
]
