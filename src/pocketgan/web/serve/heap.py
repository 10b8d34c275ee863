"""How the server's process gives memory back: settings of glibc's memory allocator."""

import ctypes

ARENA_MAX, MMAP_THRESHOLD = -8, -3
"""Parameters of `mallopt`, from glibc's `malloc.h`."""
ARENAS, LARGE = 2, 2**17
"""Largest number of heaps for all threads together, and the bytes from which a block has pages of its own."""


def limit_heap() -> bool:
    """Keeps the process from growing over hours: few heaps, and large blocks returned to the system once freed.

    By default, glibc makes up to eight heaps a core, each as large as its busiest moment, and keeps larger and larger
    blocks in them (`man mallopt`). A server with dozens of threads, each busy for a moment, holds on to all of that.

    Returns:
        Whether the allocator took the settings; with another allocator than glibc's, nothing changes.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(ARENA_MAX, ARENAS) and mallopt(MMAP_THRESHOLD, LARGE))
