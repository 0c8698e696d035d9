//! A simulated JS thread and recording providers around real documents. No timing: everything waits for an event, and
//! [`PATIENCE`] only bounds how long a broken build hangs.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::drop_non_drop,
    clippy::unit_arg,
    clippy::new_without_default,
    reason = "every test binary uses a part; one-line closures ignore what an edit returns"
)]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use bytes::Bytes;
use yjs_provider_native::ProviderError;
use yjs_provider_native::document::{
    Attachment, AttachmentId, Document, DocumentOptions, JobDone, LocalDocument, Record,
    TextChange, TypeChange, TypeHandle, TypeKind, Value, Waker,
};
use yrs::branch::BranchPtr;
use yrs::updates::decoder::Decode;
use yrs::{
    Any, ClientID, Doc, GetString, OffsetKind, Options, TextRef, Transact, TransactionMut, Update,
    WriteTxn,
};

pub const PATIENCE: Duration = Duration::from_secs(30);
pub const TEXT: &str = "text";

/// What a provider was told.
#[derive(Debug)]
pub enum Told {
    Updates(Vec<Bytes>),
    Done(JobDone),
}

/// A provider that writes down what it is told.
pub struct Provider {
    pub id: AttachmentId,
    pub document: Document,
    told: Receiver<Told>,
    token: u64,
}

struct Recorder(Sender<Told>);

impl Attachment for Recorder {
    fn handle_updates(&self, updates: Vec<Bytes>) {
        self.0.send(Told::Updates(updates)).ok();
    }

    fn handle_job_done(&self, done: JobDone) {
        self.0.send(Told::Done(done)).ok();
    }
}

impl Provider {
    pub fn attach(document: &Document) -> Self {
        let (sender, told) = channel();
        let id = document.attach(Arc::new(Recorder(sender)));
        Self { id, document: document.clone(), told, token: 0 }
    }

    /// Queues an update and returns its token.
    pub fn apply(&mut self, update: impl Into<Bytes>) -> u64 {
        self.token += 1;
        self.document.apply(self.id, self.token, vec![update.into()]);
        self.token
    }

    /// The next thing it is told.
    pub fn next(&self) -> Told {
        match self.told.recv_timeout(PATIENCE) {
            Ok(told) => told,
            Err(RecvTimeoutError::Timeout) => panic!("the document never answered"),
            Err(RecvTimeoutError::Disconnected) => panic!("the document forgot its provider"),
        }
    }

    pub fn next_done(&self) -> JobDone {
        loop {
            if let Told::Done(done) = self.next() {
                return done;
            }
        }
    }

    /// Waits until everything it sent was applied; returns what failed.
    pub fn applied(&self) -> Vec<(u64, ProviderError)> {
        let (mut last, mut all) = (0, Vec::new());
        while last < self.token {
            if let JobDone::Applied { through, failed, .. } = self.next_done() {
                assert!(through > last, "answers come in order: {through} after {last}");
                last = through;
                all.extend(failed);
            }
        }
        all
    }

    pub fn try_next(&self) -> Option<Told> {
        self.told.try_recv().ok()
    }
}

struct Wakes(Sender<()>);

impl Waker for Wakes {
    fn wake(&self, _: u64) {
        self.0.send(()).ok();
    }
}

/// A document with its JS thread, which is the thread of the test.
pub struct Js {
    pub local: LocalDocument,
    pub wakes: Receiver<()>,
}

impl Js {
    pub fn new() -> Self {
        Self::with_client_id(1)
    }

    pub fn with_client_id(client_id: u64) -> Self {
        let options = DocumentOptions {
            client_id: Some(client_id),
            is_gc_enabled: true,
            ..DocumentOptions::default()
        };
        let local = LocalDocument::new(&Document::new(options));
        let (sender, wakes) = channel();
        local.set_waker(Arc::new(Wakes(sender)), 1);
        Self { local, wakes }
    }

    /// One tick: everything the closure does happens under one baton. The record is that of a remote transaction.
    pub fn tick<R>(&self, work: impl FnOnce(&LocalDocument, Option<Arc<Record>>) -> R) -> R {
        let entered = self.local.enter().expect("the document works");
        assert!(entered.is_new, "ticks don't overlap");
        let result = work(&self.local, entered.remote);
        self.local.leave();
        result
    }

    /// As a tick, but the baton was taken before and is taken again at once: the pool has no chance between.
    pub fn tick_held<R>(&self, work: impl FnOnce(&LocalDocument) -> R) -> R {
        let result = work(&self.local);
        self.local.leave();
        self.local.enter().expect("the document works");
        result
    }

    pub fn text(&self) -> String {
        self.tick(|local, _| read_text(local))
    }

    /// Makes the root text and says that its changes are listened to.
    pub fn observe_text(&self) {
        self.tick(|local, _| {
            local.write(|txn| Ok(drop(txn.get_or_insert_text(TEXT)))).expect("makes the root");
            local
                .set_observed(&TypeHandle::root(TypeKind::Text, TEXT), false, true)
                .expect("observes");
        });
    }

    pub fn wait_for_wake(&self) {
        self.wakes.recv_timeout(PATIENCE).expect("a remote transaction wakes the JS thread");
    }
}

pub fn read_text(local: &LocalDocument) -> String {
    let handle = TypeHandle::root(TypeKind::Text, TEXT);
    let text =
        local.read(|reader| handle.resolve(reader).map(|it| TextRef::from(it).get_string(reader)));
    text.expect("the document works").unwrap_or_default()
}

/// Edits the root text.
pub fn edit_text(
    local: &LocalDocument,
    edit: impl FnOnce(&mut TransactionMut<'_>, BranchPtr) -> Result<(), ProviderError>,
) -> Option<Arc<Record>> {
    let edited = local.write(|txn| {
        let text = txn.get_or_insert_text(TEXT);
        let branch: &yrs::branch::Branch = text.as_ref();
        edit(txn, BranchPtr::from(branch))
    });
    edited.expect("the edit is valid").1
}

/// A copy of a text that knows nothing but deltas.
#[derive(Default)]
pub struct TextMirror(Vec<u16>);

impl TextMirror {
    pub fn apply(&mut self, record: &Record) {
        for event in &record.events {
            let TypeChange::Text(changes) = &event.change else { panic!("not a text: {event:?}") };
            let mut at = 0;
            for change in changes {
                match change {
                    TextChange::Insert(Value::Any(Any::String(text)), _) => {
                        let units: Vec<u16> = text.encode_utf16().collect();
                        let len = units.len();
                        self.0.splice(at..at, units);
                        at += len;
                    }
                    TextChange::Insert(other, _) => panic!("not text: {other:?}"),
                    TextChange::Delete(len) => drop(self.0.drain(at..at + *len as usize)),
                    TextChange::Retain(len, _) => at += *len as usize,
                }
            }
        }
    }

    pub fn text(&self) -> String {
        String::from_utf16_lossy(&self.0)
    }
}

/// A replica somewhere else.
pub fn peer(client_id: u64) -> Doc {
    let mut options = Options::with_client_id(ClientID::new(client_id));
    options.offset_kind = OffsetKind::Utf16;
    Doc::with_options(options)
}

/// The update of one transaction of a peer.
pub fn update_of(doc: &Doc, edit: impl FnOnce(&mut TransactionMut<'_>)) -> Vec<u8> {
    let mut txn = doc.transact_mut();
    edit(&mut txn);
    txn.commit();
    txn.encode_update_v1()
}

/// `count` updates of one typed character each.
pub fn typed(client_id: u64, count: u32) -> Vec<Vec<u8>> {
    use yrs::Text;
    let doc = peer(client_id);
    let text = doc.get_or_insert_text(TEXT);
    let letter = |index: u32| char::from(b'a' + (index % 26) as u8).to_string();
    (0..count).map(|index| update_of(&doc, |txn| text.insert(txn, index, &letter(index)))).collect()
}

pub fn apply_to(doc: &Doc, update: &[u8]) {
    doc.transact_mut()
        .apply_update(Update::decode_v1(update).expect("an update"))
        .expect("applies");
}

pub fn text_of(doc: &Doc) -> String {
    let text = doc.get_or_insert_text(TEXT);
    text.get_string(&doc.transact())
}
