//! `YWeakLinkEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object};
use napi_derive::napi;

use crate::binding::error::Result;
use crate::binding::types::views::Turned;

/// A change of what a `YWeakLink` points to.
#[napi]
pub struct YWeakLinkEvent(pub(super) Turned);

event_methods!(YWeakLinkEvent, "YWeakLink");
