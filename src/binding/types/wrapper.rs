//! Wrappers of shared types that are part of a document.

use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{JavaScriptClassExt, Object};

use super::doc_core::DocCore;
use super::shared_type::SharedType;
use super::xml::{YXmlElement, YXmlFragment, YXmlText};
use super::{YArray, YMap, YText, YWeakLink};
use crate::binding::error::{Result, throw};
use crate::document::{TypeHandle, TypeKind};
use crate::error::{ErrorCode, ProviderError};

/// The wrapper of a shared type. Of one whose kind nobody has said there is none: ask for the root by its kind.
pub(crate) fn type_to_js<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    handle: &TypeHandle,
) -> Result<Object<'env>> {
    // One arm per class: each has preliminary content of its own.
    macro_rules! wrap {
        ($class:ident) => {
            $class(SharedType::integrated(Rc::clone(core), handle.clone()))
                .into_instance(env)?
                .as_object(env)
        };
    }
    let object = match handle.kind {
        TypeKind::Text => wrap!(YText),
        TypeKind::Array => wrap!(YArray),
        TypeKind::Map => wrap!(YMap),
        TypeKind::XmlElement => wrap!(YXmlElement),
        TypeKind::XmlFragment => wrap!(YXmlFragment),
        TypeKind::XmlText => wrap!(YXmlText),
        TypeKind::WeakLink => wrap!(YWeakLink),
        TypeKind::Unknown => {
            let message =
                "a shared type of unknown kind: get it from its document by name and kind";
            return Err(throw(*env, ProviderError::new(ErrorCode::InvalidArgument, message)));
        }
    };
    core.own(*env, &object)?;
    Ok(object)
}
