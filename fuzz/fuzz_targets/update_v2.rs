#![no_main]

use libfuzzer_sys::fuzz_target;
use yjs_provider_fuzz::{expect_caught_panics, telling, update_v2};

fuzz_target!(init: expect_caught_panics(), |data: &[u8]| telling(update_v2, data));
