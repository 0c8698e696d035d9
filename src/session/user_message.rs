//! Messages of the user's own.

use std::time::Instant;

use bytes::Bytes;

use super::Session;
use super::transmit::Made;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::channel::Channel;
use crate::protocol::envelope::{self, Metadata};
use crate::protocol::lib0::write_var_uint;
use crate::protocol::y_message::{self, Message};

impl Session {
    /// Sends a message of the user's own, without asking for an ack: `payload` is what follows the type. Fails with
    /// `ERR_CONNECTION` when not connected, and with `ERR_MESSAGE_TOO_LARGE`.
    #[allow(clippy::needless_pass_by_value, reason = "the caller is done with it")]
    pub fn send(
        &mut self,
        _now: Instant,
        channel: Channel,
        message_type: u64,
        payload: Bytes,
        doc_id: &str,
        parent_id: Option<&str>,
    ) -> Result<(), ProviderError> {
        let Some(socket_id) = self.connection.socket_id().filter(|_| !self.cx.is_silent) else {
            return Err(ProviderError::new(ErrorCode::Connection, "not connected"));
        };
        let metadata = Metadata {
            room_id: self.cx.config.room_id.as_str().into(),
            doc_id: doc_id.into(),
            parent_id: parent_id.map(Into::into),
            sender_id: Some(socket_id.as_ref().into()),
            ..Metadata::default()
        };
        let envelope = envelope::encode(&metadata, &with_type(message_type, &payload))
            .map_err(|error| ProviderError::new(ErrorCode::InvalidArgument, error.to_string()))?;
        let envelope = self.check_size(envelope)?;
        self.transmit.push(Made { channel, envelope, offset: None, ack: None });
        Ok(())
    }
}

/// One type byte and the body. The TypeScript provider's callers hand in bodies that begin with the type themselves.
fn with_type(message_type: u64, payload: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(payload.len() + 10);
    write_var_uint(&mut message, message_type);
    message.extend_from_slice(payload);
    let message = Bytes::from(message);
    match y_message::decode_all(&message).as_deref() {
        Ok([single]) => Message::encode(single),
        _ => message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_messages_have_one_type_byte() {
        let step_one = [0, 2, 7, 8];
        let table: [(&str, u64, &[u8], &[u8]); 5] = [
            ("body", 0, &step_one, &[0, 0, 2, 7, 8]),
            ("body that begins with the type", 0, &[0, 0, 2, 7, 8], &[0, 0, 2, 7, 8]),
            ("awareness with its type", 1, &[1, 1, 0], &[1, 1, 0]),
            ("unknown type", 300, &[9], &[0xac, 2, 9]),
            ("no body", 3, &[], &[3]),
        ];
        for (label, message_type, payload, expected) in table {
            assert_eq!(with_type(message_type, payload), expected, "{label}");
        }
    }
}
