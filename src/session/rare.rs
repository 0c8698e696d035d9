//! Parts of a session that most never need.

use std::ops::Deref;

/// What it is as long as nothing has happened to it.
pub(crate) trait Unused: 'static {
    /// One for all.
    fn unused() -> &'static Self;
}

/// A part that takes no memory until something happens to it. Reading never makes it.
#[derive(Debug)]
pub(crate) struct Rare<T>(Option<Box<T>>);

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Rare<T> {
    /// For what only changes something if there is something.
    pub(crate) fn used(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// For what only changes something if there is something; else nothing comes of it.
    pub(crate) fn change<R: Default>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        self.used().map(change).unwrap_or_default()
    }

    /// Gives back its memory if nothing is left of what happened.
    pub(crate) fn shrink(&mut self, is_unused: impl FnOnce(&T) -> bool) {
        if self.0.as_deref().is_some_and(is_unused) {
            self.0 = None;
        }
    }

    /// For what happens to it, maybe for the first time.
    pub(crate) fn make(&mut self, new: impl FnOnce() -> T) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(new()))
    }
}

impl<T: Unused> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::unused())
    }
}
