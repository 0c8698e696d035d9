//! Deltas of texts, in the format of Quill: from JavaScript, and to it.

use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{Array, FromNapiValue, Function, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, ValueType};
use yrs::Any;
use yrs::types::Attrs;
use yrs::types::text::{ChangeKind, YChange};

use super::doc_core::DocCore;
use super::text::position;
use crate::binding::error::{Result, throw};
use crate::binding::plain_value::json_from_js;
use crate::binding::preliminaries::Preliminaries;
use crate::binding::raw::{self, set_key};
use crate::binding::value::{any_to_js, value_to_js};
use crate::document::{DeltaStep, TextChange, TextRun};
use crate::error::{ErrorCode, ProviderError};

/// Names what a run between two snapshots is: gets `added` or `removed` and the id of the run.
pub(super) type ComputeChange<'env> = Function<'env, Unknown<'env>, Unknown<'env>>;

/// What changed in a text.
pub(super) fn changes_to_js<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    changes: &[TextChange],
) -> Result<Array<'env>> {
    let mut list = env.create_array(changes.len() as u32)?;
    for (index, change) in changes.iter().enumerate() {
        let mut step = Object::new(env)?;
        let attributes: &[_] = match change {
            TextChange::Insert(value, attributes) => {
                step.set("insert", value_to_js(env, core, value)?)?;
                attributes
            }
            TextChange::Delete(length) => {
                step.set("delete", *length)?;
                &[]
            }
            TextChange::Retain(length, attributes) => {
                step.set("retain", *length)?;
                attributes
            }
        };
        if !attributes.is_empty() {
            step.set("attributes", attributes_to_js(env, attributes)?)?;
        }
        list.set(index as u32, step)?;
    }
    Ok(list)
}

/// What a text consists of.
pub(super) fn runs_to_js<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    runs: &[TextRun],
    compute: Option<ComputeChange<'env>>,
) -> Result<Array<'env>> {
    let mut list = env.create_array(runs.len() as u32)?;
    for (index, run) in runs.iter().enumerate() {
        let mut step = Object::new(env)?;
        step.set("insert", value_to_js(env, core, &run.insert)?)?;
        if !run.attributes.is_empty() || run.change.is_some() {
            let mut attributes = attributes_to_js(env, &run.attributes)?;
            if let Some(change) = &run.change {
                attributes.set("ychange", change_to_js(env, change, compute)?)?;
            }
            step.set("attributes", attributes)?;
        }
        list.set(index as u32, step)?;
    }
    Ok(list)
}

/// The steps of a delta. Nothing of it is applied if one of them is none.
pub(super) fn steps_from_js<'env>(
    env: Env,
    delta: &Array<'env>,
    seen: &mut Preliminaries<'env>,
) -> Result<Vec<DeltaStep>> {
    (0..delta.len()).map(|at| step_from_js(env, at, delta.get_element(at)?, seen)).collect()
}

/// Attributes of text; `None` for `undefined` and `null`.
pub(super) fn attributes_from_js(env: Env, value: Option<Unknown<'_>>) -> Result<Option<Attrs>> {
    let Some(value) = value else { return Ok(None) };
    let attributes = match value.get_type()? {
        ValueType::Undefined | ValueType::Null => return Ok(None),
        ValueType::Object => json_from_js(env, value)?,
        _ => Any::Undefined,
    };
    match attributes {
        Any::Map(map) => {
            Ok(Some(map.iter().map(|(key, value)| (key.as_str().into(), value.clone())).collect()))
        }
        _ => Err(invalid(env, "attributes: expected an object")),
    }
}

fn step_from_js<'env>(
    env: Env,
    at: u32,
    step: Unknown<'env>,
    seen: &mut Preliminaries<'env>,
) -> Result<DeltaStep> {
    if step.get_type()? != ValueType::Object {
        return Err(invalid(env, &format!("delta: step {at}: expected an object")));
    }
    // SAFETY: it is an object.
    let step = unsafe { Object::from_napi_value(env.raw(), step.raw()) }?;
    let field = |name: &str| -> Result<Option<Unknown<'env>>> {
        let value: Unknown<'env> = step.get_named_property_unchecked(name)?;
        Ok((value.get_type()? != ValueType::Undefined).then_some(value))
    };
    let attributes =
        || Ok::<_, napi::Error>(attributes_from_js(env, field("attributes")?)?.unwrap_or_default());
    match (field("insert")?, field("retain")?, field("delete")?) {
        (Some(insert), None, None) => {
            Ok(DeltaStep::Insert(seen.embed(env, insert)?, attributes()?))
        }
        (None, Some(length), None) => {
            Ok(DeltaStep::Retain(length_from_js(env, at, "retain", length)?, attributes()?))
        }
        (None, None, Some(length)) => {
            Ok(DeltaStep::Delete(length_from_js(env, at, "delete", length)?))
        }
        _ => {
            let message = format!("delta: step {at}: expected one of insert, retain and delete");
            Err(invalid(env, &message))
        }
    }
}

fn length_from_js(env: Env, at: u32, field: &str, value: Unknown<'_>) -> Result<u32> {
    if value.get_type()? != ValueType::Number {
        return Err(invalid(env, &format!("delta: step {at}: {field}: expected a number")));
    }
    // SAFETY: it is a number.
    let length = unsafe { f64::from_napi_value(env.raw(), value.raw()) }?;
    position(env, length, &format!("delta: step {at}: {field}"))
}

fn attributes_to_js<'env>(env: &'env Env, attributes: &[(Arc<str>, Any)]) -> Result<Object<'env>> {
    let object = Object::new(env)?;
    for (key, value) in attributes {
        set_key(*env, &object, key, &any_to_js(env, value)?)?;
    }
    Ok(object)
}

fn change_to_js<'env>(
    env: &'env Env,
    change: &YChange,
    compute: Option<ComputeChange<'env>>,
) -> Result<Unknown<'env>> {
    let kind = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
    };
    let Some(compute) = compute else {
        let mut object = Object::new(env)?;
        object.set("type", kind)?;
        return Ok(object.to_unknown());
    };
    let mut id = Object::new(env)?;
    id.set("client", change.id.client.get() as f64)?;
    id.set("clock", change.id.clock)?;
    let kind = raw::to_js(*env, kind)?;
    let result = raw::call(*env, compute.raw(), &[kind.raw(), id.raw()])
        .map_err(|thrown| raw::throw(*env, thrown))?;
    // SAFETY: the value was returned just now.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), result) })
}

fn invalid(env: Env, message: &str) -> napi::Error {
    throw(env, ProviderError::new(ErrorCode::InvalidArgument, message))
}
