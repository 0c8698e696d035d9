//! Edits of a text that everybody is told of, one by one, while it is known where they go.

use std::ops::ControlFlow;
use std::sync::Arc;

use yrs::updates::decoder::Decode;
use yrs::{ClientID, Origin, Update};

use super::edit::check;
use super::local::LocalDocument;
use super::local_text::TextEdit;
use super::own_runs::OwnRuns;
use super::record::Record;
use super::undo::NO_ORIGIN;
use super::value::TypeHandle;
use crate::error::{ErrorCode, ProviderError};

/// A stretch of a text that this replica inserted.
#[derive(Debug)]
pub(super) struct KnownText {
    text: TypeHandle,
    runs: OwnRuns,
    /// It is right as long as the document has this revision.
    revision: u64,
}

impl LocalDocument {
    /// Makes an edit in a transaction of its own, if it is known where it goes. If not, the CRDT must find the place.
    pub(super) fn edit_known(
        &self,
        text: &TypeHandle,
        edit: TextEdit<'_>,
    ) -> Result<ControlFlow<Option<Arc<Record>>>, ProviderError> {
        if self.has_open_transaction() || self.shared.content().undo.has_managers() {
            return Ok(ControlFlow::Continue(()));
        }
        // Taken out: what fails on the way is known no longer.
        let known = self.known.take();
        let revision = self.shared.revision();
        let known = known.filter(|it| it.text == *text && it.revision == revision);
        let Some(mut known) = known else { return Ok(ControlFlow::Continue(())) };
        let (index, length) = edit.range(known.runs.text_length());
        if let Err(error) = check(index, length, known.runs.text_length(), "text") {
            *self.known.borrow_mut() = Some(known);
            return Err(error);
        }
        let bytes = match edit.chunk() {
            Some(chunk) => known.runs.insert(&text.id, index, chunk),
            None => known.runs.delete(index, length),
        };
        let Some(bytes) = bytes else { return Ok(ControlFlow::Continue(())) };
        let broken = || ProviderError::new(ErrorCode::Internal, "a known edit can't be applied");
        let update = Update::decode_v1(&bytes).map_err(|_| broken())?;
        let mut txn = self.transact(Origin::from(NO_ORIGIN))?;
        let applied = self.shared.fence.run(|| txn.apply_update(update));
        let (record, update) = self.shared.finish_known(&mut txn, bytes.into())?;
        applied?.map_err(|_| broken())?;
        drop(txn);
        known.revision = self.shared.revision();
        *self.known.borrow_mut() = Some(known);
        Ok(ControlFlow::Break(self.keep(record, update)))
    }

    /// Remembers where an insertion went that the CRDT has found the place of.
    pub(super) fn learn(&self, text: &TypeHandle, index: u32, record: Option<&Record>) {
        let Some(update) = record.and_then(|record| record.update.as_ref()) else { return };
        let length = self.peek(|reader| text.resolve(reader).map(|branch| branch.content_len()));
        let Ok(Some(length)) = length else { return };
        let client = ClientID::new(self.client_id());
        let runs = OwnRuns::of_insertion(update, client, index, length);
        *self.known.borrow_mut() = runs.map(|runs| {
            let revision = self.shared.revision();
            Box::new(KnownText { text: text.clone(), runs, revision })
        });
    }
}
