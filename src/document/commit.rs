//! The end of a transaction: what providers and listeners are told of it.

use std::sync::Arc;

use bytes::Bytes;
use yrs::TransactionMut;
use yrs::updates::encoder::Encoder;

use super::attachment::AttachmentId;
use super::content::Content;
use super::record::Record;
use super::shared::{Interest, Shared};
use super::subdocument;
use crate::error::ProviderError;
use crate::protocol::update::V2Encoder;

impl Shared {
    /// Commits and describes what happened, as far as anybody wants to know. Returns the V1 update too if providers
    /// other than the one that made the transaction must hear of it.
    pub(super) fn finish(
        &self,
        txn: &mut TransactionMut<'_>,
        attachment: Option<AttachmentId>,
    ) -> Result<(Option<Arc<Record>>, Option<Bytes>), ProviderError> {
        self.fence.commit(txn)?;
        self.collect(txn, attachment, None)
    }

    /// The same as [`Shared::finish`] for a transaction of the JS thread whose V1 update is known.
    pub(super) fn finish_known(
        &self,
        txn: &mut TransactionMut<'_>,
        update: Bytes,
    ) -> Result<(Option<Arc<Record>>, Option<Bytes>), ProviderError> {
        self.fence.commit(txn)?;
        self.collect(txn, None, Some(update))
    }

    /// The second half of [`Shared::finish`], for a transaction that is committed.
    pub(super) fn collect(
        &self,
        txn: &TransactionMut<'_>,
        attachment: Option<AttachmentId>,
        known_update: Option<Bytes>,
    ) -> Result<(Option<Arc<Record>>, Option<Bytes>), ProviderError> {
        let Content { capture, states, .. } = self.content();
        let captured = capture.take();
        self.fence.run(|| subdocument::bury(captured.graves))?;
        let is_changed = txn.has_changes();
        if is_changed {
            self.note_change();
            self.grow(inserted_units(txn));
        }
        let is_forwarded = is_changed
            && self
                .attachments
                .lock()
                .iter()
                .any(|(id, it)| Some(*id) != attachment && it.wants_updates());

        let mut record = Record { attachment, ..Record::default() };
        let mut update = None;
        record.is_transaction_wanted =
            self.wants(Interest::AfterTransaction) || self.wants(Interest::Cleanup);
        let is_update_wanted = self.wants(Interest::Update)
            || record.is_transaction_wanted
            || (attachment.is_some() && self.wants(Interest::Mirror));
        if is_forwarded || (is_changed && is_update_wanted) {
            let bytes = match known_update {
                Some(bytes) => bytes,
                None => Bytes::from(self.fence.run(|| txn.encode_update_v1())?),
            };
            update = is_forwarded.then(|| bytes.clone());
            record.update = is_update_wanted.then_some(bytes);
        }
        if is_changed && self.wants(Interest::UpdateV2) {
            record.update_v2 = Some(Bytes::from(self.fence.run(|| encode_update_v2(txn))?));
        }
        record.events = captured.events;
        record.deep_events = captured.deep_events;
        record.subdocs = captured.subdocs;
        record.undo = captured.undo;
        let is_interesting = record.update.is_some()
            || record.update_v2.is_some()
            || record.is_transaction_wanted
            || !record.events.is_empty()
            || !record.deep_events.is_empty()
            || !record.undo.is_empty()
            || record.subdocs.is_some();
        if is_interesting {
            record.states = Some(self.fence.run(|| states.states_of(txn))?);
        } else {
            states.skip(txn);
        }
        Ok((is_interesting.then(|| Arc::new(record)), update))
    }
}

/// The change of a transaction so far, as a V2 update.
pub fn encode_update_v2(txn: &TransactionMut<'_>) -> Vec<u8> {
    let mut encoder = V2Encoder::new();
    txn.encode_update(&mut encoder);
    encoder.to_vec()
}

/// What a transaction has inserted: characters, values.
fn inserted_units(txn: &TransactionMut<'_>) -> usize {
    let ranges = txn.insert_set().iter().flat_map(|(_, ranges)| ranges.iter());
    ranges.map(|range| (range.end - range.start) as usize).sum()
}
