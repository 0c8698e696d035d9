//! Who listens to what: lists of functions that live on a JavaScript object.
//!
//! A list is never changed, only replaced, so that a dispatch goes through the listeners it began with, whatever they
//! add or remove meanwhile.

use napi::bindgen_prelude::{Array, FromNapiValue, Function, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, ValueType};

use super::error::{Result, throw};
use crate::error::{ErrorCode, ProviderError};

/// A listener, as `on` and `once` take it.
pub(super) type Listener<'env> = Function<'env, Unknown<'env>, Unknown<'env>>;

/// The lists of one object.
#[derive(Clone, Copy)]
pub(super) struct Listeners<'env> {
    env: Env,
    lists: Object<'env>,
}

impl<'env> Listeners<'env> {
    pub(super) fn new(env: Env, lists: Object<'env>) -> Self {
        Self { env, lists }
    }

    /// Adds a listener; a second time is no second call. Returns whether it is the first of its list.
    pub(super) fn add(
        &mut self,
        key: &str,
        listener: Listener<'env>,
        is_once: bool,
    ) -> Result<bool> {
        if listener.to_unknown().get_type()? != ValueType::Function {
            let error =
                ProviderError::new(ErrorCode::InvalidArgument, "callback: expected a function");
            return Err(throw(self.env, error));
        }
        let entries = self.entries(key)?;
        if self.position(&entries, listener)?.is_some() {
            return Ok(false);
        }
        let mut list = self.env.create_array(entries.len() as u32 + 1)?;
        for (index, entry) in entries.iter().enumerate() {
            list.set(index as u32, *entry)?;
        }
        if is_once {
            let mut entry = Object::new(&self.env)?;
            entry.set_named_property("listener", listener)?;
            list.set(entries.len() as u32, entry)?;
        } else {
            list.set(entries.len() as u32, listener)?;
        }
        self.lists.set_named_property(key, list)?;
        Ok(entries.is_empty())
    }

    /// Removes a listener. Returns whether it was there, and whether its list is empty now.
    pub(super) fn remove(&mut self, key: &str, listener: Listener<'env>) -> Result<(bool, bool)> {
        let mut entries = self.entries(key)?;
        let Some(position) = self.position(&entries, listener)? else {
            return Ok((false, entries.is_empty()));
        };
        entries.remove(position);
        self.replace(key, &entries)?;
        Ok((true, entries.is_empty()))
    }

    /// Keeps an object alive with the lists, or no longer.
    pub(super) fn keep<'a>(&mut self, key: &str, object: Option<&impl JsValue<'a>>) -> Result<()> {
        match object {
            Some(object) => self.lists.set_named_property(key, object.to_unknown()),
            None => self.lists.delete_named_property(key).map(drop),
        }
    }

    /// Forgets all listeners.
    pub(super) fn clear(&mut self) -> Result<()> {
        for key in Object::keys(&self.lists)? {
            self.lists.delete_named_property(&key)?;
        }
        Ok(())
    }

    /// The functions to call now, in the order in which they were added. Those added with `once` are removed.
    pub(super) fn take(&mut self, key: &str) -> Result<Vec<Unknown<'env>>> {
        let entries = self.entries(key)?;
        let is_kept =
            |entry: &Unknown<'_>| entry.get_type().is_ok_and(|it| it == ValueType::Function);
        if entries.iter().all(is_kept) {
            return Ok(entries);
        }
        let kept: Vec<_> = entries.iter().copied().filter(is_kept).collect();
        self.replace(key, &kept)?;
        let function = |entry| {
            if is_kept(&entry) { Ok(entry) } else { listener_of_once(self.env, entry) }
        };
        entries.into_iter().map(function).collect()
    }

    fn entries(&self, key: &str) -> Result<Vec<Unknown<'env>>> {
        let value: Unknown<'env> = self.lists.get_named_property_unchecked(key)?;
        if value.get_type()? != ValueType::Object {
            return Ok(Vec::new());
        }
        // SAFETY: only arrays are ever stored.
        let list = unsafe { Array::from_napi_value(self.env.raw(), value.raw()) }?;
        (0..list.len())
            .map(|index| list.get::<Unknown>(index).map(|it| it.unwrap_or(value)))
            .collect()
    }

    fn replace(&mut self, key: &str, entries: &[Unknown<'env>]) -> Result<()> {
        let mut list = self.env.create_array(entries.len() as u32)?;
        for (index, entry) in entries.iter().enumerate() {
            list.set(index as u32, *entry)?;
        }
        self.lists.set_named_property(key, list)
    }

    fn position(
        &self,
        entries: &[Unknown<'env>],
        listener: Listener<'env>,
    ) -> Result<Option<usize>> {
        for (index, entry) in entries.iter().enumerate() {
            let function = if entry.get_type()? == ValueType::Function {
                *entry
            } else {
                listener_of_once(self.env, *entry)?
            };
            if self.env.strict_equals(function, listener)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

fn listener_of_once<'env>(env: Env, entry: Unknown<'env>) -> Result<Unknown<'env>> {
    // SAFETY: entries are functions or our own objects.
    let entry = unsafe { Object::from_napi_value(env.raw(), entry.raw()) }?;
    entry.get_named_property_unchecked("listener")
}
