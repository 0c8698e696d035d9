//! Slices of a document's jobs: applying remote updates, encoding what peers lack.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{Origin, ReadTxn, StateVector, Transact};

use super::attachment::{AttachmentId, JobDone};
use super::jobs::Job;
use super::pool;
use super::record::Record;
use super::shared::Shared;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::update::merge;

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
