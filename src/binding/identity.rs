//! Origins of transactions as the CRDT can compare them: bytes.
//!
//! Primitive values are the same if they are equal, objects if they are identical. Only objects that somebody tracks
//! get an identity, in a `WeakMap`, which keeps none of them alive.

use std::cell::Cell;

use napi::bindgen_prelude::{FnArgs, FromNapiValue, Function, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, ValueType};

use super::error::Result;
use super::raw::{Reference, to_js};

/// The identity of all objects that nobody tracks.
const UNTRACKED: &[u8] = b"?";

/// The identities that were given in one environment.
pub(super) struct Identities {
    objects: Reference,
    next: Cell<u64>,
}

impl Identities {
    pub(super) fn new(env: Env) -> Result<Self> {
        let class: Function<'_, (), Unknown<'_>> =
            env.get_global()?.get_named_property("WeakMap")?;
        let objects = Reference::strong(env, &class.new_instance(())?)?;
        Ok(Self { objects, next: Cell::new(1) })
    }

    /// The identity of an origin to be tracked; empty for `undefined` and `null`.
    pub(super) fn assign(&self, env: Env, origin: Unknown<'_>) -> Result<Vec<u8>> {
        if let Some(identity) = by_value(env, origin)? {
            return Ok(identity);
        }
        self.assign_id(env, origin).map(of_object)
    }

    /// The identity of the origin of a transaction; empty for `undefined` and `null`.
    pub(super) fn find(&self, env: Env, origin: Unknown<'_>) -> Result<Vec<u8>> {
        if let Some(identity) = by_value(env, origin)? {
            return Ok(identity);
        }
        Ok(self.find_id(env, origin)?.map_or_else(|| UNTRACKED.to_vec(), of_object))
    }

    /// The number of an object, given to it now or before.
    pub(super) fn assign_id(&self, env: Env, object: Unknown<'_>) -> Result<u64> {
        if let Some(id) = self.find_id(env, object)? {
            return Ok(id);
        }
        let id = self.next.get();
        self.next.set(id + 1);
        if let Some(objects) = self.objects.object() {
            let set: Function<'_, FnArgs<(Unknown<'_>, f64)>, Unknown<'_>> =
                objects.get_named_property("set")?;
            set.apply(objects, (object, id as f64).into())?;
        }
        Ok(id)
    }

    /// The number of an object, if it has one.
    pub(super) fn find_id(&self, env: Env, object: Unknown<'_>) -> Result<Option<u64>> {
        let Some(objects) = self.objects.object() else { return Ok(None) };
        let get: Function<'_, Unknown<'_>, Unknown<'_>> = objects.get_named_property("get")?;
        let id = get.apply(objects, object)?;
        Ok(match id.get_type()? {
            // SAFETY: it is a number.
            ValueType::Number => Some(unsafe { f64::from_napi_value(env.raw(), id.raw()) }? as u64),
            _ => None,
        })
    }
}

/// The identity of a value that is compared by value.
fn by_value(env: Env, origin: Unknown<'_>) -> Result<Option<Vec<u8>>> {
    // The first byte tells kinds apart, and all from the ids of providers and undo managers, which start with 0.
    let tagged = |tag: u8, bytes: &[u8]| Some([&[tag], bytes].concat());
    // SAFETY of the conversions: the type was looked at.
    Ok(match origin.get_type()? {
        ValueType::Undefined | ValueType::Null => Some(Vec::new()),
        ValueType::Boolean | ValueType::BigInt | ValueType::String => {
            let tag = if origin.get_type()? == ValueType::String { b's' } else { b'v' };
            let text = origin.coerce_to_string()?.into_utf8()?.into_owned()?;
            tagged(tag, text.as_bytes())
        }
        ValueType::Number => {
            let number = unsafe { f64::from_napi_value(env.raw(), origin.raw()) }?;
            // -0 and 0 are the same, and so are all that are not a number.
            let number = if number.is_nan() { f64::NAN } else { number + 0.0 };
            tagged(b'n', &number.to_be_bytes())
        }
        ValueType::Symbol => {
            let symbols: Object<'_> = env.get_global()?.get_named_property_unchecked("Symbol")?;
            let key_for: Function<'_, Unknown<'_>, Unknown<'_>> =
                symbols.get_named_property("keyFor")?;
            let key = key_for.call(origin)?;
            match key.get_type()? {
                ValueType::String => {
                    let key = unsafe { String::from_napi_value(env.raw(), key.raw()) }?;
                    tagged(b'y', key.as_bytes())
                }
                _ => None,
            }
        }
        _ => None,
    })
}

fn of_object(id: u64) -> Vec<u8> {
    [b"o".as_slice(), &id.to_be_bytes()].concat()
}

/// An origin as [`Reference::boxed`] keeps it, or `undefined`.
pub(super) fn unboxed<'env>(env: Env, origin: Option<&Reference>) -> Result<Unknown<'env>> {
    origin.map_or_else(|| to_js(env, ()), Reference::unboxed)
}
