//! Attempts at a test that has to do something while a job still reads: bounded input lasts only so long, and a slow machine may come
//! too late. That says nothing about the job, so such an attempt is made again with more time, and nothing else is.
//!
//! Example: a test that kills a worker while 4 seconds of input are read, on a machine that needs 5 s for its first epoch, raises
//! [`TooEarly`] and is made again with 12 seconds of input.

use std::panic::{self, AssertUnwindSafe, Location};
use std::time::Duration;

/// How much more time than usual each attempt has. The last one is given to a machine a tenth as fast as one on which the first is
/// enough.
pub(crate) const STRETCH: [u32; 3] = [1, 3, 9];

/// The payload of a panic: the job had finished well before the test had done what it is about.
struct TooEarly(String);

/// Ends this attempt. Only for a job that demonstrably finished well: one that crashed is a failure however slow the machine is.
#[track_caller]
pub(crate) fn too_early(what: impl std::fmt::Display) -> ! {
    let text = format!("{}: too early: {what}", Location::caller());
    // No message of a panic: most often the next attempt has enough time.
    panic::resume_unwind(Box::new(TooEarly(text)));
}

/// Makes attempts with input that takes `reading` to read at the least, or longer, until one has enough time.
///
/// # Panics
/// An attempt failed, or the last one came too late as well.
pub(crate) fn with_enough_time<T>(reading: Duration, mut attempt: impl FnMut(Duration) -> T) -> T {
    let mut late = String::new();
    for stretch in STRETCH {
        let reading = reading * stretch;
        match panic::catch_unwind(AssertUnwindSafe(|| attempt(reading))) {
            Ok(done) => return done,
            Err(payload) => match payload.downcast::<TooEarly>() {
                Ok(too_early) => late = too_early.0,
                Err(failure) => panic::resume_unwind(failure),
            },
        }
        println!("{reading:?} of input were not enough: {late}");
    }
    panic!("the machine is so slow that the input was at its end before what the test is about: {late}");
}

#[test]
fn only_what_came_too_late_is_done_again() {
    let mut times = Vec::new();
    let second = Duration::from_secs(1);
    let done = with_enough_time(second, |reading| {
        times.push(reading);
        if reading < 5 * second { too_early("finished") } else { "done" }
    });
    assert_eq!((done, times), ("done", vec![second, 3 * second, 9 * second]));
    let mut attempts = 0;
    let failed = panic::catch_unwind(AssertUnwindSafe(|| {
        with_enough_time(second, |_| {
            attempts += 1;
            assert!(attempts > 1, "a failure");
        });
    }));
    assert!(failed.is_err() && attempts == 1);
    let hopeless = panic::catch_unwind(|| with_enough_time(second, |_| too_early("finished")));
    let hopeless: Result<(), _> = hopeless.map_err(|payload| payload.downcast::<String>().unwrap());
    assert!(hopeless.unwrap_err().contains("so slow"));
}
