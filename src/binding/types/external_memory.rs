//! Memory of a document that V8 can't see. It is told of it, so that it collects in time what nobody holds any more.

use std::cell::Cell;

use napi::Env;

/// What an empty document takes.
const EMPTY_DOCUMENT: i64 = 2048;

/// What V8 knows of one document, as long as a `YDoc` stands for it.
#[derive(Default)]
pub(super) struct ExternalMemory {
    told: Cell<Option<i64>>,
}

impl ExternalMemory {
    /// There is a `YDoc` now.
    pub(super) fn begin(&self, env: Env) {
        if self.told.replace(Some(EMPTY_DOCUMENT)).is_none() {
            adjust(env, EMPTY_DOCUMENT);
        }
    }

    /// So many bytes were put into the document. V8 is told when that is a quarter more than it knows.
    pub(super) fn update(&self, env: Env, content: usize) {
        let Some(told) = self.told.get() else { return };
        let size = EMPTY_DOCUMENT.saturating_add_unsigned(content as u64);
        if size - told > told / 4 {
            self.told.set(Some(size));
            adjust(env, size - told);
        }
    }

    /// The `YDoc` was collected.
    pub(super) fn end(&self, env: Env) {
        if let Some(told) = self.told.take() {
            adjust(env, -told);
        }
    }
}

fn adjust(env: Env, change: i64) {
    // It fails only while the environment goes away.
    env.adjust_external_memory(change).ok();
}
