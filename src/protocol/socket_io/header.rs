//! The text part of a packet.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Ack, Args, DecodeError, Event, Json, Name, Namespace, Packet, is_reserved};

/// The parts of a header: `<type>[<attachments>-][<namespace>,][<id>][<json>]`.
#[derive(Debug)]
pub(super) struct Header<'a> {
    kind: Kind,
    pub(super) attachments: usize,
    namespace: Namespace,
    id: Option<u64>,
    json: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

impl<'a> Header<'a> {
    pub(super) fn parse(text: &'a str, max_attachments: usize) -> Result<Self, DecodeError> {
        let mut chars = text.chars();
        let (kind, is_binary) = match chars.next().ok_or(DecodeError::Empty)? {
            '0' => (Kind::Connect, false),
            '1' => (Kind::Disconnect, false),
            '2' => (Kind::Event, false),
            '3' => (Kind::Ack, false),
            '4' => (Kind::ConnectError, false),
            '5' => (Kind::Event, true),
            '6' => (Kind::Ack, true),
            unknown => return Err(DecodeError::UnknownType(unknown)),
        };
        let mut rest = chars.as_str();

        let mut attachments = 0;
        if is_binary {
            let (count, after) = rest.split_once('-').ok_or(DecodeError::IllegalAttachments)?;
            attachments = parse_attachment_count(count, max_attachments)?;
            rest = after;
        }

        let mut namespace = Namespace::MAIN;
        if rest.starts_with('/') {
            // The comma may be missing when nothing follows.
            let (name, after) = rest.split_once(',').unwrap_or((rest, ""));
            namespace = Namespace::new(name).ok_or(DecodeError::InvalidPayload)?;
            rest = after;
        }

        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (id, json) = rest.split_at(digits);
        let id = match id {
            "" => None,
            digits => Some(digits.parse().map_err(|_| DecodeError::InvalidPayload)?),
        };
        Ok(Self { kind, attachments, namespace, id, json })
    }

    /// The packet. Its attachments are to be filled in.
    pub(super) fn build(self) -> Result<Packet, DecodeError> {
        let Self { namespace, id, json, .. } = self;
        match self.kind {
            Kind::Connect => Ok(Packet::Connect { namespace, data: parse_optional_object(json)? }),
            Kind::Disconnect if json.is_empty() => Ok(Packet::Disconnect { namespace }),
            Kind::Disconnect => Err(DecodeError::InvalidPayload),
            Kind::ConnectError => {
                let (message, data) = parse_connect_error(json)?;
                Ok(Packet::ConnectError { namespace, message, data })
            }
            Kind::Event => {
                let mut args = Args::parse(json, self.attachments)?;
                let name = match args.take_first() {
                    Some(span) => parse_name(args.slice(&span), span.start),
                    // An event without a payload passes the official parser, and no listener hears it.
                    None => json.is_empty().then_some(Name::AsItStands(0..0)),
                };
                let name = name.ok_or(DecodeError::InvalidPayload)?;
                let event = Event { namespace, id, name, args };
                if is_reserved(event.name()) {
                    return Err(DecodeError::InvalidPayload);
                }
                Ok(Packet::Event(event))
            }
            Kind::Ack => {
                Ok(Packet::Ack(Ack { namespace, id, args: Args::parse(json, self.attachments)? }))
            }
        }
    }
}

fn parse_attachment_count(digits: &str, max: usize) -> Result<usize, DecodeError> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecodeError::IllegalAttachments);
    }
    match digits.parse::<usize>() {
        Ok(0) => Err(DecodeError::IllegalAttachments),
        Ok(count) if count <= max => Ok(count),
        _ => Err(DecodeError::TooManyAttachments),
    }
}

/// The name that valid JSON, which stands at `start`, stands for: any string or number.
fn parse_name(json: &str, start: usize) -> Option<Name> {
    match json.as_bytes() {
        [b'"', name @ .., b'"'] if !name.contains(&b'\\') => {
            Some(Name::AsItStands(start + 1..start + 1 + name.len()))
        }
        [b'"', ..] => serde_json::from_str(json).ok().map(Name::Decoded),
        [b'-' | b'0'..=b'9', ..] => Some(Name::AsItStands(start..start + json.len())),
        _ => None,
    }
}

fn parse_optional_object(json: &str) -> Result<Option<Json>, DecodeError> {
    if json.is_empty() {
        return Ok(None);
    }
    let value: &RawValue = serde_json::from_str(json).map_err(|_| DecodeError::InvalidPayload)?;
    if value.get().starts_with('{') {
        Ok(Some(value.into()))
    } else {
        Err(DecodeError::InvalidPayload)
    }
}

#[derive(Deserialize)]
struct ConnectErrorJson<'a> {
    #[serde(default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// A payload of a string is the message; one of an object has `message` and `data`. None at all is tolerated.
fn parse_connect_error(json: &str) -> Result<(String, Option<Json>), DecodeError> {
    let invalid = |_| DecodeError::InvalidPayload;
    match json.trim_ascii_start().as_bytes().first() {
        None => Ok((String::new(), None)),
        Some(b'"') => Ok((serde_json::from_str(json).map_err(invalid)?, None)),
        Some(b'{') => {
            let error: ConnectErrorJson<'_> = serde_json::from_str(json).map_err(invalid)?;
            let message =
                error.message.and_then(|message| serde_json::from_str(message.get()).ok());
            Ok((message.unwrap_or_default(), error.data.map(Json::from)))
        }
        Some(_) => Err(DecodeError::InvalidPayload),
    }
}
