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

use super::local::LocalDocument;
use super::record::Record;
use super::shared::Shared;
use super::value::TypeHandle;
use crate::error::{ErrorCode, ProviderError};

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
    list: Mutex<Vec<Managed>>,
}

/// What the transaction of an undo was, see [`Shared::collect`].
type Collected = Result<(Option<Arc<Record>>, Option<Bytes>), ProviderError>;

pub(super) struct Managed {
    id: u64,
    options: UndoOptions,
    scope: Vec<TypeHandle>,
    manager: UndoManager<u64>,
    /// Which actions JS listens to.
    interest: Arc<AtomicU8>,
    collected: Arc<Mutex<Option<Collected>>>,
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

impl LocalDocument {
    /// Adds a manager without a scope. The baton must be held, here and below.
    pub fn add_undo_manager(&self, id: u64, options: UndoOptions) {
        // What was edited before is none of its business. A failure is told by the next call.
        self.flush_edits().ok();
        let interest = Arc::default();
        let collected = Arc::default();
        let stacks = (Vec::new(), Vec::new());
        let manager = build(&self.shared, id, &options, stacks, &interest, &collected);
        let scope = Vec::new();
        let entry = Managed { id, options, scope, manager, interest, collected };
        self.shared.content().undo.list.lock().push(entry);
    }

    /// Adds types whose changes the manager undoes.
    pub fn add_undo_scope(&self, id: u64, types: Vec<TypeHandle>) -> Result<(), ProviderError> {
        self.with_manager(id, |managed| {
            types.into_iter().try_for_each(|handle| {
                let branch = handle.branch(&self.shared.content().doc.transact())?;
                managed.manager.expand_scope(&self.shared.content().doc, &branch);
                if !managed.scope.contains(&handle) {
                    managed.scope.push(handle);
                }
                Ok(())
            })
        })?
    }

    /// Starts or stops undoing transactions of an origin, given by its identity (empty: those without one).
    pub fn set_undo_origin(&self, id: u64, origin: &[u8], is_tracked: bool) {
        if let Some(managed) =
            self.shared.content().undo.list.lock().iter_mut().find(|it| it.id == id)
        {
            let origins = &mut managed.options.origins;
            origins.retain(|other| other != origin);
            if is_tracked {
                origins.push(origin.to_vec());
            }
            let wanted = tracked(origins);
            for gone in [origin, NO_ORIGIN].map(Origin::from) {
                managed.manager.exclude_origin(gone);
            }
            for origin in wanted {
                managed.manager.include_origin(origin);
            }
        }
    }

    /// Says whether JS listens to an action of the manager.
    pub fn set_undo_interest(&self, id: u64, action: UndoAction, is_wanted: bool) {
        if let Some(managed) = self.shared.content().undo.list.lock().iter().find(|it| it.id == id)
        {
            if is_wanted {
                managed.interest.fetch_or(action as u8, Ordering::Relaxed);
            } else {
                managed.interest.fetch_and(!(action as u8), Ordering::Relaxed);
            }
        }
    }

    /// Undoes the newest item, or redoes what was undone last. Returns whether anything changed.
    pub fn undo(
        &self,
        id: u64,
        is_redo: bool,
    ) -> Result<(bool, Option<Arc<Record>>), ProviderError> {
        let (is_changed, collected) = self.with_manager(id, |managed| {
            let is_changed = if is_redo {
                managed.manager.redo_blocking()
            } else {
                managed.manager.undo_blocking()
            };
            (is_changed, managed.collected.lock().take())
        })?;
        self.shared.fence.check()?;
        let (record, update) = collected.transpose()?.unwrap_or_default();
        Ok((is_changed, self.keep(record, update)))
    }

    /// Whether there is something to undo, or to redo.
    pub fn can_undo(&self, id: u64, is_redo: bool) -> bool {
        let list = self.shared.content().undo.list.lock();
        list.iter()
            .find(|it| it.id == id)
            .is_some_and(|it| if is_redo { it.manager.can_redo() } else { it.manager.can_undo() })
    }

    /// Number of items in both stacks.
    pub fn undo_count(&self, id: u64) -> usize {
        let list = self.shared.content().undo.list.lock();
        let managed = list.iter().find(|it| it.id == id);
        managed.map_or(0, |it| it.manager.undo_stack().len() + it.manager.redo_stack().len())
    }

    /// The items of both stacks that somebody was told of.
    pub fn undo_items(&self, id: u64) -> HashSet<u64> {
        let list = self.shared.content().undo.list.lock();
        let items = list.iter().find(|it| it.id == id).map(|it| {
            let both = it.manager.undo_stack().iter().chain(it.manager.redo_stack());
            both.map(|item| *item.meta()).collect()
        });
        items.unwrap_or_default()
    }

    /// The next edit starts a new item.
    pub fn stop_capturing(&self, id: u64) {
        if let Some(managed) =
            self.shared.content().undo.list.lock().iter_mut().find(|it| it.id == id)
        {
            managed.manager.reset();
        }
    }

    /// Empties the stacks.
    pub fn clear_undo(&self, id: u64, undo: bool, redo: bool) -> Result<(), ProviderError> {
        self.with_manager(id, |managed| match (undo, redo) {
            (true, true) => managed.manager.clear_all(),
            (true, false) => managed.manager.clear_undo(),
            (false, true) => managed.manager.clear_redo(),
            (false, false) => {}
        })
    }

    /// A manager was collected: the next touch of the document drops it. For finalizers, which have no baton.
    pub fn retire_undo_manager(&self, id: u64) {
        self.retired.borrow_mut().push(id);
    }

    pub(super) fn drop_retired(&self) {
        let retired = self.retired.take();
        // Between ticks only an explicit transaction can be open, and then the baton was not taken anew.
        if !retired.is_empty() && !self.has_open_transaction() {
            let drop_them = || {
                self.shared
                    .content()
                    .undo
                    .list
                    .lock()
                    .retain(|managed| !retired.contains(&managed.id));
            };
            self.shared.fence.run(drop_them).ok();
        }
    }

    fn with_manager<R>(
        &self,
        id: u64,
        work: impl FnOnce(&mut Managed) -> R,
    ) -> Result<R, ProviderError> {
        self.shared.fence.check()?;
        // The manager opens transactions of its own and would wait for the open one for ever.
        if self.has_open_transaction() {
            return Err(ProviderError::new(
                ErrorCode::TransactionOpen,
                "a transaction of this document is open: commit it first",
            ));
        }
        self.shared.content().undo.prepare(&self.shared)?;
        let mut list = self.shared.content().undo.list.lock();
        let managed = list.iter_mut().find(|it| it.id == id).ok_or_else(|| {
            ProviderError::new(ErrorCode::Internal, "the undo manager was collected")
        })?;
        self.shared.fence.run(|| work(managed))
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

fn build(
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
fn tracked(origins: &[Vec<u8>]) -> HashSet<Origin> {
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
