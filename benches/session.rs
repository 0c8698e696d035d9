//! Sessions against a server in memory, on a virtual clock: what a keystroke costs without a network.

#![allow(dead_code, reason = "the world of the tests has more than is used here")]
#![allow(clippy::unwrap_used, reason = "what fails in here fails the benchmark")]
#![allow(clippy::struct_excessive_bools, reason = "switches are independent of each other")]

#[path = "../tests/session_pair/server.rs"]
mod server;
#[path = "../tests/session_pair/world.rs"]
mod world;

use std::time::Duration;

use criterion::{BatchSize, Criterion};
use server::Switches;
use world::World;
use yjs_provider_native::session::DocKey;

const KEYSTROKES: u32 = 100;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let joined = || {
        let mut world = World::new(Switches::gateway());
        world.join(&["doc"]);
        world.join(&["doc"]);
        world
    };
    criterion.bench_function("100 keystrokes, logged, acked and received", |bencher| {
        let keystrokes = |world: &mut World| {
            for index in 0..KEYSTROKES {
                world.insert(0, DocKey(1), index, "x");
                world.settle();
            }
        };
        bencher.iter_batched_ref(joined, keystrokes, BatchSize::LargeInput);
    });
    let names: Vec<String> = (0..100).map(|index| format!("doc {index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    criterion.bench_function("100 documents, joined and synced", |bencher| {
        bencher.iter(|| World::new(Switches::gateway()).join(&names));
    });
    criterion.final_summary();
}
