//! Our parsers against the official ones of Engine.IO and Socket.IO (`tests/servers/parsers.mjs`): the same packets,
//! whoever wrote them, and the same decisions about what is none.
//!
//! More on demand: `RUNS=100000 SEED=7 cargo test --no-default-features --test parser_pair`.

#![allow(
    clippy::format_collect,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failed unwrap is a failed test"
)]

mod deviation;
mod generator;
mod official;
mod ours;

use serde_json::{Value, json};

use deviation::deviation;
use generator::Generator;
use official::ask;

/// Seed of the generator, and how many inputs.
fn seed_and_runs(runs: usize) -> (u64, usize) {
    let number = |name| std::env::var(name).ok().and_then(|value: String| value.parse().ok());
    (number("SEED").unwrap_or(1), number("RUNS").map_or(runs, |runs| runs as usize))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn what_we_encode_the_official_parser_decodes_to_the_same() {
    let (seed, runs) = seed_and_runs(2000);
    let mut generator = Generator::new(seed);
    let packets: Vec<Value> = (0..runs).map(|_| generator.packet(false)).collect();
    let questions = packets.iter().map(|packet| json!({ "decode": ours::encode(packet) }));
    for (packet, answer) in packets.iter().zip(ask(questions)) {
        let decoded: Vec<Value> = array(&answer["packets"]).iter().map(ours::kept).collect();
        assert_eq!(decoded, [ours::kept(packet)], "seed {seed}");
        assert!(answer["error"].is_null(), "seed {seed}: {answer} of {packet}");
    }
}

#[test]
fn what_the_official_parser_encodes_we_decode_to_the_same() {
    let (seed, runs) = seed_and_runs(2000);
    let mut generator = Generator::new(seed);
    let packets: Vec<Value> = (0..runs).map(|_| generator.packet(true)).collect();
    let questions = packets.iter().map(|packet| json!({ "encode": packet }));
    for (packet, frames) in packets.iter().zip(ask(questions)) {
        let decoded = ours::decode(array(&frames));
        assert_eq!(decoded.packets, [ours::kept(packet)], "seed {seed}: {frames}");
        assert!(!decoded.is_refused, "seed {seed}: {frames}");
    }
}

#[test]
fn mutated_packets_are_read_or_refused_as_the_official_parser_does() {
    let (seed, runs) = seed_and_runs(20_000);
    let mut generator = Generator::new(seed);
    let series: Vec<Vec<Value>> = (0..runs).map(|_| generator.frames()).collect();
    let answers = ask(series.iter().map(|frames| json!({ "decode": frames })));
    let (mut accepted, mut refused, mut different) = (0, 0, Vec::new());
    for (frames, answer) in series.iter().zip(answers) {
        let missing = answer["missing"].as_u64().unwrap() as usize;
        let complete = [frames.as_slice(), &vec![ours::hex(&[]); missing]].concat();
        let decoded = ours::decode(&complete);
        *if decoded.is_refused { &mut refused } else { &mut accepted } += 1;
        let is_refused = !answer["error"].is_null();
        let packets: Vec<Value> = array(&answer["packets"]).iter().map(ours::kept).collect();
        let is_same = decoded.is_refused == is_refused && decoded.packets == packets;
        if !is_same && deviation(frames).is_none() {
            let of_us = (decoded.is_refused, decoded.packets);
            different.push(format!("{}\nofficial {answer}\nours {of_us:?}\n", json!(frames)));
        }
    }
    assert!(different.is_empty(), "seed {seed}:\n{}", different.join("\n"));
    assert!(accepted > runs / 20 && refused > runs / 20, "{accepted} accepted, {refused} refused");
}

#[test]
fn engine_io_messages_are_read_or_refused_as_the_official_parser_does() {
    let (seed, runs) = seed_and_runs(5000);
    let mut generator = Generator::new(seed);
    let texts: Vec<String> = (0..runs).map(|_| generator.engine_text()).collect();
    let answers = ask(texts.iter().map(|text| json!({ "engine": text })));
    // Node cuts its characters to a byte each before it looks at them.
    let is_odd = |text: &str| text.starts_with('b') && !text.is_ascii();
    for (text, answer) in texts.iter().zip(answers).filter(|(text, _)| !is_odd(text)) {
        assert_eq!(ours::engine(text, &answer), answer, "seed {seed}: {text:?}");
    }
}
