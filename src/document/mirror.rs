//! What a document can do that mirrors one of another implementation of Yjs.

use bytes::Bytes;
use yrs::updates::decoder::Decode;
use yrs::{Origin, ReadTxn, StateVector};

use super::jobs::GROUP_COUNT;
use super::local::LocalDocument;
use super::shared::invalid;
use super::undo::NO_ORIGIN;
use crate::error::ProviderError;

impl LocalDocument {
    /// Applies V1 updates in one transaction, as edits of this replica: providers are told of what is new in them, and of
    /// nothing else. One that can't be applied is left out, and the first such failure returned. The baton must be held.
    pub fn apply_updates(&self, updates: Vec<Bytes>) -> Result<(), ProviderError> {
        self.shared.fence.check()?;
        let mut txn = self.transact(Origin::from(NO_ORIGIN))?;
        let mut state = txn.state_vector();
        let mut failed = Vec::new();
        let mut updates = updates.into_iter().map(|update| (0, update)).peekable();
        while updates.peek().is_some() {
            let group = updates.by_ref().take(GROUP_COUNT).collect();
            self.shared.apply_group(&mut txn, &mut state, group, &mut failed);
        }
        // Nobody listens to a mirror but its bridge, which knows what it applied.
        self.finish(&mut txn)?;
        failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// What a peer with this V1 state vector lacks, as a V1 update. The baton must be held.
    pub fn encode_difference(&self, state_vector: &[u8]) -> Result<Bytes, ProviderError> {
        let vector = StateVector::decode_v1(state_vector)
            .map_err(|error| invalid(format!("not a state vector: {error}")))?;
        self.encode_state(&vector).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use yrs::{Doc, GetString, Text, Transact, Update};

    use super::*;
    use crate::document::{Attachment, Document, DocumentOptions, JobDone};
    use crate::error::ErrorCode;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Bytes>>);

    impl Attachment for Heard {
        fn handle_updates(&self, updates: Vec<Bytes>) {
            self.0.lock().extend(updates);
        }

        fn handle_job_done(&self, _done: JobDone) {}
    }

    fn typed(count: usize) -> Vec<Bytes> {
        let doc = Doc::with_client_id(1);
        let text = doc.get_or_insert_text("text");
        let type_one = |index: usize| {
            let mut txn = doc.transact_mut();
            text.push(&mut txn, &format!("{index} "));
            Bytes::from(txn.encode_update_v1())
        };
        (0..count).map(type_one).collect()
    }

    fn apply(local: &LocalDocument, updates: Vec<Bytes>) -> Result<(), ProviderError> {
        local.enter().expect("it is sound");
        let applied = local.apply_updates(updates);
        local.leave();
        applied
    }

    #[test]
    fn providers_hear_once_of_what_is_new_and_nothing_of_what_is_known() {
        let document = Document::new(DocumentOptions::default());
        let heard = Arc::new(Heard::default());
        document.attach(Arc::<Heard>::clone(&heard));
        let local = LocalDocument::new(&document);
        let updates = typed(40);
        apply(&local, updates.clone()).expect("they are updates");
        apply(&local, updates).expect("they are updates");
        let heard = heard.0.lock();
        assert_eq!(heard.len(), 1, "one transaction, and none for the second time");
        let replica = Doc::new();
        let text = replica.get_or_insert_text("text");
        let mut txn = replica.transact_mut();
        txn.apply_update(Update::decode_v1(&heard[0]).expect("an update")).expect("whole");
        let expected: Vec<_> = (0..40).map(|index| index.to_string()).collect();
        assert_eq!(text.get_string(&txn), expected.join(" ") + " ");
    }

    #[test]
    fn one_that_is_no_update_does_not_take_its_neighbours_with_it() {
        let local = LocalDocument::new(&Document::new(DocumentOptions::default()));
        let mut updates = typed(3);
        updates.insert(1, Bytes::from_static(b"no update"));
        let error = apply(&local, updates).expect_err("one is none");
        assert_eq!(error.code, ErrorCode::InvalidUpdate);
        local.enter().expect("it is sound");
        let vector = local.read(|reader| reader.state_vector()).expect("it is sound");
        local.leave();
        assert_eq!(vector.get(&yrs::ClientID::new(1)), 6);
    }
}
