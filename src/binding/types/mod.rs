//! The document API: the classes and functions of `ywasm`, native.
//!
//! `doc_core` is what all wrappers of one document share, `shared_type` what the shared types have in common,
//! `shared_text` what the two kinds of text do, `methods` what several classes expose alike, `dispatch` calls listeners
//! with `views`. Most other files are one class.

mod array;
pub mod awareness;
mod awareness_core;
pub mod awareness_update;
mod dispatch;
pub mod doc;
mod doc_access;
mod doc_core;
mod doc_events;
mod doc_listeners;
mod doc_options;
mod doc_query;
mod event;
mod external_memory;
pub mod functions;
pub mod functions_async;
mod map;
mod methods;
pub mod position;
mod shared_text;
mod shared_type;
pub mod snapshot;
mod state_map;
mod subdocs;
mod subdocs_event;
mod text;
mod text_delta;
mod transaction;
mod transaction_argument;
mod transaction_query;
mod undo_event;
mod undo_manager;
mod undo_manager_listeners;
mod undo_options;
mod views;
mod weak_link;
mod wrapper;
mod xml;

pub(super) use array::YArray;
pub(super) use map::YMap;
pub(super) use text::YText;
pub(super) use weak_link::YWeakLink;
pub(super) use xml::{YXmlElement, YXmlFragment, YXmlText};

pub(super) use awareness::Awareness;
pub(super) use awareness_core::AwarenessCore;
pub(super) use doc::YDoc;
pub(super) use doc_core::DocCore;
pub(super) use views::Views;
pub(super) use wrapper::type_to_js;
