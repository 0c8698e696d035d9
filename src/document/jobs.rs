//! Work that waits for a document: remote updates and requests to encode, in the order in which they came.

use std::collections::VecDeque;

use bytes::Bytes;

use super::attachment::AttachmentId;

/// Bytes of waiting updates per document. Past it they are dropped and the document asks for what it lacks (T 23).
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Larger groups are not faster, and one that can't be joined is applied one by one.
pub(super) const GROUP_COUNT: usize = 16;
const GROUP_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(super) enum Job {
    Apply {
        token: u64,
        update: Bytes,
    },
    /// Stands where an update was dropped, so that its token is still answered in order.
    Dropped {
        token: u64,
    },
    EncodeDiff {
        token: u64,
        state_vector: Bytes,
    },
    EncodeStateVector {
        token: u64,
    },
}

#[derive(Debug, Default)]
pub(super) struct Jobs {
    queue: VecDeque<(AttachmentId, Job)>,
    bytes: usize,
}

impl Jobs {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push(&mut self, attachment: AttachmentId, job: Job) {
        let job = match job {
            Job::Apply { token, ref update }
                if self.bytes + update.len() > MAX_BYTES && self.bytes > 0 =>
            {
                Job::Dropped { token }
            }
            job => job,
        };
        self.push_kept(attachment, job);
    }

    /// Queues a job whatever its size.
    pub(super) fn push_kept(&mut self, attachment: AttachmentId, job: Job) {
        if let Job::Apply { update, .. } = &job {
            self.bytes += update.len();
        }
        self.queue.push_back((attachment, job));
    }

    /// The next job that is no update.
    pub(super) fn pop_other(&mut self) -> Option<(AttachmentId, Job)> {
        match self.queue.front() {
            Some((_, Job::Apply { .. })) | None => None,
            Some(_) => self.queue.pop_front(),
        }
    }

    /// Whose update comes next, if an update comes next.
    pub(super) fn next_update(&self) -> Option<AttachmentId> {
        match self.queue.front() {
            Some((attachment, Job::Apply { .. })) => Some(*attachment),
            _ => None,
        }
    }

    /// Takes the next updates of one attachment that are worth merging. Never mixes attachments: the origin of a
    /// transaction decides to whom its update is forwarded (T 11).
    pub(super) fn pop_group(&mut self, from: AttachmentId) -> Vec<(u64, Bytes)> {
        let mut group = Vec::with_capacity(GROUP_COUNT.min(self.queue.len()));
        let mut bytes = 0;
        while group.len() < GROUP_COUNT
            && let Some((attachment, Job::Apply { update, .. })) = self.queue.front()
        {
            let is_too_much = bytes > 0 && bytes + update.len() > GROUP_BYTES;
            if *attachment != from || is_too_much {
                break;
            }
            bytes += update.len();
            if let Some((_, Job::Apply { token, update })) = self.queue.pop_front() {
                group.push((token, update));
            }
        }
        self.bytes -= bytes;
        group
    }

    /// Forgets the jobs of an attachment that left.
    pub(super) fn remove(&mut self, attachment: AttachmentId) {
        self.queue.retain(|(owner, _)| *owner != attachment);
        self.bytes = self
            .queue
            .iter()
            .map(|(_, job)| if let Job::Apply { update, .. } = job { update.len() } else { 0 })
            .sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(token: u64, len: usize) -> Job {
        Job::Apply { token, update: Bytes::from(vec![0; len]) }
    }

    #[test]
    fn groups_hold_one_attachment_and_few_bytes() {
        let (a, b) = (AttachmentId(1), AttachmentId(2));
        let mut jobs = Jobs::default();
        for token in 1..=20 {
            jobs.push(a, apply(token, 10));
        }
        jobs.push(b, apply(1, 10));
        jobs.push(b, apply(2, GROUP_BYTES));
        let tokens = |group: Vec<(u64, Bytes)>| {
            group.into_iter().map(|(token, _)| token).collect::<Vec<_>>()
        };
        assert_eq!(tokens(jobs.pop_group(a)), (1..=16).collect::<Vec<_>>());
        assert_eq!(tokens(jobs.pop_group(a)), (17..=20).collect::<Vec<_>>());
        assert_eq!(jobs.next_update(), Some(b));
        assert_eq!(tokens(jobs.pop_group(b)), [1], "a large update goes alone");
        assert_eq!(tokens(jobs.pop_group(b)), [2]);
        assert!(jobs.is_empty());
        assert_eq!(jobs.bytes, 0);
    }

    #[test]
    fn past_the_bound_updates_are_dropped_but_answered_in_order() {
        let a = AttachmentId(1);
        let mut jobs = Jobs::default();
        jobs.push(a, apply(1, MAX_BYTES));
        jobs.push(a, apply(2, 1));
        assert_eq!(jobs.pop_group(a).len(), 1);
        assert!(matches!(jobs.pop_other(), Some((_, Job::Dropped { token: 2 }))));
        jobs.push(a, apply(3, 1));
        assert_eq!(jobs.next_update(), Some(a), "there is room again");
    }

    #[test]
    fn jobs_of_an_attachment_that_left_are_forgotten() {
        let mut jobs = Jobs::default();
        jobs.push(AttachmentId(1), apply(1, 10));
        jobs.push(AttachmentId(2), apply(1, 7));
        jobs.remove(AttachmentId(1));
        assert_eq!(jobs.bytes, 7);
        assert_eq!(jobs.next_update(), Some(AttachmentId(2)));
    }
}
