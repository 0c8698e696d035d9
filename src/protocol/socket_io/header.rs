//! The text part of a packet.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::arg::find_placeholders;
use super::{Ack, Arg, Attachments, DecodeError, Event, Json, Namespace, Packet, is_reserved};

/// Which arguments are attachments: the argument's index and the attachment's.
pub(super) type Placeholders = SmallVec<[(usize, usize); 1]>;

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

    /// The packet, with empty attachments that are to be filled in.
    pub(super) fn build(&self) -> Result<(Packet, Placeholders), DecodeError> {
        let namespace = self.namespace.clone();
        let attachments = Attachments::with_capacity(self.attachments);
        let mut placeholders = Placeholders::new();
        let packet = match self.kind {
            Kind::Connect => Packet::Connect { namespace, data: parse_optional_object(self.json)? },
            Kind::Disconnect if self.json.is_empty() => Packet::Disconnect { namespace },
            Kind::Disconnect => return Err(DecodeError::InvalidPayload),
            Kind::ConnectError => {
                let (message, data) = parse_connect_error(self.json)?;
                Packet::ConnectError { namespace, message, data }
            }
            Kind::Event => {
                let values = self.parse_array()?;
                let name = match values.first() {
                    Some(name) => parse_event_name(name)?,
                    // An event without a payload passes the official parser, and no listener hears it.
                    None if self.json.is_empty() => String::new(),
                    None => return Err(DecodeError::InvalidPayload),
                };
                let args =
                    self.parse_args(values.get(1..).unwrap_or_default(), &mut placeholders)?;
                Packet::Event(Event { namespace, id: self.id, name, args, attachments })
            }
            Kind::Ack => {
                let args = self.parse_args(&self.parse_array()?, &mut placeholders)?;
                Packet::Ack(Ack { namespace, id: self.id, args, attachments })
            }
        };
        Ok((packet, placeholders))
    }

    fn parse_array(&self) -> Result<Vec<&'a RawValue>, DecodeError> {
        if self.json.is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_str(self.json).map_err(|_| DecodeError::InvalidPayload)
    }

    fn parse_args(
        &self,
        values: &[&RawValue],
        placeholders: &mut Placeholders,
    ) -> Result<Vec<Arg>, DecodeError> {
        let mut args = Vec::with_capacity(values.len());
        for (index, &value) in values.iter().enumerate() {
            match find_placeholders(value.get(), self.attachments)? {
                Some(num) => {
                    placeholders.push((index, num));
                    args.push(Arg::Binary(Bytes::new()));
                }
                None => args.push(Arg::Json(value.into())),
            }
        }
        Ok(args)
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

fn parse_event_name(value: &RawValue) -> Result<String, DecodeError> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            let name: String =
                serde_json::from_str(text).map_err(|_| DecodeError::InvalidPayload)?;
            if is_reserved(&name) { Err(DecodeError::InvalidPayload) } else { Ok(name) }
        }
        Some(b'-' | b'0'..=b'9') => Ok(text.to_owned()),
        _ => Err(DecodeError::InvalidPayload),
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
