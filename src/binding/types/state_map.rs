//! State vectors and delete sets as JavaScript sees them: `Map`s by client id.

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue};
use yrs::StateVector;

use crate::binding::error::Result;
use crate::binding::raw::to_js;
use crate::binding::value::JsMap;
use crate::document::Deletes;

/// `Map<client, clock>`
pub(super) fn state_vector_to_js<'env>(
    env: &'env Env,
    states: &StateVector,
) -> Result<Object<'env>> {
    let mut map = JsMap::new(env)?;
    for (client, clock) in states.iter() {
        map.set(client.get() as f64, to_js(*env, *clock)?)?;
    }
    Ok(map.into_object())
}

/// `Map<client, Array<[clock, length]>>`
pub(super) fn deletes_to_js<'env>(env: &'env Env, deletes: &Deletes) -> Result<Object<'env>> {
    let mut map = JsMap::new(env)?;
    for (client, ranges) in deletes {
        let mut list = env.create_array(ranges.len() as u32)?;
        for (index, (clock, length)) in ranges.iter().enumerate() {
            list.set(index as u32, vec![*clock, *length])?;
        }
        map.set(*client as f64, list.to_unknown())?;
    }
    Ok(map.into_object())
}
