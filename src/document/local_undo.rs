//! What the JS thread does with undo managers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use yrs::{Origin, Transact};

use super::local::LocalDocument;
use super::record::Record;
use super::undo::{Managed, NO_ORIGIN, UndoAction, UndoOptions, build, tracked};
use super::value::TypeHandle;
use crate::error::{ErrorCode, ProviderError};

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
