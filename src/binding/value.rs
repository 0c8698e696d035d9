//! JavaScript values to document values and back.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{
    Array, ArrayBuffer, BigInt, ClassInstance, FnArgs, FromNapiValue, Function, JsObjectValue,
    Null, Object, ToNapiValue, Uint8Array, Unknown,
};
use napi::{Env, JsValue, ValueType, sys};
use yrs::{Any, any::Number};

use super::error::{Result, throw};
use super::js_thread::JsThread;
use super::raw::{own_entries, set_key, to_js};
use super::types::{
    DocCore, YArray, YDoc, YMap, YText, YWeakLink, YXmlElement, YXmlFragment, YXmlText, type_to_js,
};
use crate::document::{Input, TypeHandle, TypeKind, Value};
use crate::error::{ErrorCode, ProviderError};

/// Deeper values are refused: other replicas would refuse them too, and a cycle never ends.
const MAX_DEPTH: usize = 200;
/// Attributes and embeds travel as JSON text, of which other replicas read less depth.
const MAX_JSON_DEPTH: usize = 127;

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

/// Bytes as JavaScript gets them: a copy, because an external buffer costs more than it saves (T 20).
pub(super) fn bytes_to_js(env: Env, bytes: &[u8]) -> Result<sys::napi_value> {
    if let Some(copy) = JsThread::current(env)?.views(env)?.copy(env, bytes)? {
        return Ok(copy);
    }
    // SAFETY: the environment is the caller's.
    unsafe { Uint8Array::to_napi_value(env.raw(), Uint8Array::with_data_copied(bytes)) }
}

/// A JavaScript value as an attribute of a text.
pub(super) fn json_from_js(env: Env, value: Unknown<'_>) -> Result<Any> {
    any(env, value, MAX_JSON_DEPTH)
}

/// Preliminary shared types met while values were converted; they are part of the document once it took the values.
#[derive(Default)]
pub(super) struct Preliminaries<'env> {
    texts: Vec<ClassInstance<'env, YText>>,
    arrays: Vec<ClassInstance<'env, YArray>>,
    maps: Vec<ClassInstance<'env, YMap>>,
    elements: Vec<ClassInstance<'env, YXmlElement>>,
    fragments: Vec<ClassInstance<'env, YXmlFragment>>,
    xml_texts: Vec<ClassInstance<'env, YXmlText>>,
    links: Vec<ClassInstance<'env, YWeakLink>>,
    docs: Vec<ClassInstance<'env, YDoc>>,
    depth: usize,
}

impl<'env> Preliminaries<'env> {
    /// A JavaScript value to be inserted, a preliminary shared type or a plain value.
    pub(super) fn input(&mut self, env: Env, value: Unknown<'env>) -> Result<Input> {
        match self.shared_type(env, &value)? {
            Some(input) => Ok(input),
            None => any(env, value, MAX_DEPTH).map(Input::Any),
        }
    }

    /// The same for what is embedded in a text.
    pub(super) fn embed(&mut self, env: Env, value: Unknown<'env>) -> Result<Input> {
        if instance::<YDoc>(env, &value).is_some() {
            return Err(unsupported(env, "a document inside of a text"));
        }
        match self.shared_type(env, &value)? {
            Some(input) => Ok(input),
            None => any(env, value, MAX_JSON_DEPTH).map(Input::Any),
        }
    }

    fn shared_type(&mut self, env: Env, value: &Unknown<'env>) -> Result<Option<Input>> {
        if value.get_type()? == ValueType::Object {
            if let Some(text) = instance::<YText>(env, value) {
                let input = text.input(env)?;
                self.texts.push(text);
                return Ok(Some(input));
            }
            if let Some(array) = instance::<YArray>(env, value) {
                let input = self.nested(env, |seen| array.input(env, seen))?;
                self.arrays.push(array);
                return Ok(Some(input));
            }
            if let Some(map) = instance::<YMap>(env, value) {
                let input = self.nested(env, |seen| map.input(env, seen))?;
                self.maps.push(map);
                return Ok(Some(input));
            }
            if let Some(element) = instance::<YXmlElement>(env, value) {
                let input = self.nested(env, |seen| element.input(env, seen))?;
                self.elements.push(element);
                return Ok(Some(input));
            }
            if let Some(fragment) = instance::<YXmlFragment>(env, value) {
                let input = self.nested(env, |seen| fragment.input(env, seen))?;
                self.fragments.push(fragment);
                return Ok(Some(input));
            }
            if let Some(text) = instance::<YXmlText>(env, value) {
                let input = self.nested(env, |seen| text.input(env, seen))?;
                self.xml_texts.push(text);
                return Ok(Some(input));
            }
            if let Some(link) = instance::<YWeakLink>(env, value) {
                let input = link.input(env)?;
                self.links.push(link);
                return Ok(Some(input));
            }
            if let Some(doc) = instance::<YDoc>(env, value) {
                let is_given = self.docs.iter().any(|it| Rc::ptr_eq(&it.core, &doc.core));
                let input = doc.input(env, &doc, is_given)?;
                self.docs.push(doc);
                return Ok(Some(input));
            }
        }
        Ok(None)
    }

    fn nested(
        &mut self,
        env: Env,
        input: impl FnOnce(&mut Self) -> Result<Input>,
    ) -> Result<Input> {
        if self.depth == MAX_DEPTH {
            return Err(unsupported(env, "a shared type that is nested too deep"));
        }
        self.depth += 1;
        let input = input(self);
        self.depth -= 1;
        input
    }

    /// Whether they can become part of this document.
    pub(super) fn check(&self, env: Env, core: &Rc<DocCore>) -> Result<()> {
        self.links.iter().try_for_each(|it| it.check(env, core))
    }

    /// Tells them where they are now.
    pub(super) fn integrate(self, env: Env, core: &Rc<DocCore>) -> Result<()> {
        core.local.add_types(self.texts.len() + self.arrays.len() + self.maps.len());
        self.texts.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.arrays.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.maps.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.elements.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.fragments.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.xml_texts.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.links.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.docs.iter().try_for_each(|it| core.adopt(env, it, &it.core.guid()))
    }
}

/// The instance of a class behind a value.
pub(super) fn instance<'env, T: 'env>(
    env: Env,
    value: &Unknown<'env>,
) -> Option<ClassInstance<'env, T>>
where
    ClassInstance<'env, T>: FromNapiValue,
{
    // SAFETY: the conversion checks the type tag of the object.
    unsafe { ClassInstance::<T>::from_napi_value(env.raw(), value.raw()) }.ok()
}

/// Converts a value in which arrays and objects are nested at most `depth` deep.
fn any(env: Env, value: Unknown<'_>, depth: usize) -> Result<Any> {
    // SAFETY of the conversions below: the type was looked at.
    Ok(match value.get_type()? {
        ValueType::Undefined => Any::Undefined,
        ValueType::Null => Any::Null,
        ValueType::Boolean => Any::Bool(unsafe { bool::from_napi_value(env.raw(), value.raw()) }?),
        ValueType::Number => number(unsafe { f64::from_napi_value(env.raw(), value.raw()) }?),
        ValueType::String => {
            Any::String(unsafe { String::from_napi_value(env.raw(), value.raw()) }?.into())
        }
        ValueType::BigInt => {
            let (integer, is_lossless) =
                unsafe { BigInt::from_napi_value(env.raw(), value.raw()) }?.get_i64();
            match bigint(integer) {
                Some(any) if is_lossless => any,
                _ => return Err(unsupported(env, "a bigint of more than 64 bits")),
            }
        }
        ValueType::Object => return object(env, value, depth),
        other => {
            return Err(unsupported(
                env,
                &format!("a value of type {}", other.to_string().to_lowercase()),
            ));
        }
    })
}

fn object(env: Env, value: Unknown<'_>, depth: usize) -> Result<Any> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(unsupported(env, "a value that is nested too deep or contains itself"));
    };
    if value.is_array()? {
        // SAFETY: it is an array.
        let list = unsafe { Array::from_napi_value(env.raw(), value.raw()) }?;
        let items: Result<Vec<Any>> = (0..list.len())
            .map(|index| any(env, list.get_element::<Unknown>(index)?, depth))
            .collect();
        return Ok(Any::Array(items?.into()));
    }
    if value.is_typedarray()? {
        // SAFETY: napi checks that it is a Uint8Array.
        let bytes = unsafe { Uint8Array::from_napi_value(env.raw(), value.raw()) }
            .map_err(|_| unsupported(env, "a typed array other than Uint8Array"))?;
        return Ok(Any::Buffer(Arc::from(bytes.as_ref())));
    }
    if value.is_arraybuffer()? {
        // SAFETY: it is an ArrayBuffer.
        let bytes = unsafe { ArrayBuffer::from_napi_value(env.raw(), value.raw()) }?;
        return Ok(Any::Buffer(Arc::from(bytes.as_ref())));
    }
    // As in ywasm and in Yjs, for which it is an object without properties of its own.
    if value.is_date()? {
        return Ok(Any::Map(Arc::default()));
    }
    if is_shared_type(env, &value) {
        return Err(unsupported(
            env,
            "a shared type inside of a plain object or array (rather than of a YMap or YArray)",
        ));
    }
    // SAFETY: it is an object.
    let object = unsafe { Object::from_napi_value(env.raw(), value.raw()) }?;
    let entries = own_entries(env, &object)?;
    if entries.is_empty() && !is_plain(&object)? {
        return Err(unsupported(
            env,
            "an object without properties of its own, a Map or a Set say,",
        ));
    }
    let entries: Result<HashMap<_, _>> =
        entries.into_iter().map(|(key, value)| Ok((key, any(env, value, depth)?))).collect();
    Ok(Any::Map(Arc::new(entries?)))
}

/// Whether an object is what `{}` or `Object.create(null)` makes, in whatever realm.
fn is_plain(object: &Object<'_>) -> Result<bool> {
    let prototype = object.get_prototype()?;
    if prototype.get_type()? != ValueType::Object {
        return Ok(true);
    }
    // SAFETY: it is an object.
    let prototype = unsafe { prototype.cast::<Object<'_>>() }?;
    Ok(prototype.get_prototype()?.get_type()? != ValueType::Object)
}

fn is_shared_type<'env>(env: Env, value: &Unknown<'env>) -> bool {
    instance::<YText>(env, value).is_some()
        || instance::<YArray>(env, value).is_some()
        || instance::<YMap>(env, value).is_some()
        || instance::<YXmlElement>(env, value).is_some()
        || instance::<YXmlFragment>(env, value).is_some()
        || instance::<YXmlText>(env, value).is_some()
        || instance::<YWeakLink>(env, value).is_some()
        || instance::<YDoc>(env, value).is_some()
}

/// Where a shared type given as an argument stands.
///
/// Throws `ERR_INVALID_ARGUMENT` when it is none, `ERR_PRELIMINARY_TYPE` when it stands nowhere.
pub(super) fn shared_type_place(
    env: Env,
    value: Unknown<'_>,
    name: &str,
) -> Result<(Rc<DocCore>, TypeHandle)> {
    if let Some(text) = instance::<YText>(env, &value) {
        return text.0.place(env);
    }
    if let Some(array) = instance::<YArray>(env, &value) {
        return array.0.place(env);
    }
    if let Some(map) = instance::<YMap>(env, &value) {
        return map.0.place(env);
    }
    if let Some(element) = instance::<YXmlElement>(env, &value) {
        return element.0.place(env);
    }
    if let Some(fragment) = instance::<YXmlFragment>(env, &value) {
        return fragment.0.place(env);
    }
    if let Some(text) = instance::<YXmlText>(env, &value) {
        return text.0.place(env);
    }
    if let Some(link) = instance::<YWeakLink>(env, &value) {
        return link.0.place(env);
    }
    let message = format!("{name}: expected a shared type");
    Err(throw(env, ProviderError::new(ErrorCode::InvalidArgument, message)))
}

fn number(value: f64) -> Any {
    // -0 has no integer form.
    if value == 0.0 && value.is_sign_negative() {
        Any::Number(Number::Float(value))
    } else {
        Any::Number(Number::try_i64(value))
    }
}

/// The CRDT sends what a number can hold as a number, so it is one here, too: all replicas agree. `None` for the one
/// integer that it sends wrongly.
fn bigint(value: i64) -> Option<Any> {
    if value == i64::MAX {
        return None;
    }
    let float = value as f64;
    Some(if float as i64 == value { number(float) } else { Any::Number(Number::Int(value)) })
}

fn unsupported(env: Env, what: &str) -> napi::Error {
    throw(
        env,
        ProviderError::new(
            ErrorCode::UnsupportedValue,
            format!("{what} can't be stored in a document"),
        ),
    )
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
