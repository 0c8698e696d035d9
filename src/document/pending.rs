//! Updates that wait for others: kept here, one by one, and not inside the CRDT.
//!
//! yrs merges what waits, and its merging of updates with gaps loses track of where a gap ends when another update starts
//! inside of it: lengths wrap around, and what comes out is no update any more. So nothing is left to it: what an update
//! leaves waiting is taken out at once, and applied again when something it waits for has come.

use yrs::error::UpdateError;
use yrs::{ClientID, ReadTxn, StateVector, TransactionMut, Update, WriteTxn};

/// Updates of one document that wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    held: Vec<Held>,
    /// Where content begins that is in the document although content before it is not yet.
    beyond_gaps: Vec<(ClientID, u32)>,
}

#[derive(Debug)]
struct Held {
    update: Update,
    /// It is worth a try once the document knows more of any of these clients than it did then. What is missing is never
    /// below that clock: it lies behind it, or in the gap that begins there.
    missing: Vec<(ClientID, u32)>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether something is missing after this transaction: updates wait, or the document has a gap.
    pub(super) fn is_missing_updates(&mut self, txn: &TransactionMut<'_>) -> bool {
        let state = txn.state_vector();
        let ends = txn.insert_set().iter().filter_map(|(client, ranges)| {
            ranges.iter().map(|range| range.end).max().map(|end| (*client, end))
        });
        self.beyond_gaps.extend(ends);
        self.beyond_gaps.retain(|(client, end)| state.get(client) < *end);
        !self.held.is_empty() || !self.beyond_gaps.is_empty()
    }

    /// What waits, in the order in which it came.
    pub(super) fn updates(&self) -> impl Iterator<Item = &Update> {
        self.held.iter().map(|held| &held.update)
    }

    /// Applies an update, and then whatever waited for it.
    pub(super) fn apply(
        &mut self,
        txn: &mut TransactionMut<'_>,
        update: Update,
    ) -> Result<(), UpdateError> {
        let applied = self.apply_one(txn, update);
        if self.held.is_empty() {
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
        applied
    }

    fn apply_one(
        &mut self,
        txn: &mut TransactionMut<'_>,
        update: Update,
    ) -> Result<(), UpdateError> {
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
