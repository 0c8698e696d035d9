//! Headers and attachments from arguments.

use super::{Arg, Attachments, MAX_ATTACHMENTS, Namespace, is_reserved};

/// A packet as it goes out: one text message, then one binary message for each attachment, nothing in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The text message, Engine.IO type included.
    pub header: String,
    /// The binary messages.
    pub attachments: Attachments,
}

/// Why a packet can't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The event has a name that sockets use for themselves.
    #[error("{0:?} is a reserved event name")]
    ReservedName(String),
    /// The receiver would close the connection.
    #[error("more than {MAX_ATTACHMENTS} attachments")]
    TooManyAttachments,
}

/// The message that joins a namespace. `auth` is the JSON text of an object.
pub fn encode_connect(namespace: &Namespace, auth: Option<&str>) -> String {
    let mut header = String::from("40");
    push_namespace(&mut header, namespace);
    header.push_str(auth.unwrap_or_default());
    header
}

/// The message that leaves a namespace.
pub fn encode_disconnect(namespace: &Namespace) -> String {
    let mut header = String::from("41");
    push_namespace(&mut header, namespace);
    header
}

/// An event; with an `id` the receiver is asked for an ack that has it.
pub fn encode_event(
    namespace: &Namespace,
    name: &str,
    args: &[Arg],
    id: Option<u64>,
) -> Result<Encoded, EncodeError> {
    if is_reserved(name) {
        return Err(EncodeError::ReservedName(name.to_owned()));
    }
    encode_packet(("42", "45"), namespace, Some(name), args, id)
}

/// The answer to an event that came with `id`.
pub fn encode_ack(namespace: &Namespace, id: u64, args: &[Arg]) -> Result<Encoded, EncodeError> {
    encode_packet(("43", "46"), namespace, None, args, Some(id))
}

fn encode_packet(
    (text_type, binary_type): (&str, &str),
    namespace: &Namespace,
    name: Option<&str>,
    args: &[Arg],
    id: Option<u64>,
) -> Result<Encoded, EncodeError> {
    let attachments: Attachments = args
        .iter()
        .filter_map(|arg| match arg {
            Arg::Binary(bytes) => Some(bytes.clone()),
            Arg::Json(_) => None,
        })
        .collect();
    if attachments.len() > MAX_ATTACHMENTS {
        return Err(EncodeError::TooManyAttachments);
    }

    let json_len: usize =
        args.iter().filter_map(Arg::as_json).map(|json| json.as_str().len() + 1).sum();
    let placeholders_len = attachments.len() * r#","{"_placeholder":true,"num":0}"#.len();
    let mut header =
        String::with_capacity(48 + name.map_or(0, str::len) + json_len + placeholders_len);
    if attachments.is_empty() {
        header.push_str(text_type);
    } else {
        header.push_str(binary_type);
        push_number(&mut header, attachments.len() as u64);
        header.push('-');
    }
    push_namespace(&mut header, namespace);
    if let Some(id) = id {
        push_number(&mut header, id);
    }

    header.push('[');
    if let Some(name) = name {
        push_json_string(&mut header, name);
    }
    let mut num = 0;
    for (index, arg) in args.iter().enumerate() {
        if index > 0 || name.is_some() {
            header.push(',');
        }
        match arg {
            Arg::Json(json) => header.push_str(json.as_str()),
            Arg::Binary(_) => {
                header.push_str(r#"{"_placeholder":true,"num":"#);
                push_number(&mut header, num);
                header.push('}');
                num += 1;
            }
        }
    }
    header.push(']');
    Ok(Encoded { header, attachments })
}

fn push_namespace(header: &mut String, namespace: &Namespace) {
    if !namespace.is_main() {
        header.push_str(namespace.as_str());
        header.push(',');
    }
}

fn push_number(header: &mut String, number: u64) {
    header.push_str(&number.to_string());
}

fn push_json_string(header: &mut String, text: &str) {
    // A string always has a JSON form.
    header.push_str(&serde_json::to_string(text).unwrap_or_default());
}
