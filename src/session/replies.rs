//! What we send from the document itself: answers to step 1, and the difference the outbox owes.

mod sent;

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;

use super::damper::Damper;
use super::question::Question;
use super::rare::Unused;
use crate::protocol::update::{self, EMPTY_STATE_VECTOR};
use sent::Sent;

/// Peers that were answered and are remembered, to tell who asks again.
const MAX_ANSWERED: usize = 64;

/// A difference on its way through document and socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The newest edit it settles, if the outbox owed one.
    pub(crate) covers: Option<u64>,
    /// Sent as a step 2, because somebody asked; else as an update.
    pub(crate) is_answer: bool,
    /// The peers who asked.
    pub(crate) in_reply_to: Vec<String>,
    /// Another answer was seen: without content, this one says nothing new.
    pub(crate) is_second: bool,
    /// It is what the server lacks, as far as the server has told.
    pub(crate) is_for_server: bool,
}

impl Reply {
    /// The difference the outbox owes, unasked.
    pub(crate) fn owed(covers: Option<u64>) -> Self {
        let in_reply_to = Vec::new();
        Self { covers, is_answer: false, in_reply_to, is_second: false, is_for_server: true }
    }

    /// The answer to a question.
    pub(crate) fn to(question: &Question, covers: Option<u64>) -> Self {
        let (in_reply_to, is_second) = (question.addressees(), question.is_answered());
        let is_for_server = question.is_server();
        Self { covers, is_answer: true, in_reply_to, is_second, is_for_server }
    }
}

/// State of our differences on one connection. One at a time is computed. Those that settle edits are waited for, and so
/// is the newest one.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    question: Option<Box<Question>>,
    /// The server's newest vector.
    server_vector: Option<Bytes>,
    encoding: Option<Box<(u64, Reply)>>,
    /// Differences to send in this order; more than one only if they are parts of one that was too large.
    ready: VecDeque<(Bytes, Reply)>,
    sent: Vec<Sent>,
    /// An answer was refused: no more of them on this connection.
    is_muted: bool,
    /// There is no time to wait for a difference.
    is_hurried: bool,
    /// Digests of the ids of peers that were answered, the latest last. A wrong one would only delay an answer.
    answered: SmallVec<[u64; 2]>,
    damper: Damper,
}

impl Unused for Replies {
    fn unused() -> &'static Self {
        static UNUSED: LazyLock<Replies> = LazyLock::new(Replies::default);
        &UNUSED
    }
}

impl Replies {
    /// The server sent step 1.
    pub(crate) fn ask_for_server(&mut self, vector: &Bytes) {
        let vector = keep(vector);
        self.server_vector = Some(vector.clone());
        self.question = Some(Box::new(Question::of_server(vector)));
    }

    /// A peer sent step 1. It never replaces the server's.
    pub(crate) fn ask_for_peer(&mut self, vector: &Bytes, asker: &str) {
        match &mut self.question {
            Some(question) if question.is_server() => {}
            Some(question) => question.join(vector, asker),
            None => {
                self.question = Some(Box::new(Question::of_peer(keep(vector), asker)));
            }
        }
    }

    /// Whether a step 1 waits for its answer.
    pub(crate) fn is_asked(&self) -> bool {
        self.question.is_some()
    }

    /// Somebody else answered a peer.
    pub(crate) fn note_answer(&mut self, update: &[u8]) {
        if let Some(question) = self.question.as_mut().filter(|question| !question.is_server()) {
            question.note_answer(update);
        }
    }

    /// Whether an answer may be given now: `Err` says when to ask again. Who asks for the first time never waits; who
    /// asks again and again is answered less often.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        let askers = self.question.as_ref().map_or(&[][..], |question| question.askers());
        if askers.iter().any(|asker| !self.answered.contains(&digest(asker.as_bytes()))) {
            return Ok(());
        }
        self.damper.admit(now)
    }

    /// An answer was refused, and the next one would be.
    pub(crate) fn mute(&mut self) {
        self.is_muted = true;
        self.ready.retain(|(_, reply)| reply.covers.is_some());
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.is_muted
    }

    /// Whether a difference is being computed or waits for the socket.
    pub(crate) fn is_busy(&self) -> bool {
        self.encoding.is_some() || !self.ready.is_empty()
    }

    /// Whether edits should wait for the difference that is being computed, because it may have them in it.
    pub(crate) fn holds_edits(&self) -> bool {
        !self.is_hurried && self.encoding.as_ref().is_some_and(|encoding| encoding.1.is_for_server)
    }

    /// We leave: edits wait for nothing.
    pub(crate) fn hurry(&mut self) {
        self.is_hurried = true;
    }

    /// Takes the step 1 to answer.
    pub(crate) fn take_question(&mut self) -> Option<Box<Question>> {
        let question = self.question.take()?;
        for asker in question.askers() {
            let asker = digest(asker.as_bytes());
            if !self.answered.contains(&asker) {
                self.answered.push(asker);
            }
        }
        let surplus = self.answered.len().saturating_sub(MAX_ANSWERED);
        self.answered.drain(..surplus);
        Some(question)
    }

    /// The state vector the server had when it last asked on this connection.
    pub(crate) fn server_vector(&self) -> Option<&Bytes> {
        self.server_vector.as_ref()
    }

    /// The document was asked for a difference.
    pub(crate) fn begin(&mut self, token: u64, reply: Reply) {
        self.encoding = Some(Box::new((token, reply)));
    }

    /// The reply that this token was for.
    pub(crate) fn take_encoding(&mut self, token: u64) -> Option<Reply> {
        self.encoding.take_if(|encoding| encoding.0 == token).map(|encoding| encoding.1)
    }

    /// The difference is there.
    pub(crate) fn set_ready(&mut self, update: Bytes, reply: Reply) {
        self.ready.push_back((update, reply));
    }

    /// An answer takes more than `limit` bytes: puts its parts in its place, the last one as the answer; false if that
    /// can't be.
    pub(crate) fn split(&mut self, update: &[u8], in_reply_to: &[String], limit: usize) -> bool {
        let Ok(Some(parts)) = update::split_to_size(update, limit) else { return false };
        let count = parts.len();
        for (index, part) in parts.into_iter().enumerate() {
            let mut reply = Reply::owed(None);
            if index + 1 == count {
                reply.is_answer = true;
                reply.in_reply_to = in_reply_to.to_vec();
            }
            self.ready.push_back((part.into(), reply));
        }
        true
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }
}

/// A state vector that may wait for long: a slice would keep the socket's whole read buffer alive.
fn keep(vector: &[u8]) -> Bytes {
    if *vector == EMPTY_STATE_VECTOR {
        return Bytes::from_static(&EMPTY_STATE_VECTOR);
    }
    Bytes::copy_from_slice(vector)
}

/// The bytes of a difference can be large, and only serve to recognise it.
fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
