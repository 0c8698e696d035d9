//! Updates that wait for others: kept here, one by one, and not inside the CRDT.
//!
//! What comes ahead of what it builds on, yrs 0.28 integrates around a gap, and it merges what waits. Both go wrong where
//! another update starts or ends inside of the gap: lengths wrap around, what is encoded is no update any more, and
//! replicas differ. So the CRDT never gets an update with a gap, nor one that would leave a gap, and what it can't
//! integrate is taken out of it at once. All of it is applied when something that it waits for has come.

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

    /// Applies an update without gaps, and then whatever waited for it.
    pub(super) fn apply(
        &mut self,
        txn: &mut TransactionMut<'_>,
        update: Update,
    ) -> Result<(), UpdateError> {
        let had_none = self.held.is_empty();
        let applied = self.apply_one(txn, update);
        if had_none || applied.is_err() {
            return applied;
        }
        let mut state = txn.state_vector();
        // Every round but the last makes the document know more, so there is a last one.
        while self.held.iter().any(|held| held.is_ready(&state)) {
            for held in std::mem::take(&mut self.held) {
                if held.is_ready(&state) {
                    self.apply_one(txn, held.update)?;
                } else {
                    self.held.push(held);
                }
            }
            let before = std::mem::replace(&mut state, txn.state_vector());
            if before == state {
                break;
            }
        }
        Ok(())
    }

    fn apply_one(
        &mut self,
        txn: &mut TransactionMut<'_>,
        update: Update,
    ) -> Result<(), UpdateError> {
        let missing = missing_before(&update, &txn.state_vector());
        if !missing.is_empty() {
            self.held.push(Held { update, missing });
            return Ok(());
        }
        let applied = txn.apply_update(update);
        let mut clients: Vec<ClientID> = Vec::new();
        if let Some(pending) = txn.store().pending_update() {
            clients.extend(pending.missing.iter().map(|(client, _)| *client));
        }
        if let Some(deletes) = txn.store().pending_ds() {
            clients.extend(deletes.client_ids());
        }
        if let Some(update) = txn.prune_pending() {
            let state = txn.state_vector();
            let missing = clients.iter().map(|client| (*client, state.get(client))).collect();
            self.held.push(Held { update, missing });
        }
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
    let mut state = state.clone();
    updates.iter().all(|update| {
        let is_seamless = missing_before(update, &state).is_empty();
        for (client, clock) in update.state_vector().iter() {
            state.set_max(*client, *clock);
        }
        is_seamless
    })
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
