//! `YSubdocsEvent`.

use std::rc::Rc;

use napi::bindgen_prelude::{Array, JavaScriptClassExt, JsObjectValue, Object, This, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;

use super::doc::YDoc;
use super::doc_core::DocCore;
use super::subdocs::{destroy, key};
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::binding::raw::{Thrown, to_js};
use crate::binding::shared_types::instance;
use crate::document::SubdocsChange;

/// Subdocuments came, went, or should be loaded.
#[napi]
pub struct YSubdocsEvent {}

#[napi]
impl YSubdocsEvent {
    /// Subdocuments that were inserted.
    #[napi(getter, ts_return_type = "Array<YDoc>")]
    pub fn added<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        documents(env, &this, "added")
    }

    /// Subdocuments that were deleted.
    #[napi(getter, ts_return_type = "Array<YDoc>")]
    pub fn removed<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        documents(env, &this, "removed")
    }

    /// Subdocuments that should be synced now.
    #[napi(getter, ts_return_type = "Array<YDoc>")]
    pub fn loaded<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        documents(env, &this, "loaded")
    }

    /// Does nothing; events need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// The documents of one event.
pub(super) struct Subdocs<'env> {
    added: Array<'env>,
    removed: Array<'env>,
    loaded: Array<'env>,
}

impl<'env> Subdocs<'env> {
    /// Finds the documents, and forgets those that went.
    pub(super) fn of(
        env: &'env Env,
        core: &'env Rc<DocCore>,
        change: &SubdocsChange,
    ) -> Result<Self> {
        let mut all = Self {
            added: env.create_array(0)?,
            removed: env.create_array(0)?,
            loaded: env.create_array(0)?,
        };
        for subdocument in &change.removed {
            all.removed.insert(core.subdoc(env, subdocument)?)?;
            if let Some(mut table) = core.subdoc_table(*env)? {
                table.delete_property(key(*env, &subdocument.guid)?)?;
            }
        }
        for subdocument in &change.replaced {
            all.added.insert(core.new_subdoc(env, subdocument, false)?)?;
        }
        for subdocument in &change.added {
            let doc = core.subdoc(env, subdocument)?;
            all.added.insert(doc)?;
            if instance::<YDoc>(*env, &doc.to_unknown()).is_some_and(|it| it.core.should_load.get())
            {
                all.loaded.insert(doc)?;
            }
        }
        for subdocument in &change.loaded {
            all.loaded.insert(core.subdoc(env, subdocument)?)?;
        }
        Ok(all)
    }

    pub(super) fn event<'a>(&self, env: &'a Env) -> Result<Object<'a>> {
        let event = YSubdocsEvent {}.into_instance(env)?.as_object(env);
        let mut lists = Object::new(env)?;
        lists.set_named_property("added", self.added.to_unknown())?;
        lists.set_named_property("removed", self.removed.to_unknown())?;
        lists.set_named_property("loaded", self.loaded.to_unknown())?;
        JsThread::current(*env)?.hidden.set(*env, &event, Hidden::Data, &lists)?;
        Ok(event)
    }

    /// A subdocument that was deleted is destroyed, as in yjs.
    pub(super) fn destroy_removed(&self, env: Env, thrown: &mut Vec<Thrown>) -> Result<()> {
        for index in 0..self.removed.len() {
            destroy(env, &self.removed.get_element::<Object<'_>>(index)?, thrown)?;
        }
        Ok(())
    }
}

fn documents<'env>(env: Env, event: &This<'env>, name: &str) -> Result<Unknown<'env>> {
    match JsThread::current(env)?.hidden.get_object(env, event, Hidden::Data)? {
        Some(lists) => lists.get_named_property_unchecked(name),
        None => to_js(env, ()),
    }
}
