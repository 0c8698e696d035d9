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
