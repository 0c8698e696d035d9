//! The targets of `fuzz/` without libFuzzer: each is fed inputs of a seeded generator, so that every test run does a little
//! of what a fuzzer does for hours.
//!
//! More on demand: `RUNS=1000000 SEED=7 cargo test --no-default-features --test untrusted`.

// The binding brings an allocator of its own, and the targets count with theirs.
#![cfg(not(feature = "node"))]
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::format_collect,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "the targets are a crate of their own"
)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use targets::{TARGETS, Target, expect_caught_panics, seeds, telling};

#[test]
fn engine_io_messages_are_read_or_refused() {
    feed("engine_io", 20_000);
}

#[test]
fn socket_io_packets_are_read_or_refused() {
    feed("socket_io_packet", 20_000);
}

#[test]
fn envelopes_are_read_or_refused() {
    feed("envelope", 20_000);
}

#[test]
fn y_messages_are_read_or_refused() {
    feed("y_message", 20_000);
}

#[test]
fn awareness_updates_are_read_or_refused() {
    feed("awareness", 20_000);
}

#[test]
fn v1_updates_are_applied_or_refused() {
    feed("update_v1", 2_000);
}

#[test]
fn v2_updates_are_applied_or_refused() {
    feed("update_v2", 2_000);
}

#[test]
fn state_vectors_and_snapshots_are_answered_or_refused() {
    feed("state_vector", 2_000);
}

#[test]
fn a_session_survives_whatever_happens_to_it() {
    feed("session", 2_000);
}

fn feed(target: &str, runs: u64) {
    let number = |name| std::env::var(name).ok().and_then(|value: String| value.parse().ok());
    let (runs, seed) = (number("RUNS").unwrap_or(runs), number("SEED").unwrap_or(1));
    let (name, run): Target = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has seeds");
    // Printing them with their backtraces would take more memory than the targets allow.
    expect_caught_panics();
    let mut rng = fastrand::Rng::with_seed(seed);
    for input in &seeds {
        check(name, seed, run, input);
    }
    for _ in 0..runs {
        let input = generate(&mut rng, &seeds, name == "session");
        check(name, seed, run, &input);
    }
}

fn check(name: &str, seed: u64, run: fn(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| telling(run, input))) {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        // The test harness shows it with the failure.
        eprintln!("{name}, seed {seed}, input {hex}");
        resume_unwind(panic);
    }
}

/// A seed with a few changes, or a mixture of two; random bytes where nothing tells what an input looks like.
fn generate(rng: &mut fastrand::Rng, seeds: &[Vec<u8>], is_random: bool) -> Vec<u8> {
    if is_random {
        let len = rng.usize(0..2000);
        return std::iter::repeat_with(|| rng.u8(..)).take(len).collect();
    }
    let mut input = rng.choice(seeds).cloned().unwrap_or_default();
    if rng.u8(..) < 32 {
        let other = rng.choice(seeds).cloned().unwrap_or_default();
        input.truncate(rng.usize(0..=input.len()));
        input.extend(&other[rng.usize(0..=other.len())..]);
    }
    for _ in 0..rng.usize(0..5) {
        let at = rng.usize(0..=input.len());
        match rng.u8(0..6) {
            0 => input.truncate(at),
            1 => input.insert(at, rng.u8(..)),
            2 if at < input.len() => drop(input.remove(at)),
            // Small numbers are types, counts and lengths.
            3 if at < input.len() => input[at] = rng.u8(0..16),
            4 if at < input.len() => input[at] ^= 1 << rng.u8(0..8),
            _ if at < input.len() => {
                let end = rng.usize(at..input.len());
                input.extend_from_within(at..=end);
            }
            _ => {}
        }
    }
    input
}
