//! Acks: what was sent with which id, and what the server says to it.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::work::DocKey;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::lenient;
use crate::protocol::socket_io::Ack;

/// What an ack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckKind {
    /// A step 1.
    StepOne,
    /// A batch of the outbox.
    Update,
    /// A difference computed from the document; confirms edits up to the number, if any.
    Reply {
        /// The newest edit that only the document still had when the difference was asked for.
        covers: Option<u64>,
    },
}

impl AckKind {
    /// Whether the message carries edits that are nowhere else on their way.
    pub(crate) fn has_edits(self) -> bool {
        matches!(self, Self::Update | Self::Reply { covers: Some(_) })
    }
}

/// A message that waits for its ack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Awaited {
    pub(crate) key: DocKey,
    pub(crate) kind: AckKind,
    pub(crate) bytes: usize,
}

/// Messages of the current connection that wait for their acks. Ids are never reused, as in the official client.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    next_id: u64,
    awaited: FxHashMap<u64, Awaited>,
    first_answered: Option<u64>,
}

impl Acks {
    /// The id for the next message that asks for an ack.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// The message with `next_id` goes out.
    pub(crate) fn add(&mut self, awaited: Awaited) {
        self.awaited.insert(self.next_id, awaited);
        self.next_id += 1;
    }

    /// Gives back the room that is not needed now.
    pub(crate) fn shrink(&mut self) {
        if self.awaited.is_empty() {
            self.awaited = FxHashMap::default();
        }
    }

    /// Room that is taken.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.awaited.capacity()
    }

    /// The message whose ack came. `None` if it is not awaited (any more).
    pub(crate) fn answer(&mut self, id: u64) -> Option<Awaited> {
        let awaited = self.awaited.remove(&id)?;
        self.first_answered = Some(self.first_answered.map_or(id, |first| first.min(id)));
        Some(awaited)
    }

    /// A message that is given up or sent again with another id.
    pub(crate) fn forget(&mut self, id: u64) -> Option<Awaited> {
        self.awaited.remove(&id)
    }

    /// The documents whose edits wait for acks, once for each ack.
    pub(crate) fn edited(&self) -> impl Iterator<Item = DocKey> {
        self.awaited.values().filter(|awaited| awaited.kind.has_edits()).map(|awaited| awaited.key)
    }

    /// Whether the server acked this message or one before it, so that it listened when this one came: sending it
    /// again helps nobody.
    pub(crate) fn is_listening_since(&self, id: u64) -> bool {
        self.first_answered.is_some_and(|first| first <= id)
    }

    /// The connection is gone.
    pub(crate) fn clear(&mut self) {
        self.awaited.clear();
        self.first_answered = None;
    }
}

/// What the server said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AckReply {
    /// The message is in the log.
    Confirmed { topic: Option<String>, partition: i32, offset: Option<i64> },
    /// It is not.
    Refused { error: ProviderError, reason: String, is_retryable: bool },
    /// An ack that says nothing, which proves only that the server listens.
    Silent,
}

impl AckReply {
    /// Reads the argument of an ack: `{ok, topic, partition, offset}` or `{ok, code, reason, retryable}`.
    pub(crate) fn read(ack: &Ack) -> Self {
        let reply = ack.args.text(0).and_then(|json| serde_json::from_str(json).ok());
        let Some(reply): Option<ReplyJson<'_>> = reply else { return Self::Silent };
        if reply.ok {
            return Self::Confirmed {
                topic: reply.topic.map(Cow::into_owned),
                partition: reply.partition.unwrap_or(0),
                offset: reply.offset,
            };
        }
        let code = reply.code.as_deref().unwrap_or("refused");
        let reason = reply.reason.as_deref().unwrap_or("the server gave no reason");
        let kind = match code {
            "permission-denied" | "unauthenticated" => ErrorCode::PermissionDenied,
            "too-large" => ErrorCode::MessageTooLarge,
            _ => ErrorCode::Refused,
        };
        Self::Refused {
            error: ProviderError::new(
                kind,
                format!("the server refused a message ({code}): {reason}"),
            ),
            reason: reason.to_owned(),
            is_retryable: reply.retryable.unwrap_or(false),
        }
    }
}

#[derive(Deserialize)]
struct ReplyJson<'a> {
    ok: bool,
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    partition: Option<i32>,
    #[serde(default, deserialize_with = "lenient::integer")]
    offset: Option<i64>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    retryable: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::socket_io::{Decoder, Packet};

    fn read(json: &str) -> AckReply {
        let Ok(Some(Packet::Ack(ack))) = Decoder::default().handle_text(&format!("37[{json}]"))
        else {
            panic!("{json}");
        };
        AckReply::read(&ack)
    }

    #[test]
    fn reads_what_servers_answer() {
        let confirmed = |topic: Option<&str>, partition, offset| AckReply::Confirmed {
            topic: topic.map(str::to_owned),
            partition,
            offset,
        };
        let table = [
            ("nothing", "", AckReply::Silent),
            ("null", "null", AckReply::Silent),
            ("something else", r#""fine""#, AckReply::Silent),
            ("without ok", r#"{"offset":"1"}"#, AckReply::Silent),
            ("only ok", r#"{"ok":true}"#, confirmed(None, 0, None)),
            (
                "offset as text",
                r#"{"ok":true,"topic":"t","partition":3,"offset":"9007199254740993"}"#,
                confirmed(Some("t"), 3, Some(9_007_199_254_740_993)),
            ),
            ("offset as number", r#"{"ok":true,"offset":5}"#, confirmed(None, 0, Some(5))),
            ("offset that is none", r#"{"ok":true,"offset":"x"}"#, confirmed(None, 0, None)),
            ("offset without end", r#"{"ok":true,"offset":1e300}"#, confirmed(None, 0, None)),
        ];
        for (label, json, expected) in table {
            assert_eq!(read(json), expected, "{label}");
        }
    }

    #[test]
    fn tells_refusals_apart() {
        let table = [
            (
                "permission",
                r#"{"ok":false,"code":"permission-denied"}"#,
                ErrorCode::PermissionDenied,
                false,
            ),
            ("size", r#"{"ok":false,"code":"too-large"}"#, ErrorCode::MessageTooLarge, false),
            ("busy", r#"{"ok":false,"code":"busy","retryable":true}"#, ErrorCode::Refused, true),
            ("no code", r#"{"ok":false}"#, ErrorCode::Refused, false),
        ];
        for (label, json, code, retryable) in table {
            let AckReply::Refused { error, is_retryable, .. } = read(json) else {
                panic!("{label}")
            };
            assert_eq!((error.code, is_retryable), (code, retryable), "{label}");
        }
    }

    #[test]
    fn an_answered_message_proves_that_later_ones_were_heard() {
        let mut acks = Acks::default();
        for _ in 0..3 {
            acks.add(Awaited { key: DocKey(1), kind: AckKind::StepOne, bytes: 1 });
        }
        assert!(!acks.is_listening_since(2));
        assert!(acks.answer(1).is_some());
        assert!(acks.answer(1).is_none(), "only once");
        assert!(!acks.is_listening_since(0), "the one before may have been lost");
        assert!(acks.is_listening_since(1) && acks.is_listening_since(2));
        acks.clear();
        assert!(!acks.is_listening_since(2), "another connection is another server process");
        assert_eq!(acks.next_id(), 3, "ids go on");
    }
}
