//! Undo managers of a document.
//!
//! The CRDT's manager changes its stacks through a raw pointer at every commit, on whichever thread commits (T 9). So
//! managers live in the document, are touched under the baton only, and are dropped where no transaction is open. It
//! also keeps pointers to the types of its scope: when one was freed, a new manager takes over the stacks.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use yrs::undo::{Event, EventKind, Options, StackItem, UndoManager};
use yrs::{Origin, Transact, TransactionMut};

use super::record::Record;
use super::shared::Shared;
use super::value::TypeHandle;
use crate::error::ProviderError;

/// The origin of transactions that have none.
pub(super) const NO_ORIGIN: &[u8] = b"";

const OBSERVER: &str = "undo";

/// How an undo manager is made.
#[derive(Debug, Clone)]
pub struct UndoOptions {
    /// Edits that follow each other within this time, in ms, are undone together.
    pub capture_timeout: u64,
    /// Identities of the origins whose transactions are undone; none: transactions without an origin.
    pub origins: Vec<Vec<u8>>,
}

/// What happened to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum UndoAction {
    /// A new item.
    Added = 1,
    /// The newest item grew.
    Updated = 2,
    /// An item was undone or redone.
    Popped = 4,
}

/// Something happened to a stack of an undo manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoChange {
    /// Which manager.
    pub manager: u64,
    /// What happened.
    pub action: UndoAction,
    /// Whether the item is one to be redone.
    pub is_redo: bool,
    /// Which item; unique in the process.
    pub item: u64,
}

/// The managers of one document.
#[derive(Default)]
pub(super) struct UndoManagers {
    pub(super) list: Mutex<Vec<Managed>>,
}

/// What the transaction of an undo was, see [`Shared::collect`].
pub(super) type Collected = Result<(Option<Arc<Record>>, Option<Bytes>), ProviderError>;

pub(super) struct Managed {
    pub(super) id: u64,
    pub(super) options: UndoOptions,
    pub(super) scope: Vec<TypeHandle>,
    pub(super) manager: UndoManager<u64>,
    /// Which actions JS listens to.
    pub(super) interest: Arc<AtomicU8>,
    pub(super) collected: Arc<Mutex<Option<Collected>>>,
}

impl UndoManagers {
    /// Must come before every transaction: managers forget types of their scope that were freed.
    pub(super) fn prepare(&self, shared: &Arc<Shared>) -> Result<(), ProviderError> {
        let mut list = self.list.lock();
        if list.is_empty() {
            return Ok(());
        }
        shared.fence.check()?;
        shared.fence.run(|| list.iter_mut().for_each(|managed| managed.forget_freed(shared)))
    }

    pub(super) fn has_managers(&self) -> bool {
        !self.list.lock().is_empty()
    }

    /// Takes all managers out, to be dropped.
    pub(super) fn take(&self) -> Vec<Managed> {
        std::mem::take(&mut *self.list.lock())
    }
}

impl Managed {
    fn forget_freed(&mut self, shared: &Arc<Shared>) {
        let txn = shared.content().doc.transact();
        let before = self.scope.len();
        self.scope.retain(|handle| handle.id.get_branch(&txn).is_some());
        if self.scope.len() == before {
            return;
        }
        let branches: Vec<_> =
            self.scope.iter().filter_map(|handle| handle.id.get_branch(&txn)).collect();
        // The managers below register observers, which they can't under a transaction.
        drop(txn);
        let stacks = (self.manager.undo_stack().to_vec(), self.manager.redo_stack().to_vec());
        let (id, options) = (self.id, &self.options);
        self.manager = build(shared, id, options, stacks, &self.interest, &self.collected);
        for branch in branches {
            self.manager.expand_scope(&shared.content().doc, &branch);
        }
    }
}

pub(super) fn build(
    shared: &Arc<Shared>,
    id: u64,
    options: &UndoOptions,
    (undo, redo): (Vec<StackItem<u64>>, Vec<StackItem<u64>>),
    interest: &Arc<AtomicU8>,
    collected: &Arc<Mutex<Option<Collected>>>,
) -> UndoManager<u64> {
    let mut manager = UndoManager::with_options(Options {
        capture_timeout_millis: options.capture_timeout,
        tracked_origins: tracked(&options.origins),
        capture_transaction: None,
        timestamp: Arc::new(monotonic_millis),
        init_undo_stack: undo,
        init_redo_stack: redo,
    });
    let reporter = |action| Reporter {
        shared: Arc::downgrade(shared),
        manager: id,
        action,
        interest: Arc::clone(interest),
    };
    let (added, updated) = (reporter(UndoAction::Added), reporter(UndoAction::Updated));
    manager.observe_item_added(OBSERVER, move |_, event| added.report(event));
    manager.observe_item_updated(OBSERVER, move |_, event| updated.report(event));
    let (popped, collected) = (reporter(UndoAction::Popped), Arc::clone(collected));
    manager.observe_item_popped(OBSERVER, move |txn, event| {
        popped.report(event);
        *collected.lock() = popped.collect(txn);
    });
    manager
}

/// The origins as the CRDT compares them. All local transactions have one, so it never falls back to its own rule for
/// those without.
pub(super) fn tracked(origins: &[Vec<u8>]) -> HashSet<Origin> {
    if origins.is_empty() {
        return HashSet::from([Origin::from(NO_ORIGIN)]);
    }
    origins.iter().map(|origin| Origin::from(origin.as_slice())).collect()
}

/// Milliseconds that never go back, whatever happens to the clock on the wall: the CRDT subtracts them unchecked.
fn monotonic_millis() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    // Not 0, by which the CRDT means "never".
    START.get_or_init(Instant::now).elapsed().as_millis() as u64 + 1
}

/// Runs inside a commit.
struct Reporter {
    shared: Weak<Shared>,
    manager: u64,
    action: UndoAction,
    interest: Arc<AtomicU8>,
}

impl Reporter {
    fn report(&self, event: &mut Event<u64>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        if self.interest.load(Ordering::Relaxed) & self.action as u8 == 0 {
            return;
        }
        let Some(shared) = self.shared.upgrade() else { return };
        if *event.meta() == 0 {
            *event.meta_mut() = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        shared.content().capture.push_undo(UndoChange {
            manager: self.manager,
            action: self.action,
            is_redo: event.kind() == EventKind::Redo,
            item: *event.meta(),
        });
    }

    fn collect(&self, txn: &TransactionMut<'_>) -> Option<Collected> {
        self.shared.upgrade().map(|shared| shared.collect(txn, None, None))
    }
}
