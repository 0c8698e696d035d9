//! What listeners of shared types get: `YTextEvent`, `YArrayEvent`, `YMapEvent`.

use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{Array, JavaScriptClassExt, Object, This, Unknown};
use napi_derive::napi;
use yrs::Any;
use yrs::types::PathSegment;

use super::doc_core::DocCore;
use super::shared_type::SharedType;
use super::{YArray, YMap, YText, YWeakLink};
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::raw::set_key;
use crate::binding::value::{any_to_js, value_to_js};
use crate::document::{
    EntryChange, Record, SequenceChange, TextChange, TypeChange, TypeEvent, TypeHandle, TypeKind,
};

/// Where in a record an event stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum EventSource {
    Direct(usize),
    Deep(usize, usize),
}

/// An event and the transaction that it belongs to.
struct EventData {
    core: Rc<DocCore>,
    record: Rc<Record>,
    source: EventSource,
}

impl EventSource {
    pub(super) fn to_object<'env>(
        self,
        env: &'env Env,
        core: &Rc<DocCore>,
        record: &Rc<Record>,
    ) -> Result<Object<'env>> {
        let data = EventData { core: Rc::clone(core), record: Rc::clone(record), source: self };
        Ok(match data.event().change {
            TypeChange::Text(_) => YTextEvent(data).into_instance(env)?.as_object(env),
            TypeChange::Array(_) => YArrayEvent(data).into_instance(env)?.as_object(env),
            TypeChange::Map(_) => YMapEvent(data).into_instance(env)?.as_object(env),
            TypeChange::WeakLink => YWeakLinkEvent(data).into_instance(env)?.as_object(env),
        })
    }
}

impl EventData {
    fn event(&self) -> &TypeEvent {
        match self.source {
            EventSource::Direct(index) => &self.record.events[index],
            EventSource::Deep(index, inner) => &self.record.deep_events[index].events[inner],
        }
    }

    fn path<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let path = &self.event().path;
        let mut list = env.create_array(path.len() as u32)?;
        for (index, segment) in path.iter().enumerate() {
            match segment {
                PathSegment::Key(key) => list.set(index as u32, key.as_ref())?,
                PathSegment::Index(position) => list.set(index as u32, *position)?,
            }
        }
        Ok(list)
    }

    fn origin<'env>(&self, env: Env, this: &This<'env>) -> Result<Unknown<'env>> {
        self.core.thread.hidden.get(env, this, Hidden::Origin)
    }
}

/// A change of a `YText`.
#[napi]
pub struct YTextEvent(EventData);

#[napi]
impl YTextEvent {
    /// The text that changed.
    #[napi(getter, ts_return_type = "YText")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        type_to_js(env, &self.0.core, &self.0.event().target)
    }

    /// What changed, from left to right; positions count UTF-16 units.
    #[napi(getter, ts_return_type = "Array<YTextDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let TypeChange::Text(changes) = &self.0.event().change else { return env.create_array(0) };
        let mut list = env.create_array(changes.len() as u32)?;
        for (index, change) in changes.iter().enumerate() {
            let mut step = Object::new(env)?;
            let attributes = match change {
                TextChange::Insert(value, attributes) => {
                    step.set("insert", value_to_js(env, &self.0.core, value)?)?;
                    attributes
                }
                TextChange::Delete(length) => {
                    step.set("delete", *length)?;
                    &Vec::new()
                }
                TextChange::Retain(length, attributes) => {
                    step.set("retain", *length)?;
                    attributes
                }
            };
            if !attributes.is_empty() {
                let object = Object::new(env)?;
                for (key, value) in attributes {
                    set_key(*env, &object, key, &any_to_js(env, value)?)?;
                }
                step.set("attributes", object)?;
            }
            list.set(index as u32, step)?;
        }
        Ok(list)
    }

    /// Way from the observed type to the target: keys and indices, empty for `observe`.
    #[napi(ts_return_type = "Array<string | number>")]
    pub fn path<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        self.0.path(env)
    }

    /// Origin of the transaction.
    #[napi(getter, ts_return_type = "any")]
    pub fn origin<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.origin(env, &this)
    }

    /// Does nothing; events need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// A change of a `YArray`.
#[napi]
pub struct YArrayEvent(EventData);

#[napi]
impl YArrayEvent {
    /// The array that changed.
    #[napi(getter, ts_return_type = "YArray")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        type_to_js(env, &self.0.core, &self.0.event().target)
    }

    /// What changed, from left to right.
    #[napi(getter, ts_return_type = "Array<YArrayDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let TypeChange::Array(changes) = &self.0.event().change else { return env.create_array(0) };
        let mut list = env.create_array(changes.len() as u32)?;
        for (index, change) in changes.iter().enumerate() {
            let mut step = Object::new(env)?;
            match change {
                SequenceChange::Insert(values) => {
                    let mut inserted = env.create_array(values.len() as u32)?;
                    for (position, value) in values.iter().enumerate() {
                        inserted.set(position as u32, value_to_js(env, &self.0.core, value)?)?;
                    }
                    step.set("insert", inserted)?;
                }
                SequenceChange::Delete(length) => step.set("delete", *length)?,
                SequenceChange::Retain(length) => step.set("retain", *length)?,
            }
            list.set(index as u32, step)?;
        }
        Ok(list)
    }

    /// Way from the observed type to the target: keys and indices, empty for `observe`.
    #[napi(ts_return_type = "Array<string | number>")]
    pub fn path<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        self.0.path(env)
    }

    /// Origin of the transaction.
    #[napi(getter, ts_return_type = "any")]
    pub fn origin<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.origin(env, &this)
    }

    /// Does nothing; events need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// A change of a `YMap`.
#[napi]
pub struct YMapEvent(EventData);

#[napi]
impl YMapEvent {
    /// The map that changed.
    #[napi(getter, ts_return_type = "YMap")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        type_to_js(env, &self.0.core, &self.0.event().target)
    }

    /// What changed, by key.
    #[napi(getter, ts_return_type = "Record<string, YMapChange>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let keys = Object::new(env)?;
        let TypeChange::Map(changes) = &self.0.event().change else { return Ok(keys) };
        for (key, change) in changes {
            let (action, old, new) = match change {
                EntryChange::Add(new) => ("add", None, Some(new)),
                EntryChange::Update(old, new) => ("update", Some(old), Some(new)),
                EntryChange::Delete(old) => ("delete", Some(old), None),
            };
            let mut entry = Object::new(env)?;
            entry.set("action", action)?;
            if let Some(old) = old {
                entry.set("oldValue", value_to_js(env, &self.0.core, old)?)?;
            }
            if let Some(new) = new {
                entry.set("newValue", value_to_js(env, &self.0.core, new)?)?;
            }
            set_key(*env, &keys, key, &entry)?;
        }
        Ok(keys)
    }

    /// Way from the observed type to the target: keys and indices, empty for `observe`.
    #[napi(ts_return_type = "Array<string | number>")]
    pub fn path<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        self.0.path(env)
    }

    /// Origin of the transaction.
    #[napi(getter, ts_return_type = "any")]
    pub fn origin<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.origin(env, &this)
    }

    /// Does nothing; events need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// A change of what a `YWeakLink` points to.
#[napi]
pub struct YWeakLinkEvent(EventData);

#[napi]
impl YWeakLinkEvent {
    /// The link.
    #[napi(getter, ts_return_type = "YWeakLink")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        type_to_js(env, &self.0.core, &self.0.event().target)
    }

    /// Way from the observed type to the target: keys and indices, empty for `observe`.
    #[napi(ts_return_type = "Array<string | number>")]
    pub fn path<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        self.0.path(env)
    }

    /// Origin of the transaction.
    #[napi(getter, ts_return_type = "any")]
    pub fn origin<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.origin(env, &this)
    }

    /// Does nothing; events need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// The wrapper of a shared type that is part of a document.
pub(crate) fn type_to_js<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    handle: &TypeHandle,
) -> Result<Object<'env>> {
    let core = Rc::clone(core);
    let object = match handle.kind {
        TypeKind::Array => YArray(SharedType::integrated(Rc::clone(&core), handle.clone()))
            .into_instance(env)?
            .as_object(env),
        TypeKind::Map => YMap(SharedType::integrated(Rc::clone(&core), handle.clone()))
            .into_instance(env)?
            .as_object(env),
        TypeKind::WeakLink => YWeakLink(SharedType::integrated(Rc::clone(&core), handle.clone()))
            .into_instance(env)?
            .as_object(env),
        // The other kinds have no class yet; their text is what can be read of them.
        _ => YText(SharedType::integrated(Rc::clone(&core), handle.clone()))
            .into_instance(env)?
            .as_object(env),
    };
    core.own(*env, &object)?;
    Ok(object)
}

/// Attributes of a text as the CRDT takes them.
pub(super) fn attributes(any: Any) -> Option<yrs::types::Attrs> {
    match any {
        Any::Map(map) => {
            Some(map.iter().map(|(key, value)| (key.as_str().into(), value.clone())).collect())
        }
        _ => None,
    }
}
