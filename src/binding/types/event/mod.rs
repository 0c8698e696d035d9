//! What listeners of shared types get, a class per file.

mod array;
mod map;
mod text;
mod weak_link;
mod xml;
mod xml_text;

use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Array, JavaScriptClassExt, Object, This, Unknown};
use yrs::types::PathSegment;

use super::doc_core::DocCore;
use super::wrapper::type_to_js;
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::raw::set_key;
use crate::binding::value::value_to_js;
use crate::document::{EntryChange, Record, SequenceChange, TypeChange, TypeEvent};

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
            TypeChange::Text(_) => text::YTextEvent(data).into_instance(env)?.as_object(env),
            TypeChange::Array(_) => array::YArrayEvent(data).into_instance(env)?.as_object(env),
            TypeChange::Map(_) => map::YMapEvent(data).into_instance(env)?.as_object(env),
            TypeChange::WeakLink => {
                weak_link::YWeakLinkEvent(data).into_instance(env)?.as_object(env)
            }
            TypeChange::Xml(..) => xml::YXmlEvent(data).into_instance(env)?.as_object(env),
            TypeChange::XmlText(..) => {
                xml_text::YXmlTextEvent(data).into_instance(env)?.as_object(env)
            }
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

    fn origin<'env>(&self, env: Env, this: &This<'env>) -> Result<Unknown<'env>> {
        self.core.thread.hidden.get(env, this, Hidden::Origin)
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
