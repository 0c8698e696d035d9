//! Updates that wait for others: kept here, one by one, and not inside the CRDT.
//!
//! What comes ahead of what it builds on, yrs 0.28 integrates around a gap, and it merges what waits. Both go wrong where
//! another update starts or ends inside of the gap: lengths wrap around, what is encoded is no update any more, and
//! replicas differ. So the CRDT never gets an update with a gap, nor one that would leave a gap, and what it can't
//! integrate is taken out of it at once. All of it is applied when something that it waits for has come.

use std::ops::Range;

use smallvec::SmallVec;
use yrs::error::UpdateError;
use yrs::{ClientID, ReadTxn, StateVector, TransactionMut, Update, WriteTxn};

/// Updates of one document that wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    held: Vec<Held>,
}

/// An update without gaps, and where it begins and ends.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) update: Update,
    pub(super) extents: Extents,
}

/// From which clock to which an update without gaps has content of a client. Nearly all are of one client.
pub(super) type Extents = SmallVec<[(ClientID, Range<u32>); 1]>;

#[derive(Debug)]
struct Held {
    part: Part,
    /// It is worth a try once the document knows more of any of these clients than it did then. What is missing is never
    /// below that clock.
    missing: Vec<(ClientID, u32)>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What waits, in the order in which it came.
    pub(super) fn updates(&self) -> impl Iterator<Item = &Update> {
        self.held.iter().map(|held| &held.part.update)
    }

    /// The clocks that what waits is missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = (ClientID, u32)> + '_ {
        self.held.iter().flat_map(|held| held.missing.iter().copied())
    }

    /// Applies an update without gaps, and then whatever waited for it. The state is that of the document, and is kept up
    /// to date: to ask the CRDT for it costs time for every author, applying a small update does not.
    pub(super) fn apply(
        &mut self,
        txn: &mut TransactionMut<'_>,
        part: Part,
        state: &mut StateVector,
    ) -> Result<(), UpdateError> {
        let had_none = self.held.is_empty();
        let applied = self.apply_one(txn, part, state);
        if had_none || applied.is_err() {
            return applied;
        }
        // Every round but the last makes the document know more, so there is a last one.
        while self.held.iter().any(|held| held.is_ready(state)) {
            let before = state.clone();
            for held in std::mem::take(&mut self.held) {
                if held.is_ready(&before) {
                    self.apply_one(txn, held.part, state)?;
                } else {
                    self.held.push(held);
                }
            }
            if before == *state {
                break;
            }
        }
        Ok(())
    }

    fn apply_one(
        &mut self,
        txn: &mut TransactionMut<'_>,
        part: Part,
        state: &mut StateVector,
    ) -> Result<(), UpdateError> {
        let missing = missing_before(&part.extents, state);
        if !missing.is_empty() {
            self.held.push(Held { part, missing });
            return Ok(());
        }
        let Part { update, extents } = part;
        let applied = txn.apply_update(update);
        let mut clients: Vec<ClientID> = Vec::new();
        if let Some(pending) = txn.store().pending_update() {
            clients.extend(pending.missing.iter().map(|(client, _)| *client));
        }
        if let Some(deletes) = txn.store().pending_ds() {
            clients.extend(deletes.client_ids());
        }
        if let Some(update) = txn.prune_pending() {
            *state = txn.state_vector();
            let missing = clients.iter().map(|client| (*client, state.get(client))).collect();
            let extents = extents_of(&update);
            self.held.push(Held { part: Part { update, extents }, missing });
        } else if applied.is_err() {
            *state = txn.state_vector();
        } else {
            for (client, clocks) in extents {
                state.set_max(client, clocks.end);
            }
        }
        debug_assert_eq!(*state, txn.state_vector());
        applied
    }
}

impl Held {
    fn is_ready(&self, state: &StateVector) -> bool {
        self.missing.iter().any(|(client, clock)| state.get(client) > *clock)
    }
}

/// Where a document in this state ends before something begins.
pub(super) fn missing_before(extents: &Extents, state: &StateVector) -> Vec<(ClientID, u32)> {
    let known = extents.iter().map(|(client, clocks)| (*client, state.get(client), clocks.start));
    known
        .filter(|(_, known, first)| known < first)
        .map(|(client, known, _)| (client, known))
        .collect()
}

/// Those of what the CRDT gave back.
fn extents_of(update: &Update) -> Extents {
    let inserted = update.insertions(true);
    let extents = inserted.iter().filter_map(|(client, ranges)| {
        let start = ranges.iter().map(|range| range.start).min()?;
        let end = ranges.iter().map(|range| range.end).max()?;
        Some((*client, start..end))
    });
    extents.collect()
}
