//! Shared types among the values that JavaScript hands over.

use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, FromNapiValue, JsValue, Unknown};

use super::error::{Result, throw};
use super::types::{
    DocCore, YArray, YDoc, YMap, YText, YWeakLink, YXmlElement, YXmlFragment, YXmlText,
};
use crate::document::TypeHandle;
use crate::error::{ErrorCode, ProviderError};

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

/// Whether a value is a shared type or a document.
pub(super) fn is_shared_type<'env>(env: Env, value: &Unknown<'env>) -> bool {
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
