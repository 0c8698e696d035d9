//! Shared yrs documents: who may touch one when, how remote updates reach it, and what its listeners are told.
//!
//! A [`Document`] is touched by the JS thread and by the [pool], never by both: whoever holds its
//! [baton] is alone with it. The JS thread works through a [`LocalDocument`], which keeps the baton until the
//! tick ends; remote updates wait meanwhile as [jobs] and are applied by the pool in slices of about a
//! millisecond. Everything listeners may ask about a transaction is [captured](capture) as plain data when it commits.
//!
//! This layer knows neither sockets nor JavaScript. A provider is an [`Attachment`], the JS thread a [`Waker`].

mod apply;
mod attachment;
mod baton;
mod capture;
mod commit;
mod content;
mod edit;
mod embed;
mod fence;
mod gap_buffer;
mod identity;
mod input;
mod jobs;
mod json;
mod json_path;
mod known_text;
mod local;
mod local_text;
mod local_transaction;
mod local_undo;
mod mirror;
mod own_runs;
mod pending;
mod pool;
mod position;
mod record;
mod shared;
mod slice;
mod states;
mod subdocument;
mod text_delta;
mod text_edits;
mod text_update;
mod undo;
mod value;
mod weak_link;
mod xml;

pub use apply::DecodedUpdate;
pub use attachment::{Attachment, AttachmentId, JobDone};
pub use commit::encode_update_v2;
pub use edit::{
    array_delete, array_insert, map_delete, map_set, text_delete, text_format, text_insert,
    text_insert_embed,
};
pub use identity::DocumentOptions;
pub use input::{Input, Slot};
pub use json::to_json;
pub use json_path::{JsonPathError, select_all, select_one};
pub use local::{Entered, LocalDocument};
pub use local_text::TextEdit;
pub use local_transaction::Reader;
pub use pool::run as run_on_pool;
pub use position::{Position, PositionScope};
pub use record::{
    DeepEvent, EntryChange, Record, SequenceChange, TextChange, TypeChange, TypeEvent,
};
pub use shared::{Document, Interest, Waker};
pub use states::{Deletes, States, deletes};
pub use subdocument::{SubdocsChange, Subdocument};
pub use text_delta::{DeltaStep, TextRun, text_apply_delta, text_runs, text_runs_between};
pub use undo::{UndoAction, UndoChange, UndoOptions};
pub use value::{TypeHandle, TypeKind, Value};
pub use weak_link::{WeakSource, map_link, quote};
pub use xml::{
    Sibling, input_to_string, xml_descendants, xml_first_child, xml_name, xml_parent, xml_sibling,
    xml_to_string,
};
