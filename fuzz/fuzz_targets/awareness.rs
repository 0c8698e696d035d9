#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yjs_provider_fuzz::awareness(data));
