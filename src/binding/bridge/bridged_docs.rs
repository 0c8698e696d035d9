//! The bridges of a provider.

use std::rc::Rc;

use napi::Env;

use crate::binding::provider_core::ProviderCore;
use crate::binding::types::DocCore;
use crate::session::DocKey;

impl ProviderCore {
    /// Before `synced` is told: a document of another implementation must hold what its mirror does.
    pub(in crate::binding) fn deliver(&self, env: Env, doc: DocKey) {
        let document = self.documents.borrow().get(doc);
        if let Some(document) = document
            && let Some(bridge) = document.core.bridge()
        {
            bridge.deliver(env, &document.core);
        }
    }

    /// Documents of other implementations are left alone from now on.
    pub(in crate::binding) fn disconnect_bridges(&self, env: Env) {
        // Collected first: no borrow may last while JavaScript runs.
        let documents = self.documents.borrow();
        let cores = documents.iter().map(|(_, it)| &it.core).filter(|it| it.bridge().is_some());
        let cores: Vec<Rc<DocCore>> = cores.map(Rc::clone).collect();
        drop(documents);
        for bridge in cores.iter().filter_map(|core| core.bridge()) {
            bridge.disconnect(env);
        }
    }
}
