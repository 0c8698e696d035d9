//! `YMap`.

use std::rc::Rc;

use napi::bindgen_prelude::{Object, This, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;
use yrs::{Map, MapRef};

use super::shared_type::SharedType;
use super::transaction_argument::TransactionArgument as YTransaction;
use super::weak_link::weak_link_to_js;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::raw::{Reference, own_entries, set_key};
use crate::binding::types::methods::shared_type_methods;
use crate::binding::value::{Preliminaries, any_to_js, undefined, value_to_js};
use crate::document::{Input, TypeKind, Value, map_delete, map_link, map_set, to_json};

/// A shared map from strings to values and other shared types.
///
/// ```js
/// const map = doc.getMap('settings')
/// map.set('theme', 'dark')
/// map.get('theme') // 'dark'
/// ```
#[napi]
pub struct YMap(pub(in crate::binding) SharedType<Vec<(String, Rc<Reference>)>>);

impl YMap {
    pub(in crate::binding) fn input<'env>(
        &self,
        env: Env,
        seen: &mut Preliminaries<'env>,
    ) -> Result<Input> {
        let (entries, slot) = self.0.preliminary_parts().or_throw(env)?;
        let entries: Result<Vec<(String, Input)>> = entries
            .iter()
            .map(|(key, item)| Ok((key.clone(), seen.input(env, item.unboxed()?)?)))
            .collect();
        Ok(Input::Map(slot, entries?))
    }
}

#[napi]
impl YMap {
    /// A preliminary map, to be inserted into a `YMap` or `YArray`.
    #[napi(constructor, ts_args_type = "init?: Record<string, YInput>")]
    pub fn new(env: Env, init: Option<Object<'_>>) -> Result<Self> {
        let mut entries = Vec::new();
        if let Some(init) = init {
            for (key, value) in own_entries(env, &init)? {
                entries.push((key, Rc::new(Reference::boxed(env, &value)?)));
            }
        }
        Ok(Self(SharedType::preliminary(TypeKind::Map, entries)))
    }

    /// Number of keys.
    #[napi]
    pub fn length(&self, env: Env, txn: Option<YTransaction>) -> Result<u32> {
        match self.0.with_preliminary(|entries| entries.len() as u32) {
            Some(length) => Ok(length),
            None => self.0.read(env, txn, |reader, branch| MapRef::from(branch).len(reader)),
        }
    }

    /// The entries as a plain JSON-like object, nested shared types included.
    #[napi(ts_return_type = "Record<string, any>")]
    pub fn to_json<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        if self.0.is_preliminary() {
            return self.entries(env, txn).map(|it| it.to_unknown());
        }
        let json = self
            .0
            .read(*env, txn, |reader, branch| to_json(reader, branch, TypeKind::Map))?
            .or_throw(*env)?;
        any_to_js(env, &json)
    }

    /// Sets a key. Throws `ERR_UNSUPPORTED_VALUE` before anything is changed.
    #[napi(ts_args_type = "key: string, value: YInput, txn?: YTransaction")]
    pub fn set(
        &self,
        env: Env,
        key: String,
        value: Unknown<'_>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        if self.0.is_preliminary() {
            let value = Rc::new(Reference::boxed(env, &value)?);
            self.0.with_preliminary(|entries| {
                match entries.iter_mut().find(|(other, _)| *other == key) {
                    Some(entry) => entry.1 = value,
                    None => entries.push((key, value)),
                }
            });
            return Ok(());
        }
        let mut seen = Preliminaries::default();
        let input = seen.input(env, value)?;
        self.0.insert(env, txn, seen, |txn, branch| map_set(txn, branch, &key, input))
    }

    /// Removes a key; a key that is not there is no error.
    #[napi]
    pub fn delete(&self, env: Env, key: String, txn: Option<YTransaction>) -> Result<()> {
        match self.0.with_preliminary(|entries| entries.retain(|(other, _)| *other != key)) {
            Some(()) => Ok(()),
            None => self.0.write(env, txn, |txn, branch| {
                map_delete(txn, branch, &key);
                Ok(())
            }),
        }
    }

    /// The value of a key, `undefined` if there is none.
    #[napi(ts_return_type = "any")]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        key: String,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        let preliminary = self.0.with_preliminary(|entries| {
            entries.iter().find(|(other, _)| *other == key).map(|(_, value)| Rc::clone(value))
        });
        if let Some(value) = preliminary {
            return value.map_or_else(|| undefined(env), |value| value.unboxed());
        }
        let (core, _) = self.0.place(*env)?;
        let value = self.0.read(*env, txn, |reader, branch| {
            MapRef::from(branch).get(reader, &key).map(Value::from)
        })?;
        value.map_or_else(|| undefined(env), |value| value_to_js(env, &core, &value))
    }

    /// All entries as an object; nested shared types stay shared types.
    #[napi(ts_return_type = "Record<string, any>")]
    pub fn entries<'env>(&self, env: &'env Env, txn: Option<YTransaction>) -> Result<Object<'env>> {
        let object = Object::new(env)?;
        if let Some(entries) = self.0.with_preliminary(|entries| entries.clone()) {
            for (key, value) in &entries {
                set_key(*env, &object, key, &value.unboxed()?)?;
            }
            return Ok(object);
        }
        let (core, _) = self.0.place(*env)?;
        let entries = self.0.read(*env, txn, |reader, branch| {
            let map = MapRef::from(branch);
            map.iter(reader)
                .map(|(key, value)| (key.to_owned(), Value::from(value)))
                .collect::<Vec<_>>()
        })?;
        for (key, value) in &entries {
            set_key(*env, &object, key, &value_to_js(env, &core, value)?)?;
        }
        Ok(object)
    }

    /// A link to the entry of a key, to be inserted somewhere; `undefined` if there is no such key.
    ///
    /// Throws `ERR_PRELIMINARY_TYPE` for a preliminary map.
    #[napi(ts_return_type = "YWeakLink | undefined")]
    pub fn link<'env>(
        &self,
        env: &'env Env,
        key: String,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        let (core, _) = self.0.place(*env)?;
        let source = self.0.read(*env, txn, |reader, branch| map_link(reader, branch, &key))?;
        source.map_or_else(|| undefined(env), |source| weak_link_to_js(env, &core, source))
    }
}

shared_type_methods!(YMap, 1, "callback: (event: YMapEvent, txn: YTransaction) => void");
