//! What listeners get: views of what happened.
//!
//! A native object behind every transaction and event would cost more than the edit that it tells of, and again when it
//! is collected, which is after the tick: until then all of them are kept. So views are plain JavaScript objects, made by
//! the script beside this file. What they show is kept in batches, and one native object stands for a whole batch.

mod item;
mod scratch;

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use napi::bindgen_prelude::{
    External, FnArgs, Function, FunctionCallContext, JsObjectValue, Object, Unknown,
};
use napi::{Env, JsValue, sys};

pub(super) use item::{Item, Turned, ViewKind};
use scratch::Scratch;

use super::event::native_object;
use super::transaction_argument::TransactionArgument;
use crate::binding::error::Result;
use crate::binding::raw::{self, Reference};

/// A view that somebody keeps keeps its whole batch, so batches are small.
const MAX_ITEMS: usize = 64;
const MAX_BYTES: usize = 16 << 10;

/// The views of one environment.
pub(in crate::binding) struct Views {
    turned: Turned,
    batch: RefCell<Option<Batch>>,
    /// Batches that views still showed when they were looked at last, each with the object that lives as long as they do.
    ended: RefCell<VecDeque<(Reference, WeakItems)>>,
    classes: [OnceCell<Reference>; 7],
    scratch: Scratch,
    define: Reference,
    try_turn_to: Reference,
    begin_batch: Reference,
    end_batch: Reference,
    copy: Reference,
}

#[derive(Default)]
struct Batch {
    items: Items,
    bytes: usize,
}

type Items = Rc<RefCell<Vec<Item>>>;
type WeakItems = Weak<RefCell<Vec<Item>>>;

impl Batch {
    fn is_full(&self) -> bool {
        self.items.borrow().len() >= MAX_ITEMS || self.bytes >= MAX_BYTES
    }
}

impl Views {
    pub(in crate::binding) fn new(env: Env) -> Result<Self> {
        let turned = Turned::default();
        let turn = turn_function(env, turned.clone())?;
        let (scratch, array) = Scratch::new(env)?;
        let script: Function<'_, FnArgs<(Unknown<'_>, Unknown<'_>)>, Object<'_>> =
            env.run_script(include_str!("script.js"))?;
        let functions = script.call((turn, array).into())?;
        let function = |name| -> Result<Reference> {
            let function: Unknown<'_> = functions.get_named_property_unchecked(name)?;
            Reference::strong(env, &function)
        };
        Ok(Self {
            turned,
            batch: RefCell::default(),
            ended: RefCell::default(),
            classes: Default::default(),
            scratch,
            define: function("define")?,
            try_turn_to: function("tryTurnTo")?,
            begin_batch: function("beginBatch")?,
            end_batch: function("endBatch")?,
            copy: function("copy")?,
        })
    }

    /// A view of an item.
    pub(super) fn view(
        &self,
        env: Env,
        doc: sys::napi_value,
        origin: sys::napi_value,
        item: Item,
    ) -> Result<sys::napi_value> {
        let class = self.class(env, item.kind())?;
        let index = self.put(env, item)?;
        let index = raw::to_js(env, index)?.raw();
        let view = raw::construct(env, class, &[doc, origin, index]);
        // A full batch is left to its views.
        if self.batch.borrow().as_ref().is_some_and(Batch::is_full) {
            self.batch.take();
            self.call(env, &self.end_batch, raw::to_js(env, ())?.raw())?;
        }
        view.map_err(|thrown| raw::throw(env, thrown))
    }

    /// The transaction that a view shows, if that is what the value is.
    pub(super) fn transaction(
        &self,
        env: Env,
        value: sys::napi_value,
    ) -> Result<Option<TransactionArgument>> {
        self.call(env, &self.try_turn_to, value)?;
        Ok(self.turned.take().and_then(Item::transaction))
    }

    /// Bytes as a `Uint8Array`, if they are few: then this is the fastest way.
    pub(in crate::binding) fn copy(
        &self,
        env: Env,
        bytes: &[u8],
    ) -> Result<Option<sys::napi_value>> {
        if !self.scratch.write(bytes) {
            return Ok(None);
        }
        self.call(env, &self.copy, raw::to_js(env, bytes.len() as u32)?.raw()).map(Some)
    }

    /// Puts an item into the batch and returns its place.
    fn put(&self, env: Env, item: Item) -> Result<u32> {
        if self.batch.borrow().is_none() {
            *self.batch.borrow_mut() = Some(self.begin_batch(env)?);
        }
        let mut batch = self.batch.borrow_mut();
        let batch = batch.get_or_insert_default();
        batch.bytes += item.record.size();
        let mut items = batch.items.borrow_mut();
        items.push(item);
        Ok(items.len() as u32 - 1)
    }

    fn begin_batch(&self, env: Env) -> Result<Batch> {
        self.sweep();
        let batch = Batch::default();
        let items = External::new(Rc::clone(&batch.items)).into_unknown(&env)?;
        let handle = self.call(env, &self.begin_batch, items.raw())?;
        // SAFETY: it is an object, and of this environment.
        let handle = unsafe { Unknown::from_raw_unchecked(env.raw(), handle) };
        let ended = (Reference::weak(env, &handle)?, Rc::downgrade(&batch.items));
        self.ended.borrow_mut().push_back(ended);
        Ok(batch)
    }

    /// Frees batches that nobody shows any more. Their finalizers would, but only when the tick is over. Two are looked at
    /// for one that is begun, so that those that are gone don't pile up.
    fn sweep(&self) {
        let mut ended = self.ended.borrow_mut();
        for _ in 0..2 {
            let Some((handle, items)) = ended.pop_front() else { return };
            match (handle.value(), items.upgrade()) {
                (Some(_), Some(_)) => ended.push_back((handle, items)),
                (None, Some(items)) => drop(items.take()),
                (_, None) => {}
            }
        }
    }

    fn class(&self, env: Env, kind: ViewKind) -> Result<sys::napi_value> {
        let class = &self.classes[kind as usize];
        if class.get().is_none() {
            let native = native_object(&env, kind, self.turned.clone())?;
            let defined = self.call(env, &self.define, native.raw())?;
            // SAFETY: it is a class, and of this environment.
            let defined = unsafe { Unknown::from_raw_unchecked(env.raw(), defined) };
            class.set(Reference::strong(env, &defined)?).ok();
        }
        value_of(class.get())
    }

    fn call(
        &self,
        env: Env,
        function: &Reference,
        argument: sys::napi_value,
    ) -> Result<sys::napi_value> {
        raw::call(env, value_of(Some(function))?, &[argument])
            .map_err(|thrown| raw::throw(env, thrown))
    }
}

/// `turn(batch, index)`: the native objects answer for this item next.
fn turn_function<'env>(env: Env, turned: Turned) -> Result<Unknown<'env>> {
    let turn = move |context: FunctionCallContext<'_>| -> Result<()> {
        let (items, index) = context.args::<(&External<Items>, u32)>()?;
        turned.set(items.borrow().get(index as usize).cloned());
        Ok(())
    };
    let function: Function<'_, FnArgs<(Unknown<'_>, u32)>, ()> =
        env.create_function_from_closure("turn", turn)?;
    // SAFETY: the function belongs to this environment.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), function.raw()) })
}

fn value_of(reference: Option<&Reference>) -> Result<sys::napi_value> {
    let value = reference.and_then(Reference::value);
    value.ok_or_else(|| napi::Error::from_status(napi::Status::InvalidArg))
}
