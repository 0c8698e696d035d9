//! Documents of other implementations of Yjs in a provider: a `Doc` of `yjs` or `@y/y`, a `YDoc` of `ywasm`.
//!
//! For each there is a native document that nobody sees, its mirror, and everything below this layer knows only that. A
//! [`Bridge`] keeps the two alike:
//!
//! - What the JavaScript document does, it tells in its `update` event. The bridge keeps the bytes and applies them to the
//!   mirror when the tick ends, or when a command must come after them. It never touches the JavaScript document from
//!   inside of that event, where some implementations allow nothing.
//! - What a provider applies to the mirror, the bridge applies to the JavaScript document from the event loop, a slice at a
//!   time, with the provider as its origin. The pool does no further slice before: memory is bounded, and `synced` comes
//!   after.
//! - Nothing comes back as an echo, because the mirror knows it already. Origins don't decide that: a listener may have
//!   added an edit of its own to a transaction of the provider.

mod added_doc;
#[expect(clippy::module_inception, reason = "a file is named for its main type")]
mod bridge;
mod bridged_docs;
mod connection;
mod foreign_doc;

pub(super) use added_doc::{AddedDoc, DocObject};
pub(super) use bridge::Bridge;
