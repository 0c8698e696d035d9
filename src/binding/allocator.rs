//! Which allocator the addon uses.

use mimalloc_safe::MiMalloc;

/// An update is allocated on a network thread and freed on a pool thread, many hundred thousand times a second. The
/// allocator of glibc makes both wait for the lock of one arena, and musl's makes all threads wait for one.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
