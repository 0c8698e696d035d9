//! What JavaScript sees. The only layer that names napi.
//!
//! - It converts and delegates; it decides nothing.
//! - Everything here runs on the JS thread that owns the object. Other threads reach it through an [`inbox`].
//! - Callbacks are owned by JavaScript objects ([`listeners`]), never by Rust: a document and its listeners can be
//!   collected although they refer to each other.
//! - No lock and no `RefCell` borrow is held while JavaScript runs: a listener may call anything.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![allow(
    clippy::cast_precision_loss,
    reason = "JavaScript numbers are doubles; ids stay below 2^53"
)]
#![allow(clippy::cast_sign_loss, reason = "numbers are checked for their range before")]
#![allow(
    clippy::unused_self,
    reason = "classes keep the methods of ywasm, also those with nothing to do"
)]
#![allow(
    clippy::elidable_lifetime_names,
    reason = "'env is the life of the environment everywhere"
)]

mod abort;
mod allocator;
mod arguments;
mod auth;
mod bridge;
mod calls;
mod deferred;
mod doc_state;
pub mod envelope;
mod error;
mod events;
mod fields;
mod hidden;
mod identity;
mod inbox;
mod js_thread;
mod listeners;
mod options;
mod plain_value;
mod preliminaries;
pub mod provider;
mod provider_core;
mod provider_docs;
mod provider_documents;
mod provider_events;
mod provider_messages;
pub mod provider_stats;
mod raw;
mod reference;
mod requests;
mod shared_types;
mod socket_options;
pub mod types;
mod value;

use napi::Env;
use napi::bindgen_prelude::{Function, JsObjectValue, JsValue, Object, Unknown};
use napi_derive::napi;

/// Runs when an environment loads the addon. `using txn = doc.beginTransaction()` commits at the end of the block.
#[napi(module_exports)]
pub fn load(exports: Object<'_>, env: Env) -> napi::Result<()> {
    let symbols: Function<'_, Unknown<'_>, Unknown<'_>> =
        env.get_global()?.get_named_property("Symbol")?;
    let symbols = symbols.coerce_to_object()?;
    let dispose: Unknown<'_> = symbols.get_named_property_unchecked("dispose")?;
    if dispose.get_type()? == napi::ValueType::Symbol {
        let class: Object<'_> = exports.get_named_property_unchecked("YTransaction")?;
        let mut prototype: Object<'_> = class.get_named_property("prototype")?;
        let commit: Unknown<'_> = prototype.get_named_property_unchecked("commit")?;
        prototype.set_property(dispose, commit)?;
    }
    Ok(())
}
