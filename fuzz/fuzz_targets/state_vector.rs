#![no_main]

use libfuzzer_sys::fuzz_target;
use yjs_provider_fuzz::{expect_caught_panics, state_vector, telling};

fuzz_target!(init: expect_caught_panics(), |data: &[u8]| telling(state_vector, data));
