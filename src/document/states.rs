//! State vectors around a transaction, without a copy of them for every transaction.

use std::sync::Arc;

use parking_lot::Mutex;
use yrs::{ClientID, IdSet, ReadTxn, StateVector, TransactionMut};

const MANY_AUTHORS: usize = 64;

/// What was deleted: client, then (clock, length) pairs.
pub type Deletes = Vec<(u64, Vec<(u32, u32)>)>;

/// State of a document around a transaction.
#[derive(Debug, Clone)]
pub struct States {
    /// The state vector, as far as `own` does not know better.
    base: Arc<StateVector>,
    /// The document's own client, and its clock before and after. The clocks of others are those of `before`, or `base`.
    own: (ClientID, u32, u32),
    /// The state vector before, if others than the own client moved.
    before: Option<Box<StateVector>>,
    deletes: Deletes,
}

impl States {
    /// The states around a transaction, open or committed.
    pub fn of(txn: &TransactionMut<'_>) -> Self {
        StatesCache::default().states_of(txn)
    }

    /// State vector before.
    pub fn before(&self) -> StateVector {
        match &self.before {
            Some(before) => before.as_ref().clone(),
            None => self.with_own(self.own.1),
        }
    }

    /// State vector after; so far, while the transaction is open.
    pub fn after(&self) -> StateVector {
        self.with_own(self.own.2)
    }

    /// What was deleted.
    pub fn deletes(&self) -> &Deletes {
        &self.deletes
    }

    fn with_own(&self, clock: u32) -> StateVector {
        let mut vector = StateVector::clone(&self.base);
        // A client without content is in no state vector.
        if clock > 0 {
            let (client, ..) = self.own;
            vector.set_max(client, clock);
        }
        vector
    }
}

/// A state vector of a document. It costs time for every author, so edits of the own client, which move no other, share
/// one (T 8).
#[derive(Debug, Default)]
pub(super) struct StatesCache {
    /// The clocks of all but the own client. Its clock is one that it had before.
    base: Mutex<Option<Arc<StateVector>>>,
}

impl StatesCache {
    /// A transaction was made whose states nobody wants to know.
    pub(super) fn skip(&self, txn: &TransactionMut<'_>) {
        if moves_others(txn) {
            *self.base.lock() = None;
        }
    }

    /// The states around a transaction, open or committed.
    pub(super) fn states_of(&self, txn: &TransactionMut<'_>) -> States {
        let client = txn.doc().client_id();
        let after = txn.store().get_local_state();
        let inserted = txn.insert_set().iter().find(|(other, _)| **other == client);
        let first = inserted.and_then(|(_, ranges)| ranges.iter().next().map(|range| range.start));
        let own = (client, first.unwrap_or(after), after);
        let deletes = deletes(txn.delete_set());
        let mut base = self.base.lock();
        if moves_others(txn) {
            // The CRDT has clock 0 for those who are new.
            let before = txn.before_state().iter().filter(|(_, clock)| **clock > 0);
            let before = Some(Box::new(before.map(|(client, clock)| (*client, *clock)).collect()));
            // Not `after_state()`, which remembers what it returned before the last edit.
            let now = Arc::new(txn.state_vector());
            *base = Some(Arc::clone(&now));
            return States { base: now, own, before, deletes };
        }
        let without_own = || {
            let vector = txn.state_vector();
            let others = vector.iter().filter(|(other, _)| **other != client);
            Arc::new(others.map(|(client, clock)| (*client, *clock)).collect())
        };
        let base = Arc::clone(base.get_or_insert_with(without_own));
        States { base, own, before: None, deletes }
    }
}

/// The state vector after a slice, which is the one before the next if nothing else happened to the document.
#[derive(Debug, Default)]
pub(super) struct KnownState(Mutex<Option<(u64, StateVector)>>);

impl KnownState {
    /// The state of a document of this revision.
    pub(super) fn take<T: ReadTxn>(&self, revision: u64, txn: &T) -> StateVector {
        match self.0.lock().take() {
            Some((known, state)) if known == revision => state,
            _ => txn.state_vector(),
        }
    }

    /// It is right as long as the document has this revision. Of few authors it is made as quickly as it is kept.
    pub(super) fn put(&self, revision: u64, state: StateVector) {
        if state.len() >= MANY_AUTHORS {
            *self.0.lock() = Some((revision, state));
        }
    }
}

/// The ranges of a delete set as plain data.
pub fn deletes(set: &IdSet) -> Deletes {
    set.iter()
        .map(|(client, ranges)| {
            (client.get(), ranges.iter().map(|it| (it.start, it.end - it.start)).collect())
        })
        .collect()
}

fn moves_others(txn: &TransactionMut<'_>) -> bool {
    let client = txn.doc().client_id();
    txn.insert_set().iter().any(|(other, _)| *other != client)
}

#[cfg(test)]
mod tests {
    use yrs::updates::decoder::Decode;
    use yrs::{Doc, Text, Transact, Update};

    use super::*;

    #[test]
    fn states_are_right_whoever_made_the_transaction() {
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        let cache = StatesCache::default();
        let doc = Doc::with_client_id(1);
        let text = doc.get_or_insert_text("text");
        for step in 0..500 {
            let mut txn = doc.transact_mut();
            let before = txn.state_vector();
            match rng.u8(..4) {
                0 => {
                    let other = Doc::with_client_id(u64::from(rng.u8(1..6)));
                    let other_text = other.get_or_insert_text("text");
                    let update = txn.encode_state_as_update_v1(&StateVector::default());
                    let mut other_txn = other.transact_mut();
                    other_txn.apply_update(Update::decode_v1(&update).unwrap()).unwrap();
                    other_text.insert(&mut other_txn, 0, "other");
                    let update = other_txn.encode_update_v1();
                    txn.apply_update(Update::decode_v1(&update).unwrap()).unwrap();
                }
                1 => {
                    let length = text.len(&txn).min(2);
                    text.remove_range(&mut txn, 0, length);
                }
                2 => {}
                _ => text.insert(&mut txn, 0, "own"),
            }
            txn.commit();
            if rng.bool() {
                cache.skip(&txn);
                continue;
            }
            let states = cache.states_of(&txn);
            assert_eq!(states.before(), before, "seed {seed}, step {step}");
            assert_eq!(states.after(), txn.state_vector(), "seed {seed}, step {step}");
            assert_eq!(states.deletes(), &deletes(txn.delete_set()), "seed {seed}, step {step}");
        }
    }
}
