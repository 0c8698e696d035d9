//! Link settings of the addon; nothing to do without the binding.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
