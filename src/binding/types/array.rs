//! `YArray`.

use std::rc::Rc;

use napi::bindgen_prelude::{Array, JsObjectValue, Object, This, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;
use yrs::{Array as _, ArrayRef};

use super::shared_type::SharedType;
use super::text::{position, range};
use super::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::preliminaries::Preliminaries;
use crate::binding::raw::Reference;
use crate::binding::types::methods::{quote_methods, shared_type_methods};
use crate::binding::value::{any_to_js, undefined, value_to_js};
use crate::document::{Input, TypeKind, Value, array_delete, array_insert, to_json};

/// A shared list of values and other shared types.
///
/// ```js
/// const array = doc.getArray('list')
/// array.insert(0, ['a', 1, new YMap({ nested: true })])
/// ```
#[napi]
pub struct YArray(pub(in crate::binding) SharedType<Vec<Rc<Reference>>>);

impl YArray {
    pub(in crate::binding) fn input<'env>(
        &self,
        env: Env,
        seen: &mut Preliminaries<'env>,
    ) -> Result<Input> {
        let (items, slot) = self.0.preliminary_parts().or_throw(env)?;
        let items: Result<Vec<Input>> =
            items.iter().map(|item| seen.input(env, item.unboxed()?)).collect();
        Ok(Input::Array(slot, items?))
    }

    fn insert_at<'env>(
        &self,
        env: Env,
        index: Option<u32>,
        items: Array<'env>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        if self.0.is_preliminary() {
            return self.insert_preliminary(env, index, items);
        }
        let mut seen = Preliminaries::default();
        let inputs: Result<Vec<Input>> =
            (0..items.len()).map(|at| seen.input(env, items.get_element::<Unknown>(at)?)).collect();
        let inputs = inputs?;
        self.0.insert(env, txn, seen, |txn, branch| {
            let index = index.unwrap_or_else(|| ArrayRef::from(branch).len(txn));
            array_insert(txn, branch, index, inputs)
        })
    }

    fn insert_preliminary(&self, env: Env, index: Option<u32>, items: Array<'_>) -> Result<()> {
        let items: Result<Vec<Rc<Reference>>> = (0..items.len())
            .map(|at| Reference::boxed(env, &items.get_element::<Unknown>(at)?).map(Rc::new))
            .collect();
        let items = items?;
        let inserted = self.0.with_preliminary(|content| {
            let index = index.unwrap_or(content.len() as u32);
            let at = range(content.len(), index, 0)?;
            content.splice(at, items);
            Ok(())
        });
        inserted.unwrap_or(Ok(())).or_throw(env)
    }
}

#[napi]
impl YArray {
    /// A preliminary array, to be inserted into a `YMap` or `YArray`.
    #[napi(constructor, ts_args_type = "items?: Array<YInput>")]
    pub fn new(env: Env, items: Option<Array<'_>>) -> Result<Self> {
        let array = Self(SharedType::preliminary(TypeKind::Array, Vec::new()));
        if let Some(items) = items {
            array.insert_preliminary(env, None, items)?;
        }
        Ok(array)
    }

    /// Number of elements.
    #[napi]
    pub fn length(&self, env: Env, txn: Option<YTransaction>) -> Result<u32> {
        match self.0.with_preliminary(|content| content.len() as u32) {
            Some(length) => Ok(length),
            None => self.0.read(env, txn, |reader, branch| ArrayRef::from(branch).len(reader)),
        }
    }

    /// The elements as plain JSON-like values, nested shared types included.
    #[napi(ts_return_type = "Array<any>")]
    pub fn to_json<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        if self.0.is_preliminary() {
            return self.values(env, txn).map(|it| it.to_unknown());
        }
        let json = self
            .0
            .read(*env, txn, |reader, branch| to_json(reader, branch, TypeKind::Array))?
            .or_throw(*env)?;
        any_to_js(env, &json)
    }

    /// Inserts elements at an index.
    ///
    /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_UNSUPPORTED_VALUE` before anything is changed.
    #[napi(ts_args_type = "index: number, items: Array<YInput>, txn?: YTransaction")]
    pub fn insert(
        &self,
        env: Env,
        index: f64,
        items: Array<'_>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let index = position(env, index, "index")?;
        self.insert_at(env, Some(index), items, txn)
    }

    /// Appends elements.
    #[napi(ts_args_type = "items: Array<YInput>, txn?: YTransaction")]
    pub fn push(&self, env: Env, items: Array<'_>, txn: Option<YTransaction>) -> Result<()> {
        self.insert_at(env, None, items, txn)
    }

    /// Removes `length` elements (one by default). Throws `ERR_OUT_OF_RANGE` past the end.
    #[napi]
    pub fn delete(
        &self,
        env: Env,
        index: f64,
        length: Option<f64>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let (index, length) =
            (position(env, index, "index")?, position(env, length.unwrap_or(1.0), "length")?);
        let removed = self.0.with_preliminary(|content| {
            content.drain(range(content.len(), index, length)?);
            Ok(())
        });
        match removed {
            Some(removed) => removed.or_throw(env),
            None => self.0.write(env, txn, |txn, branch| array_delete(txn, branch, index, length)),
        }
    }

    /// The element at an index, `undefined` past the end.
    #[napi(ts_return_type = "any")]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        index: f64,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        let index = position(*env, index, "index")?;
        if let Some(item) = self.0.with_preliminary(|content| content.get(index as usize).cloned())
        {
            return item.map_or_else(|| undefined(env), |item| item.unboxed());
        }
        let (core, _) = self.0.place(*env)?;
        let value = self.0.read(*env, txn, |reader, branch| {
            let array = ArrayRef::from(branch);
            if index < array.len(reader) { array.get(reader, index).map(Value::from) } else { None }
        })?;
        value.map_or_else(|| undefined(env), |value| value_to_js(env, &core, &value))
    }

    /// All elements.
    #[napi(ts_return_type = "Array<any>")]
    pub fn values<'env>(&self, env: &'env Env, txn: Option<YTransaction>) -> Result<Array<'env>> {
        if let Some(content) = self.0.with_preliminary(|content| content.clone()) {
            let mut list = env.create_array(content.len() as u32)?;
            for (index, item) in content.iter().enumerate() {
                list.set(index as u32, item.unboxed()?)?;
            }
            return Ok(list);
        }
        let (core, _) = self.0.place(*env)?;
        let values = self.0.read(*env, txn, |reader, branch| {
            ArrayRef::from(branch).iter(reader).map(Value::from).collect::<Vec<_>>()
        })?;
        let mut list = env.create_array(values.len() as u32)?;
        for (index, value) in values.iter().enumerate() {
            list.set(index as u32, value_to_js(env, &core, value)?)?;
        }
        Ok(list)
    }
}

shared_type_methods!(YArray, 0, "callback: (event: YArrayEvent, txn: YTransaction) => void");
quote_methods!(YArray);
