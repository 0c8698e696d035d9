//! Our step 1: asking the server for what a document lacks.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::damper::Damper;

/// The first retransmission; servers that attach their handlers late do so within this.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(250);

/// Retransmissions never wait longer than this.
const LAST_RETRANSMISSION: Duration = Duration::from_secs(15);

/// What is known of the server's attention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Evidence {
    /// Nothing: its handlers may not be attached yet.
    #[default]
    None,
    /// It listens.
    Heard,
    /// It listens and will not answer on this connection.
    Denied,
}

/// State of step 1 on one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepOne {
    /// Token of the state vector that was asked for.
    encoding: Option<u64>,
    /// State vector ready to be sent.
    vector: Option<Bytes>,
    /// Ack id of the step 1 that went out last.
    sent_as: Option<u64>,
    retransmissions: u32,
    /// With the next one, everything is said again.
    is_repeating: bool,
    evidence: Evidence,
    is_patient: bool,
    is_hydrated: bool,
    damper: Damper,
}

impl StepOne {
    /// Whether a step 1 may go out now, damped: `Err` says when to ask again.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        self.damper.admit(now)
    }

    /// Whether a state vector must be asked for, with this token; false if one is on its way or the server denied us.
    pub(crate) fn begin(&mut self, token: u64) -> bool {
        let is_needed = self.encoding.is_none() && self.evidence != Evidence::Denied;
        if is_needed {
            self.encoding = Some(token);
        }
        is_needed
    }

    /// Whether this token is the state vector's.
    pub(crate) fn take_encoding(&mut self, token: u64) -> bool {
        self.encoding.take_if(|expected| *expected == token).is_some()
    }

    /// The state vector is there.
    pub(crate) fn set_vector(&mut self, vector: Bytes) {
        self.vector = Some(vector);
    }

    pub(crate) fn has_vector(&self) -> bool {
        self.vector.is_some()
    }

    /// Takes the state vector to send it with this ack id.
    pub(crate) fn send(&mut self, ack_id: u64) -> Option<Bytes> {
        let vector = self.vector.take()?;
        self.sent_as = Some(ack_id);
        Some(vector)
    }

    /// With the next step 1, everything is to be said again.
    pub(crate) fn repeat(&mut self) {
        self.is_repeating = true;
    }

    /// Whether everything is to be said again now.
    pub(crate) fn take_repeat(&mut self) -> bool {
        std::mem::take(&mut self.is_repeating)
    }

    /// Ack id of the step 1 that went out last on this connection.
    pub(crate) fn sent_as(&self) -> Option<u64> {
        self.sent_as
    }

    /// There is evidence that the server listens; true if it is the first.
    pub(crate) fn hear(&mut self) -> bool {
        let is_first = self.evidence == Evidence::None;
        if is_first {
            self.evidence = Evidence::Heard;
        }
        is_first
    }

    pub(crate) fn is_heard(&self) -> bool {
        self.evidence != Evidence::None
    }

    /// The server hydrates us; true if that is the moment to say everything again: once, and without other evidence.
    pub(crate) fn hear_hydration(&mut self) -> bool {
        !std::mem::replace(&mut self.is_hydrated, true) && !self.is_heard()
    }

    /// The server listens and only takes long; true the first time.
    pub(crate) fn wait_patiently(&mut self) -> bool {
        !std::mem::replace(&mut self.is_patient, true)
    }

    /// The server will not answer on this connection.
    pub(crate) fn deny(&mut self) {
        self.evidence = Evidence::Denied;
    }

    /// How long to wait for evidence before the next retransmission, without jitter: 250 ms, doubling, 15 s at most.
    pub(crate) fn next_retransmission(&mut self) -> Duration {
        let delay = FIRST_RETRANSMISSION * 2_u32.pow(self.retransmissions.min(6));
        self.retransmissions = self.retransmissions.saturating_add(1);
        delay.min(LAST_RETRANSMISSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retransmissions_double_up_to_a_limit() {
        let mut step_one = StepOne::default();
        let delays: Vec<u128> =
            (0..9).map(|_| step_one.next_retransmission().as_millis()).collect();
        assert_eq!(delays, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
    }

    #[test]
    fn asks_for_one_state_vector_at_a_time() {
        let mut step_one = StepOne::default();
        assert!(step_one.begin(1));
        assert!(!step_one.begin(2));
        assert!(!step_one.take_encoding(2), "another request's token");
        assert!(step_one.take_encoding(1));
        step_one.set_vector(Bytes::from_static(&[0]));
        assert_eq!(step_one.sent_as(), None);
        assert!(step_one.send(5).is_some());
        assert!(step_one.send(6).is_none());
        assert_eq!(step_one.sent_as(), Some(5));
        step_one.deny();
        assert!(!step_one.begin(3), "denied");
    }
}
