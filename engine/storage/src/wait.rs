//! Waiting for a store from threads that block.
//!
//! Connectors are called on threads that may block, but some of these belong to a runtime, where waiting for a future in place
//! would panic: there each wait has a thread of its own. All waits share one runtime that is always driven: a connection outlives the
//! call that opened it and may serve the next one, of another thread.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// The future's result. Blocks the calling thread until it is there.
///
/// # Errors
/// When the system has no thread left, or the future panicked.
pub fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> io::Result<T> {
    let run = || -> io::Result<T> { Ok(Waiter::new()?.wait_for(future)) };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("storage".to_owned()).spawn_scoped(scope, run)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("waiting for the storage panicked")))
    })
}

/// The runtime of all waits, made by the first.
fn runtime() -> io::Result<Handle> {
    static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*runtime {
        return Ok(runtime.handle().clone());
    }
    let new = Builder::new_multi_thread().worker_threads(1).thread_name("storage").enable_all().build()?;
    Ok(runtime.insert(new).handle().clone())
}

/// Waits many times, on a thread that belongs to no runtime.
#[derive(Debug)]
pub struct Waiter(Handle);

impl Waiter {
    /// One for the thread that will wait.
    ///
    /// # Errors
    /// The system has nothing left for it.
    pub fn new() -> io::Result<Self> {
        Ok(Self(runtime()?))
    }

    /// As [`wait_for`]. Panics on a thread of a runtime.
    pub fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_waits_within_a_runtime_and_without_one() {
        let answer = async {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            7
        };
        assert_eq!(wait_for(answer).unwrap(), 7);
        assert_eq!(std::thread::spawn(|| wait_for(async { 8 }).unwrap()).join().unwrap(), 8);
    }

    #[test]
    fn a_panic_is_an_error() {
        let error = wait_for(async { assert_eq!(1, 2) }).unwrap_err();
        assert_eq!(error.to_string(), "waiting for the storage panicked");
    }
}
