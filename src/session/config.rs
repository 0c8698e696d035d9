//! What a session is told once: parsed, checked and defaulted by the binding, then trusted.

use std::sync::Arc;
use std::time::Duration;

use crate::latest::Latest;
use crate::protocol::socket_io::Namespace;

/// Settings of one provider's session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionConfig {
    /// The room of every document of this provider.
    pub room_id: String,
    /// The Socket.IO namespace to join.
    pub namespace: Namespace,
    /// Reconnection, with the option names and defaults of socket.io-client.
    pub reconnection: Reconnection,
    /// From dialling until the Socket.IO CONNECT is answered; `None` waits for ever.
    pub connection_timeout: Option<Duration>,
    /// How long an emitted update waits for its ack or echo before it is emitted again; doubles while none comes.
    pub ack_timeout: Duration,
    /// How often step 1 is repeated, with jitter; `None` only when updates are missing.
    pub resync_interval: Option<Duration>,
    /// Bytes of unconfirmed updates kept per document; past it only the difference is computed on connect.
    pub outbox_limit: usize,
    /// Binary messages go out as base64 text.
    pub force_base64: bool,
    /// A provider that never sends document updates.
    pub read_only: bool,
    /// Every attempt makes a new `auth`: a refused one may have been too old, and is tried once more.
    pub has_fresh_auth: bool,
}

impl SessionConfig {
    /// The defaults for a room.
    pub fn new(room_id: impl Into<String>) -> Self {
        Self {
            room_id: room_id.into(),
            namespace: Namespace::MAIN,
            reconnection: Reconnection::default(),
            connection_timeout: Some(Duration::from_secs(20)),
            ack_timeout: Duration::from_secs(10),
            resync_interval: Some(Duration::from_secs(30)),
            outbox_limit: 8 * 1024 * 1024,
            force_base64: false,
            read_only: false,
            has_fresh_auth: false,
        }
    }

    /// The settings of the provider before, if they are the same.
    pub fn shared(self) -> Arc<Self> {
        static LATEST: Latest<SessionConfig> = Latest::new();
        LATEST.share(self)
    }
}

/// When and how often a lost connection is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reconnection {
    /// Whether a lost connection is tried again at all.
    pub is_enabled: bool,
    /// Attempts before giving up; `None` never gives up.
    pub attempts: Option<u32>,
    /// Delay before the first attempt. Zero would mean no pause at all; the official client takes its default then.
    pub delay: Duration,
    /// The delay never grows past this.
    pub delay_max: Duration,
    /// Share of the delay that is random, 0 to 1.
    pub randomization_factor: f64,
}

impl Default for Reconnection {
    fn default() -> Self {
        Self {
            is_enabled: true,
            attempts: None,
            delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(5),
            randomization_factor: 0.5,
        }
    }
}
