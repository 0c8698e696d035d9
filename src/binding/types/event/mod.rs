//! What listeners of shared types get, a class per file.

/// What every event tells. Views know the origin themselves.
macro_rules! event_methods {
    ($class:ident, $target:literal) => {
        #[napi]
        impl $class {
            /// The shared type that changed.
            #[napi(getter, ts_return_type = $target)]
            pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
                self.0.event()?.target(env)
            }

            /// Way from the observed type to the target: keys and indices, empty for `observe`.
            #[napi(ts_return_type = "Array<string | number>")]
            pub fn path<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
                self.0.event()?.path(env)
            }

            /// Origin of the transaction.
            #[napi(getter, ts_return_type = "any")]
            pub fn origin(&self) {}

            /// Does nothing; events need not be freed.
            #[napi]
            pub fn free(&self) {}
        }
    };
}

mod array;
mod map;
mod text;
mod weak_link;
mod xml;
mod xml_text;

use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Array, JavaScriptClassExt, Object};
use yrs::types::PathSegment;

use super::doc_core::DocCore;
use super::transaction::YTransaction;
use super::views::{Turned, ViewKind};
use super::wrapper::type_to_js;
use crate::binding::error::Result;
use crate::binding::raw::set_key;
use crate::binding::value::value_to_js;
use crate::document::{EntryChange, Record, SequenceChange, TypeEvent};

/// Where in a record an event stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum EventSource {
    Direct(usize),
    Deep(usize, usize),
}

/// An event and the transaction that it belongs to.
pub(super) struct EventData {
    pub(super) core: Rc<DocCore>,
    pub(super) record: Arc<Record>,
    pub(super) source: EventSource,
}

impl EventSource {
    pub(super) fn of(self, record: &Record) -> &TypeEvent {
        match self {
            Self::Direct(index) => &record.events[index],
            Self::Deep(index, inner) => &record.deep_events[index].events[inner],
        }
    }
}

/// The native object behind all views of a class of events.
pub(super) fn native_object(env: &Env, kind: ViewKind, turned: Turned) -> Result<Object<'_>> {
    Ok(match kind {
        ViewKind::Text => text::YTextEvent(turned).into_instance(env)?.as_object(env),
        ViewKind::Array => array::YArrayEvent(turned).into_instance(env)?.as_object(env),
        ViewKind::Map => map::YMapEvent(turned).into_instance(env)?.as_object(env),
        ViewKind::Xml => xml::YXmlEvent(turned).into_instance(env)?.as_object(env),
        ViewKind::XmlText => xml_text::YXmlTextEvent(turned).into_instance(env)?.as_object(env),
        ViewKind::WeakLink => weak_link::YWeakLinkEvent(turned).into_instance(env)?.as_object(env),
        ViewKind::Transaction => YTransaction::of_views(turned).into_instance(env)?.as_object(env),
    })
}

impl EventData {
    fn event(&self) -> &TypeEvent {
        self.source.of(&self.record)
    }

    fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        type_to_js(env, &self.core, &self.event().target)
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

    /// The steps of a sequence's change.
    fn sequence_delta<'env>(
        &self,
        env: &'env Env,
        changes: &[SequenceChange],
    ) -> Result<Array<'env>> {
        let mut list = env.create_array(changes.len() as u32)?;
        for (index, change) in changes.iter().enumerate() {
            let mut step = Object::new(env)?;
            match change {
                SequenceChange::Insert(values) => {
                    let mut inserted = env.create_array(values.len() as u32)?;
                    for (position, value) in values.iter().enumerate() {
                        inserted.set(position as u32, value_to_js(env, &self.core, value)?)?;
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

    /// The changes of a map's keys, or of attributes.
    fn keys<'env>(
        &self,
        env: &'env Env,
        changes: &[(Arc<str>, EntryChange)],
    ) -> Result<Object<'env>> {
        let keys = Object::new(env)?;
        for (key, change) in changes {
            let (action, old, new) = match change {
                EntryChange::Add(new) => ("add", None, Some(new)),
                EntryChange::Update(old, new) => ("update", Some(old), Some(new)),
                EntryChange::Delete(old) => ("delete", Some(old), None),
            };
            let mut entry = Object::new(env)?;
            entry.set("action", action)?;
            if let Some(old) = old {
                entry.set("oldValue", value_to_js(env, &self.core, old)?)?;
            }
            if let Some(new) = new {
                entry.set("newValue", value_to_js(env, &self.core, new)?)?;
            }
            set_key(*env, &keys, key, &entry)?;
        }
        Ok(keys)
    }
}
