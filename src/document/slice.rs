//! Slices of a document's jobs: applying remote updates, encoding what peers lack.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{Origin, ReadTxn, StateVector, Transact, TransactionMut, Update};

use super::attachment::{AttachmentId, JobDone};
use super::fence::Fence;
use super::jobs::Job;
use super::pending::are_seamless;
use super::pool;
use super::record::Record;
use super::shared::{Shared, invalid};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::update::{inspect_v1, merge, sort_deletions, split_at_gaps};

/// How long the pool works on one document before somebody else may: what JS waits for at most, once per tick.
const SLICE: Duration = Duration::from_millis(1);

struct Slice {
    record: Option<Arc<Record>>,
    answers: Vec<(AttachmentId, JobDone)>,
}

impl Shared {
    /// One slice on a pool thread.
    pub(super) fn run_slice(self: Arc<Self>) {
        if !self.baton.acquire_pool() {
            return;
        }
        let Slice { record, answers } = self.run_jobs();
        let mut has_record = false;
        // Without a JS end nobody would ever dispatch the record, and the document would wait for that.
        let waker = self.waker.lock().clone();
        if let (Some(record), Some((waker, name))) = (record, waker) {
            *self.content().undispatched.lock() = Some(record);
            has_record = true;
            waker.wake(name);
        }
        // After the wake-up: what a provider says because of these answers reaches JS behind the changes themselves.
        // Before the baton is free: answers of the next slice must not overtake these.
        self.answer(answers);
        if self.baton.release_pool(|| self.has_jobs(), has_record) {
            pool::schedule(self);
        }
    }

    /// One slice on the JS thread, which holds the baton.
    pub(super) fn run_slice_here(self: &Arc<Self>) -> Option<Arc<Record>> {
        let Slice { record, answers } = self.run_jobs();
        self.baton.slice_done_by_js(false);
        self.answer(answers);
        record
    }

    fn run_jobs(self: &Arc<Self>) -> Slice {
        let started = Instant::now();
        let mut slice = Slice { record: None, answers: Vec::new() };
        while started.elapsed() < SLICE && slice.record.is_none() {
            let (other, update_from) = {
                let mut jobs = self.jobs.lock();
                (jobs.pop_other(), jobs.next_update())
            };
            if let Some((id, job)) = other {
                slice.answers.extend(self.run_other(job).into_iter().map(|done| (id, done)));
            } else if let Some(id) = update_from {
                let (record, done) = self.apply_run(id, started);
                slice.record = record;
                slice.answers.push((id, done));
            } else {
                break;
            }
        }
        slice
    }

    /// Applies waiting updates of one provider in one transaction, until the slice is over.
    fn apply_run(
        self: &Arc<Self>,
        id: AttachmentId,
        started: Instant,
    ) -> (Option<Arc<Record>>, JobDone) {
        let mut through = 0;
        let mut bytes = 0;
        let mut failed = Vec::new();
        let revision = self.revision();
        let content = self.content();
        // It fails for a poisoned document only, and then everything below does.
        content.undo.prepare(self).ok();
        let mut txn = content.doc.transact_mut_with(Origin::from(id.0));
        let mut state = content.known_state.take(self.revision(), &txn);
        loop {
            let group = self.jobs.lock().pop_group(id);
            let Some((last, _)) = group.last() else { break };
            through = *last;
            bytes += group.iter().map(|(_, update)| update.len()).sum::<usize>();
            self.apply_group(&mut txn, &mut state, group, &mut failed);
            if started.elapsed() >= SLICE {
                break;
            }
        }
        let is_missing_updates = !self.pending.lock().is_empty();
        let record = match self.finish(&mut txn, Some(id)) {
            Ok((record, update)) => {
                content.known_state.put(self.revision(), state);
                // What was there already is sent again with every state.
                if self.revision() != revision {
                    self.grow(bytes);
                }
                if let Some(update) = update {
                    self.forward(&[update], Some(id));
                }
                record
            }
            Err(error) => {
                // A poisoned document; whoever asks must hear of it once.
                if failed.last().is_none_or(|(token, _)| *token != through) {
                    failed.push((through, error));
                }
                None
            }
        };
        (record, JobDone::Applied { through, is_missing_updates, failed })
    }

    /// Applies updates merged, because that is faster; one by one if that fails, because one bad update must not take
    /// its neighbours with it, or if something is missing among them. Applying one again does nothing.
    pub(super) fn apply_group(
        &self,
        txn: &mut TransactionMut<'_>,
        state: &mut StateVector,
        group: Vec<(u64, Bytes)>,
        failed: &mut Vec<(u64, ProviderError)>,
    ) {
        let mut valid = Vec::with_capacity(group.len());
        let mut updates = Vec::with_capacity(group.len());
        for (token, bytes) in group {
            match decode(&self.fence, &bytes) {
                Ok(parts) => {
                    updates.extend(parts);
                    valid.push((token, bytes));
                }
                Err(error) => failed.push((token, error)),
            }
        }
        let is_single = updates.len() == 1;
        // Merging touches no document, so a panic in it poisons none.
        let merged = match updates.len() {
            0 => return,
            1 => updates.pop(),
            _ if !are_seamless(&updates, state) => None,
            _ => catch_unwind(AssertUnwindSafe(|| Update::merge_updates(updates))).ok(),
        };
        match merged.map(|update| self.apply_update(txn, state, update)) {
            Some(Ok(())) => {}
            Some(Err(error)) if is_single => {
                failed.extend(valid.into_iter().map(|(token, _)| (token, error.clone())));
            }
            Some(Err(_)) | None => {
                for (token, bytes) in valid {
                    let applied = decode(&self.fence, &bytes).and_then(|parts| {
                        parts
                            .into_iter()
                            .try_for_each(|update| self.apply_update(txn, state, update))
                    });
                    if let Err(error) = applied {
                        failed.push((token, error));
                    }
                }
            }
        }
    }

    fn apply_update(
        &self,
        txn: &mut TransactionMut<'_>,
        state: &mut StateVector,
        update: Update,
    ) -> Result<(), ProviderError> {
        self.fence.check()?;
        let applied = self.fence.run(|| self.pending.lock().apply(txn, update, state))?;
        applied.map_err(|error| invalid(format!("the update can't be applied: {error}")))
    }

    fn run_other(&self, job: Job) -> Vec<JobDone> {
        let (token, result) = match job {
            Job::Dropped { token } => {
                let done = JobDone::Applied {
                    through: token,
                    is_missing_updates: false,
                    failed: Vec::new(),
                };
                return vec![done, JobDone::Overflowed];
            }
            Job::EncodeDiff { token, state_vector } => (token, self.diff(&state_vector)),
            Job::EncodeStateVector { token } => {
                let encode = || self.content().doc.transact().state_vector().encode_v1();
                (token, self.fence.check().and_then(|()| self.fence.run(encode)).map(Bytes::from))
            }
            Job::Apply { .. } => return Vec::new(),
        };
        vec![JobDone::Encoded { token, result }]
    }

    fn diff(&self, state_vector: &[u8]) -> Result<Bytes, ProviderError> {
        self.fence.check()?;
        let state_vector = if state_vector.is_empty() {
            StateVector::default()
        } else {
            StateVector::decode_v1(state_vector).map_err(|error| {
                ProviderError::new(ErrorCode::InvalidUpdate, format!("not a state vector: {error}"))
            })?
        };
        self.fence
            .run(|| self.encode_state(&self.content().doc.transact(), &state_vector))?
            .map(Bytes::from)
    }

    /// What a peer with this state vector lacks, as a V1 update, what waits included. To be called inside the fence.
    pub(super) fn encode_state<T: ReadTxn>(
        &self,
        txn: &T,
        state_vector: &StateVector,
    ) -> Result<Vec<u8>, ProviderError> {
        let integrated = txn.encode_state_as_update_v1(state_vector);
        let pending = self.pending.lock();
        if pending.is_empty() {
            return Ok(integrated);
        }
        let waiting = pending.updates().map(Encode::encode_v1);
        let all: Vec<Vec<u8>> = std::iter::once(integrated).chain(waiting).collect();
        merge(&all).map_err(|error| ProviderError::new(ErrorCode::Internal, error.to_string()))
    }

    fn answer(&self, answers: Vec<(AttachmentId, JobDone)>) {
        for (id, done) in answers {
            let attachment = self
                .attachments
                .lock()
                .iter()
                .find(|(other, _)| *other == id)
                .map(|(_, it)| Arc::clone(it));
            if let Some(attachment) = attachment {
                attachment.handle_job_done(done);
            }
        }
    }
}

/// A V1 update as the CRDT takes it: scanned before it decodes it, and in parts where it has gaps. Decoding touches no
/// document, so a panic in it poisons none.
pub(super) fn decode(fence: &Fence, bytes: &[u8]) -> Result<SmallVec<[Update; 1]>, ProviderError> {
    let scan_error = |error| invalid(format!("not a V1 update: {error}"));
    let seen = inspect_v1(bytes).map_err(scan_error)?;
    fence.add_types(seen.types);
    let sorted;
    let bytes = if seen.has_unsorted_deletions {
        sorted = sort_deletions(bytes).map_err(scan_error)?;
        &sorted
    } else {
        bytes
    };
    if seen.has_gaps {
        let parts = split_at_gaps(bytes).map_err(scan_error)?;
        return parts.iter().map(|part| decode_part(part)).collect();
    }
    Ok(smallvec![decode_part(bytes)?])
}

fn decode_part(bytes: &[u8]) -> Result<Update, ProviderError> {
    match catch_unwind(|| Update::decode_v1(bytes)) {
        Ok(Ok(update)) => Ok(update),
        Ok(Err(error)) => Err(invalid(format!("not a V1 update: {error}"))),
        Err(_) => Err(invalid("not a V1 update: decoding it failed inside the CRDT".to_owned())),
    }
}
