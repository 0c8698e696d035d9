//! Updates that wait for others: kept here, one by one, and not inside the CRDT.
//!
//! What comes ahead of what it builds on, yrs 0.28 integrates around a gap, and it merges what waits. Both go wrong where
//! another update starts or ends inside of the gap: lengths wrap around, what is encoded is no update any more, and
//! replicas differ. So the CRDT never gets an update with a gap, nor one that would leave a gap, and what it can't
//! integrate is taken out of it at once. All of it is applied when something that it waits for has come.

use smallvec::SmallVec;
use yrs::error::UpdateError;
use yrs::{ClientID, ReadTxn, StateVector, TransactionMut, Update, WriteTxn};

/// Updates of one document that wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    update: Update,
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
        self.held.iter().map(|held| &held.update)
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
        update: Update,
        state: &mut StateVector,
    ) -> Result<(), UpdateError> {
        let had_none = self.held.is_empty();
        let applied = self.apply_one(txn, update, state);
        if had_none || applied.is_err() {
            return applied;
        }
        // Every round but the last makes the document know more, so there is a last one.
        while self.held.iter().any(|held| held.is_ready(state)) {
            let before = state.clone();
            for held in std::mem::take(&mut self.held) {
                if held.is_ready(&before) {
                    self.apply_one(txn, held.update, state)?;
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
        update: Update,
        state: &mut StateVector,
    ) -> Result<(), UpdateError> {
        let missing = missing_before(&update, state);
        if !missing.is_empty() {
            self.held.push(Held { update, missing });
            return Ok(());
        }
        let reached = ends(&update);
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
            self.held.push(Held { update, missing });
        } else if applied.is_err() {
            *state = txn.state_vector();
        } else {
            advance(state, reached);
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

/// Whether these updates, applied one after the other to a document in this state, leave no gap.
pub(super) fn are_seamless(updates: &[Update], state: &StateVector) -> bool {
    let mut reached = StateVector::default();
    updates.iter().all(|update| {
        let lower = update.state_vector_lower();
        let is_seamless = lower
            .iter()
            .all(|(client, first)| state.get(client).max(reached.get(client)) >= *first);
        advance(&mut reached, ends(update));
        is_seamless
    })
}

/// Where an update without gaps ends. Its state vector would not tell: it has only those clients whose beginning it has.
fn ends(update: &Update) -> SmallVec<[(ClientID, u32); 1]> {
    let inserted = update.insertions(true);
    let ends = inserted.iter().filter_map(|(client, ranges)| {
        let end = ranges.iter().map(|range| range.end).max()?;
        Some((*client, end))
    });
    ends.collect()
}

fn advance(state: &mut StateVector, ends: SmallVec<[(ClientID, u32); 1]>) {
    for (client, clock) in ends {
        state.set_max(client, clock);
    }
}

/// Where a document in this state ends before an update without gaps begins.
fn missing_before(update: &Update, state: &StateVector) -> Vec<(ClientID, u32)> {
    let lower = update.state_vector_lower();
    let known = lower.iter().map(|(client, clock)| (*client, state.get(client), *clock));
    known
        .filter(|(_, known, first)| known < first)
        .map(|(client, known, _)| (client, known))
        .collect()
}

#[cfg(test)]
mod tests {
    use yrs::updates::decoder::Decode;
    use yrs::{Doc, Text, Transact};

    use super::*;

    #[test]
    fn what_is_typed_on_and_on_is_seamless() {
        let doc = Doc::with_client_id(1);
        let text = doc.get_or_insert_text("text");
        let type_one = || {
            let mut txn = doc.transact_mut();
            let before = txn.state_vector();
            text.push(&mut txn, "x");
            (before, Update::decode_v1(&txn.encode_update_v1()).expect("it is one"))
        };
        let typed: Vec<_> = (0..8).map(|_| type_one()).collect();
        let state = typed[2].0.clone();
        let updates: Vec<_> = typed.into_iter().map(|(_, update)| update).collect();
        assert!(are_seamless(&updates[2..], &state));
        assert!(are_seamless(&updates, &state), "known ones do no harm");
        assert!(!are_seamless(&updates[3..], &state), "one is missing before");
        let mut updates = updates;
        updates.remove(4);
        assert!(!are_seamless(&updates[2..], &state), "one is missing between");
    }
}
