//! Values of documents as JavaScript sees them.

use std::rc::Rc;

use napi::bindgen_prelude::{
    BigInt, FnArgs, Function, JsObjectValue, Null, Object, ToNapiValue, TypeName, Uint8Array,
    Uint8ArraySlice, Unknown,
};
use napi::{Env, JsValue, ValueType, sys};
use yrs::{Any, any::Number};

use super::error::Result;
use super::js_thread::JsThread;
use super::raw::{set_key, to_js};
use super::types::{DocCore, type_to_js};
use crate::document::{TypeHandle, TypeKind, Value};

/// A value of a document as JavaScript sees it.
pub(super) fn value_to_js<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    value: &Value,
) -> Result<Unknown<'env>> {
    match value {
        Value::Any(any) => any_to_js(env, any),
        // As in ywasm: nobody has said what it is.
        Value::Type(TypeHandle { kind: TypeKind::Unknown, .. }) => undefined(env),
        Value::Type(handle) => type_to_js(env, core, handle).map(|it| it.to_unknown()),
        Value::Document(subdocument) => core.subdoc(env, subdocument).map(|it| it.to_unknown()),
    }
}

/// A JSON-like value as JavaScript sees it.
pub(super) fn any_to_js<'env>(env: &'env Env, any: &Any) -> Result<Unknown<'env>> {
    match any {
        Any::Undefined => to_js(*env, ()),
        Any::Null => to_js(*env, Null),
        Any::Bool(value) => to_js(*env, *value),
        Any::Number(Number::Float(value)) => to_js(*env, *value),
        Any::Number(Number::Int(value)) => {
            let is_safe =
                (Number::I64_MIN_SAFE_INTEGER..=Number::I64_MAX_SAFE_INTEGER).contains(value);
            if is_safe { to_js(*env, *value as f64) } else { to_js(*env, BigInt::from(*value)) }
        }
        Any::String(value) => to_js(*env, value.as_ref()),
        Any::Buffer(bytes) => to_js(*env, Uint8Array::with_data_copied(bytes)),
        Any::Array(items) => {
            let mut list = env.create_array(items.len() as u32)?;
            for (index, item) in items.iter().enumerate() {
                list.set(index as u32, any_to_js(env, item)?)?;
            }
            Ok(list.to_unknown())
        }
        Any::Map(entries) => {
            let object = Object::new(env)?;
            for (key, value) in entries.iter() {
                set_key(*env, &object, key, &any_to_js(env, value)?)?;
            }
            Ok(object.to_unknown())
        }
    }
}

/// What is longer than this goes to JavaScript as it is. For some hundred bytes, to tell V8 how to free them takes longer than
/// a copy; where that turns was not measured.
const MAX_COPIED: usize = 4096;

/// Bytes that a call returns, as a `Uint8Array`.
pub struct JsBytes(pub(super) Vec<u8>);

impl TypeName for JsBytes {
    fn type_name() -> &'static str {
        "Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for JsBytes {
    unsafe fn to_napi_value(env: sys::napi_env, Self(bytes): Self) -> Result<sys::napi_value> {
        if bytes.len() <= MAX_COPIED {
            return bytes_to_js(Env::from_raw(env), &bytes);
        }
        // SAFETY: the environment is the caller's.
        unsafe { Uint8Array::to_napi_value(env, Uint8Array::from(bytes)) }
    }
}

/// Bytes as JavaScript gets them: a copy, because an external buffer costs more than it saves (T 20).
pub(super) fn bytes_to_js(env: Env, bytes: &[u8]) -> Result<sys::napi_value> {
    if let Some(copy) = JsThread::current(env)?.views(env)?.copy(env, bytes)? {
        return Ok(copy);
    }
    Uint8ArraySlice::copy_from(&env, bytes).map(|copy| copy.raw())
}

/// `undefined`.
pub(super) fn undefined(env: &Env) -> Result<Unknown<'_>> {
    to_js(*env, ())
}

/// A JavaScript `Map`.
pub(super) struct JsMap<'env> {
    map: Object<'env>,
    set: Function<'env, FnArgs<(f64, Unknown<'env>)>, Unknown<'env>>,
}

impl<'env> JsMap<'env> {
    pub(super) fn new(env: &'env Env) -> Result<Self> {
        let class: Function<'env, (), Unknown<'env>> =
            env.get_global()?.get_named_property("Map")?;
        let map = class.new_instance(())?.coerce_to_object()?;
        let set = map.get_named_property("set")?;
        Ok(Self { map, set })
    }

    pub(super) fn set(&mut self, key: f64, value: impl JsValue<'env>) -> Result<()> {
        self.set.apply(self.map, (key, value.to_unknown()).into()).map(drop)
    }

    pub(super) fn into_object(self) -> Object<'env> {
        self.map
    }
}
