//! A document as an application uses it, attached to a driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;
use yjs_provider_native::document::{
    Attachment, Document, DocumentOptions, JobDone, LocalDocument,
};
use yjs_provider_native::net::Handle;
use yjs_provider_native::session::{AddDocument, DocKey, SharedAwareness};
use yrs::{GetString, ReadTxn, Text, TransactionMut, WriteTxn};

use super::within;

pub struct Replica {
    pub key: DocKey,
    pub local: LocalDocument,
    changes: mpsc::UnboundedReceiver<()>,
}

/// Hears of every change of the document, as a second provider would.
struct Probe(mpsc::UnboundedSender<()>);

impl Attachment for Probe {
    fn handle_updates(&self, _updates: Vec<Bytes>) {
        let _ = self.0.send(());
    }

    fn handle_job_done(&self, _done: JobDone) {}
}

impl Replica {
    /// An empty document that a driver has as `doc_id`.
    pub fn add_to(handle: &Handle, doc_id: &str, awareness: Option<SharedAwareness>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = DocKey(NEXT.fetch_add(1, Ordering::Relaxed));
        let document = Document::new(DocumentOptions::default());
        let (sender, changes) = mpsc::unbounded_channel();
        document.attach(Arc::new(Probe(sender)));
        let doc_id = Arc::from(doc_id);
        let add = AddDocument { key, doc_id, parent_id: None, has_content: false, awareness };
        handle.add_document(add, &document);
        handle.wake();
        Self { key, local: LocalDocument::new(&document), changes }
    }

    /// Edits in a tick of its own.
    pub fn edit(&self, edit: impl FnOnce(&mut TransactionMut<'_>)) {
        self.local.enter().unwrap();
        self.local
            .write(|txn| {
                edit(txn);
                Ok(())
            })
            .unwrap();
        self.local.leave();
    }

    /// Appends to the text `body`.
    pub fn push(&self, chunk: &str) {
        self.edit(|txn| {
            let body = txn.get_or_insert_text("body");
            body.push(txn, chunk);
        });
    }

    /// The text `body`.
    pub fn text(&self) -> String {
        self.local.enter().unwrap();
        let text = self
            .local
            .read(|txn| txn.get_text("body").map(|body| body.get_string(txn)).unwrap_or_default())
            .unwrap();
        self.local.leave();
        text
    }

    /// Waits until the text `body` is as described.
    pub async fn until(&mut self, what: &str, is_wanted: impl Fn(&str) -> bool) {
        within(what, async {
            while !is_wanted(&self.text()) {
                self.changes.recv().await.expect("the document lives");
            }
        })
        .await;
    }
}
