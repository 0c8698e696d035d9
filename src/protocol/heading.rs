//! Metadata of the messages that we send, written without a copy of any of it.

use serde::Serialize;

use super::envelope::{EncodeError, begin};
use super::y_message::Message;

/// Where a message of ours belongs: [`super::envelope::Metadata`], borrowed, with the keys in the same order.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Heading<'a> {
    /// The room.
    pub room_id: &'a str,
    /// The document in the room.
    pub doc_id: &'a str,
    /// The document that this one is nested in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<&'a str>,
    /// The id of our socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<&'a str>,
    /// Senders of the step 1 messages that this step 2 answers.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub in_reply_to: &'a [String],
}

impl Heading<'_> {
    /// Writes an envelope around a y message, without a buffer in between.
    pub fn envelope(&self, message: &Message) -> Result<Vec<u8>, EncodeError> {
        let mut out = begin(self, message.max_encoded_len())?;
        message.encode_into(&mut out);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocol::envelope::{Metadata, encode};

    #[test]
    fn a_message_is_written_as_its_metadata_and_its_encoding_would_be() {
        let message = Message::Update(Bytes::from(vec![7; 300]));
        let mut metadata =
            Metadata { room_id: "r\"".into(), doc_id: "d".into(), ..Metadata::default() };
        let check = |metadata: &Metadata| {
            let heading = Heading {
                room_id: &metadata.room_id,
                doc_id: &metadata.doc_id,
                parent_id: metadata.parent_id.as_deref(),
                sender_id: metadata.sender_id.as_deref(),
                in_reply_to: &metadata.in_reply_to,
            };
            assert_eq!(heading.envelope(&message), encode(metadata, &message.encode()));
        };
        check(&metadata);
        metadata.parent_id = Some("p".into());
        metadata.sender_id = Some("s".into());
        metadata.in_reply_to = vec!["a".into(), "b".into()];
        check(&metadata);
    }
}
