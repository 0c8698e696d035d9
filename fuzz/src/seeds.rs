//! Inputs to start from: what the official libraries wrote.

use serde_json::Value;

/// What the fuzzer found once, and what it could find, by target.
const FINDINGS: [(&str, &str); 5] = [
    // A deletion of nothing, which merging leaves out.
    ("update_v1", "010103028403010170030101708403020165840303016400"),
    // Deletions in disorder, of which merging lost some.
    ("update_v1", "01030100040104626f647901618401000163c40100010101000100040104626f64790161"),
    // Blocks of a client in two places.
    ("update_v1", "020101000401017401780101010401017401790000"),
    // Many more clients than bytes, and many more values.
    ("update_v2", "000000000000020100000000ffffff7f0000"),
    ("update_v2", "0000010100000188020100000004bfffff7f0101007f00"),
];

/// The seeds of a target, out of `fixtures/protocol.json` and what that has none of.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let findings = FINDINGS.iter().filter(|(found_by, _)| *found_by == target);
    official(target).into_iter().chain(findings.map(|(_, hex)| unhex(hex))).collect()
}

fn official(target: &str) -> Vec<Vec<u8>> {
    match target {
        "engine_io" => texts(&["engine-packet"], &["text"]),
        "socket_io_packet" => packets(),
        "envelope" => bytes(&["envelope"], &["hex"]),
        "y_message" => bytes(&["y-message"], &["hex", "doubled"]),
        "awareness" => bytes(&["awareness"], &["hex"]),
        "update_v1" => {
            bytes(&["update", "unsupported-update", "merge"], &["hex", "merged", "updates"])
        }
        "update_v2" => bytes(&["update"], &["hex"])
            .iter()
            .filter_map(|v1| yjs_provider_native::protocol::update::v1_to_v2(v1).ok())
            .collect(),
        "state_vector" => bytes(&["update", "merge"], &["stateVector"]),
        // A session's life has no notation but random bytes.
        _ => vec![vec![0; 64], (0..=255).collect()],
    }
}

fn vectors() -> Vec<Value> {
    let fixture = include_str!("../../fixtures/protocol.json");
    let mut fixture: Value = serde_json::from_str(fixture).expect("the fixture is JSON");
    serde_json::from_value(fixture["vectors"].take()).expect("the fixture has vectors")
}

/// These fields of the vectors of these kinds; those of a list one by one.
fn fields(kinds: &[&str], names: &[&str]) -> Vec<String> {
    let of_kind = |vector: &Value| kinds.iter().any(|kind| vector["kind"] == *kind);
    let mut found = Vec::new();
    for vector in vectors().into_iter().filter(of_kind) {
        for name in names {
            match &vector[name] {
                Value::String(text) => found.push(text.clone()),
                Value::Array(list) => {
                    found.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    found
}

fn texts(kinds: &[&str], names: &[&str]) -> Vec<Vec<u8>> {
    fields(kinds, names).into_iter().map(String::into_bytes).collect()
}

fn bytes(kinds: &[&str], names: &[&str]) -> Vec<Vec<u8>> {
    fields(kinds, names).iter().map(|hex| unhex(hex)).collect()
}

/// Headers without their Engine.IO type, each with its attachments.
fn packets() -> Vec<Vec<u8>> {
    let is_packet = |vector: &Value| vector["kind"] == "socket-packet";
    let packet = |vector: Value| {
        let header = vector["header"].as_str().unwrap_or_default();
        let mut seed = header.strip_prefix('4').unwrap_or_default().as_bytes().to_vec();
        for attachment in vector["attachments"].as_array().into_iter().flatten() {
            seed.extend([0x1e, b'b']);
            seed.extend(unhex(attachment.as_str().unwrap_or_default()));
        }
        seed
    };
    vectors().into_iter().filter(is_packet).map(packet).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
