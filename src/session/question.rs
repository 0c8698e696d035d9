//! A step 1 that waits for its answer.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::protocol::update;

/// Beyond that many, the answer is for everybody and names nobody.
const MAX_ASKERS: usize = 32;

/// Somebody's step 1. Those of several peers become one question, so that one answer serves them all.
#[derive(Debug)]
pub(crate) struct Question {
    vector: Bytes,
    askers: SmallVec<[Arc<str>; 1]>,
    is_server: bool,
    has_more_askers: bool,
    is_answered: bool,
}

impl Question {
    /// The server's own.
    pub(crate) fn of_server(vector: Bytes) -> Self {
        let askers = SmallVec::new();
        Self { vector, askers, is_server: true, has_more_askers: false, is_answered: false }
    }

    /// A peer's.
    pub(crate) fn of_peer(vector: Bytes, asker: &str) -> Self {
        let askers = SmallVec::from_iter([Arc::from(asker)]);
        Self { vector, askers, is_server: false, has_more_askers: false, is_answered: false }
    }

    /// A further peer asks as well.
    pub(crate) fn join(&mut self, vector: &[u8], asker: &str) {
        // Both were scanned; were they not, the whole state would be an answer, too.
        let common = update::common_state_vector(&self.vector, vector).unwrap_or_default();
        self.vector = common.into();
        self.is_answered = false;
        if !self.askers.iter().any(|known| **known == *asker) {
            if self.askers.len() < MAX_ASKERS {
                self.askers.push(Arc::from(asker));
            } else {
                self.has_more_askers = true;
            }
        }
    }

    /// Somebody else answered a step 1 with this update: it need not be said again.
    pub(crate) fn note_answer(&mut self, update: &[u8]) {
        if let Ok(advanced) = update::advance_state_vector(&self.vector, [update]) {
            self.vector = advanced.into();
            self.is_answered = true;
        }
    }

    /// What whoever asks has already.
    pub(crate) fn vector(&self) -> &Bytes {
        &self.vector
    }

    pub(crate) fn is_server(&self) -> bool {
        self.is_server
    }

    /// Whether an answer of somebody else was seen. Such an answer has all deletions.
    pub(crate) fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// The peers who ask, as far as they are known.
    pub(crate) fn askers(&self) -> &[Arc<str>] {
        &self.askers
    }

    /// Whom the answer names.
    pub(crate) fn addressees(&self) -> Vec<String> {
        if self.has_more_askers {
            return Vec::new();
        }
        self.askers.iter().map(|asker| asker.as_ref().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yrs::{Doc, ReadTxn, StateVector, Text, Transact};

    #[test]
    fn one_answer_serves_all_who_ask() {
        let mut question = Question::of_peer(Bytes::from_static(&[2, 1, 5, 2, 7]), "a");
        question.join(&[1, 1, 3], "b");
        question.join(&[1, 1, 4], "a");
        assert_eq!(question.vector().as_ref(), [1, 1, 3]);
        assert_eq!(question.addressees(), ["a", "b"]);
        assert!(!question.is_server());
    }

    #[test]
    fn an_answer_to_a_crowd_names_nobody() {
        let mut question = Question::of_peer(Bytes::from_static(&[0]), "first");
        for asker in 0..MAX_ASKERS {
            question.join(&[0], &asker.to_string());
        }
        assert_eq!(question.askers().len(), MAX_ASKERS);
        assert_eq!(question.addressees(), [""; 0]);
    }

    #[test]
    fn what_somebody_else_answered_is_not_asked_any_more() {
        let doc = Doc::with_client_id(1);
        doc.get_or_insert_text("text").push(&mut doc.transact_mut(), "abc");
        let answer = doc.transact().encode_state_as_update_v1(&StateVector::default());
        let mut question = Question::of_peer(Bytes::from_static(&[0]), "a");
        question.note_answer(b"garbage");
        assert!(!question.is_answered());
        question.note_answer(&answer);
        assert!(question.is_answered());
        assert_eq!(question.vector().as_ref(), [1, 1, 3]);
        question.join(&[0], "b");
        assert!(!question.is_answered(), "who asks later may not have seen that answer");
        assert_eq!(question.vector().as_ref(), [0]);
    }
}
