//! The Socket.IO events that carry envelopes.

/// What an event is about. Messages are dispatched on the type inside the envelope; a channel only tells where to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Document updates and state vectors; these have Kafka offsets.
    Sync,
    /// Presence.
    Awareness,
    /// Messages of the application, not looked into.
    Control,
}

/// An event of this protocol, as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InboundEvent {
    /// Arguments `(envelope, offset?, {topic, partition}?)`.
    Channel(Channel),
    /// `protocol-message`, a record fanned out of the log: one argument `{topic, partition, offset, message}`.
    ProtocolMessage,
}

impl Channel {
    /// The name in lower case, as in the TypeScript provider's API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Awareness => "awareness",
            Self::Control => "control",
        }
    }

    /// The name of the Socket.IO event.
    pub const fn event_name(self) -> &'static str {
        match self {
            Self::Sync => "y-kafka-collabation-server-sync",
            Self::Awareness => "y-kafka-collabation-server-awareness",
            Self::Control => "y-kafka-collabation-server-control",
        }
    }
}

impl InboundEvent {
    /// The event with this name, or `None` for events that aren't of this protocol.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "y-kafka-collabation-server-sync" => Some(Self::Channel(Channel::Sync)),
            "y-kafka-collabation-server-awareness" => Some(Self::Channel(Channel::Awareness)),
            "y-kafka-collabation-server-control" => Some(Self::Channel(Channel::Control)),
            "protocol-message" => Some(Self::ProtocolMessage),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_is_found_by_its_event_name() {
        for channel in [Channel::Sync, Channel::Awareness, Channel::Control] {
            assert_eq!(
                InboundEvent::from_name(channel.event_name()),
                Some(InboundEvent::Channel(channel))
            );
            assert!(channel.event_name().ends_with(channel.as_str()));
        }
    }

    #[test]
    fn the_fan_out_event_is_accepted_and_foreign_events_are_not() {
        assert_eq!(
            InboundEvent::from_name("protocol-message"),
            Some(InboundEvent::ProtocolMessage)
        );
        assert_eq!(InboundEvent::from_name("message"), None);
        assert_eq!(InboundEvent::from_name("y-kafka-collabation-server-auth"), None);
    }
}
