//! `millstream`: the engine and its command line.

use std::process::ExitCode;

/// The engine allocates and frees batches on many threads, where glibc's allocator fragments.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    millstream_node::main(std::env::args_os())
}
