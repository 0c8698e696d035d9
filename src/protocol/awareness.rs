//! Awareness updates: who is present, and what they show about themselves.

use serde::de::IgnoredAny;

use super::lib0::{ReadError, Reader, write_var_bytes, write_var_uint};

/// The state of a client that is gone.
pub const GONE: &str = "null";

/// The state of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The client, below 2^53.
    pub client_id: u64,
    /// Grows with every state of the client; older ones are ignored.
    pub clock: u32,
    /// JSON text; [`GONE`] when the client left.
    pub state: String,
}

/// Why bytes are no awareness update.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The update ends within an entry, or a number is out of range.
    #[error("malformed awareness update: {0}")]
    Malformed(#[from] ReadError),
    /// The update claims more entries than its bytes can hold.
    #[error("awareness update claims {0} entries")]
    TooManyEntries(u64),
    /// A state is no JSON.
    #[error("state of client {0} is no JSON")]
    InvalidState(u64),
    /// Bytes are left after the last entry.
    #[error("{0} bytes after the last entry")]
    TrailingBytes(usize),
}

/// Writes an awareness update.
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    const MAX_ENTRY_OVERHEAD: usize = 8 + 5 + 5;
    let states_len: usize = entries.iter().map(|entry| entry.state.len()).sum();
    let mut out = Vec::with_capacity(5 + entries.len() * MAX_ENTRY_OVERHEAD + states_len);
    write_var_uint(&mut out, entries.len() as u64);
    for entry in entries {
        write_var_uint(&mut out, entry.client_id);
        write_var_uint(&mut out, entry.clock.into());
        write_var_bytes(&mut out, entry.state.as_bytes());
    }
    out
}

/// Reads an awareness update.
pub fn decode(bytes: &[u8]) -> Result<Vec<Entry>, DecodeError> {
    // A client, a clock, and the length of a state that is no valid JSON yet.
    const MIN_ENTRY_LEN: usize = 3;
    let mut reader = Reader::new(bytes);
    let count = reader.var_uint()?;
    if count > (reader.remaining() / MIN_ENTRY_LEN) as u64 {
        return Err(DecodeError::TooManyEntries(count));
    }
    let mut entries = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let client_id = reader.var_uint()?;
        let clock = reader.var_u32()?;
        let state = reader.var_str()?;
        if serde_json::from_str::<IgnoredAny>(state).is_err() {
            return Err(DecodeError::InvalidState(client_id));
        }
        entries.push(Entry { client_id, clock, state: state.to_owned() });
    }
    if reader.is_empty() {
        Ok(entries)
    } else {
        Err(DecodeError::TrailingBytes(reader.remaining()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rejects_malformed_updates() {
        let rows: [(&str, &[u8], DecodeError); 8] = [
            ("empty", &[], DecodeError::Malformed(ReadError::UnexpectedEnd)),
            ("claims more than it has", &[2, 1, 1, 1, b'1'], DecodeError::TooManyEntries(2)),
            (
                "claims a lot",
                &[0xff, 0xff, 0xff, 0x7f, 1, 1, 1],
                DecodeError::TooManyEntries(268_435_455),
            ),
            (
                "state cut off",
                &[1, 1, 1, 4, b'n'],
                DecodeError::Malformed(ReadError::UnexpectedEnd),
            ),
            ("state is empty", &[1, 1, 1, 0], DecodeError::InvalidState(1)),
            ("state is no JSON", &[1, 7, 1, 1, b'{'], DecodeError::InvalidState(7)),
            (
                "state is no UTF-8",
                &[1, 1, 1, 1, 0xff],
                DecodeError::Malformed(ReadError::InvalidUtf8),
            ),
            ("more behind it", &[0, 1], DecodeError::TrailingBytes(1)),
        ];
        for (label, bytes, expected) in rows {
            assert_eq!(decode(bytes), Err(expected), "{label}");
        }
    }

    #[test]
    fn a_deep_state_is_checked_without_recursion() {
        let state = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let entries = vec![Entry { client_id: 1, clock: 1, state }];
        assert_eq!(decode(&encode(&entries)), Ok(entries));
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let state = prop_oneof![
            Just(GONE.to_owned()),
            any::<String>().prop_map(|name| serde_json::json!({ "name": name }).to_string()),
        ];
        (0..1_u64 << 53, any::<u32>(), state).prop_map(|(client_id, clock, state)| Entry {
            client_id,
            clock,
            state,
        })
    }

    proptest! {
        #[test]
        fn updates_survive_a_round_trip(entries in prop::collection::vec(any_entry(), 0..8)) {
            prop_assert_eq!(decode(&encode(&entries)), Ok(entries));
        }

        #[test]
        fn decoding_never_panics(bytes: Vec<u8>, count in 0_u8..4) {
            let _ = decode(&bytes);
            let _ = decode(&[vec![count], bytes].concat());
        }
    }
}
