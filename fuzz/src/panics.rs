//! Panics of the CRDT, which the code under test catches, next to those that nobody does.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook};

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Replaces libFuzzer's own hook, which ends the process before anybody can catch a panic.
pub fn expect_caught_panics() {
    set_hook(Box::new(|info| {
        LAST.with_borrow_mut(|last| {
            last.clear();
            last.push_str(&info.to_string());
        });
    }));
}

/// Feeds a target after [`expect_caught_panics`]: a panic that comes out of it is told, and ends the process.
pub fn telling(target: fn(&[u8]), data: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(data))) {
        eprintln!("{}", LAST.take());
        resume_unwind(panic);
    }
}
